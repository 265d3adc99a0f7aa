/* survival.c: Kaplan-Meier, Nelson-Aalen, their variances and intervals, block by block.
 *
 * S(t) = product of (1 - d/n), A(t) = sum of d/n (Kaplan & Meier 1958, JASA 53:457-481;
 * Nelson 1972, Technometrics 14:945-966; Aalen 1978, Ann Stat 6:701-726). */
#include <math.h>
#include <stdlib.h>

#include "rows.h"

typedef struct {
  const rs_curves *curves;
  const size_t *start;
  size_t n_curve;
  const rs_interval *interval;
  const rs_run *run;
  int stopped;
} survival_job;

/* Who leaves at t is still at risk at t; who enters at t is not yet. Summed from the last time
 * backwards, so that fractional weights do not drift. */
static void risk_sets(survival_job *job, size_t from, size_t to) {
  const rs_curves *c = job->curves;
  double risk = 0;
  for (size_t i = to; i > from; i--) {
    if (rs_is_stopped_at(&job->stopped, job->run, i)) return;
    risk += c->event[i - 1] + c->censor[i - 1];
    if (c->enter) risk -= c->enter[i - 1];
    c->risk[i - 1] = risk;
  }
}

/* Greenwood: var log S = sum d / (n (n - d)); var A = sum d / n^2. */
static void greenwood(survival_job *job, size_t from, size_t to) {
  const rs_curves *c = job->curves;
  double surv = 1, hazard = 0, v_log = 0, v_hazard = 0, se_log = 0, se_hazard = 0;
  for (size_t i = from; i < to; i++) {
    double d = c->event[i], n = c->risk[i];
    if (rs_is_stopped_at(&job->stopped, job->run, i)) return;
    if (d > 0) {
      surv *= (n - d) / n;
      hazard += d / n;
      v_log += d / n / (n - d);
      v_hazard += d / n / n;
      se_log = sqrt(v_log);
      se_hazard = sqrt(v_hazard);
    }
    c->surv[i] = surv;
    c->cumhaz[i] = hazard;
    c->std_err[i] = se_log;
    c->std_chaz[i] = se_hazard;
  }
}

/* Sum over subjects of squared weight times squared influence, for one of the two estimates,
 * after the times so far. `left` is that of the subjects who have left. */
typedef struct {
  double a, left;
} jackknife;

/* Subjects who are censored at this time, or stay, have the influence a + step, those with the
 * event a + jump. */
static double jackknife_step(jackknife *j, double step, double jump, double square_event,
                             double square_censor, double square_staying) {
  double event = j->a + jump;
  j->a += step;
  j->left += square_event * event * event + square_censor * j->a * j->a;
  return sqrt(j->left + j->a * j->a * square_staying);
}

/* Squared weights of those who stay after each time, summed backwards so that none is left over
 * at the end; std_chaz holds them until it gets its own values. */
static void squares_staying(const rs_curves *c, size_t from, size_t to) {
  double staying = 0;
  for (size_t i = to; i > from; i--) {
    c->std_chaz[i - 1] = staying;
    staying += c->square_event[i - 1] + c->square_censor[i - 1];
  }
}

/* The infinitesimal jackknife (Jaeckel 1972, Bell Laboratories MM 72-1215-11), u being the
 * derivative of log S by a subject's weight: Var S = S^2 sum w^2 u^2,
 * u(t) = A(min(t, s)) - 1{event at s <= t} / (n - d)(s), A the sum of d / (n (n - d)); for the
 * cumulative hazard n^2 and n stand for n (n - d) and n - d. The jumps
 * d / (n (n - d)) - 1 / (n - d) and d / n^2 - 1 / n are written without cancellation. */
static void robust(survival_job *job, size_t from, size_t to) {
  const rs_curves *c = job->curves;
  double surv = 1, hazard = 0, se_surv = 0, se_hazard = 0;
  jackknife s = {0, 0}, h = {0, 0};
  squares_staying(c, from, to);
  for (size_t i = from; i < to; i++) {
    double d = c->event[i], n = c->risk[i], e2 = c->square_event[i], c2 = c->square_censor[i];
    if (rs_is_stopped_at(&job->stopped, job->run, i)) return;
    double rest = n - d, staying = c->std_chaz[i];
    int event = d > 0, last = rest <= 0;
    surv *= event ? (last ? 0 : rest / n) : 1;
    hazard += event ? d / n : 0;
    double se = jackknife_step(&s, event && !last ? d / n / rest : 0,
                               event && !last ? -1 / n : 0, e2, c2, staying);
    double se_h = jackknife_step(&h, event ? d / n / n : 0,
                                 event && !last ? -rest / n / n : 0, e2, c2, staying);
    if (event) { /* in between, the sums are the same but for their rounding */
      se_surv = surv > 0 ? surv * se : 0;
      se_hazard = se_h;
    }
    c->std_err[i] = se_surv;
    c->std_chaz[i] = se_hazard;
    c->surv[i] = surv;
    c->cumhaz[i] = hazard;
  }
}

/* ---- Intervals ------------------------------------------------------------------------- */

/* Each takes S and the standard error of log S, as survival::survfit() does: symmetric on the
 * transformed scale (Borgan & Liestol 1990, Scand J Statist 17:35-41). */
static void limits(const rs_interval *interval, double p, double se, double *lower,
                   double *upper) {
  double z = interval->z, a, b;
  *lower = *upper = interval->missing;
  if (interval->closed && se == 0 &&
      (interval->type == RS_CONF_LOG || interval->type == RS_CONF_LOGLOG ||
       interval->type == RS_CONF_LOGIT)) {
    *lower = *upper = p;
    return;
  }
  switch (interval->type) {
    case RS_CONF_LOG:
      if (p == 0) return;
      a = exp(z * se);
      *lower = p / a;
      *upper = p * a < 1 ? p * a : 1;
      return;
    case RS_CONF_LOGLOG:
      if (p == 0 || p == 1) return;
      a = log(-log(p));
      b = z * se / log(p);
      *lower = exp(-exp(a - b));
      *upper = exp(-exp(a + b));
      return;
    case RS_CONF_PLAIN:
      if (p == 0 && isinf(se)) return;
      a = z * se * p;
      *lower = p - a > 0 ? p - a : 0;
      *upper = p + a < 1 ? p + a : 1;
      return;
    case RS_CONF_LOGIT:
      if (p == 0 || p == 1) return;
      a = log(p / (1 - p));
      b = z * se / (1 - p);
      *lower = 1 - 1 / (1 + exp(a - b));
      *upper = 1 - 1 / (1 + exp(a + b));
      return;
    case RS_CONF_ARCSIN:
      if (p == 0 || p == 1) return;
      a = asin(sqrt(p));
      b = 0.5 * z * se * sqrt(p / (1 - p));
      *lower = pow(sin(a - b > 0 ? a - b : 0), 2);
      *upper = pow(sin(a + b < asin(1) ? a + b : asin(1)), 2);
      return;
    case RS_CONF_NONE:
      return;
  }
}

/* Limits change only where S or its error does. */
static void intervals(survival_job *job, size_t from, size_t to) {
  const rs_curves *c = job->curves;
  double p = -1, se = -1, lower = 0, upper = 0;
  for (size_t i = from; i < to; i++) {
    if (rs_is_stopped_at(&job->stopped, job->run, i)) return;
    if (c->surv[i] != p || c->std_err[i] != se) {
      p = c->surv[i];
      se = c->std_err[i];
      double se_log = c->square_event ? (se == 0 ? 0 : se / p) : se;
      limits(job->interval, p, se_log, &lower, &upper);
    }
    c->lower[i] = lower;
    c->upper[i] = upper;
  }
}

static void one_curve(survival_job *job, size_t from, size_t to) {
  risk_sets(job, from, to);
  if (job->curves->square_event) robust(job, from, to);
  else greenwood(job, from, to);
  if (job->curves->lower) intervals(job, from, to);
}

static void survival_part(void *data, int thread, int threads) {
  survival_job *job = data;
  size_t work = 0;
  for (size_t b = (size_t)thread; b < job->n_curve; b += (size_t)threads) {
    size_t from = job->start[b], to = job->start[b + 1];
    one_curve(job, from, to);
    int due = rs_is_due(&work, to - from + 1, RS_POLLED_ROWS / 16);
    if (due && rs_is_stopped(&job->stopped, job->run, 0)) return;
  }
}

rs_status rs_survival(const rs_curves *curves, const size_t *start, size_t n_curve,
                      const rs_interval *interval, const rs_run *run) {
  survival_job job = {curves, start, n_curve, interval, run, 0};
  rs_share(rs_threads(run, start[n_curve]), survival_part, &job, run, &job.stopped);
  return job.stopped ? RS_INTERRUPTED : RS_OK;
}

/* ---- Rows at which subjects leave ------------------------------------------------------- */

rs_status rs_leaving_rows(const double *event, const double *censor, const size_t *start,
                          size_t n_block, const rs_run *run, size_t *row, size_t *left) {
  size_t found = 0;
  int stopped = 0;
  for (size_t b = 0; b < n_block; b++) {
    left[b] = found;
    for (size_t i = start[b]; i < start[b + 1]; i++) {
      if (rs_is_stopped_at(&stopped, run, i)) return RS_INTERRUPTED;
      if (event[i] + censor[i] <= 0) continue;
      if (row) row[found] = i;
      found++;
    }
  }
  left[n_block] = found;
  return RS_OK;
}

rs_status rs_at_rows(const double *x, int sums, const size_t *start, size_t n_block,
                     const size_t *row, const size_t *left, const rs_run *run, double *out) {
  int stopped = 0;
  for (size_t b = 0; b < n_block; b++) {
    for (size_t k = left[b]; k < left[b + 1]; k++) {
      size_t to = k + 1 < left[b + 1] ? row[k + 1] : start[b + 1];
      if (rs_is_stopped_at(&stopped, run, k)) return RS_INTERRUPTED;
      out[k] = x[row[k]];
      for (size_t i = row[k] + 1; sums && i < to; i++) out[k] += x[i];
    }
  }
  return RS_OK;
}
