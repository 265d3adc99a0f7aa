/* target_tables.c: counting rows into tables, their chi-squares, Fisher's test, and screens. */
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/core/rows.h"
#include "check.h"
#include "naive.h"
#include "reader.h"
#include "targets.h"

/* ---- Counting ---------------------------------------------------------------------------- */

/* Level of row i, or SIZE_MAX. */
static size_t level_of(const rs_category *k, size_t i) {
  if (k->column.type == RS_NONE) return 0;
  double x = rs_number(k->column, i), v = x - k->first;
  return x == floor(x) && v >= 0 && v < (double)k->levels ? (size_t)v : SIZE_MAX;
}

static void naive_count(const rs_category *k, rs_column weight, size_t n, double *counts,
                        rs_counted *found) {
  found->missing = 0;
  found->bad_weight = SIZE_MAX;
  for (size_t i = 0; i < n; i++) {
    size_t a = level_of(&k[0], i), b = level_of(&k[1], i), c = level_of(&k[2], i);
    double w = weight.type == RS_NONE ? 1 : rs_number(weight, i);
    int bad = !(w >= 0 && w <= 9007199254740992.0 && floor(w) == w);
    if (bad && found->bad_weight == SIZE_MAX) found->bad_weight = i;
    if (a == SIZE_MAX || b == SIZE_MAX || c == SIZE_MAX) found->missing++;
    else counts[a + k[0].levels * (b + k[1].levels * c)] += w;
  }
}

static rs_category take_category(bytes *in, size_t n) {
  rs_category k = {{NULL, RS_NONE}, 0, 1};
  unsigned levels = 1 + take(in, 6);
  if (take(in, 5) == 0) return k;
  k.column = take_column(in, n, levels);
  k.first = (int)take(in, 2);
  k.levels = levels;
  return k;
}

static void check_counting(bytes *in) {
  size_t n = take(in, 64), cells = 1;
  rs_category k[3];
  rs_column weight = {NULL, RS_NONE};
  rs_run run = {1 + (int)take(in, 3), NULL, NULL, RS_PATH_SORT};
  rs_counted got, want;
  for (int c = 0; c < 3; c++) {
    k[c] = take_category(in, n);
    cells *= k[c].levels;
  }
  if (take(in, 3) == 0) weight = take_column(in, n, 9);
  double *counts = malloc(cells * sizeof *counts), *wanted = calloc(cells, sizeof *wanted);
  CHECK(rs_count_table(k, weight, n, &run, counts, &got) == RS_OK);
  naive_count(k, weight, n, wanted, &want);
  CHECK(got.bad_weight == want.bad_weight);
  CHECK(got.missing == want.missing);
  if (got.bad_weight == SIZE_MAX) CHECK(memcmp(counts, wanted, cells * sizeof *counts) == 0);
  for (int c = 0; c < 3; c++) free_column(&k[c].column);
  free_column(&weight);
  free(counts);
  free(wanted);
}

/* ---- One table --------------------------------------------------------------------------- */

/* Counts without empty rows and columns. */
static void strip(double *counts, size_t *rows, size_t *cols) {
  size_t kept = 0, r = 0;
  for (size_t i = 0; i < *rows; i++) {
    double sum = 0;
    for (size_t j = 0; j < *cols; j++) sum += counts[i + j * *rows];
    if (sum == 0) continue;
    for (size_t j = 0; j < *cols; j++) counts[r + j * *rows] = counts[i + j * *rows];
    r++;
  }
  for (size_t j = 0; j < *cols; j++) {
    double sum = 0;
    for (size_t i = 0; i < r; i++) sum += counts[i + j * *rows];
    if (sum == 0) continue;
    for (size_t i = 0; i < r; i++) counts[i + kept * r] = counts[i + j * *rows];
    kept++;
  }
  *rows = r;
  *cols = kept;
}

static void check_chi(const rs_crosstab *got, const naive_chi *want, int two_by_two) {
  long double within = 4e-16L * want->noise * (long double)(got->rows * got->cols);
  CHECK(got->n == want->n);
  CHECK_CLOSE(got->least, want->least, 1e-15L);
  CHECK_NEAR(got->pearson, want->pearson, 1e-12L * want->pearson + within);
  if (two_by_two) CHECK_NEAR(got->yates, want->yates, 1e-12L * want->yates + within);
  CHECK_NEAR(got->likelihood, want->likelihood, 1e-12L * want->likelihood + within);
  CHECK_NEAR(got->linear, want->linear, 1e-9L * want->linear + 1e-12L + within);
}

static void check_crosstab(bytes *in) {
  size_t rows = 1 + take(in, 6), cols = 1 + take(in, 6);
  double x[6], y[6];
  double *counts = take_counts(in, rows * cols);
  strip(counts, &rows, &cols);
  for (size_t i = 0; i < 6; i++) x[i] = take(in, 8) - 3.5;
  for (size_t i = 0; i < 6; i++) y[i] = (double)i;
  double *room = malloc((rows + cols + rows * cols + 1) * sizeof *room);
  rs_crosstab got = {.rows = rows, .cols = cols, .counts = counts, .row = room, .col = room + rows};
  if (rows > 0) {
    if (take(in, 2)) got.expected = room + rows + cols;
    rs_crosstab_run(&got, x, y);
    naive_chi want = naive_crosstab(counts, rows, cols, x, y);
    check_chi(&got, &want, rows == 2 && cols == 2);
    for (size_t i = 0; got.expected && i < rows * cols; i++) {
      CHECK_CLOSE(got.expected[i], (long double)got.row[i % rows] * got.col[i / rows] / want.n, 1e-15L);
    }
  }
  free(room);
  free(counts);
}

static void check_fisher(bytes *in) {
  double *x = take_counts(in, 4), n = x[0] + x[1] + x[2] + x[3];
  double log_p = rs_fisher_log_p(x[0], x[1], x[2], x[3]);
  CHECK(log_p <= 0);
  /* The deviance of x from its mean m is off by an ulp of m for each unit of x - m. */
  long double within = 1e-10L + 2e-15L * sqrt(n * (1 - log_p));
  /* Where that exceeds the tolerance for ties the other tail may begin one value sooner or later. */
  if (within > 1e-7L) within += logl(2);
  CHECK_NEAR(rs_fisher_log_p(x[0], x[2], x[1], x[3]), log_p, within);
  if (n < 3000) {
    long double p = naive_fisher(x[0], x[1], x[2], x[3]);
    CHECK_NEAR(log_p, logl(p), 1e-11L);
  }
  free(x);
}

/* ---- Screens ----------------------------------------------------------------------------- */

/* The column's own table: its values ascending, present ones only. */
typedef struct {
  double counts[16 * 1024], x_score[1024], y_score[16];
  size_t rows, cols, strata;
  double n, events;
  int wide;
} column_table;

static void see_value(column_table *t, double v) {
  size_t at = 0;
  while (at < t->rows && t->x_score[at] < v) at++;
  if (at < t->rows && t->x_score[at] == v) return;
  memmove(t->x_score + at + 1, t->x_score + at, (t->rows - at) * sizeof v);
  t->x_score[at] = v;
  t->rows++;
}

static void column_counts(const rs_column *x, size_t n, const rs_category *y,
                          const rs_category *strata, const double *y_score, column_table *t) {
  int has[16] = {0};
  double low = INFINITY, high = -INFINITY;
  memset(t, 0, sizeof *t);
  t->strata = strata->levels;
  for (size_t i = 0; i < n; i++) {
    double v = rs_number(*x, i);
    size_t level = level_of(y, i);
    if (!isnan(v)) low = fmin(low, v), high = fmax(high, v);
    if (!isnan(v) && (v != floor(v) || fabs(v) >= 0x1p31)) t->wide = 1;
    if (isnan(v) || level == SIZE_MAX || level_of(strata, i) == SIZE_MAX) continue;
    see_value(t, v);
    has[level] = 1;
    t->n++;
    t->events += level == 1;
  }
  size_t place[16];
  for (size_t l = 0; l < y->levels; l++) {
    place[l] = t->cols;
    if (has[l]) t->y_score[t->cols++] = y_score[l];
  }
  if ((high - low + 2) * ((double)(y->levels * t->strata) + 1) > 1 << 20) t->wide = 1;
  for (size_t i = 0; i < n && !t->wide; i++) {
    size_t level = level_of(y, i), s = level_of(strata, i), r = 0;
    if (isnan(rs_number(*x, i)) || level == SIZE_MAX || s == SIZE_MAX) continue;
    while (t->x_score[r] != rs_number(*x, i)) r++;
    t->counts[r + t->rows * (place[level] + t->cols * s)]++;
  }
}

static void check_uncorrected(const rs_screen_row *got, const column_table *t, rs_screen_test test) {
  naive_chi want = naive_crosstab(t->counts, t->rows, t->cols, t->x_score, t->y_score);
  if (test == RS_SCREEN_TREND) {
    CHECK(got->df == 1);
    CHECK_NEAR(got->statistic, want.linear, 1e-9L * want.linear + 1e-12L);
  } else {
    CHECK(got->df == (double)((t->rows - 1) * (t->cols - 1)));
    CHECK_NEAR(got->statistic, want.pearson, 1e-12L * want.pearson + 1e-15L * want.noise);
  }
  if (t->rows != 2 || t->cols != 2) {
    CHECK(isnan(got->odds_ratio));
    return;
  }
  long double odds = (long double)t->counts[0] * t->counts[3] / t->counts[1] / t->counts[2];
  if (t->counts[0] * t->counts[3] > 0 && t->counts[1] * t->counts[2] == 0) odds = INFINITY;
  CHECK_CLOSE(got->odds_ratio, odds, 1e-14L);
}

static void check_stratified(const rs_screen_row *got, const column_table *t) {
  naive_test want;
  long double odds, log_variance;
  size_t size = t->rows * (t->cols - 1), rank;
  naive_cmh(t->counts, t->rows, t->cols, t->strata, &want, &odds, &log_variance);
  if (want.strata == 0) {
    CHECK(got->reason == RS_SCREEN_NO_INFORMATION && isnan(got->statistic));
  } else {
    long double *u = malloc(size * sizeof *u);
    for (size_t i = 0; i < size; i++) u[i] = want.observed[i] - want.expected[i];
    long double value = naive_quadratic(u, want.covariance, size, &rank);
    CHECK(got->reason == RS_SCREEN_DONE && got->df == (double)rank);
    CHECK_NEAR(got->statistic, value, 1e-8L * value + 1e-12L);
    if (t->rows == 2 && t->cols == 2) CHECK_CLOSE(got->odds_ratio, odds, 1e-13L);
    free(u);
  }
  free_test(&want);
}

static void check_screened(const rs_screen_row *got, column_table *t, rs_screen_test test) {
  if (t->wide) {
    CHECK(got->reason == RS_SCREEN_WIDE && isnan(got->statistic));
    return;
  }
  CHECK(got->reason != RS_SCREEN_WIDE || test == RS_SCREEN_CMH); /* 512 cells of one stratum */
  if (got->reason == RS_SCREEN_WIDE) return;
  CHECK(got->n == t->n && got->events == t->events);
  if (t->n == 0) CHECK(got->reason == RS_SCREEN_NO_ROWS);
  else if (t->rows < 2) CHECK(got->reason == RS_SCREEN_ONE_X);
  else if (t->cols < 2) CHECK(got->reason == RS_SCREEN_ONE_Y);
  else if (test == RS_SCREEN_CMH) check_stratified(got, t);
  else check_uncorrected(got, t, test);
}

static void check_screen_of_tables(bytes *in) {
  static column_table t;
  size_t n = take(in, 48), m = take(in, 4);
  rs_category y = take_category(in, n), strata = {{NULL, RS_NONE}, 0, 1};
  rs_screen_test test = (rs_screen_test)take(in, 3);
  rs_run run = {1 + (int)take(in, 3), NULL, NULL, RS_PATH_SORT};
  if (test == RS_SCREEN_CMH) strata = take_category(in, n);
  double *y_score = malloc(y.levels * sizeof *y_score);
  rs_column *x = malloc((m + 1) * sizeof *x);
  rs_screen_row *got = malloc((m + 1) * sizeof *got);
  for (size_t j = 0; j < y.levels; j++) y_score[j] = take(in, 8);
  for (size_t j = 0; j < m; j++) x[j] = take_column(in, n, take(in, 4) ? 1 + take(in, 4) : 255);
  CHECK(rs_screen_crosstab(x, m, n, y, strata, y_score, test, &run, got) == RS_OK);
  for (size_t j = 0; j < m; j++) {
    column_counts(&x[j], n, &y, &strata, y_score, &t);
    check_screened(&got[j], &t, test);
    free_column(&x[j]);
  }
  free_column(&y.column);
  free_column(&strata.column);
  free(y_score);
  free(x);
  free(got);
}

void check_tables(const uint8_t *data, size_t size) {
  static void (*const part[])(bytes *) = {check_counting, check_crosstab, check_fisher,
                                          check_screen_of_tables};
  bytes in = {data, size};
  part[take(&in, 4)](&in);
}
