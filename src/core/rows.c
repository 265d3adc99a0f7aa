/* rows.c: reads columns of any storage type in batches and checks them in one pass. */
#include "rows.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Ints as doubles (NA as NaN) in room. */
RS_WIDE static const double *convert(const int *x, size_t m, double *room) {
  RS_SIMD
  for (size_t i = 0; i < m; i++) room[i] = x[i] == INT_MIN ? (double)NAN : (double)x[i];
  return room;
}

static const double *of_doubles(const rs_column *column, size_t from) {
  return column->type == RS_DOUBLE ? (const double *)column->data + from : NULL;
}

static const int *of_ints(const rs_column *column, size_t from) {
  return column->type == RS_INT ? (const int *)column->data + from : NULL;
}

/* A column as doubles: the column itself, or its ints converted into room. */
static const double *read_double(const rs_column *column, size_t from, size_t m,
                                 double *room) {
  const int *x = of_ints(column, from);
  return x ? convert(x, m, room) : of_doubles(column, from);
}

void rs_as_doubles(rs_batch *batch, size_t m) {
  if (!batch->whole_time || batch->time) return;
  batch->time = convert(batch->whole_time, m, batch->time_room);
}

/* All ones (RS_DROP) where the condition holds, else 0; OR-ed into a code it drops the row. The
 * loops below have no branch, since status and group are as good as random. */
static inline uint32_t drop_if(int condition) { return 0u - (uint32_t)condition; }

/* Adds a column of codes 1..k to code; a code outside that range drops the row. */
RS_WIDE static void add_codes(const rs_column *column, size_t k, uint32_t stride, size_t from,
                              size_t m, uint32_t *code) {
  if (column->type == RS_NONE) return;
  const int *x = (const int *)column->data + from;
  const uint32_t most = (uint32_t)k;
  if (stride == 0) { /* a product takes as long as all the rest */
    RS_SIMD
    for (size_t i = 0; i < m; i++) code[i] |= drop_if((uint32_t)x[i] - 1u >= most);
    return;
  }
  RS_SIMD
  for (size_t i = 0; i < m; i++) {
    uint32_t c = (uint32_t)x[i] - 1u;
    uint32_t drop = drop_if(c >= most) | drop_if(code[i] == RS_DROP);
    code[i] = (code[i] + c * stride) | drop;
  }
}

RS_WIDE static void drop_missing_ints(const int *x, size_t m, uint32_t *code) {
  if (!x) return;
  RS_SIMD
  for (size_t i = 0; i < m; i++) code[i] |= drop_if(x[i] == INT_MIN);
}

RS_WIDE static void drop_missing(const double *x, size_t m, uint32_t *code) {
  if (!x) return;
  RS_SIMD
  for (size_t i = 0; i < m; i++) code[i] |= drop_if(x[i] != x[i]);
}

/* Starts the codes: of_event where the status is the event's. */
RS_WIDE static void event_codes(const rs_column *column, const double *status, double event,
                                uint32_t of_event, size_t from, size_t m, uint32_t *code) {
  if (column->type == RS_NONE) {
    for (size_t i = 0; i < m; i++) code[i] = of_event;
  } else if (column->type == RS_INT && fabs(event) < 2147483648.0 && event == (int)event) {
    const int *x = (const int *)column->data + from;
    const int one = (int)event;
    RS_SIMD
    for (size_t i = 0; i < m; i++) {
      code[i] = (drop_if(x[i] == one) & of_event) | drop_if(x[i] == INT_MIN);
    }
  } else {
    double room[RS_BATCH];
    if (!status) status = read_double(column, from, m, room);
    RS_SIMD
    for (size_t i = 0; i < m; i++) {
      code[i] = (drop_if(status[i] == event) & of_event) | drop_if(status[i] != status[i]);
    }
  }
}

static void ask_for_next(const rs_rows *rows, size_t from) {
  const rs_column column[] = {rows->time, rows->entry, rows->status, rows->weight, rows->group,
                              rows->stratum};
  for (size_t c = 0; from < rows->n && c < sizeof column / sizeof column[0]; c++) {
    rs_ask_for(&column[c], from, rs_batch_rows(rows->n, from));
  }
}

void rs_read_batch(const rs_rows *rows, double event, rs_stride stride, size_t from,
                   size_t m, rs_batch *batch) {
  uint32_t *code = batch->code; /* cppcheck-suppress ctuuninitvar ; a batch comes to be filled */
  ask_for_next(rows, from + m);
  batch->status = of_doubles(&rows->status, from);
  batch->whole_status = of_ints(&rows->status, from);
  batch->time = of_doubles(&rows->time, from);
  batch->whole_time = of_ints(&rows->time, from);
  batch->entry = read_double(&rows->entry, from, m, batch->entry_room);
  batch->weight = read_double(&rows->weight, from, m, batch->weight_room);
  event_codes(&rows->status, batch->status, event, stride.of_event, from, m, code);
  drop_missing(batch->time, m, code);
  drop_missing_ints(batch->whole_time, m, code);
  drop_missing(batch->entry, m, code);
  drop_missing(batch->weight, m, code);
  add_codes(&rows->group, rows->n_group, stride.of_group, from, m, code);
  add_codes(&rows->stratum, rows->n_stratum, stride.of_stratum, from, m, code);
}

uint32_t rs_row_code(const rs_rows *rows, double event, rs_stride stride, size_t row) {
  const int *group = of_ints(&rows->group, row), *stratum = of_ints(&rows->stratum, row);
  int happened = rows->status.type == RS_NONE || rs_number(rows->status, row) == event;
  uint32_t code = happened ? stride.of_event : 0;
  if (group) code += ((uint32_t)group[0] - 1) * stride.of_group;
  if (stratum) code += ((uint32_t)stratum[0] - 1) * stride.of_stratum;
  return code;
}

/* ---- The scan -------------------------------------------------------------------------- */

/* Rules a row can break, in the order in which they are reported. */
enum {
  BAD_STATUS,
  BAD_TIME_NEGATIVE,
  BAD_TIME_INFINITE,
  BAD_EVENT_AT_INFINITY,
  BAD_ENTRY_NEGATIVE,
  BAD_ENTRY_INFINITE,
  BAD_ENTRY_ORDER,
  BAD_WEIGHT_MISSING,
  BAD_WEIGHT_NEGATIVE,
  BAD_WEIGHT_INFINITE,
  N_BAD
};

static const struct {
  rs_column_name column;
  rs_problem problem;
} RULE[N_BAD] = {
    {RS_COLUMN_STATUS, RS_NOT_A_STATUS},     {RS_COLUMN_TIME, RS_NEGATIVE},
    {RS_COLUMN_TIME, RS_INFINITE},           {RS_COLUMN_TIME, RS_EVENT_AT_INFINITY},
    {RS_COLUMN_ENTRY, RS_NEGATIVE},          {RS_COLUMN_ENTRY, RS_INFINITE},
    {RS_COLUMN_ENTRY, RS_ENTRY_NOT_BEFORE_TIME}, {RS_COLUMN_WEIGHT, RS_MISSING},
    {RS_COLUMN_WEIGHT, RS_NEGATIVE},         {RS_COLUMN_WEIGHT, RS_INFINITE}};

typedef struct {
  size_t used, missing[RS_COLUMNS], not_a_number;
  double low, high, positive; /* smallest, largest, smallest positive time */
  int fractional_time, infinite_time, weighted, fractional_weight, has_two;
  rs_sum weight;
  double least, most; /* of the weights: the least above 0, the largest */
  size_t bad[N_BAD], first[N_BAD];
  double value[N_BAD];
} finding;

/* R marks its NA by the low word of a NaN. */
static int is_na(double x) { return (uint32_t)rs_double_bits(x) == 1954u; }

static void finding_start(finding *f) {
  memset(f, 0, sizeof *f);
  f->low = f->positive = f->least = INFINITY;
  f->high = -INFINITY;
  for (int b = 0; b < N_BAD; b++) f->first[b] = SIZE_MAX;
}

static void note_bad(finding *f, int rule, size_t row, double value) {
  f->bad[rule]++;
  if (row < f->first[rule]) {
    f->first[rule] = row;
    f->value[rule] = value;
  }
}

static void finding_merge(finding *a, const finding *b) {
  a->used += b->used;
  a->not_a_number += b->not_a_number;
  for (int c = 0; c < RS_COLUMNS; c++) a->missing[c] += b->missing[c];
  a->low = fmin(a->low, b->low);
  a->high = fmax(a->high, b->high);
  a->positive = fmin(a->positive, b->positive);
  a->fractional_time |= b->fractional_time;
  a->infinite_time |= b->infinite_time;
  a->weighted |= b->weighted;
  a->fractional_weight |= b->fractional_weight;
  a->has_two |= b->has_two;
  rs_add_sum(&a->weight, &b->weight);
  a->least = fmin(a->least, b->least);
  a->most = fmax(a->most, b->most);
  for (int r = 0; r < N_BAD; r++) {
    a->bad[r] += b->bad[r];
    if (b->first[r] < a->first[r]) {
      a->first[r] = b->first[r];
      a->value[r] = b->value[r];
    }
  }
}

/* Which columns made the dropped rows of a batch drop; read again, since it is rare. */
static void count_missing(const rs_rows *rows, const rs_batch *b, size_t from, size_t m,
                          finding *f) {
  const int *group = rows->group.data, *stratum = rows->stratum.data;
  for (size_t i = 0; i < m; i++) {
    if (b->code[i] != RS_DROP) continue;
    if (isnan(b->time[i])) {
      f->missing[RS_COLUMN_TIME]++;
      f->not_a_number += rows->time.type == RS_DOUBLE && !is_na(b->time[i]);
    }
    f->missing[RS_COLUMN_ENTRY] += b->entry && isnan(b->entry[i]);
    f->missing[RS_COLUMN_STATUS] += b->whole_status ? b->whole_status[i] == INT_MIN
                                                    : b->status && isnan(b->status[i]);
    if (b->weight && isnan(b->weight[i])) {
      note_bad(f, BAD_WEIGHT_MISSING, from + i, b->weight[i]);
    }
    f->missing[RS_COLUMN_GROUP] += group && group[from + i] == INT_MIN;
    f->missing[RS_COLUMN_STRATUM] += stratum && stratum[from + i] == INT_MIN;
  }
}

/* One time; the code is 1 for an event. */
static void scan_time(double t, uint32_t code, size_t row, finding *f) {
  if (t < 0) {
    note_bad(f, t == -INFINITY ? BAD_TIME_INFINITE : BAD_TIME_NEGATIVE, row, t);
  } else if (t == INFINITY) {
    f->infinite_time = 1;
    if (code == 1) note_bad(f, BAD_EVENT_AT_INFINITY, row, t);
  } else {
    if (t < f->low) f->low = t;
    if (t > f->high) f->high = t;
    if (t > 0 && t < f->positive) f->positive = t;
    f->fractional_time |= !rs_is_whole(t);
  }
}

RS_WIDE static double largest_fraction(const double *x, size_t m, double missing) {
  double largest = 0;
  RS_SIMD_MAX(largest)
  for (size_t i = 0; i < m; i++) {
    double v = x[i] == x[i] ? x[i] : missing, off = fabs((double)(int)v - v);
    largest = off > largest ? off : largest;
  }
  return largest;
}

int rs_any_fraction(const double *x, size_t m, double missing) {
  return largest_fraction(x, m, missing) > 0;
}

static int any_fractional(const double *t, size_t m, double high) {
  int found = 0;
  if (high < 2147483648.0) return rs_any_fraction(t, m, 0);
  for (size_t i = 0; i < m; i++) found |= !rs_is_whole(t[i]);
  return found;
}

/* Returns whether the whole times of a batch are all there and none is negative; then they have
 * been seen. */
RS_WIDE static int scan_whole_times(const rs_batch *b, size_t m, finding *f) {
  const int *time = b->whole_time;
  int low = INT_MAX, high = 0, positive = INT_MAX, dropped = 0;
  RS_SIMD_RANGE
  for (size_t i = 0; i < m; i++) {
    int t = time[i], above = t > 0 ? t : INT_MAX;
    dropped |= b->code[i] == RS_DROP;
    low = t < low ? t : low;
    high = t > high ? t : high;
    positive = above < positive ? above : positive;
  }
  if (dropped || low < 0) return 0;
  f->used += m;
  f->low = fmin(f->low, low);
  f->high = fmax(f->high, high);
  if (high > 0) f->positive = fmin(f->positive, positive);
  return 1;
}

/* A batch is looked at as a whole first; only one with a missing, negative or infinite time is
 * looked at row by row. */
RS_WIDE static void scan_times(rs_batch *b, size_t from, size_t m, finding *f) {
  double low = f->low, high = f->high, positive = f->positive;
  int dropped = 0, whole = b->whole_time != NULL;
  if (whole && scan_whole_times(b, m, f)) return;
  rs_as_doubles(b, m);
  RS_SIMD_RANGE
  for (size_t i = 0; i < m; i++) {
    double t = b->time[i], above = t > 0 ? t : INFINITY;
    dropped |= b->code[i] == RS_DROP;
    low = t < low ? t : low;
    high = t > high ? t : high;
    positive = above < positive ? above : positive;
  }
  if (!dropped && low >= 0 && high < INFINITY) {
    if (!whole && !f->fractional_time) f->fractional_time = any_fractional(b->time, m, high);
    f->used += m;
    f->low = low;
    f->high = high;
    f->positive = positive;
    return;
  }
  for (size_t i = 0; i < m; i++) {
    if (b->code[i] == RS_DROP) continue;
    f->used++;
    scan_time(b->time[i], b->code[i], from + i, f);
  }
}

/* Whether entry and exit would become one time. (The rule of survival needs all times first.) */
static int too_close(double entry, double time, rs_ties ties) {
  return entry >= time || (ties == RS_TIES_ULP && rs_is_tied(entry, entry, time, ties, 1));
}

static void scan_entries(const rs_batch *b, rs_ties ties, size_t from, size_t m,
                         finding *f) {
  for (size_t i = 0; i < m; i++) {
    double t = b->entry[i];
    if (b->code[i] == RS_DROP) continue;
    if (isinf(t)) {
      note_bad(f, BAD_ENTRY_INFINITE, from + i, t);
    } else if (t < 0) {
      note_bad(f, BAD_ENTRY_NEGATIVE, from + i, t);
    } else if (too_close(t, b->time[i], ties)) {
      note_bad(f, BAD_ENTRY_ORDER, from + i, t);
    } else {
      if (t < f->low) f->low = t;
      if (t > f->high) f->high = t; /* the exit may be +Inf */
      if (t > 0 && t < f->positive) f->positive = t;
      f->fractional_time |= !rs_is_whole(t);
    }
  }
}

static void scan_weights(const rs_batch *b, size_t from, size_t m, finding *f) {
  for (size_t i = 0; i < m; i++) {
    double w = b->weight[i];
    if (b->code[i] == RS_DROP) continue;
    if (w < 0) note_bad(f, BAD_WEIGHT_NEGATIVE, from + i, w);
    else if (isinf(w)) note_bad(f, BAD_WEIGHT_INFINITE, from + i, w);
    else {
      f->weighted |= w != 1;
      f->fractional_weight |= !rs_is_whole(w);
      rs_add(&f->weight, w);
      if (w > 0 && w < f->least) f->least = w;
      if (w > f->most) f->most = w;
    }
  }
}

RS_WIDE static int any_odd(const double *status, double event, size_t m) {
  int odd = 0;
  RS_SIMD_OR(odd)
  for (size_t i = 0; i < m; i++) {
    odd |= (status[i] != event) & (status[i] != event - 1) & (status[i] == status[i]);
  }
  return odd;
}

RS_WIDE static int any_odd_int(const int *status, int event, size_t m) {
  int odd = 0;
  RS_SIMD_OR(odd)
  for (size_t i = 0; i < m; i++) {
    odd |= (status[i] != event) & (status[i] != event - 1) & (status[i] != INT_MIN);
  }
  return odd;
}

/* Only event and event - 1 are codes (event is 1 or 2). Whether any status is 2 is asked of all
 * rows, as Surv() would have seen them. */
static void scan_status(rs_batch *b, double event, size_t from, size_t m, finding *f) {
  int odd = b->whole_status ? any_odd_int(b->whole_status, (int)event, m)
                            : any_odd(b->status, event, m);
  if (!odd) return;
  const double *status = b->whole_status ? convert(b->whole_status, m, b->status_room) : b->status;
  for (size_t i = 0; i < m; i++) {
    if (status[i] == 2) f->has_two = 1;
    if (b->code[i] == RS_DROP || status[i] == event || status[i] == event - 1) continue;
    note_bad(f, BAD_STATUS, from + i, status[i]);
  }
}

/* As Surv(): 2 is the event where it occurs, otherwise 1. This guess looks at the first rows;
 * a later 2 is found by the scan, which then starts again. */
static double guess_event(const rs_rows *rows) {
  double room[RS_BATCH];
  size_t m = rows->n < RS_BATCH ? rows->n : RS_BATCH;
  const double *status = read_double(&rows->status, 0, m, room);
  for (size_t i = 0; status && i < m; i++) {
    if (status[i] == 2) return 2;
  }
  return 1;
}

static void scan_batch(const rs_rows *rows, rs_ties ties, double event, size_t from,
                       rs_batch *batch, finding *f) {
  size_t m = rs_batch_rows(rows->n, from), before = f->used;
  const rs_stride only_event = {0, 0, 1};
  rs_read_batch(rows, event, only_event, from, m, batch);
  scan_times(batch, from, m, f);
  if (batch->entry) {
    rs_as_doubles(batch, m);
    scan_entries(batch, ties, from, m, f);
  }
  if (batch->weight) scan_weights(batch, from, m, f);
  if (rows->status.type != RS_NONE && isnan(rows->event)) scan_status(batch, event, from, m, f);
  if (f->used - before < m) {
    rs_as_doubles(batch, m);
    count_missing(rows, batch, from, m, f);
  }
}

static void fill_report(const finding *f, double event, rs_report *report) {
  memset(report, 0, sizeof *report);
  report->used = f->used;
  memcpy(report->missing, f->missing, sizeof report->missing);
  report->not_a_number = f->not_a_number;
  report->min_time = f->low;
  report->max_time = f->high;
  report->min_positive = f->positive;
  report->whole_times = !f->fractional_time;
  report->infinite_times = f->infinite_time;
  report->event = event;
  report->weights = f->fractional_weight ? 2 : f->weighted;
  report->total_weight = isinf(f->weight.sum) ? f->weight.sum : rs_total(&f->weight);
  report->least_weight = f->least;
  report->most_weight = f->most;
  for (int b = 0; b < N_BAD; b++) {
    if (f->bad[b] == 0) continue;
    report->problem = RULE[b].problem;
    report->column = RULE[b].column;
    report->row = f->first[b];
    report->rows = f->bad[b];
    report->value = f->value[b];
    return;
  }
}

typedef struct {
  const rs_rows *rows;
  const rs_run *run;
  rs_ties ties;
  double event;
  int stopped;
  finding *found; /* one a thread */
} scan_job;

static void scan_part(void *data, int thread, int threads) {
  scan_job *job = data;
  size_t batches = rs_batches(job->rows->n);
  rs_batch batch;
  finding_start(&job->found[thread]);
  for (size_t b = rs_part(batches, thread, threads); b < rs_part(batches, thread + 1, threads);
       b++) {
    if (rs_is_stopped(&job->stopped, job->run, b)) return;
    scan_batch(job->rows, job->ties, job->event, b * RS_BATCH, &batch, &job->found[thread]);
  }
}

/* Returns whether it was stopped. */
static int scan_all(const rs_rows *rows, rs_ties ties, double event, const rs_run *run,
                    finding *all) {
  finding found[RS_MOST_THREADS];
  scan_job job = {rows, run, ties, event, 0, found};
  int threads = rs_threads(run, rows->n);
  rs_share(threads, scan_part, &job, run, &job.stopped);
  *all = found[0];
  for (int t = 1; t < threads; t++) finding_merge(all, &found[t]);
  return job.stopped;
}

/* Above 2^53 a double is not each whole number: what is lost is in the sum's error. */
static void check_sum(const rs_sum *weight, rs_report *report) {
  const double most = 9007199254740992.0;
  report->column = RS_COLUMN_WEIGHT;
  if (weight->sum == 0) report->problem = RS_ALL_ZERO;
  if (report->weights == 1 && (weight->sum > most || (weight->sum == most && weight->error > 0))) {
    report->problem = RS_SUM_TOO_LARGE;
  }
}

rs_status rs_scan(const rs_rows *rows, rs_ties ties, const rs_run *run, rs_report *report) {
  finding all;
  int declared = !isnan(rows->event);
  double event = declared ? rows->event : guess_event(rows);
  int stopped = scan_all(rows, ties, event, run, &all);
  if (!stopped && !declared && event == 1 && all.has_two) {
    event = 2;
    stopped = scan_all(rows, ties, event, run, &all);
  }
  if (stopped) return RS_INTERRUPTED;
  fill_report(&all, rows->status.type == RS_NONE ? (double)NAN : event, report);
  if (report->problem == RS_FINE && rows->weight.type != RS_NONE && all.used > 0) {
    check_sum(&all.weight, report);
  }
  return report->problem == RS_FINE ? RS_OK : RS_BAD_ROW;
}

rs_status rs_missing_rows(const rs_rows *rows, double event, size_t *at, size_t room,
                          const rs_run *run, size_t *found) {
  rs_batch batch;
  const rs_stride none = {0, 0, 0};
  int stopped = 0;
  *found = 0;
  for (size_t from = 0; from < rows->n; from += RS_BATCH) {
    size_t m = rs_batch_rows(rows->n, from);
    if (rs_is_stopped(&stopped, run, from / RS_BATCH)) return RS_INTERRUPTED;
    rs_read_batch(rows, event, none, from, m, &batch);
    for (size_t i = 0; i < m; i++) {
      if (batch.code[i] != RS_DROP) continue;
      if (*found < room) at[*found] = from + i + 1;
      (*found)++;
    }
  }
  return RS_OK;
}

/* ---- Categories ------------------------------------------------------------------------- */

rs_status rs_small_codes(const rs_column *x, size_t n, double low, double high,
                         const rs_run *run, int *map, int *code, size_t *used) {
  double room[RS_BATCH];
  size_t range = (size_t)(high - low) + 1;
  int k = 0, stopped = 0;
  memset(map, 0, range * sizeof *map);
  for (int pass = 0; pass < 2; pass++) {
    for (size_t from = 0; from < n; from += RS_BATCH) {
      size_t m = rs_batch_rows(n, from);
      const double *v = read_double(x, from, m, room);
      if (rs_is_stopped(&stopped, run, from / RS_BATCH)) return RS_INTERRUPTED;
      for (size_t i = 0; i < m; i++) {
        int missing = v[i] != v[i];
        size_t at = missing ? 0 : (size_t)(int64_t)(v[i] - low);
        if (pass == 1) code[from + i] = missing ? INT_MIN : map[at];
        else if (!missing) map[at] = 1;
      }
    }
    for (size_t r = 0; pass == 0 && r < range; r++) {
      if (map[r]) map[r] = ++k;
    }
  }
  *used = (size_t)k;
  return RS_OK;
}
