/* screen.c: many log-rank tests. Where they share times, rows are sorted once and each test is
 * one gather of its groups over the sorted rows and one pass over the times; simulated trials,
 * each with its own times, go through the stream one by one. Tests are shared among threads and
 * do not depend on each other. */
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rows.h"

/* The code of a missing value: a group of its own that no test looks at. */
enum { NO_CODE = RS_MOST_GROUPS, TOO_MANY = RS_MOST_GROUPS + 1, SLOTS = RS_MOST_GROUPS + 1 };

/* Rows in order of stratum and time. */
typedef struct {
  size_t n, n_time;
  uint32_t *row;
  unsigned char *event;
  size_t *end;            /* of each time: one past its last row */
  unsigned char *closing; /* of each time: whether its stratum ends with it */
} order;

static void order_free(order *o) {
  free(o->row);
  free(o->event);
  free(o->end);
  free(o->closing);
}

static rs_status order_new(order *o, size_t n) {
  memset(o, 0, sizeof *o);
  o->row = malloc((n + 1) * sizeof *o->row);
  o->event = malloc(n + 1);
  o->end = malloc((n + 1) * sizeof *o->end);
  o->closing = calloc(n + 1, 1);
  if (o->row && o->event && o->end && o->closing) return RS_OK;
  order_free(o);
  return RS_NO_MEMORY;
}

static void order_read(order *o, rs_stream *stream) {
  rs_cell cell[256];
  size_t m;
  uint32_t block = 0;
  double time = 0;
  while ((m = rs_stream_read(stream, cell, 256)) > 0) {
    for (size_t i = 0; i < m; i++) {
      if (o->n > 0 && (cell[i].time != time || cell[i].block != block)) {
        o->closing[o->n_time] = cell[i].block != block;
        o->end[o->n_time++] = o->n;
      }
      time = cell[i].time;
      block = cell[i].block;
      o->row[o->n] = cell[i].row;
      o->event[o->n++] = cell[i].kind == RS_KIND_EVENT;
    }
  }
  if (o->n > 0) {
    o->closing[o->n_time] = 1;
    o->end[o->n_time++] = o->n;
  }
}

/* ---- One column's groups ---------------------------------------------------------------- */

/* What a thread needs for one column after the other. */
typedef struct {
  uint32_t *code; /* of each sorted row: 0 .. groups - 1, or NO_CODE */
  double value[RS_MOST_GROUPS];
  size_t groups;
  double *room; /* risk, event, leave (SLOTS each), O - E, covariance, work of rs_quadratic() */
} workspace;

static rs_status workspace_new(workspace *w, size_t n) {
  w->code = malloc((n + 1) * sizeof *w->code);
  w->room = malloc((3 * SLOTS + (4 + 2 * RS_MOST_GROUPS) * RS_MOST_GROUPS) * sizeof *w->room);
  if (w->code && w->room) return RS_OK;
  free(w->code);
  free(w->room);
  w->code = NULL;
  w->room = NULL;
  return RS_NO_MEMORY;
}

static double value_at(const rs_column *column, size_t row) {
  if (column->type == RS_DOUBLE) return ((const double *)column->data)[row];
  int x = ((const int *)column->data)[row];
  return x == INT_MIN ? (double)NAN : x;
}

/* The group of value x, a new one if it was not seen. */
static uint32_t group_of(workspace *w, double x) {
  for (uint32_t g = 0; g < w->groups; g++) {
    if (w->value[g] == x) return g;
  }
  if (w->groups == RS_MOST_GROUPS) return TOO_MANY;
  w->value[w->groups] = x;
  return (uint32_t)w->groups++;
}

/* Codes of the column over the sorted rows. Returns 0 when it has too many values. */
static int code_column(const order *o, const rs_column *column, workspace *w,
                       rs_screened *out) {
  w->groups = 0;
  for (size_t i = 0; i < o->n; i++) {
    double x = value_at(column, o->row[i]);
    if (x != x) {
      w->code[i] = NO_CODE;
      continue;
    }
    out->n++;
    out->events += o->event[i];
    w->code[i] = w->groups > 0 && w->value[0] == x ? 0 : group_of(w, x);
    if (w->code[i] == TOO_MANY) return 0;
  }
  return 1;
}

/* ---- One test --------------------------------------------------------------------------- */

/* Rows of one stratum are [from, to): its subjects at risk by group. */
static void count_risk(const workspace *w, size_t from, size_t to, double *risk) {
  memset(risk, 0, SLOTS * sizeof *risk);
  for (size_t i = from; i < to; i++) risk[w->code[i]]++;
}

static size_t stratum_end(const order *o, size_t t) {
  while (!o->closing[t]) t++;
  return o->end[t];
}

/* One pass: a table for each time that has events, then its rows leave the risk set. */
static void add_times(const order *o, const workspace *w, rs_mh *mh) {
  double *risk = w->room, *event = risk + SLOTS, *leave = event + SLOTS;
  size_t from = 0;
  int fresh = 1;
  memset(event, 0, 2 * SLOTS * sizeof *event);
  for (size_t t = 0; t < o->n_time; t++) {
    double any = 0;
    if (fresh) count_risk(w, from, stratum_end(o, t), risk);
    for (size_t i = from; i < o->end[t]; i++) {
      leave[w->code[i]]++;
      event[w->code[i]] += o->event[i];
    }
    for (size_t g = 0; g < w->groups; g++) any += event[g];
    if (any > 0) rs_mh_add(mh, risk, event, 1);
    for (size_t g = 0; g < w->groups; g++) {
      risk[g] -= leave[g];
      event[g] = leave[g] = 0;
    }
    from = o->end[t];
    fresh = o->closing[t];
  }
}

/* The statistic of O - E and its covariance; work holds k * (k + 3) doubles. */
static void conclude(const double *difference, const double *covariance, size_t k,
                     double *work, rs_screened *out) {
  double statistic;
  out->groups = k;
  if (k == 2) {
    out->effect = difference[1];
    out->variance = covariance[3];
    out->df = covariance[0] > 0;
    statistic = difference[0] * difference[0] / covariance[0];
  } else {
    statistic = rs_quadratic(difference, covariance, k, work, &out->df);
  }
  if (out->df > 0) out->statistic = statistic;
}

static rs_status test_column(const order *o, const rs_column *column, workspace *w,
                             rs_screened *out) {
  rs_mh mh;
  double *difference = w->room + 3 * SLOTS, *covariance = difference + RS_MOST_GROUPS;
  int fits = code_column(o, column, w, out);
  size_t k = w->groups;
  out->groups = fits ? k : RS_MOST_GROUPS + 1;
  if (!fits || k < 2 || out->events == 0) return RS_OK;
  if (rs_mh_open(&mh, k, 1) != RS_OK) return RS_NO_MEMORY;
  add_times(o, w, &mh);
  rs_mh_finish(&mh);
  for (size_t i = 0; i < k; i++) {
    difference[i] = rs_total(&mh.observed[i]) - rs_total(&mh.expected[i]);
  }
  for (size_t i = 0; i < k * k; i++) covariance[i] = rs_total(&mh.covariance[i]);
  rs_mh_close(&mh);
  conclude(difference, covariance, k, covariance + RS_MOST_GROUPS * RS_MOST_GROUPS, out);
  if (k == 2 && w->value[1] < w->value[0]) out->effect = -out->effect;
  return RS_OK;
}

static void unknown(rs_screened *out) {
  memset(out, 0, sizeof *out);
  out->statistic = out->effect = out->variance = NAN;
}

static rs_status test_columns(const order *o, const rs_column *column, size_t n_column,
                              const rs_run *run, rs_screened *result) {
  rs_status status = RS_OK;
  int stopped = 0;
#ifdef _OPENMP
#pragma omp parallel num_threads(rs_threads(run, o->n * n_column))
#endif
  {
    workspace w;
    rs_status own = workspace_new(&w, o->n);
#ifdef _OPENMP
#pragma omp for schedule(dynamic, 16)
#endif
    for (ptrdiff_t j = 0; j < (ptrdiff_t)n_column; j++) {
      unknown(&result[j]);
      if (own != RS_OK || rs_is_stopped(&stopped, run, (size_t)j * 8)) continue;
      own = test_column(o, &column[j], &w, &result[j]);
    }
    free(w.code);
    free(w.room);
    if (own != RS_OK) {
#ifdef _OPENMP
#pragma omp critical(riskset_screen)
#endif
      status = own;
    }
  }
  return stopped ? RS_INTERRUPTED : status;
}

rs_status rs_screen_logrank(const rs_rows *rows, rs_ties ties, const rs_column *column,
                            size_t n_column, const rs_run *run, rs_screened *result,
                            rs_report *report) {
  rs_stream *stream;
  order o;
  rs_rows kept = *rows;
  kept.keep_rows = 1;
  rs_status status = rs_stream_open(&kept, ties, run, &stream, report);
  if (status != RS_OK || !stream) return status;
  status = order_new(&o, report->used);
  if (status == RS_OK) {
    order_read(&o, stream);
    status = test_columns(&o, column, n_column, run, result);
    order_free(&o);
  }
  rs_stream_close(stream);
  return status;
}

/* ---- Trials ----------------------------------------------------------------------------- */

static rs_column shifted(rs_column column, size_t by) {
  if (column.type == RS_INT) column.data = (const int *)column.data + by;
  if (column.type == RS_DOUBLE) column.data = (const double *)column.data + by;
  return column;
}

/* room: observed, expected, covariance, O - E, then work of rs_quadratic(). */
static rs_status test_trial(const rs_rows *rows, rs_ties ties, double *room,
                            rs_screened *out, rs_report *report) {
  const rs_run alone = {1, NULL, NULL, RS_PATH_COUNT | RS_PATH_SORT};
  size_t k = rows->n_group, groups = 0;
  rs_stream *stream;
  rs_status status = rs_stream_open(rows, ties, &alone, &stream, report);
  if (status != RS_OK || !stream) return status;
  rs_logrank test = {0, 0, room, room + k, room + 2 * k, 0, 0};
  double *difference = test.covariance + k * k, *work = difference + k, events = 0;
  status = rs_logrank_run(stream, k, &alone, &test);
  for (size_t g = 0; status == RS_OK && g < k; g++) {
    double n = 0;
    for (size_t b = 0; b < rows->n_stratum; b++) n += rs_stream_rows(stream)[g + b * k];
    groups += n > 0;
    events += test.observed[g];
    difference[g] = test.observed[g] - test.expected[g];
  }
  rs_stream_close(stream);
  if (status != RS_OK) return status;
  conclude(difference, test.covariance, k, work, out);
  out->n = report->used;
  out->events = (size_t)events;
  out->groups = groups;
  return RS_OK;
}

rs_status rs_screen_trials(const rs_rows *rows, size_t n_trial, int group_step, rs_ties ties,
                           const rs_run *run, rs_screened *result, rs_report *report,
                           size_t *trial) {
  size_t k = rows->n_group, size = 2 * k * k + 6 * k;
  rs_status status = RS_OK;
  int stopped = 0;
  *trial = SIZE_MAX;
  memset(report, 0, sizeof *report);
#ifdef _OPENMP
#pragma omp parallel num_threads(rs_threads(run, rows->n * n_trial))
#endif
  {
    double *room = malloc(size * sizeof *room);
    rs_report found = {0};
#ifdef _OPENMP
#pragma omp for schedule(dynamic, 16)
#endif
    for (ptrdiff_t j = 0; j < (ptrdiff_t)n_trial; j++) {
      rs_rows one = *rows;
      size_t by = (size_t)j * rows->n;
      rs_status own = RS_NO_MEMORY;
      one.time = shifted(rows->time, by);
      one.status = shifted(rows->status, by);
      if (group_step) one.group = shifted(rows->group, by);
      unknown(&result[j]);
      if (rs_is_stopped(&stopped, run, (size_t)j * 8)) continue;
      if (room) own = test_trial(&one, ties, room, &result[j], &found);
      if (own == RS_OK) continue;
#ifdef _OPENMP
#pragma omp critical(riskset_trials)
#endif
      if ((size_t)j < *trial) {
        *trial = (size_t)j;
        *report = found;
        status = own;
      }
    }
    free(room);
  }
  return stopped ? RS_INTERRUPTED : status;
}
