/* long.c: more than 2^31 rows, in truth: one piece of memory is mapped again and again. */
#define _GNU_SOURCE
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"
#include "riskset.h"

enum { PIECE = 1 << 22, PIECES = 513 }; /* ints: 16 MiB, and 2^31 + 2^22 rows */
static const size_t N = (size_t)PIECE * PIECES;

/* A column of N ints that repeats PIECE of them; NULL where it cannot be had. */
static int *repeated(int **piece) {
  const size_t bytes = PIECE * sizeof(int);
  int file = memfd_create("column", 0);
  if (file < 0 || ftruncate(file, (off_t)bytes) != 0) return NULL;
  char *all = mmap(NULL, N * sizeof(int), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
  if (all == MAP_FAILED) return NULL;
  for (size_t i = 0; i < PIECES; i++) {
    void *at = all + i * bytes;
    if (mmap(at, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0) != at) return NULL;
  }
  close(file);
  *piece = (int *)all;
  return (int *)all;
}

static double *allocate(size_t n, int which, void *user) {
  double(*room)[64] = user;
  return n <= 64 ? room[which] : NULL;
}

static void tabulated(const rs_rows *rows, const int *time, const int *status) {
  const rs_run run = {2, NULL, NULL, RS_PATH_COUNT | RS_PATH_SORT};
  static double room[RS_ARRAYS][64];
  size_t start[2], event[16] = {0}, censor[16] = {0};
  rs_table t = {.start = start};
  rs_stream *s;
  rs_report report;
  for (size_t i = 0; i < PIECE; i++) (status[i] ? event : censor)[time[i]] += PIECES;
  CHECK(rs_stream_open(rows, RS_TIES_ULP, &run, &s, &report) == RS_OK);
  CHECK(report.used == N);
  CHECK(rs_tabulate(s, &run, allocate, room, &t) == RS_OK);
  CHECK(t.n_row == 16);
  for (size_t i = 0; i < 16; i++) {
    CHECK(t.time[i] == (double)i);
    CHECK(t.event[i] == (double)event[i] && t.censor[i] == (double)censor[i]);
  }
  CHECK(rs_stream_rows(s)[0] == (double)N);
  rs_stream_close(s);
}

static void cross_counted(const int *time, const int *status) {
  const rs_run run = {2, NULL, NULL, RS_PATH_SORT};
  const rs_category k[3] = {{{time, RS_INT}, 1, 15}, {{status, RS_INT}, 0, 2}, {{0}, 0, 1}};
  double counts[30];
  size_t want[30] = {0}, none = 0;
  rs_counted found;
  for (size_t i = 0; i < PIECE; i++) {
    if (time[i] == 0) none += PIECES;
    else want[time[i] - 1 + 15 * status[i]] += PIECES;
  }
  CHECK(rs_count_table(k, (rs_column){0}, N, &run, counts, &found) == RS_OK);
  CHECK(found.missing == none);
  for (size_t i = 0; i < 30; i++) CHECK(counts[i] == (double)want[i]);
}

/* Every piece has a bad row; the first is named, whichever thread finds it. */
static void bad_rows(rs_rows *rows, size_t at) {
  const rs_run run = {2, NULL, NULL, RS_PATH_COUNT | RS_PATH_SORT};
  rs_stream *s;
  rs_report report;
  rows->event = 1;
  CHECK(rs_stream_open(rows, RS_TIES_ULP, &run, &s, &report) == RS_BAD_ROW);
  CHECK(report.problem == RS_NEGATIVE && report.rows == PIECES && report.row == at);
  CHECK(!s);
}

static void numbered(rs_rows *rows) {
  const rs_run run = {2, NULL, NULL, RS_PATH_COUNT | RS_PATH_SORT};
  rs_stream *s;
  rs_report report;
  rows->keep_rows = 1;
  CHECK(rs_stream_open(rows, RS_TIES_ULP, &run, &s, &report) == RS_TOO_LARGE && !s);
  rows->keep_rows = 0;
}

/* More strata and groups than the 31 bits of a code tell apart. */
static void many_blocks(void) {
  const rs_run run = {1, NULL, NULL, RS_PATH_SORT};
  const size_t most = ((size_t)1 << 14) + 1;
  const int one = 1, zero = 0;
  rs_rows rows = {.n = 1, .time = {&one, RS_INT}, .entry = {&zero, RS_INT},
                  .group = {&one, RS_INT}, .stratum = {&one, RS_INT}, .n_group = most,
                  .n_stratum = most, .event = NAN};
  rs_stream *s;
  rs_report report;
  CHECK(rs_stream_open(&rows, RS_TIES_ULP, &run, &s, &report) == RS_TOO_LARGE && !s);
}

int main(void) {
  int *time, *status;
  CHECK(repeated(&time) && repeated(&status));
  if (check_failures()) return check_summary();
  for (size_t i = 0; i < PIECE; i++) {
    time[i] = (int)(i * 2654435761u >> 20 & 15);
    status[i] = (int)(i * 2246822519u >> 20 & 1);
  }
  rs_rows rows = {.n = N, .time = {time, RS_INT}, .status = {status, RS_INT}, .n_group = 1,
                  .n_stratum = 1, .event = NAN};
  tabulated(&rows, time, status);
  numbered(&rows);
  many_blocks();
  cross_counted(time, status);
  time[PIECE - 1] = -5;
  bad_rows(&rows, PIECE - 1);
  return check_summary();
}
