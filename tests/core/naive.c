#include "naive.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void *zeros(size_t n, size_t size) {
  void *memory = calloc(n > 0 ? n : 1, size);
  if (!memory) abort();
  return memory;
}

/* ---- Rows ------------------------------------------------------------------------------- */

static double number(rs_column column, size_t i, double absent) {
  if (column.type == RS_NONE) return absent;
  if (column.type == RS_DOUBLE) return ((const double *)column.data)[i];
  int x = ((const int *)column.data)[i];
  return x == INT_MIN ? (double)NAN : x;
}

static int whole(double t) { return floor(t) == t; }

/* Whether `to` is among the four doubles that follow `from` (which is a normal number). */
static int within_ulps(double from, double to) {
  if (from < 2.2250738585072014e-308) return 0;
  for (int i = 0; i < 4 && from < to; i++) from = nextafter(from, INFINITY);
  return from >= to;
}

static int code_missing(rs_column column, size_t i, size_t k) {
  double x = number(column, i, 1);
  return !(x >= 1 && x <= (double)k);
}

typedef struct {
  double time, entry, status, weight;
} values;

static rs_problem status_problem(const rs_rows *r, double event, values v) {
  if (r->status.type == RS_NONE || !isnan(r->event)) return RS_FINE;
  return v.status == event || v.status == event - 1 ? RS_FINE : RS_NOT_A_STATUS;
}

static rs_problem time_problem(int is_event, values v) {
  if (v.time == -INFINITY) return RS_INFINITE;
  if (v.time < 0) return RS_NEGATIVE;
  return v.time == INFINITY && is_event ? RS_EVENT_AT_INFINITY : RS_FINE;
}

static rs_problem entry_problem(const rs_rows *r, rs_ties ties, values v) {
  if (r->entry.type == RS_NONE) return RS_FINE;
  if (isinf(v.entry)) return RS_INFINITE;
  if (v.entry < 0) return RS_NEGATIVE;
  if (v.entry >= v.time) return RS_ENTRY_NOT_BEFORE_TIME;
  if (ties != RS_TIES_ULP || (whole(v.entry) && whole(v.time))) return RS_FINE;
  return within_ulps(v.entry, v.time) ? RS_ENTRY_NOT_BEFORE_TIME : RS_FINE;
}

static rs_problem weight_problem(values v) {
  if (v.weight < 0) return RS_NEGATIVE;
  return isinf(v.weight) ? RS_INFINITE : RS_FINE;
}

/* The order in which broken rules are reported. */
static int rank_of(rs_column_name column, rs_problem problem) {
  static const struct {
    rs_column_name column;
    rs_problem problem;
  } rule[] = {{RS_COLUMN_STATUS, RS_NOT_A_STATUS},
              {RS_COLUMN_TIME, RS_NEGATIVE},
              {RS_COLUMN_TIME, RS_INFINITE},
              {RS_COLUMN_TIME, RS_EVENT_AT_INFINITY},
              {RS_COLUMN_ENTRY, RS_NEGATIVE},
              {RS_COLUMN_ENTRY, RS_INFINITE},
              {RS_COLUMN_ENTRY, RS_ENTRY_NOT_BEFORE_TIME}, {RS_COLUMN_ENTRY, RS_ENTRY_TIED_WITH_TIME},
              {RS_COLUMN_WEIGHT, RS_MISSING},
              {RS_COLUMN_WEIGHT, RS_NEGATIVE},
              {RS_COLUMN_WEIGHT, RS_INFINITE}};
  for (int i = 0; i < (int)(sizeof rule / sizeof *rule); i++) {
    if (rule[i].column == column && rule[i].problem == problem) return i;
  }
  abort();
}

static void note(rs_report *report, rs_column_name column, rs_problem problem, size_t row,
                 double value) {
  if (problem == RS_FINE) return;
  if (report->problem == problem && report->column == column) report->rows++;
  if (report->problem != RS_FINE &&
      rank_of(report->column, report->problem) <= rank_of(column, problem)) {
    return;
  }
  report->problem = problem;
  report->column = column;
  report->row = row;
  report->rows = 1;
  report->value = value;
}

static double find_event(const rs_rows *r) {
  if (!isnan(r->event)) return r->event;
  for (size_t i = 0; i < r->n; i++) {
    if (number(r->status, i, 1) == 2) return 2;
  }
  return 1;
}

static void see_time(rs_report *report, double t) {
  if (t == INFINITY) {
    report->infinite_times = 1;
    return;
  }
  if (t < report->min_time) report->min_time = t;
  if (t > report->max_time) report->max_time = t;
  if (t > 0 && t < report->min_positive) report->min_positive = t;
  if (!whole(t)) report->whole_times = 0;
}

static int is_na_bits(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  return (uint32_t)bits == 1954;
}

/* Counts what row i misses; returns whether that is anything. */
static int misses(const rs_rows *r, size_t i, values v, rs_report *report) {
  int time = isnan(v.time), entry = isnan(v.entry), status = isnan(v.status);
  report->missing[RS_COLUMN_TIME] += (size_t)time;
  report->missing[RS_COLUMN_ENTRY] += (size_t)entry;
  report->missing[RS_COLUMN_STATUS] += (size_t)status;
  report->missing[RS_COLUMN_GROUP] += isnan(number(r->group, i, 1));
  report->missing[RS_COLUMN_STRATUM] += isnan(number(r->stratum, i, 1));
  report->not_a_number += time && r->time.type == RS_DOUBLE && !is_na_bits(v.time);
  if (isnan(v.weight)) note(report, RS_COLUMN_WEIGHT, RS_MISSING, i, v.weight);
  return time || entry || status || isnan(v.weight) || code_missing(r->group, i, r->n_group) ||
         code_missing(r->stratum, i, r->n_stratum);
}

static int read_row(const rs_rows *r, rs_ties ties, double event, size_t i, cohort *c) {
  rs_report *report = &c->report;
  values v = {number(r->time, i, 0), number(r->entry, i, 0), number(r->status, i, event),
              number(r->weight, i, 1)};
  if (misses(r, i, v, report)) return 0;
  int is_event = v.status == event;
  report->used++;
  note(report, RS_COLUMN_STATUS, status_problem(r, event, v), i, v.status);
  note(report, RS_COLUMN_TIME, time_problem(is_event, v), i, v.time);
  note(report, RS_COLUMN_ENTRY, entry_problem(r, ties, v), i, v.entry);
  note(report, RS_COLUMN_WEIGHT, weight_problem(v), i, v.weight);
  see_time(report, v.time);
  if (r->entry.type != RS_NONE) see_time(report, v.entry);
  if (v.weight != 1 && report->weights < 1) report->weights = 1;
  if (!whole(v.weight)) report->weights = 2;
  if (r->weight.type != RS_NONE) report->total_weight += v.weight;
  c->subject[c->n++] = (subject){v.time + 0.0,
                                 r->entry.type == RS_NONE ? (double)NAN : v.entry + 0.0,
                                 v.weight,
                                 is_event,
                                 (size_t)number(r->group, i, 1) - 1,
                                 (size_t)number(r->stratum, i, 1) - 1,
                                 i};
  return 1;
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

size_t naive_merge(const double *time, size_t n, rs_ties ties, double *representative) {
  double sum = 0;
  size_t finite = 0, merged = 0;
  for (size_t i = 0; i < n; i++) {
    if (isinf(time[i])) continue;
    sum += time[i];
    finite++;
  }
  size_t first = 0;
  for (size_t i = 0; i < n; i++) {
    int tied = 0, has_whole = 0;
    for (size_t j = first; j < i; j++) has_whole |= whole(time[j]);
    if (i > 0 && ties == RS_TIES_SURVIVAL && !isinf(time[i])) {
      double gap = time[i] - time[i - 1];
      tied = gap <= 1.490116119384766e-08 || gap / (sum / (double)finite) <= 1.490116119384766e-08;
    } else if (i > 0 && ties == RS_TIES_ULP && !isinf(time[i])) {
      tied = within_ulps(time[first], time[i]) && !(has_whole && whole(time[i]));
    }
    if (!tied) first = i;
    representative[i] = time[first];
    merged += (size_t)tied;
  }
  return merged;
}

static double replaced(const double *time, const double *by, size_t n, double t) {
  for (size_t i = 0; i < n; i++) {
    if (time[i] == t) return by[i];
  }
  return t;
}

static void tie(cohort *c, rs_ties ties) {
  double *time = zeros(2 * c->n, sizeof *time), *by = zeros(2 * c->n, sizeof *by);
  size_t n = 0, distinct = 0;
  for (size_t i = 0; i < c->n; i++) {
    time[n++] = c->subject[i].time;
    if (!isnan(c->subject[i].entry)) time[n++] = c->subject[i].entry;
  }
  qsort(time, n, sizeof *time, by_value);
  for (size_t i = 0; i < n; i++) {
    if (i == 0 || time[i] != time[i - 1]) time[distinct++] = time[i];
  }
  c->merged = naive_merge(time, distinct, ties, by);
  for (size_t i = 0; i < c->n; i++) {
    c->subject[i].time = replaced(time, by, distinct, c->subject[i].time);
    c->subject[i].entry = replaced(time, by, distinct, c->subject[i].entry);
  }
  free(time);
  free(by);
}

static long double sum_weights(const cohort *c) {
  long double sum = 0;
  for (size_t i = 0; i < c->n; i++) sum += c->subject[i].weight;
  return sum;
}

void naive_cohort(const rs_rows *r, rs_ties ties, cohort *c) {
  double event = find_event(r);
  memset(c, 0, sizeof *c);
  c->subject = zeros(r->n, sizeof *c->subject);
  c->report.min_time = c->report.min_positive = INFINITY;
  c->report.max_time = -INFINITY;
  c->report.whole_times = 1;
  c->report.event = r->status.type == RS_NONE ? (double)NAN : event;
  for (size_t i = 0; i < r->n; i++) read_row(r, ties, event, i, c);
  if (c->report.problem == RS_FINE && r->weight.type != RS_NONE && c->n > 0 &&
      c->report.total_weight == 0) {
    c->report.problem = RS_ALL_ZERO;
    c->report.column = RS_COLUMN_WEIGHT;
  }
  if (c->report.problem == RS_FINE && c->report.weights == 1 && sum_weights(c) > 9007199254740992.0L) {
    c->report.problem = RS_SUM_TOO_LARGE;
    c->report.column = RS_COLUMN_WEIGHT;
  }
  if (c->report.problem != RS_FINE) c->n = 0;
  tie(c, ties);
  /* The rule of survival looks at all times, so only now can an exit be found tied to its entry. */
  for (size_t i = 0; i < c->n; i++) {
    const subject *s = &c->subject[i];
    if (s->entry != s->time) continue;
    note(&c->report, RS_COLUMN_ENTRY, RS_ENTRY_TIED_WITH_TIME, s->row, number(r->entry, s->row, 0));
  }
  if (c->report.problem != RS_FINE) c->n = 0;
}

void free_cohort(cohort *c) { free(c->subject); }

/* ---- Counts ------------------------------------------------------------------------------ */

static int in_block(const subject *s, size_t group, size_t stratum) {
  return (group == SIZE_MAX || s->group == group) && s->stratum == stratum;
}

static long double power_of(double w, int power) {
  return power == 0 ? 1 : power == 1 ? (long double)w : (long double)w * w;
}

long double naive_sum(const cohort *c, size_t group, size_t stratum, double t, rs_kind kind,
                      int power) {
  long double sum = 0;
  for (size_t i = 0; i < c->n; i++) {
    const subject *s = &c->subject[i];
    int is = kind == RS_KIND_ENTER ? s->entry == t
                                   : s->time == t && s->event == (kind == RS_KIND_EVENT);
    if (is && in_block(s, group, stratum)) sum += power_of(s->weight, power);
  }
  return sum;
}

int naive_occurs(const cohort *c, size_t group, size_t stratum, double t) {
  for (size_t i = 0; i < c->n; i++) {
    const subject *s = &c->subject[i];
    if ((s->time == t || s->entry == t) && in_block(s, group, stratum)) return 1;
  }
  return 0;
}

static int at_risk(const subject *s, double t) {
  return s->time >= t && (isnan(s->entry) || s->entry < t);
}

long double naive_risk(const cohort *c, size_t group, size_t stratum, double t) {
  long double sum = 0;
  for (size_t i = 0; i < c->n; i++) {
    if (at_risk(&c->subject[i], t) && in_block(&c->subject[i], group, stratum)) {
      sum += c->subject[i].weight;
    }
  }
  return sum;
}

/* Event times of a block in increasing order; returns how many. */
static size_t event_times(const cohort *c, size_t group, size_t stratum, double *time) {
  size_t n = 0, distinct = 0;
  for (size_t i = 0; i < c->n; i++) {
    const subject *s = &c->subject[i];
    if (s->event && s->weight > 0 && in_block(s, group, stratum)) time[n++] = s->time;
  }
  qsort(time, n, sizeof *time, by_value);
  for (size_t i = 0; i < n; i++) {
    if (i == 0 || time[i] != time[i - 1]) time[distinct++] = time[i];
  }
  return distinct;
}

/* ---- Curves ------------------------------------------------------------------------------ */

/* One subject's influence on log S (or on A when hazard), as its definition says: minus (or
 * plus) the sum over event times s <= t at which the subject is at risk of
 * d/(n(n-d)) - 1{event at s}/(n-d), for A d/n^2 - 1{event at s}/n. */
static long double influence(const cohort *c, const subject *j, double t, int hazard) {
  double *time = zeros(c->n, sizeof *time);
  size_t n_time = event_times(c, j->group, j->stratum, time);
  long double sum = 0;
  for (size_t i = 0; i < n_time && time[i] <= t; i++) {
    long double d = naive_sum(c, j->group, j->stratum, time[i], RS_KIND_EVENT, 1);
    long double n = naive_risk(c, j->group, j->stratum, time[i]);
    if (!hazard && n <= d) break;
    if (at_risk(j, time[i])) sum += hazard ? d / n / n : d / n / (n - d);
    if (j->event && j->time == time[i]) sum -= hazard ? 1 / n : 1 / (n - d);
  }
  free(time);
  return sum;
}

naive_point naive_curve(const cohort *c, size_t group, size_t stratum, double t, int robust) {
  double *time = zeros(c->n, sizeof *time);
  size_t n_time = event_times(c, group, stratum, time);
  naive_point p = {1, 0, 0, 0};
  for (size_t i = 0; i < n_time && time[i] <= t; i++) {
    long double d = naive_sum(c, group, stratum, time[i], RS_KIND_EVENT, 1);
    long double n = naive_risk(c, group, stratum, time[i]);
    p.surv *= (n - d) / n;
    p.cumhaz += d / n;
    p.std_err += d / n / (n - d);
    p.std_chaz += d / n / n;
  }
  free(time);
  if (robust) {
    p.std_err = p.std_chaz = 0;
    for (size_t i = 0; i < c->n; i++) {
      const subject *j = &c->subject[i];
      if (!in_block(j, group, stratum)) continue;
      long double u = j->weight * influence(c, j, t, 0);
      p.std_err += u * u;
      long double h = j->weight * influence(c, j, t, 1);
      p.std_chaz += h * h;
    }
    p.std_err *= p.surv * p.surv;
  }
  p.std_err = sqrtl(p.std_err);
  p.std_chaz = sqrtl(p.std_chaz);
  return p;
}

/* Limits of p, given the standard error of log p: those of a function of p, taken back. */
void naive_limits(const rs_interval *interval, long double p, long double se, long double *low,
                  long double *high) {
  long double z = interval->z * se, x;
  int kind = (int)interval->type, open = kind == RS_CONF_PLAIN || kind == RS_CONF_ARCSIN;
  *low = *high = interval->missing;
  if (interval->closed && se == 0 && !open) *low = *high = p;
  if (interval->closed && se == 0 && !open) return;
  if (p == 0 && (kind != RS_CONF_PLAIN || isinf((double)se))) return;
  if (p == 1 && kind != RS_CONF_LOG && kind != RS_CONF_PLAIN) return;
  if (kind == RS_CONF_LOG) {
    *low = expl(logl(p) - z);
    *high = fminl(1, expl(logl(p) + z));
  } else if (kind == RS_CONF_LOGLOG) {
    x = logl(-logl(p));
    *low = expl(-expl(x - z / logl(p)));
    *high = expl(-expl(x + z / logl(p)));
  } else if (kind == RS_CONF_PLAIN) {
    *low = fmaxl(0, p - z * p);
    *high = fminl(1, p + z * p);
  } else if (kind == RS_CONF_LOGIT) {
    x = logl(p / (1 - p));
    *low = 1 / (1 + expl(-x + z / (1 - p)));
    *high = 1 / (1 + expl(-x - z / (1 - p)));
  } else {
    x = asinl(sqrtl(p));
    z = z / 2 * sqrtl(p / (1 - p));
    *low = sinl(fmaxl(0, x - z)) * sinl(fmaxl(0, x - z));
    *high = sinl(fminl(asinl(1), x + z)) * sinl(fminl(asinl(1), x + z));
  }
}

/* ---- Tests ------------------------------------------------------------------------------- */

static void open_test(naive_test *test, size_t cells) {
  test->groups = cells;
  test->observed = zeros(cells, sizeof *test->observed);
  test->expected = zeros(cells, sizeof *test->expected);
  test->covariance = zeros(cells * cells, sizeof *test->covariance);
  test->times = test->strata = 0;
}

void free_test(naive_test *test) {
  free(test->observed);
  free(test->expected);
  free(test->covariance);
}

/* One table of groups (risk) by event (died), at weight w. Returns whether it informs. */
static int add_table(naive_test *test, const long double *risk, const long double *died,
                     long double w) {
  size_t k = test->groups;
  long double n = 0, d = 0;
  size_t present = 0;
  for (size_t g = 0; g < k; g++) {
    n += risk[g];
    d += died[g];
    present += risk[g] > 0;
  }
  for (size_t g = 0; g < k; g++) {
    test->observed[g] += w * died[g];
    test->expected[g] += w * d * risk[g] / n;
  }
  if (n < 2 || present < 2 || d == n) return 0;
  for (size_t g = 0; g < k; g++) {
    for (size_t h = 0; h < k; h++) {
      long double shared = risk[g] * ((g == h ? n : 0) - risk[h]) / n / n;
      test->covariance[g + h * k] += w * w * shared * d * (n - d) / (n - 1);
    }
  }
  return 1;
}

static size_t add_stratum(const cohort *c, size_t stratum, double rho, double gamma,
                          naive_test *test) {
  double *time = zeros(c->n, sizeof *time);
  long double *risk = zeros(2 * test->groups, sizeof *risk), *died = risk + test->groups;
  size_t n_time = event_times(c, SIZE_MAX, stratum, time), informative = 0;
  long double surv = 1;
  for (size_t i = 0; i < n_time; i++) {
    long double n = 0, d = 0;
    for (size_t g = 0; g < test->groups; g++) {
      risk[g] = naive_risk(c, g, stratum, time[i]);
      died[g] = naive_sum(c, g, stratum, time[i], RS_KIND_EVENT, 1);
      n += risk[g];
      d += died[g];
    }
    long double w = (rho == 0 ? 1 : powl(surv, rho)) * (gamma == 0 ? 1 : powl(1 - surv, gamma));
    informative += (size_t)add_table(test, risk, died, w);
    surv *= (n - d) / n;
  }
  free(time);
  free(risk);
  return informative;
}

void naive_logrank(const cohort *c, size_t groups, double rho, double gamma, naive_test *test) {
  size_t strata = 0;
  for (size_t i = 0; i < c->n; i++) {
    if (c->subject[i].stratum >= strata) strata = c->subject[i].stratum + 1;
  }
  open_test(test, groups);
  for (size_t s = 0; s < strata; s++) {
    size_t informative = add_stratum(c, s, rho, gamma, test);
    test->times += informative;
    test->strata += informative > 0;
  }
}

/* Jacobi's rotations: a becomes diagonal, q its eigenvectors. */
static void diagonalise(long double *a, long double *q, size_t p) {
  for (int sweep = 0; sweep < 60; sweep++) {
    for (size_t i = 0; i < p; i++) {
      for (size_t j = i + 1; j < p; j++) {
        long double x = a[i + j * p];
        if (x == 0) continue;
        long double theta = (a[j + j * p] - a[i + i * p]) / (2 * x);
        long double t = (theta < 0 ? -1 : 1) / (fabsl(theta) + sqrtl(theta * theta + 1));
        long double cosine = 1 / sqrtl(t * t + 1), sine = t * cosine;
        for (size_t k = 0; k < p; k++) {
          long double u = a[k + i * p], v = a[k + j * p];
          a[k + i * p] = cosine * u - sine * v;
          a[k + j * p] = sine * u + cosine * v;
        }
        for (size_t k = 0; k < p; k++) {
          long double u = a[i + k * p], v = a[j + k * p];
          a[i + k * p] = cosine * u - sine * v;
          a[j + k * p] = sine * u + cosine * v;
          u = q[k + i * p];
          v = q[k + j * p];
          q[k + i * p] = cosine * u - sine * v;
          q[k + j * p] = sine * u + cosine * v;
        }
      }
    }
  }
}

long double naive_quadratic(const long double *u, const long double *v, size_t p, size_t *rank) {
  long double *a = zeros(p * p, sizeof *a), *q = zeros(p * p, sizeof *q), sum = 0;
  for (size_t i = 0; i < p; i++) {
    q[i + i * p] = 1;
    for (size_t j = 0; j < p; j++) {
      long double scale = sqrtl(v[i + i * p]) * sqrtl(v[j + j * p]);
      a[i + j * p] = scale > 0 ? v[i + j * p] / scale : 0;
    }
  }
  diagonalise(a, q, p);
  *rank = 0;
  for (size_t e = 0; e < p; e++) {
    long double z = 0;
    if (a[e + e * p] <= 1e-11L) continue;
    for (size_t i = 0; i < p; i++) {
      if (v[i + i * p] > 0) z += q[i + e * p] * u[i] / sqrtl(v[i + i * p]);
    }
    sum += z * z / a[e + e * p];
    (*rank)++;
  }
  free(a);
  free(q);
  return sum;
}

/* ---- Contingency tables ------------------------------------------------------------------ */

static void sums(const double *counts, size_t rows, size_t cols, long double *row,
                 long double *col, long double *n) {
  *n = 0;
  memset(row, 0, rows * sizeof *row);
  memset(col, 0, cols * sizeof *col);
  for (size_t j = 0; j < cols; j++) {
    for (size_t i = 0; i < rows; i++) {
      row[i] += counts[i + j * rows];
      col[j] += counts[i + j * rows];
      *n += counts[i + j * rows];
    }
  }
}

/* r^2 (n - 1) of the scores. */
static long double linear(const double *counts, size_t rows, size_t cols, const double *x,
                          const double *y, long double n) {
  long double mx = 0, my = 0, xx = 0, yy = 0, xy = 0;
  for (size_t i = 0; i < rows * cols; i++) {
    mx += counts[i] / n * (x[i % rows] - x[0]);
    my += counts[i] / n * (y[i / rows] - y[0]);
  }
  for (size_t i = 0; i < rows * cols; i++) {
    long double dx = x[i % rows] - x[0] - mx, dy = y[i / rows] - y[0] - my;
    xx += counts[i] * dx * dx;
    yy += counts[i] * dy * dy;
    xy += counts[i] * dx * dy;
  }
  return xx > 0 && yy > 0 ? (n - 1) * xy * xy / xx / yy : (long double)NAN;
}

naive_chi naive_crosstab(const double *counts, size_t rows, size_t cols, const double *row_score,
                         const double *col_score) {
  naive_chi chi = {.least = INFINITY};
  long double *row = zeros(rows + cols, sizeof *row), *col = row + rows;
  sums(counts, rows, cols, row, col, &chi.n);
  for (size_t i = 0; i < rows * cols; i++) {
    long double e = row[i % rows] * col[i / rows] / chi.n, o = counts[i];
    long double off = fabsl(o - e), less = off - fminl(0.5L, off);
    chi.least = fminl(chi.least, e);
    chi.low += e < 5;
    chi.pearson += off * off / e;
    chi.yates += less * less / e;
    chi.likelihood += 2 * (o > 0 ? o * log1pl((o - e) / e) + (e - o) : e);
    chi.noise += (off + 1e-16L * o) * (1 + o / e);
  }
  chi.linear = linear(counts, rows, cols, row_score, col_score, chi.n);
  free(row);
  return chi;
}

/* Mean and covariance of the multivariate hypergeometric counts, columns 0 .. cols - 2. */
static int add_array(naive_test *test, const double *counts, size_t rows, size_t cols) {
  long double *row = zeros(rows + cols, sizeof *row), *col = row + rows, n;
  size_t size = rows * (cols - 1), in_row = 0, in_col = 0;
  sums(counts, rows, cols, row, col, &n);
  for (size_t i = 0; i < rows; i++) in_row += row[i] > 0;
  for (size_t j = 0; j < cols; j++) in_col += col[j] > 0;
  for (size_t a = 0; a < size && n > 0; a++) {
    test->observed[a] += counts[a];
    test->expected[a] += row[a % rows] * col[a / rows] / n;
    for (size_t b = 0; b < size && in_row > 1 && in_col > 1; b++) {
      size_t i = a % rows, k = b % rows, j = a / rows, l = b / rows;
      test->covariance[a + b * size] += row[i] * ((i == k ? n : 0) - row[k]) / n / n * col[j] *
                                        ((j == l ? n : 0) - col[l]) / (n - 1);
    }
  }
  free(row);
  return in_row > 1 && in_col > 1;
}

void naive_cmh(const double *counts, size_t rows, size_t cols, size_t strata, naive_test *test,
               long double *odds, long double *log_variance) {
  long double r = 0, s = 0, pr = 0, mixed = 0, qs = 0;
  open_test(test, rows * (cols - 1));
  for (size_t k = 0; k < strata; k++) {
    const double *x = counts + k * rows * cols;
    test->strata += (size_t)add_array(test, x, rows, cols);
    if (rows != 2 || cols != 2) continue;
    long double n = (long double)x[0] + x[1] + x[2] + x[3];
    if (n == 0) continue;
    long double p = ((long double)x[0] + x[3]) / n, q = ((long double)x[1] + x[2]) / n;
    long double rk = (long double)x[0] * x[3] / n, sk = (long double)x[1] * x[2] / n;
    r += rk;
    s += sk;
    pr += p * rk;
    mixed += p * sk + q * rk;
    qs += q * sk;
  }
  *odds = r / s;
  *log_variance = pr / (2 * r * r) + mixed / (2 * r * s) + qs / (2 * s * s);
}

/* The first cell at which the odds ratio of the table with these margins is `odds`: its log odds
 * ratio increases with it, so halving the interval finds it. */
static long double fitted(double odds, double row, double other, double col) {
  long double low = fmax(0, col - other), high = fmin(row, col);
  long double from = low, to = high;
  for (int i = 0; i < 400; i++) {
    long double x = (from + to) / 2;
    long double left = x * (other - col + x), right = (long double)odds * (row - x) * (col - x);
    if (left < right) from = x;
    else to = x;
  }
  return (from + to) / 2;
}

void naive_homogeneity(const double *counts, size_t strata, double odds, long double *breslow_day,
                       long double *tarone, size_t *informative) {
  long double chi = 0, off = 0, total = 0;
  *informative = 0;
  for (size_t k = 0; k < strata; k++) {
    const double *x = counts + 4 * k;
    double row = x[0] + x[2], other = x[1] + x[3], col = x[0] + x[1], last = x[2] + x[3];
    if (row == 0 || other == 0 || col == 0 || last == 0) continue;
    long double e = fitted(odds, row, other, col);
    /* Whichever cell is small is found by itself. */
    long double f = fitted(1 / odds, row, other, last), g = fitted(1 / odds, other, row, col);
    long double h = fitted(odds, other, row, last), d = x[0] - e;
    if (f < e && f < g && f < h) d = f - x[2];
    else if (g < e && g < h) d = g - x[1];
    else if (h < e) d = x[3] - h;
    long double v = 1 / (1 / e + 1 / f + 1 / g + 1 / h);
    chi += d * d / v;
    off += d;
    total += v;
    (*informative)++;
  }
  *breslow_day = chi;
  *tarone = chi - off * off / total;
}

static long double log_choose(double n, double k) {
  return lgammal(n + 1.0L) - lgammal(k + 1.0L) - lgammal(n - k + 1.0L);
}

static long double naive_hypergeometric(double x, double row, double other, double col) {
  return log_choose(row, x) + log_choose(other, col - x) - log_choose(row + other, col);
}

/* Log of the probability of y + 1 over that of y. */
static long double log_step(double y, double row, double other, double col) {
  return logl((row - y) * ((long double)col - y) / ((y + 1) * ((long double)other - col + y + 1)));
}

long double *naive_exact(const double *counts, size_t strata, double odds, size_t *length) {
  size_t room = 1;
  for (size_t k = 0; k < strata; k++) {
    const double *x = counts + 4 * k;
    double low = fmax(0, x[0] - x[3]), high = fmin(x[0] + x[2], x[0] + x[1]);
    room += (size_t)(high - low);
  }
  long double *p = zeros(room, sizeof *p), *next = zeros(room, sizeof *next);
  p[0] = 1;
  *length = 1;
  for (size_t k = 0; k < strata; k++) {
    const double *x = counts + 4 * k;
    double row = x[0] + x[2], other = x[1] + x[3], col = x[0] + x[1];
    double low = fmax(0, x[0] - x[3]), high = fmin(row, col);
    long double sum = 0, top = 0, log_p = 0;
    for (double y = low; y < high; y++) {
      log_p += log_step(y, row, other, col) + logl(odds);
      top = fmaxl(top, log_p);
    }
    memset(next, 0, room * sizeof *next);
    log_p = 0;
    for (double y = low; y <= high; y++) {
      long double each = expl(log_p - top);
      log_p += log_step(y, row, other, col) + logl(odds);
      sum += each;
      for (size_t i = 0; i < *length; i++) next[i + (size_t)(y - low)] += each * p[i];
    }
    *length += (size_t)(high - low);
    for (size_t i = 0; i < *length; i++) p[i] = next[i] / sum;
  }
  free(next);
  return p;
}

long double naive_fisher(double a, double b, double c, double d) {
  double row = a + b, other = c + d, col = a + c;
  long double seen = naive_hypergeometric(a, row, other, col), sum = 0;
  for (double x = fmax(0, col - other); x <= fmin(row, col); x++) {
    long double p = naive_hypergeometric(x, row, other, col);
    if (p <= seen + log1pl(1e-7L)) sum += expl(p);
  }
  return fminl(sum, 1);
}
