/* target_screen.c: many log-rank tests at once, each against its naive one. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/core/rows.h"
#include "check.h"
#include "naive.h"
#include "reader.h"
#include "targets.h"

/* What a screen says of one test of k groups. */
static void check_result(const rs_screened *got, const naive_test *want, size_t k, size_t present) {
  long double *u = malloc((k + 1) * sizeof *u), events = 0;
  size_t rank;
  for (size_t g = 0; g < k; g++) {
    u[g] = want->observed[g] - want->expected[g];
    events += want->observed[g];
  }
  CHECK(got->groups == present);
  CHECK(got->events == (size_t)events);
  long double value = naive_quadratic(u, want->covariance, k, &rank);
  CHECK(got->df == rank);
  if (rank == 0) value = NAN;
  CHECK_NEAR(got->statistic, value, 1e-8L * value + 1e-12L);
  free(u);
}

/* ---- Columns ----------------------------------------------------------------------------- */

/* The cohort again, in groups of the column's values (ascending); returns how many. */
static size_t regroup(const cohort *c, const rs_column *x, cohort *out) {
  double value[1024];
  size_t k = 0, n = 0;
  out->subject = malloc((c->n + 1) * sizeof *out->subject);
  for (size_t i = 0; i < c->n; i++) {
    double v = rs_number(*x, c->subject[i].row);
    size_t at = 0;
    if (isnan(v)) continue;
    while (at < k && value[at] < v) at++;
    if (at < k && value[at] == v) continue;
    memmove(value + at + 1, value + at, (k - at) * sizeof *value);
    value[at] = v;
    k++;
  }
  for (size_t i = 0; i < c->n; i++) {
    double v = rs_number(*x, c->subject[i].row);
    if (isnan(v)) continue;
    out->subject[n] = c->subject[i];
    out->subject[n].group = 0;
    while (value[out->subject[n].group] != v) out->subject[n].group++;
    n++;
  }
  out->n = n;
  return k;
}

static void check_column(const rs_screened *got, const cohort *c, const rs_column *x) {
  cohort regrouped;
  naive_test want;
  size_t k = regroup(c, x, &regrouped), events = 0;
  for (size_t i = 0; i < regrouped.n; i++) events += (size_t)regrouped.subject[i].event;
  if (k > RS_MOST_GROUPS) {
    CHECK(got->groups == RS_MOST_GROUPS + 1 && isnan(got->statistic));
  } else if (k < 2 || events == 0) {
    CHECK(got->n == regrouped.n && got->events == events && got->groups == k);
    CHECK(isnan(got->statistic) && isnan(got->effect) && isnan(got->variance) && got->df == 0);
  } else {
    naive_logrank(&regrouped, k, 0, 0, &want);
    CHECK(got->n == regrouped.n);
    check_result(got, &want, k, k);
    CHECK(k == 2 || (isnan(got->effect) && isnan(got->variance)));
    if (k == 2) {
      long double off = want.observed[1] - want.expected[1];
      CHECK_NEAR(got->effect, off, 1e-13L + 1e-14L * want.observed[1]);
      CHECK_CLOSE(got->variance, want.covariance[3], 1e-12L);
    }
    free_test(&want);
  }
  free(regrouped.subject);
}

/* The columns are the groups: those of the rows stand back. */
static void check_columns(bytes *in, const row_case *r) {
  size_t m = take(in, 5), n = r->rows.n;
  rs_rows rows = r->rows;
  cohort c;
  rs_column *x = malloc((m + 1) * sizeof *x);
  rs_screened *got = malloc((m + 1) * sizeof *got);
  rs_report report;
  rows.group.type = RS_NONE;
  rows.n_group = 1;
  naive_cohort(&rows, r->ties, &c);
  for (size_t j = 0; j < m; j++) x[j] = take_column(in, n, take(in, 4) ? 1 + take(in, 7) : 255);
  rs_status status = rs_screen_logrank(&rows, r->ties, x, m, &r->run, got, &report);
  CHECK(status == (c.report.problem == RS_FINE ? RS_OK : RS_BAD_ROW));
  CHECK(report.problem == c.report.problem && report.used == c.report.used);
  for (size_t j = 0; j < m && status == RS_OK && c.n > 0; j++) check_column(&got[j], &c, &x[j]);
  for (size_t j = 0; j < m; j++) free_column(&x[j]);
  free_cohort(&c);
  free(x);
  free(got);
}

/* ---- Trials ------------------------------------------------------------------------------ */

static rs_column part(rs_column x, size_t from) {
  if (x.type == RS_INT) x.data = (const int *)x.data + from;
  if (x.type == RS_DOUBLE) x.data = (const double *)x.data + from;
  return x;
}

static rs_rows trial_rows(const rs_rows *all, size_t n, size_t j, int group_step) {
  rs_rows one = *all;
  one.n = n;
  one.time = part(all->time, j * n);
  one.status = part(all->status, j * n);
  if (group_step) one.group = part(all->group, j * n);
  return one;
}

static void check_trial(const rs_screened *got, const rs_rows *one, const cohort *c) {
  size_t k = one->n_group, present = 0;
  naive_test want;
  if (c->n == 0) {
    CHECK(got->n == 0 && isnan(got->statistic));
    return;
  }
  CHECK(got->n == c->n);
  for (size_t g = 0; g < k; g++) {
    int any = 0;
    for (size_t i = 0; i < c->n; i++) any |= c->subject[i].group == g;
    present += (size_t)any;
  }
  naive_logrank(c, k, 0, 0, &want);
  check_result(got, &want, k, present);
  if (k == 2) CHECK_CLOSE(got->variance, want.covariance[3], 1e-12L);
  free_test(&want);
}

/* The rows of the case are m trials of n rows, one after the other. */
static void check_all_trials(bytes *in, const row_case *r) {
  size_t n = 1 + take(in, 12), m = r->rows.n / n, first_bad = SIZE_MAX, trial;
  int group_step = (int)take(in, 2);
  rs_rows rows = r->rows;
  rs_report report;
  if (m == 0 || rows.n_group > 50) return;
  rows.n = n;
  rs_screened *got = malloc(m * sizeof *got);
  rs_status status = rs_screen_trials(&rows, m, group_step, r->ties, &r->run, got, &report, &trial);
  for (size_t j = 0; j < m && first_bad == SIZE_MAX; j++) {
    cohort c;
    rs_rows one = trial_rows(&r->rows, n, j, group_step);
    naive_cohort(&one, r->ties, &c);
    if (c.report.problem == RS_FINE) {
      check_trial(&got[j], &one, &c);
    } else {
      first_bad = j;
      CHECK(report.problem == c.report.problem && report.row == c.report.row);
    }
    free_cohort(&c);
  }
  CHECK(trial == first_bad && status == (first_bad == SIZE_MAX ? RS_OK : RS_BAD_ROW));
  free(got);
}

void check_screen(const uint8_t *data, size_t size) {
  bytes in = {data, size};
  row_case r;
  take_rows(&in, ONLY_TIME_STATUS, &r);
  check_columns(&in, &r);
  check_all_trials(&in, &r);
  free_rows(&r);
}
