/* mh.c: the Mantel-Haenszel accumulator, and the log-rank test as one table an event time.
 *
 * A table has groups in its rows and outcomes in its columns. Given both margins the counts
 * are multivariate hypergeometric; O - E and its covariance are summed over tables.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "riskset.h"

/* Zeroed accumulators for tables of rows x (cols + 1); rs_mh_close() frees them. */
rs_status rs_mh_open(rs_mh *mh, size_t rows, size_t cols) {
  size_t cells, square, bytes;
  memset(mh, 0, sizeof *mh);
  if (rs_mul(rows, cols, &cells) || rs_mul(cells, cells, &square) ||
      rs_mul(square, sizeof(rs_sum), &bytes)) {
    return RS_NO_MEMORY;
  }
  mh->rows = rows;
  mh->cols = cols;
  mh->observed = calloc(cells, sizeof *mh->observed);
  mh->expected = calloc(cells, sizeof *mh->expected);
  mh->covariance = calloc(square, sizeof *mh->covariance);
  mh->work = calloc(cols, sizeof *mh->work);
  if (!mh->observed || !mh->expected || !mh->covariance || !mh->work) {
    rs_mh_close(mh);
    return RS_NO_MEMORY;
  }
  return RS_OK;
}

void rs_mh_close(rs_mh *mh) {
  free(mh->observed);
  free(mh->expected);
  free(mh->covariance);
  free(mh->work);
  memset(mh, 0, sizeof *mh);
}

/* Two groups, one tracked outcome: the case of nearly every table, without loops. */
static void add_two_by_two(rs_mh *mh, const double *margin, const double *count,
                           double weight) {
  double n = margin[0] + margin[1], d = count[0] + count[1];
  double p = margin[0] / n, q = margin[1] / n;
  rs_add(&mh->observed[0], weight * count[0]);
  rs_add(&mh->observed[1], weight * count[1]);
  rs_add(&mh->expected[0], weight * (d * p));
  rs_add(&mh->expected[1], weight * (d * q));
  if (margin[0] > 0 && margin[1] > 0 && d > 0 && d < n) {
    double v = weight * weight * d * p * q * ((n - d) / (n - 1));
    rs_add(&mh->covariance[0], v);
    rs_add(&mh->covariance[2], -v);
    rs_add(&mh->covariance[3], v);
    mh->informative++;
  }
}

/* Cov(n_ij, n_kl) = n_i. (n d_ik - n_k.) n_.j (n d_jl - n_.l) / (n^2 (n - 1)). Written with
 * shares of n, so that no product of two counts is formed, and with n - n_i. taken before the
 * division, so that a share near 1 costs no digits. Upper triangle only. */
static void add_covariance(rs_mh *mh, const double *margin, const double *total, double n,
                           double scale) {
  size_t size = mh->rows * mh->cols;
  for (size_t l = 0; l < mh->cols; l++) {
    for (size_t k = 0; k < mh->rows; k++) {
      rs_sum *column = mh->covariance + size * (k + l * mh->rows);
      if (margin[k] == 0) continue;
      for (size_t j = 0; j <= l; j++) {
        double outcome = total[j] / n * ((j == l ? n - total[l] : -total[l]) / n);
        size_t last = j == l ? k : mh->rows - 1;
        for (size_t i = 0; i <= last; i++) {
          double group = margin[i] / n * ((i == k ? n - margin[k] : -margin[k]) / n);
          rs_add(&column[i + j * mh->rows], scale * outcome * group);
        }
      }
    }
  }
}

void rs_mh_add(rs_mh *mh, const double *margin, const double *count, double weight) {
  double n = 0, largest = 0, tracked = 0, column = 0;
  double *total = mh->work;
  for (size_t i = 0; i < mh->rows; i++) {
    n += margin[i];
    if (margin[i] > largest) largest = margin[i];
  }
  if (n <= 0) return;
  if (mh->rows == 2 && mh->cols == 1) {
    add_two_by_two(mh, margin, count, weight);
    return;
  }
  for (size_t j = 0; j < mh->cols; j++) {
    const double *c = count + j * mh->rows;
    total[j] = 0;
    for (size_t i = 0; i < mh->rows; i++) total[j] += c[i];
    for (size_t i = 0; i < mh->rows; i++) {
      rs_add(&mh->observed[i + j * mh->rows], weight * c[i]);
      rs_add(&mh->expected[i + j * mh->rows], weight * (total[j] * (margin[i] / n)));
    }
    tracked += total[j];
    if (total[j] > column) column = total[j];
  }
  if (n - tracked > column) column = n - tracked;
  if (n < 2 || largest >= n || column >= n) return;
  add_covariance(mh, margin, total, n, weight * weight * n * (n / (n - 1)));
  mh->informative++;
}

void rs_mh_finish(rs_mh *mh) {
  size_t size = mh->rows * mh->cols;
  for (size_t k = 0; k < size; k++) {
    for (size_t i = k + 1; i < size; i++) {
      mh->covariance[i + k * size] = mh->covariance[k + i * size];
    }
  }
}

/* ---- A quadratic form in a covariance that may be singular ------------------------------- */

/* The column of the largest remaining diagonal element, of those not yet used. */
static size_t next_pivot(const double *left, const double *sd, size_t p) {
  size_t best = p;
  for (size_t i = 0; i < p; i++) {
    if (sd[i] > 0 && left[i] > 0 && (best == p || left[i] > left[best])) best = i;
  }
  return best;
}

/* u' V^- u by a pivoted Cholesky factorisation of V scaled to correlations, which stops when
 * no remaining diagonal element exceeds the tolerance. u lies in the range of V (up to
 * rounding), so every generalised inverse gives the same value. work: p * (p + 3) doubles. */
double rs_quadratic(const double *u, const double *v, size_t p, double *work, size_t *rank) {
  double *sd = work, *left = work + p, *z = work + 2 * p, *factor = work + 3 * p, sum = 0;
  for (size_t i = 0; i < p; i++) {
    double d = v[i + i * p];
    sd[i] = d > 0 ? sqrt(d) : 0;
    left[i] = 1;
    z[i] = d > 0 ? u[i] / sd[i] : 0;
  }
  *rank = 0;
  for (size_t step = 0; step < p; step++) {
    size_t k = next_pivot(left, sd, p);
    if (k == p || left[k] <= RS_RANK_TOLERANCE) break;
    double root = sqrt(left[k]), *column = factor + step * p, solved = z[k] / root;
    for (size_t i = 0; i < p; i++) {
      column[i] = 0;
      if (sd[i] <= 0 || left[i] <= 0) continue;
      double c = v[i + k * p] / sd[i] / sd[k];
      for (size_t s = 0; s < step; s++) c -= factor[i + s * p] * factor[k + s * p];
      column[i] = c / root;
    }
    for (size_t i = 0; i < p; i++) {
      if (i == k || sd[i] <= 0 || left[i] <= 0) continue;
      left[i] -= column[i] * column[i];
      z[i] -= column[i] * solved;
    }
    left[k] = 0;
    sum += solved * solved;
    (*rank)++;
  }
  return sum;
}

/* ---- Log-rank: one table an event time -------------------------------------------------- */

typedef struct {
  rs_mh mh;
  size_t n_group;
  double *risk, *event, *leave; /* n_group each; leave may be negative: entries */
  double surv;                  /* S(t-) of the stratum, all groups pooled */
  int pending;                  /* cells of the current time wait to be added */
  size_t before;                /* informative tables before this stratum */
} logrank_state;

static rs_status logrank_open(logrank_state *state, size_t n_group) {
  size_t bytes;
  memset(state, 0, sizeof *state);
  state->n_group = n_group;
  if (rs_mul(3 * n_group, sizeof(double), &bytes)) return RS_NO_MEMORY;
  state->risk = calloc(1, bytes);
  if (!state->risk) return RS_NO_MEMORY;
  state->event = state->risk + n_group;
  state->leave = state->event + n_group;
  rs_status status = rs_mh_open(&state->mh, n_group, 1);
  if (status != RS_OK) free(state->risk);
  return status;
}

static void logrank_close(logrank_state *state) {
  rs_mh_close(&state->mh);
  free(state->risk);
}

/* Closes the current time: its events become one table, then those who left are taken out of
 * the risk set and those who entered are put in. */
static void logrank_flush(logrank_state *state, double rho, double gamma) {
  double d = 0, n = 0;
  if (!state->pending) return;
  for (size_t g = 0; g < state->n_group; g++) {
    d += state->event[g];
    n += state->risk[g];
  }
  if (d > 0) {
    double weight = 1;
    if (rho != 0) weight = pow(state->surv, rho);
    if (gamma != 0) weight *= pow(1 - state->surv, gamma);
    rs_mh_add(&state->mh, state->risk, state->event, weight);
    state->surv *= (n - d) / n;
  }
  for (size_t g = 0; g < state->n_group; g++) {
    state->risk[g] -= state->event[g] + state->leave[g];
    state->event[g] = state->leave[g] = 0;
  }
  state->pending = 0;
}

/* Ends the stratum of the last cells and begins that of block `first`. */
static void logrank_stratum(logrank_state *state, rs_logrank *test, const double *risk) {
  test->informative_strata += state->mh.informative > state->before;
  state->before = state->mh.informative;
  state->surv = 1;
  if (risk) memcpy(state->risk, risk, state->n_group * sizeof(double));
}

static inline void logrank_cell(logrank_state *state, size_t group, const rs_cell *cell) {
  if (cell->kind == RS_KIND_EVENT) state->event[group] += cell->count;
  else if (cell->kind == RS_KIND_CENSOR) state->leave[group] += cell->count;
  else state->leave[group] -= cell->count;
  state->pending = 1;
}

static rs_status logrank_cells(rs_stream *stream, logrank_state *state, const rs_run *run,
                               rs_logrank *test) {
  enum { ROOM = 256, POLL = 1 << 22 };
  rs_cell cell[ROOM];
  size_t first = SIZE_MAX / 2, m, work = 0, groups = state->n_group; /* no block yet */
  double time = 0;
  while ((m = rs_stream_read(stream, cell, ROOM)) > 0) {
    for (size_t i = 0; i < m; i++) {
      size_t group = cell[i].block - first;
      if (group >= groups) { /* the first stratum, or another one */
        logrank_flush(state, test->rho, test->gamma);
        first = cell[i].block / groups * groups;
        group = cell[i].block - first;
        logrank_stratum(state, test, rs_stream_risk(stream) + first);
      } else if (cell[i].time != time) {
        logrank_flush(state, test->rho, test->gamma);
        work += groups * groups; /* many groups: a table takes long */
      }
      if (work >= POLL && rs_stop(run)) return RS_INTERRUPTED;
      if (work >= POLL) work = 0;
      time = cell[i].time;
      logrank_cell(state, group, &cell[i]);
    }
    work += m * 64;
  }
  logrank_flush(state, test->rho, test->gamma);
  logrank_stratum(state, test, NULL);
  return RS_OK;
}

rs_status rs_logrank_run(rs_stream *stream, size_t n_group, const rs_run *run,
                         rs_logrank *test) {
  logrank_state state;
  rs_status status = logrank_open(&state, n_group);
  if (status != RS_OK) return status;
  test->informative_strata = 0;
  status = logrank_cells(stream, &state, run, test);
  if (status == RS_OK) {
    rs_mh_finish(&state.mh);
    for (size_t g = 0; g < n_group; g++) {
      test->observed[g] = rs_total(&state.mh.observed[g]);
      test->expected[g] = rs_total(&state.mh.expected[g]);
    }
    for (size_t i = 0; i < n_group * n_group; i++) {
      test->covariance[i] = rs_total(&state.mh.covariance[i]);
    }
    test->informative_times = state.mh.informative;
  }
  logrank_close(&state);
  return status;
}
