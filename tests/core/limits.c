/* limits.c: more rows than the core can number, with that number lowered to 1000 (see rows.h).
 * Where rows must be numbered that is refused, elsewhere the answer is that of counting. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/core/rows.h"
#include "check.h"

enum { N = 2 * RS_MOST_ROWS };

static double time[N], weight[N];
static int status[N], group[N];

static rs_rows rows(size_t n) {
  return (rs_rows){.n = n, .time = {time, RS_DOUBLE}, .status = {status, RS_INT},
                   .group = {group, RS_INT}, .n_group = 2, .n_stratum = 1, .event = NAN};
}

static rs_status open_close(const rs_rows *r, unsigned paths) {
  const rs_run run = {1, NULL, NULL, paths};
  rs_stream *s;
  rs_report report;
  rs_status opened = rs_stream_open(r, RS_TIES_ULP, &run, &s, &report);
  CHECK((s != NULL) == (opened == RS_OK));
  rs_stream_close(s);
  return opened;
}

static void logrank(const rs_rows *r, unsigned paths, double *sums) {
  const rs_run run = {1, NULL, NULL, paths};
  rs_stream *s;
  rs_report report;
  rs_logrank test = {0, 0, sums, sums + 2, sums + 4, 0, 0};
  CHECK(rs_stream_open(r, RS_TIES_ULP, &run, &s, &report) == RS_OK);
  CHECK(rs_logrank_run(s, 2, &run, &test) == RS_OK);
  rs_stream_close(s);
}

static void numbered_rows(void) {
  rs_rows r = rows(RS_MOST_ROWS - 1);
  r.weight = (rs_column){weight, RS_DOUBLE};
  CHECK(open_close(&r, RS_PATH_SORT) == RS_OK);
  r.n++;
  CHECK(open_close(&r, RS_PATH_SORT) == RS_TOO_LARGE);
  CHECK(open_close(&r, RS_PATH_COUNT | RS_PATH_SORT) == RS_OK);
  r = rows(RS_MOST_ROWS);
  r.keep_rows = 1;
  CHECK(open_close(&r, RS_PATH_COUNT | RS_PATH_SORT) == RS_TOO_LARGE);
  r.n--;
  CHECK(open_close(&r, RS_PATH_COUNT | RS_PATH_SORT) == RS_OK);
}

static void unnumbered_rows(void) {
  double counted[8], sorted[8];
  rs_rows r = rows(N);
  logrank(&r, RS_PATH_COUNT | RS_PATH_SORT, counted);
  logrank(&r, RS_PATH_SORT, sorted);
  CHECK(memcmp(counted, sorted, sizeof sorted) == 0);
  CHECK(counted[4] > 0);
}

static void screens(void) {
  const rs_run run = {1, NULL, NULL, RS_PATH_SORT};
  const double score[2] = {0, 1};
  const rs_category y = {{status, RS_INT}, 0, 2}, none = {{NULL, RS_NONE}, 0, 1};
  rs_column x = {group, RS_INT};
  rs_screen_row row;
  rs_screened tested;
  rs_report report;
  rs_rows r = rows(RS_MOST_ROWS);
  CHECK(rs_screen_crosstab(&x, 1, N - 1, y, none, score, RS_SCREEN_PEARSON, &run, &row) == RS_OK);
  CHECK(row.n == N - 1);
  CHECK(rs_screen_crosstab(&x, 1, N, y, none, score, RS_SCREEN_PEARSON, &run, &row) ==
        RS_TOO_LARGE);
  CHECK(rs_screen_logrank(&r, RS_TIES_ULP, &x, 1, &run, &tested, &report) == RS_TOO_LARGE);
}

int main(void) {
  for (size_t i = 0; i < N; i++) {
    time[i] = (double)(i * 7 % 97);
    weight[i] = (double)(1 + i % 3);
    status[i] = (int)(i % 2);
    group[i] = (int)(i / 3 % 2) + 1;
  }
  numbered_rows();
  unnumbered_rows();
  screens();
  return check_summary();
}
