/* target_rows.c: rows -> stream -> risk table -> curves and log-rank, against naive.c. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "naive.h"
#include "reader.h"
#include "targets.h"

/* Sums of weights such as 0.1 depend on their order by a few ulp. */
static const long double ROUNDED = 1e-13L;

static void check_report(const rs_report *got, const cohort *c) {
  const rs_report *want = &c->report;
  CHECK(got->used == want->used);
  CHECK(memcmp(got->missing, want->missing, sizeof got->missing) == 0);
  CHECK(got->not_a_number == want->not_a_number);
  CHECK(near(got->event, want->event, 0));
  CHECK(got->problem == want->problem);
  if (want->problem != RS_FINE) {
    CHECK(got->column == want->column);
    if (want->problem == RS_ALL_ZERO || want->problem == RS_SUM_TOO_LARGE) return;
    CHECK_NEAR(got->row, want->row, 0);
    CHECK_NEAR(got->rows, want->rows, 0);
    CHECK(near(got->value, want->value, 0));
    return;
  }
  CHECK(got->whole_times == want->whole_times);
  CHECK(got->infinite_times == want->infinite_times);
  CHECK(got->weights == want->weights);
  CHECK_CLOSE(got->total_weight, want->total_weight, ROUNDED);
  CHECK(got->min_time == want->min_time && got->max_time == want->max_time);
  CHECK(got->min_positive == want->min_positive);
}

/* ---- The stream -------------------------------------------------------------------------- */

static size_t read_all(rs_stream *s, size_t room, rs_cell *cell, size_t most) {
  size_t n = 0, m;
  while ((m = rs_stream_read(s, cell + n, most - n < room ? most - n : room)) > 0) n += m;
  return n;
}

static int same_cell(const rs_cell *a, const rs_cell *b) {
  return a->time == b->time && a->block == b->block && a->kind == b->kind && a->count == b->count &&
         a->rows == b->rows && a->square == b->square;
}

static void check_order(const rs_cell *cell, size_t n, size_t n_group) {
  for (size_t i = 1; i < n; i++) {
    size_t before = cell[i - 1].block / n_group, now = cell[i].block / n_group;
    CHECK(before < now || (before == now && cell[i - 1].time <= cell[i].time));
  }
}

static void check_stream(rs_stream *s, const row_case *r, size_t cells) {
  rs_cell *cell = malloc((cells + 8) * sizeof *cell), *again = malloc((cells + 8) * sizeof *again);
  size_t n = read_all(s, 256, cell, cells + 8);
  CHECK(n <= cells);
  check_order(cell, n, r->rows.n_group);
  rs_stream_rewind(s);
  CHECK(read_all(s, 3, again, cells + 8) == n);
  for (size_t i = 0; i < n; i++) CHECK(same_cell(&cell[i], &again[i]));
  rs_stream_rewind(s);
  free(cell);
  free(again);
}

/* ---- The table --------------------------------------------------------------------------- */

static double *plain_allocate(size_t n, int which, void *user) {
  double **array = user;
  array[which] = malloc(n > 0 ? n * sizeof(double) : 1);
  return array[which];
}

typedef struct {
  rs_table table;
  double *array[RS_ARRAYS];
} owned_table;

static rs_status tabulate(rs_stream *s, const row_case *r, owned_table *t) {
  memset(t, 0, sizeof *t);
  t->table.start = malloc((r->rows.n_group * r->rows.n_stratum + 1) * sizeof(size_t));
  return rs_tabulate(s, &r->run, plain_allocate, t->array, &t->table);
}

static void free_table(owned_table *t) {
  for (int a = 0; a < RS_ARRAYS; a++) free(t->array[a]);
  free(t->table.start);
}

static void check_row(const rs_table *t, size_t row, const cohort *c, size_t group, size_t stratum,
                      int exact) {
  double time = t->time[row];
  long double within = exact ? 0 : ROUNDED;
  CHECK_CLOSE(t->event[row], naive_sum(c, group, stratum, time, RS_KIND_EVENT, 1), within);
  CHECK_CLOSE(t->censor[row], naive_sum(c, group, stratum, time, RS_KIND_CENSOR, 1), within);
  if (t->enter) {
    CHECK_CLOSE(t->enter[row], naive_sum(c, group, stratum, time, RS_KIND_ENTER, 1), within);
  }
  if (t->rows_event) {
    CHECK(t->rows_event[row] == naive_sum(c, group, stratum, time, RS_KIND_EVENT, 0));
    CHECK(t->rows_censor[row] == naive_sum(c, group, stratum, time, RS_KIND_CENSOR, 0));
  }
  if (t->rows_enter) {
    CHECK(t->rows_enter[row] == naive_sum(c, group, stratum, time, RS_KIND_ENTER, 0));
  }
  if (t->square_event) {
    CHECK_CLOSE(t->square_event[row], (double)naive_sum(c, group, stratum, time, RS_KIND_EVENT, 2),
                within);
    CHECK_CLOSE(t->square_censor[row], (double)naive_sum(c, group, stratum, time, RS_KIND_CENSOR, 2),
                within);
  }
}

/* Distinct times of the block's rows. */
static size_t times_of(const cohort *c, size_t group, size_t stratum) {
  size_t n = 0;
  for (size_t i = 0; i < c->n; i++) {
    for (int entry = 0; entry < 2; entry++) {
      const subject *s = &c->subject[i];
      double t = entry ? s->entry : s->time;
      int seen = isnan(t) || s->group != group || s->stratum != stratum;
      for (size_t j = 0; j < i && !seen; j++) {
        const subject *o = &c->subject[j];
        seen = o->group == group && o->stratum == stratum && (o->time == t || o->entry == t);
      }
      if (entry && s->time == t) seen = 1;
      n += !seen;
    }
  }
  return n;
}

static void check_table(const rs_table *t, const row_case *r, const cohort *c) {
  size_t groups = r->rows.n_group;
  CHECK(t->n_block == groups * r->rows.n_stratum);
  CHECK(t->start[0] == 0 && t->start[t->n_block] == t->n_row);
  CHECK((t->enter != NULL) == (r->rows.entry.type != RS_NONE));
  CHECK((t->rows_event != NULL) == (c->report.weights > 0));
  CHECK((t->square_event != NULL) == (c->report.weights > 1));
  for (size_t b = 0; b < t->n_block; b++) {
    if (t->n_block > 100 && t->start[b] == t->start[b + 1]) continue;
    CHECK(t->start[b + 1] - t->start[b] == times_of(c, b % groups, b / groups));
    for (size_t row = t->start[b]; row < t->start[b + 1]; row++) {
      CHECK(row == t->start[b] || t->time[row] > t->time[row - 1]);
      check_row(t, row, c, b % groups, b / groups, r->exact_sums);
    }
  }
}

static int same_array(const double *a, const double *b, size_t n) {
  return (!a && !b) || (a && b && memcmp(a, b, n * sizeof *a) == 0);
}

static void check_same_table(const rs_table *a, const rs_table *b) {
  size_t n = a->n_row;
  CHECK(a->n_block == b->n_block && n == b->n_row);
  CHECK(memcmp(a->start, b->start, (a->n_block + 1) * sizeof *a->start) == 0);
  CHECK(same_array(a->time, b->time, n));
  CHECK(same_array(a->event, b->event, n) && same_array(a->censor, b->censor, n));
  CHECK(same_array(a->enter, b->enter, n) && same_array(a->rows_event, b->rows_event, n));
  CHECK(same_array(a->rows_censor, b->rows_censor, n));
  CHECK(same_array(a->rows_enter, b->rows_enter, n));
  CHECK(same_array(a->square_event, b->square_event, n));
  CHECK(same_array(a->square_censor, b->square_censor, n));
}

/* ---- Curves ------------------------------------------------------------------------------ */

static void check_limits(const rs_curves *k, const rs_interval *interval, size_t n) {
  for (size_t i = 0; i < n; i++) {
    long double low, high;
    double se = k->std_err[i];
    if (k->square_event) se = se == 0 ? 0 : se / k->surv[i];
    naive_limits(interval, k->surv[i], se, &low, &high);
    CHECK_NEAR(k->lower[i], low, 1e-12L + 1e-11L * low);
    CHECK_NEAR(k->upper[i], high, 1e-12L + 1e-11L * high);
  }
}

static void check_curve(const rs_table *t, const rs_curves *k, size_t row, const cohort *c,
                        size_t group, size_t stratum) {
  int robust = t->square_event != NULL;
  naive_point p = naive_curve(c, group, stratum, t->time[row], robust);
  CHECK_CLOSE(k->risk[row], naive_risk(c, group, stratum, t->time[row]), 1e-12L);
  CHECK_CLOSE(k->surv[row], p.surv, 1e-12L);
  CHECK_CLOSE(k->cumhaz[row], p.cumhaz, 1e-12L);
  /* Influences cancel: what is left of them is off by an ulp of the largest. */
  CHECK_NEAR(k->std_err[row], p.std_err, 1e-12L * p.std_err + (robust ? 1e-15L : 0));
  CHECK_NEAR(k->std_chaz[row], p.std_chaz, 1e-12L * p.std_chaz + (robust ? 1e-15L : 0));
}

static void check_curves(const rs_table *t, const row_case *r, const cohort *c, unsigned choice) {
  size_t n = t->n_row, groups = r->rows.n_group;
  double *room[7];
  rs_interval interval = {(rs_conf_type)(choice % 6), 1.959963984540054, NAN, choice / 6 % 2};
  for (int i = 0; i < 7; i++) room[i] = malloc(n > 0 ? n * sizeof(double) : 1);
  rs_curves k = {t->event, t->censor, t->enter, t->square_event, t->square_censor,
                 room[0],  room[1],   room[2],  room[3],         room[4],
                 room[5],  room[6]};
  CHECK(rs_survival(&k, t->start, t->n_block, &interval, &r->run) == RS_OK);
  for (size_t b = 0; b < t->n_block; b++) {
    for (size_t row = t->start[b]; row < t->start[b + 1]; row++) {
      check_curve(t, &k, row, c, b % groups, b / groups);
    }
  }
  if (interval.type != RS_CONF_NONE) check_limits(&k, &interval, n);
  for (int i = 0; i < 7; i++) free(room[i]);
}

/* ---- Log-rank ---------------------------------------------------------------------------- */

static rs_status run_logrank(rs_stream *s, size_t k, double rho, double gamma, const rs_run *run,
                             double *room, rs_logrank *test) {
  *test = (rs_logrank){rho, gamma, room, room + k, room + 2 * k, 0, 0};
  return rs_logrank_run(s, k, run, test);
}

static void check_quadratic(const rs_logrank *test, const naive_test *want, size_t k) {
  double *u = malloc(k * sizeof *u), *work = malloc(k * (k + 3) * sizeof *work);
  long double *wu = malloc(k * sizeof *wu);
  size_t rank, want_rank;
  for (size_t g = 0; g < k; g++) {
    u[g] = test->observed[g] - test->expected[g];
    wu[g] = want->observed[g] - want->expected[g];
  }
  double got = rs_quadratic(u, test->covariance, k, work, &rank);
  long double value = naive_quadratic(wu, want->covariance, k, &want_rank);
  CHECK(rank == want_rank);
  CHECK_NEAR(got, value, 1e-8L * value + 1e-12L);
  free(u);
  free(work);
  free(wu);
}

static void check_logrank(rs_stream *s, const row_case *r, const cohort *c, unsigned choice) {
  static const double powers[] = {0, 1, 0.5, 2};
  size_t k = r->rows.n_group;
  double *room = malloc((2 * k + k * k) * sizeof *room);
  double rho = powers[choice % 4], gamma = powers[choice / 4 % 4];
  /* 1 - S has lost digits while S is near 1. */
  long double part = gamma == 0 ? 1e-14L : 1e-12L;
  rs_logrank test;
  naive_test want;
  naive_logrank(c, k, rho, gamma, &want);
  CHECK(run_logrank(s, k, rho, gamma, &r->run, room, &test) == RS_OK);
  CHECK(test.informative_times == want.times && test.informative_strata == want.strata);
  for (size_t g = 0; g < k; g++) {
    long double within = 1e-12L * sqrtl(want.covariance[g + g * k]) + part * want.observed[g];
    CHECK_CLOSE(test.observed[g], want.observed[g], part);
    CHECK_NEAR(test.observed[g] - test.expected[g], want.observed[g] - want.expected[g], within);
    CHECK_CLOSE(test.covariance[g + g * k], want.covariance[g + g * k], 1e-12L);
    for (size_t h = 0; h < k; h++) {
      CHECK_CLOSE(test.covariance[g + h * k], want.covariance[g + h * k], 1e-12L);
    }
  }
  if (rho == 0 && gamma == 0 && want.times > 0) check_quadratic(&test, &want, k);
  free(room);
  free_test(&want);
}

/* The same test from the table: the same bits. */
static void check_from_table(rs_stream *s, const rs_table *t, const row_case *r) {
  size_t k = r->rows.n_group, size = 2 * k + k * k;
  double *room = malloc(2 * size * sizeof *room);
  rs_logrank from_rows, from_table;
  rs_stream *stream;
  rs_stream_rewind(s);
  CHECK(run_logrank(s, k, 0, 1, &r->run, room, &from_rows) == RS_OK);
  CHECK(rs_stream_table(t, k, r->rows.n_stratum, &r->run, &stream) == RS_OK);
  check_stream(stream, r, 3 * t->n_row);
  CHECK(run_logrank(stream, k, 0, 1, &r->run, room + size, &from_table) == RS_OK);
  CHECK(memcmp(room, room + size, size * sizeof *room) == 0);
  CHECK(from_rows.informative_times == from_table.informative_times);
  rs_stream_close(stream);
  free(room);
}

/* ---- All of it --------------------------------------------------------------------------- */

static void check_another_way(const row_case *r, const rs_table *t) {
  rs_stream *s;
  rs_report report;
  owned_table other;
  if (rs_stream_open(&r->rows, r->ties, &r->run, &s, &report) != RS_OK) {
    CHECK(0);
    return;
  }
  CHECK(tabulate(s, r, &other) == RS_OK);
  check_same_table(t, &other.table);
  free_table(&other);
  rs_stream_close(s);
}

static void check_missing_rows(const row_case *r, const rs_report *report) {
  size_t n = r->rows.n, *at = malloc(n > 0 ? n * sizeof *at : 1);
  double event = isnan(report->event) ? 1 : report->event;
  size_t found;
  CHECK(rs_missing_rows(&r->rows, event, at, n, &r->run, &found) == RS_OK);
  CHECK(found == n - report->used);
  for (size_t i = 0; i < n - report->used; i++) {
    CHECK(at[i] >= 1 && at[i] <= n && (i == 0 || at[i] > at[i - 1]));
  }
  CHECK(rs_missing_rows(&r->rows, event, at, 0, &r->run, &found) == RS_OK);
  CHECK(found == n - report->used);
  free(at);
}

/* Rows at which subjects leave, and what is summed from each to the next, by looking at each row. */
static void check_leaving(const rs_table *t, const rs_run *run) {
  size_t *row = malloc((t->n_row + 1) * sizeof *row), *left = malloc((t->n_block + 1) * sizeof *left);
  double *got = malloc((t->n_row + 1) * sizeof *got), *want = calloc(t->n_row + 1, sizeof *want);
  size_t n = 0;
  CHECK(rs_leaving_rows(t->event, t->censor, t->start, t->n_block, run, NULL, left) == RS_OK);
  size_t counted = left[t->n_block];
  CHECK(rs_leaving_rows(t->event, t->censor, t->start, t->n_block, run, row, left) == RS_OK);
  for (size_t b = 0; b < t->n_block; b++) {
    CHECK(left[b] == n);
    for (size_t i = t->start[b]; i < t->start[b + 1]; i++) {
      if (t->event[i] > 0 || t->censor[i] > 0) CHECK(row[n++] == i);
      if (n > left[b]) want[n - 1] += t->time[i] < INFINITY ? t->time[i] : 1;
    }
  }
  CHECK(n == counted && left[t->n_block] == n);
  CHECK(rs_at_rows(t->time, 0, t->start, t->n_block, row, left, run, got) == RS_OK);
  for (size_t k = 0; k < n; k++) CHECK(got[k] == t->time[row[k]]);
  double *finite = malloc((t->n_row + 1) * sizeof *finite);
  for (size_t i = 0; i < t->n_row; i++) finite[i] = t->time[i] < INFINITY ? t->time[i] : 1;
  CHECK(rs_at_rows(finite, 1, t->start, t->n_block, row, left, run, got) == RS_OK);
  for (size_t k = 0; k < n; k++) CHECK(got[k] == want[k]);
  free(finite);
  free(row);
  free(left);
  free(got);
  free(want);
}

static void check_opened(rs_stream *s, const row_case *r, const cohort *c, unsigned choice) {
  owned_table t;
  row_case other;
  CHECK(rs_stream_merged(s) == c->merged);
  check_stream(s, r, 2 * r->rows.n + 1);
  CHECK(tabulate(s, r, &t) == RS_OK);
  CHECK(t.table.merged == c->merged);
  check_table(&t.table, r, c);
  check_leaving(&t.table, &r->run);
  if (r->exact_sums) {
    reverse_rows(r, &other);
    other.run.threads = 1 + other.run.threads % 3;
    check_another_way(&other, &t.table);
    free_rows(&other);
    other = *r;
    other.run.paths ^= RS_PATH_COUNT;
    check_another_way(&other, &t.table);
    int entries = r->rows.entry.type != RS_NONE, robust = c->report.weights > 1;
    if (!(entries && robust)) check_curves(&t.table, r, c, choice);
    rs_stream_rewind(s);
    if (!robust && r->rows.n_group < 100) {
      check_logrank(s, r, c, choice);
      check_from_table(s, &t.table, r);
    }
  }
  free_table(&t);
}

void check_rows(const uint8_t *data, size_t size) {
  bytes in = {data, size};
  row_case r;
  cohort c;
  rs_stream *s;
  rs_report report;
  unsigned choice = take(&in, 192);
  take_rows(&in, 0, &r);
  naive_cohort(&r.rows, r.ties, &c);
  rs_status status = rs_stream_open(&r.rows, r.ties, &r.run, &s, &report);
  check_report(&report, &c);
  if (c.report.problem != RS_FINE) {
    CHECK(status == RS_BAD_ROW && !s);
  } else if (c.n == 0) {
    CHECK(status == RS_OK && !s);
  } else {
    CHECK(status == RS_OK && s);
  }
  check_missing_rows(&r, &report);
  if (status == RS_OK && s) check_opened(s, &r, &c, choice);
  rs_stream_close(s);
  free_cohort(&c);
  free_rows(&r);
}
