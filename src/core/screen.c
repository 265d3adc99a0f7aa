/* screen.c: many log-rank tests. Where they share times, rows are sorted once and each test is
 * one gather of its groups over the sorted rows and one pass over the times; simulated trials,
 * each with its own times, go through the stream one by one. Tests are shared among threads and
 * do not depend on each other. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mh.h"

/* The code of a missing value: a group of its own that no test looks at. */
enum { NO_CODE = RS_MOST_GROUPS, TOO_MANY = RS_MOST_GROUPS + 1, SLOTS = RS_MOST_GROUPS + 1 };

/* Of sorted rows: the first at a time, one past the last, and one past the last of the stratum. */
typedef struct {
  size_t begin, end, stop;
} moment;

/* Rows in order of stratum and time. */
typedef struct {
  size_t n, n_time, n_event_time;
  size_t n_row; /* of the data, used or not */
  uint32_t *row;
  unsigned char *event;
  moment *time, *event_time; /* the latter are those of the former that have events */
  const rs_run *run;
  int *stopped;
} order;

/* Rows are read all over memory, which takes far longer than one after the other. */
enum { SCATTERED_ROWS = RS_POLLED_ROWS / 16 };

static inline int is_stopped_at(const order *o, size_t i) {
  return i % SCATTERED_ROWS == SCATTERED_ROWS - 1 && rs_is_stopped(o->stopped, o->run, 0);
}

static void order_free(order *o) {
  free(o->row);
  free(o->event);
  free(o->time);
  free(o->event_time);
}

static rs_status order_new(order *o, const rs_rows *rows, size_t n, const rs_run *run,
                           int *stopped) {
  memset(o, 0, sizeof *o);
  o->n_row = rows->n;
  o->run = run;
  o->stopped = stopped;
  o->row = malloc((n + 1) * sizeof *o->row);
  o->event = malloc(n + 1);
  o->time = malloc((n + 1) * sizeof *o->time);
  o->event_time = malloc((n + 1) * sizeof *o->event_time);
  if (!o->row || !o->event || !o->time || !o->event_time) {
    order_free(o);
    return RS_NO_MEMORY;
  }
  rs_advise(o->row, (n + 1) * sizeof *o->row);
  rs_advise(o->event, n + 1);
  rs_advise(o->time, (n + 1) * sizeof *o->time);
  rs_advise(o->event_time, (n + 1) * sizeof *o->event_time);
  return RS_OK;
}

/* Ends the current time, and with it its stratum. */
static void end_time(order *o, int closing) {
  size_t t = o->n_time++;
  o->time[t].end = o->n;
  o->time[t].stop = 0;
  for (size_t i = t + 1; closing && i > 0 && o->time[i - 1].stop == 0; i--) {
    o->time[i - 1].stop = o->n;
  }
  o->time[o->n_time].begin = o->n; /* there is room: a time has a row at least */
}

static void order_read(order *o, rs_stream *stream) {
  rs_cell cell[256];
  size_t m, read = 0;
  uint32_t block = 0;
  double time = 0;
  o->time[0].begin = 0;
  while ((m = rs_stream_read(stream, cell, 256)) > 0) {
    if ((++read & 4095) == 0 && rs_is_stopped(o->stopped, o->run, 0)) return;
    for (size_t i = 0; i < m; i++) {
      if (o->n > 0 && (cell[i].time != time || cell[i].block != block)) {
        end_time(o, cell[i].block != block);
      }
      time = cell[i].time;
      block = cell[i].block;
      o->row[o->n] = cell[i].row;
      o->event[o->n++] = cell[i].kind == RS_KIND_EVENT;
    }
  }
  if (o->n > 0) end_time(o, 1);
  for (size_t t = 0; t < o->n_time; t++) {
    int events = 0;
    if (is_stopped_at(o, t)) return;
    for (size_t i = o->time[t].begin; i < o->time[t].end; i++) events |= o->event[i];
    if (events) o->event_time[o->n_event_time++] = o->time[t];
  }
}

/* ---- One column's groups ---------------------------------------------------------------- */

/* Rows of two groups among the first sorted rows, and their events: the first group in the lower
 * half, the second in the upper. Halves never become smaller, so tallies can be subtracted whole. */
typedef struct {
  uint64_t n, events;
} tally;

/* The mark of a value that is neither group's. */
enum { OTHER = 3 };

static inline uint32_t of_first(uint64_t both) { return (uint32_t)both; }
static inline uint32_t of_second(uint64_t both) { return (uint32_t)(both >> 32); }

/* What a thread needs for one column after the other. */
typedef struct {
  tally *upto;         /* of each sorted row, those before it; and of all */
  unsigned char *mark; /* of each row of data: 1 or 2 for its group, or OTHER, or 0: missing */
  uint32_t *code;      /* of each sorted row: 0 .. groups - 1, or NO_CODE */
  double value[RS_MOST_GROUPS];
  size_t groups;
  rs_mh two;
  double *room; /* risk, event, leave (SLOTS each), then for conclude_sums() */
} workspace;

static void workspace_free(workspace *w) {
  free(w->upto);
  free(w->mark);
  free(w->code);
  free(w->room);
  rs_mh_close(&w->two);
  memset(w, 0, sizeof *w);
}

static rs_status workspace_new(workspace *w, const order *o) {
  const size_t n = o->n;
  memset(w, 0, sizeof *w);
  w->mark = malloc(o->n_row);
  w->upto = malloc((n + 1) * sizeof *w->upto);
  w->code = malloc((n + 1) * sizeof *w->code);
  w->room = malloc((3 * SLOTS + (5 + 2 * RS_MOST_GROUPS) * RS_MOST_GROUPS) * sizeof *w->room);
  if (!w->mark || !w->upto || !w->code || !w->room || rs_mh_open(&w->two, 2, 1) != RS_OK) {
    workspace_free(w);
    return RS_NO_MEMORY;
  }
  rs_advise(w->mark, o->n_row);
  rs_advise(w->upto, (n + 1) * sizeof *w->upto);
  rs_advise(w->code, (n + 1) * sizeof *w->code);
  return RS_OK;
}

/* Numbers that differ by rounding are one group, as they are where a group has a label: R writes 15
 * digits of them. */
static int same_label(double a, double b) {
  char of_a[32], of_b[32];
  if (!(fabs(a - b) <= 1e-14 * fabs(a))) return 0;
  (void)snprintf(of_a, sizeof of_a, "%.15g", a);
  (void)snprintf(of_b, sizeof of_b, "%.15g", b);
  return strcmp(of_a, of_b) == 0;
}

/* The group of value x, a new one if it was not seen. */
static uint32_t group_of(workspace *w, double x) {
  for (uint32_t g = 0; g < w->groups; g++) {
    if (w->value[g] == x) return g;
  }
  for (uint32_t g = 0; g < w->groups; g++) {
    if (same_label(w->value[g], x)) return g;
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
    double x = rs_number(*column, o->row[i]);
    if (is_stopped_at(o, i)) return 0;
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

/* One pass: a table for each time that has events, then its rows leave the risk set. */
static void add_times(const order *o, const workspace *w, rs_mh *mh) {
  double *risk = w->room, *event = risk + SLOTS, *leave = event + SLOTS;
  size_t stop = 0;
  memset(event, 0, sizeof *event * 2 * SLOTS);
  for (size_t t = 0; t < o->n_time; t++) {
    moment at = o->time[t];
    double any = 0;
    if (is_stopped_at(o, t)) return;
    if (at.stop != stop) count_risk(w, at.begin, at.stop, risk);
    stop = at.stop;
    for (size_t i = at.begin; i < at.end; i++) {
      leave[w->code[i]]++;
      event[w->code[i]] += o->event[i];
    }
    for (size_t g = 0; g < w->groups; g++) any += event[g];
    if (any > 0) rs_mh_add(mh, risk, event, 1);
    for (size_t g = 0; g < w->groups; g++) {
      risk[g] -= leave[g];
      event[g] = leave[g] = 0;
    }
  }
}

/* The statistic of O - E and its covariance; work holds k * (k + 3) doubles. */
static void conclude(const double *difference, const double *covariance, size_t k,
                     double *work, rs_screened *out) {
  double statistic;
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

/* room: O - E, E, covariance, work of rs_quadratic(). */
static void conclude_sums(const rs_mh *mh, double *room, rs_screened *out) {
  size_t k = mh->rows;
  double *difference = room, *expected = room + k, *covariance = expected + k;
  rs_mh_totals(mh, difference, expected, covariance);
  for (size_t g = 0; g < k; g++) difference[g] -= expected[g];
  conclude(difference, covariance, k, covariance + k * k, out);
}

static rs_status test_groups(const order *o, const rs_column *column, workspace *w,
                             rs_screened *out) {
  rs_mh mh;
  int fits = code_column(o, column, w, out);
  out->groups = fits ? w->groups : RS_MOST_GROUPS + 1;
  if (!fits || out->events == 0) return RS_OK;
  if (rs_mh_open(&mh, w->groups, 1) != RS_OK) return RS_NO_MEMORY;
  add_times(o, w, &mh);
  conclude_sums(&mh, w->room + (size_t)3 * SLOTS, out);
  if (w->groups == 2 && w->value[1] < w->value[0]) out->effect = -out->effect;
  rs_mh_close(&mh);
  return RS_OK;
}

/* ---- Two groups: whoever is at risk, and every event, is a difference of two tallies -------- */

/* The first two values of a column, NaN where it has fewer. */
static void first_values(const order *o, const rs_column *column, double value[2]) {
  size_t i = 0;
  value[0] = value[1] = NAN;
  for (int v = 0; v < 2; v++) {
    for (; i < o->n && value[v] != value[v]; i++) {
      if (is_stopped_at(o, i)) return;
      double x = rs_number(*column, o->row[i]);
      if (x == x && x != value[0] && !same_label(x, value[0])) value[v] = x;
    }
  }
}

static RS_INLINE unsigned char mark_of(int is_first, int is_second, int missing) {
  return (unsigned char)(is_first + 2 * is_second + OTHER * !(is_first | is_second | missing));
}

/* Marks m rows. */
RS_WIDE static void mark_ints(const int *x, size_t m, const double value[2], unsigned char *mark) {
  const int a = (int)value[0], b = value[1] == value[1] ? (int)value[1] : a;
  RS_SIMD
  for (size_t i = 0; i < m; i++) {
    mark[i] = mark_of(x[i] == a, (x[i] == b) & (a != b), x[i] == INT_MIN);
  }
}

RS_WIDE static void mark_doubles(const double *x, size_t m, const double value[2],
                                 unsigned char *mark) {
  const double a = value[0], b = value[1];
  RS_SIMD
  for (size_t i = 0; i < m; i++) mark[i] = mark_of(x[i] == a, x[i] == b, x[i] != x[i]);
}

/* Returns 0 when the call is stopped. */
static int mark_column(const order *o, const rs_column *column, const double value[2],
                       unsigned char *mark) {
  for (size_t at = 0, m; at < o->n_row; at += m) {
    m = o->n_row - at < RS_POLLED_ROWS ? o->n_row - at : RS_POLLED_ROWS;
    if (at > 0 && rs_is_stopped(o->stopped, o->run, 0)) return 0;
    if (column->type == RS_INT) mark_ints((const int *)column->data + at, m, value, mark + at);
    else mark_doubles((const double *)column->data + at, m, value, mark + at);
  }
  return 1;
}

/* Returns 0 when a row that is used has a third value, or the call is stopped. */
static int tally_marks(const order *o, const unsigned char *mark, tally *upto) {
  static const uint64_t one[OTHER + 1] = {0, 1, (uint64_t)1 << 32, 0};
  tally now = {0, 0};
  for (size_t i = 0; i < o->n; i++) {
    uint64_t row = one[mark[o->row[i]]];
    if (mark[o->row[i]] == OTHER || is_stopped_at(o, i)) return 0;
    upto[i] = now;
    now.n += row;
    now.events += row * o->event[i];
  }
  upto[o->n] = now;
  return 1;
}

static void test_two(const order *o, workspace *w, int swapped, rs_screened *out) {
  const tally *upto = w->upto;
  rs_two two;
  rs_mh_clear(&w->two);
  rs_two_start(&two);
  for (size_t t = 0; t < o->n_event_time; t++) {
    moment at = o->event_time[t];
    if (is_stopped_at(o, t)) return;
    uint64_t n = upto[at.stop].n - upto[at.begin].n;
    uint64_t events = upto[at.end].events - upto[at.begin].events;
    const double risk[2] = {of_first(n), of_second(n)};
    const double event[2] = {of_first(events), of_second(events)};
    rs_two_put(&two, risk, event, 1);
    if (two.n == RS_SOME_TABLES) rs_two_add_up(&two);
  }
  rs_two_end(&two, &w->two);
  conclude_sums(&w->two, w->room + (size_t)3 * SLOTS, out);
  if (swapped) out->effect = -out->effect;
}

static void unknown(rs_screened *out) {
  memset(out, 0, sizeof *out);
  out->statistic = out->effect = out->variance = NAN;
}

static rs_status test_column(const order *o, const rs_column *column, workspace *w,
                             rs_screened *out) {
  double value[2];
  unknown(out);
  first_values(o, column, value);
  if (value[0] != value[0]) return RS_OK; /* all are missing */
  int marked = mark_column(o, column, value, w->mark) && tally_marks(o, w->mark, w->upto);
  if (!marked) return test_groups(o, column, w, out);
  const tally all = w->upto[o->n];
  out->groups = value[1] == value[1] ? 2 : 1;
  out->n = (size_t)of_first(all.n) + of_second(all.n);
  out->events = (size_t)of_first(all.events) + of_second(all.events);
  if (out->groups == 2 && out->events > 0) test_two(o, w, value[1] < value[0], out);
  return RS_OK;
}

/* ---- All columns ------------------------------------------------------------------------- */

/* The work of one test beside that of its rows, as a number of rows. */
enum { ROWS_A_TEST = 64 };

typedef struct {
  const order *o;
  const rs_column *column;
  size_t n, next;
  rs_screened *result;
  rs_status failed[RS_MOST_THREADS];
} columns_job;

static void columns_part(void *data, int thread, int threads) {
  columns_job *job = data;
  const order *o = job->o;
  workspace w;
  size_t j, work = RS_POLLED_ROWS;
  rs_status status = workspace_new(&w, o);
  (void)threads;
  while (status == RS_OK && (j = rs_take(&job->next)) < job->n) {
    if (rs_is_due(&work, o->n + ROWS_A_TEST, RS_POLLED_ROWS) &&
        rs_is_stopped(o->stopped, o->run, 0)) {
      break;
    }
    status = test_column(o, &job->column[j], &w, &job->result[j]);
  }
  workspace_free(&w);
  job->failed[thread] = status;
}

static rs_status test_columns(const order *o, const rs_column *column, size_t n_column,
                              rs_screened *result) {
  int threads = rs_threads(o->run, o->n * n_column);
  columns_job job = {o, column, n_column, 0, result, {RS_OK}};
  rs_share(threads, columns_part, &job, o->run, o->stopped);
  for (int t = 0; t < threads; t++) {
    if (job.failed[t] != RS_OK) return job.failed[t];
  }
  return RS_OK;
}

rs_status rs_screen_logrank(const rs_rows *rows, rs_ties ties, const rs_column *column,
                            size_t n_column, const rs_run *run, rs_screened *result,
                            rs_report *report) {
  rs_stream *stream;
  order o;
  int stopped = 0;
  rs_rows kept = *rows;
  kept.keep_rows = 1;
  kept.group = (rs_column){NULL, RS_NONE}; /* a block shall be a stratum */
  kept.n_group = 1;
  rs_status status = rs_stream_open(&kept, ties, run, &stream, report);
  if (status != RS_OK || !stream) return status;
  status = order_new(&o, &kept, report->used, run, &stopped);
  if (status == RS_OK) {
    order_read(&o, stream);
    if (!stopped) status = test_columns(&o, column, n_column, result);
    order_free(&o);
  }
  const size_t merged = rs_stream_merged(stream);
  rs_stream_close(stream);
  if (stopped) return RS_INTERRUPTED;
  for (size_t j = 0; status == RS_OK && j < n_column; j++) result[j].merged = merged;
  return status;
}

/* ---- Trials ----------------------------------------------------------------------------- */

/* Rows between polls, of one trial or of many short ones. */
enum { LONG_TRIAL = RS_POLLED_ROWS / 16 };

static rs_column shifted(rs_column column, size_t by) {
  if (column.type == RS_INT) column.data = (const int *)column.data + by;
  if (column.type == RS_DOUBLE) column.data = (const double *)column.data + by;
  return column;
}

typedef struct {
  size_t trial;
  rs_status status;
  rs_report report;
} failure;

typedef struct {
  const rs_rows *rows; /* of the first */
  size_t n_trial;
  int group_step;
  rs_ties ties;
  const rs_run *run;
  rs_screened *result;
  size_t next;
  int stopped;
  failure failed[RS_MOST_THREADS]; /* the first of each thread */
} trials_job;

static rs_rows rows_of_trial(const trials_job *job, size_t j) {
  rs_rows one = *job->rows;
  size_t by = j * one.n;
  one.time = shifted(one.time, by);
  one.status = shifted(one.status, by);
  if (job->group_step) one.group = shifted(one.group, by);
  return one;
}

/* Groups that have rows, n_group at most, and the last of them. */
static size_t groups_present(const rs_stream *stream, size_t n_group, size_t *last) {
  const double *rows = rs_stream_rows(stream);
  size_t present = 0, strata = rs_stream_strata(stream);
  for (size_t g = 0; g < n_group; g++) {
    double n = 0;
    for (size_t b = 0; b < strata; b++) n += rows[g + b * n_group];
    present += n > 0;
    if (n > 0) *last = g;
  }
  return present;
}

/* room: observed, expected, O - E (n_group each), covariance, then work of rs_quadratic(). */
static size_t trial_room(size_t n_group) { return 2 * n_group * n_group + 6 * n_group; }

/* last: the last group with rows; others of k may have none. */
static void conclude_trial(const rs_logrank *test, size_t k, size_t last, double *difference,
                           double *work, rs_screened *out) {
  double events = 0;
  for (size_t g = 0; g < k; g++) {
    events += test->observed[g];
    difference[g] = test->observed[g] - test->expected[g];
  }
  conclude(difference, test->covariance, k, work, out);
  if (out->groups == 2) {
    out->effect = difference[last];
    out->variance = test->covariance[last + last * k];
  }
  out->events = (size_t)events;
}

static rs_status test_trial(trials_job *job, size_t j, double *room, rs_report *report) {
  const rs_rows rows = rows_of_trial(job, j);
  const size_t k = rows.n_group;
  size_t last = 0;
  rs_screened *out = &job->result[j];
  rs_asking ask = {job->run, &job->stopped};
  const rs_run alone = {1, rows.n >= LONG_TRIAL ? rs_ask : NULL, &ask, job->run->paths};
  rs_stream *stream;
  unknown(out);
  rs_status status = rs_stream_open(&rows, job->ties, &alone, &stream, report);
  if (status != RS_OK || !stream) return status;
  double *difference = room + 2 * k, *covariance = difference + k;
  rs_logrank test = {0, 0, room, room + k, covariance, 0, 0};
  status = rs_logrank_run(stream, k, &alone, &test);
  out->n = report->used;
  out->merged = rs_stream_merged(stream);
  out->groups = groups_present(stream, k, &last);
  rs_stream_close(stream);
  if (status == RS_OK) conclude_trial(&test, k, last, difference, covariance + k * k, out);
  return status;
}

/* Trials are taken in their order: a thread may end at its first failure, and the first of these
 * is the first of all. */
static void trials_part(void *data, int thread, int threads) {
  trials_job *job = data;
  failure mine = {0, RS_OK, {0}};
  double *room = malloc(trial_room(job->rows->n_group) * sizeof *room);
  size_t work = LONG_TRIAL;
  (void)threads;
  while (mine.status == RS_OK && (mine.trial = rs_take(&job->next)) < job->n_trial) {
    if (rs_is_due(&work, job->rows->n + ROWS_A_TEST, LONG_TRIAL) &&
        rs_is_stopped(&job->stopped, job->run, 0)) {
      break;
    }
    mine.status = room ? test_trial(job, mine.trial, room, &mine.report) : RS_NO_MEMORY;
  }
  free(room);
  job->failed[thread] = mine;
}

rs_status rs_screen_trials(const rs_rows *rows, size_t n_trial, int group_step, rs_ties ties,
                           const rs_run *run, rs_screened *result, rs_report *report,
                           size_t *trial) {
  trials_job job = {rows, n_trial, group_step, ties, run, result, 0, 0, {{0}}};
  int threads = rs_threads(run, rows->n * n_trial);
  rs_status status = RS_OK;
  *trial = SIZE_MAX;
  memset(report, 0, sizeof *report);
  rs_share(threads, trials_part, &job, run, &job.stopped);
  for (int t = 0; t < threads; t++) {
    const failure *f = &job.failed[t];
    if (f->status == RS_OK || f->trial >= *trial) continue;
    status = f->status;
    *trial = f->trial;
    *report = f->report;
  }
  return job.stopped ? RS_INTERRUPTED : status;
}
