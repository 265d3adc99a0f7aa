/* target_ties.c: tie rules, codes of whole numbers, ranges of columns, against their definitions. */
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/core/rows.h"
#include "check.h"
#include "naive.h"
#include "reader.h"
#include "targets.h"

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* The used times of a case, distinct and increasing, in a buffer of their size. */
static double *distinct_times(const rs_rows *rows, size_t *n) {
  double *t = malloc(rows->n > 0 ? rows->n * sizeof *t : 1);
  size_t m = 0, k = 0;
  for (size_t i = 0; i < rows->n; i++) {
    double x = rs_number(rows->time, i) + 0.0;
    if (x >= 0) t[m++] = x;
  }
  qsort(t, m, sizeof *t, by_value);
  for (size_t i = 0; i < m; i++) {
    if (i == 0 || t[i] != t[i - 1]) t[k++] = t[i];
  }
  *n = k;
  return realloc(t, k > 0 ? k * sizeof *t : 1);
}

static void check_merge(const rs_rows *rows, rs_ties ties) {
  size_t n;
  double *t = distinct_times(rows, &n);
  double *got = malloc(n > 0 ? n * sizeof *got : 1), *want = malloc(n > 0 ? n * sizeof *want : 1);
  CHECK(rs_merge_times(t, n, ties, got) == naive_merge(t, n, ties, want));
  CHECK(memcmp(got, want, n * sizeof *got) == 0);
  rs_merge_times(t, n, ties, t);
  CHECK(memcmp(t, want, n * sizeof *t) == 0);
  free(t);
  free(got);
  free(want);
}

static void check_codes(const rs_column *x, size_t n, const rs_range *range) {
  size_t span = (size_t)(range->high - range->low) + 1, k = 0;
  int *map = malloc(span * sizeof *map), *code = malloc(n * sizeof *code);
  const rs_run alone = {1, NULL, NULL, 0};
  size_t got = 0;
  CHECK(rs_small_codes(x, n, range->low, range->high, &alone, map, code, &got) == RS_OK);
  for (size_t v = 0; v < span; v++) {
    int seen = 0;
    for (size_t i = 0; i < n; i++) {
      if (rs_number(*x, i) != range->low + (double)v) continue;
      CHECK(code[i] == (int)k + 1);
      seen = 1;
    }
    k += (size_t)seen;
    CHECK(map[v] == (seen ? (int)k : 0));
  }
  for (size_t i = 0; i < n; i++) CHECK((code[i] == INT_MIN) == isnan(rs_number(*x, i)));
  CHECK(got == k);
  free(map);
  free(code);
}

static void check_range(const rs_column *x, size_t n, const rs_run *run) {
  rs_range range;
  double low = INFINITY, high = -INFINITY;
  size_t missing = 0;
  int whole = 1;
  for (size_t i = 0; i < n; i++) {
    double v = rs_number(*x, i);
    if (isnan(v)) missing++;
    else if (fabs(v) >= 0x1p31 || v != floor(v)) whole = 0;
    low = v < low ? v : low;
    high = v > high ? v : high;
  }
  if (high - low >= 1000) whole = 0;
  CHECK(rs_column_range(*x, n, 1000, run, &range) == RS_OK);
  CHECK(range.whole == whole);
  if (!whole) return;
  CHECK(range.low == low && range.high == high);
  if (n > missing) check_codes(x, n, &range);
}

void check_ties(const uint8_t *data, size_t size) {
  bytes in = {data, size};
  row_case r;
  take_rows(&in, ONLY_TIME_STATUS, &r);
  check_merge(&r.rows, r.ties);
  rs_column x = take_column(&in, r.rows.n, 1 + take(&in, 255));
  check_range(&x, r.rows.n, &r.run);
  check_range(&r.rows.time, r.rows.n, &r.run);
  free_column(&x);
  free_rows(&r);
}
