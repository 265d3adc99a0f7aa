/* tabulate.c: rows -> ordered stream of cells -> risk table.
 *
 * Three sources, one stream. Whole-number times within a modest range are counted into a
 * histogram; other times are sorted as 64-bit keys that carry stratum, group and event along;
 * a risk table is read by merging its blocks. Whoever reads the stream cannot tell which. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rows.h"

typedef struct {
  size_t range, kinds, n_cell; /* cell = ((stratum * range + t) * n_group + group) * kinds + kind */
  double origin;               /* the time of t = 0 */
  uint32_t *rows;              /* n_cell + 1: the last takes the dropped rows */
  double *weight, *square;     /* NULL without weights; square NULL unless fractional */
} histogram;

/* A sorted record: its time, stratum, group and kind are bit fields of the key. Whole times
 * have the stratum on top, so one sort does all; other times come first, since ties are found
 * across strata, and a second pass parts the strata. Where the fields do not fit 64 bits the
 * key is the time alone, and stratum, group and kind travel in the carry. */
typedef struct {
  uint64_t *key;
  uint32_t *carry; /* the code, or 2 * row (+ 1 for its entry), or NULL */
  size_t n;
  int whole, code_in_key;
  int time_at, stratum_at, group_at; /* lowest bit of each field; the kind is at 0 */
  int time_bits, stratum_bits, group_bits, kind_bits, code_bits; /* code: the last three */
  double origin; /* whole: the time of key 0 */
  uint64_t base; /* otherwise: bits of the smallest positive time, less 1 */
  uint64_t most; /* the key of the largest finite time; +Inf has the next */
} sorted;

struct rs_stream {
  enum { COUNTED, SORTED, TABULATED } source;
  size_t n_group, n_stratum, merged, at; /* at: next cell, key or stratum */
  int weights, entries, infinite, by_row; /* by_row: the carry is a row, not a code */
  double *risk, *rows; /* by block */
  histogram counted;
  sorted sorted;
  const rs_rows *data;
  double event;
  const rs_table *table;
  size_t *head; /* TABULATED: next row of each block of the stratum */
  size_t *row;  /* rs_tabulate(): where each block's current time is written, */
  double *now;  /* and that time; NaN before the first. Here so that a caller whose allocate()
                   jumps away frees them with the stream */
};

size_t rs_stream_merged(const rs_stream *stream) { return stream->merged; }
const double *rs_stream_risk(const rs_stream *stream) { return stream->risk; }
const double *rs_stream_rows(const rs_stream *stream) { return stream->rows; }

void rs_stream_close(rs_stream *s) {
  if (!s) return;
  free(s->risk);
  free(s->counted.rows);
  free(s->counted.weight);
  free(s->counted.square);
  free(s->sorted.key);
  free(s->sorted.carry);
  free(s->head);
  free(s->row);
  free(s->now);
  free(s);
}

static rs_stream *stream_new(size_t n_group, size_t n_stratum) {
  size_t blocks, bytes;
  rs_stream *s = calloc(1, sizeof *s);
  if (!s) return NULL;
  s->n_group = n_group;
  s->n_stratum = n_stratum;
  if (rs_mul(n_group, n_stratum, &blocks) || rs_mul(2 * blocks, sizeof(double), &bytes) ||
      !(s->risk = calloc(1, bytes ? bytes : 1))) {
    free(s);
    return NULL;
  }
  s->rows = s->risk + blocks;
  return s;
}

/* ---- Counting -------------------------------------------------------------------------- */

static rs_status histogram_new(histogram *h, int weights) {
  h->rows = calloc(h->n_cell + 1, sizeof *h->rows);
  if (weights > 0) h->weight = calloc(h->n_cell + 1, sizeof *h->weight);
  if (weights > 1) h->square = calloc(h->n_cell + 1, sizeof *h->square);
  return h->rows && (h->weight || weights < 1) && (h->square || weights < 2) ? RS_OK
                                                                             : RS_NO_MEMORY;
}

static void histogram_free(histogram *h) {
  free(h->rows);
  free(h->weight);
  free(h->square);
}

/* Index of a time on the histogram's axis; +Inf has the last place. */
static inline size_t time_place(const histogram *h, double t) {
  return t < INFINITY ? (size_t)(int64_t)(t - h->origin) : h->range - 1;
}

static void count_rows(histogram *h, const rs_batch *b, size_t m, size_t step) {
  for (size_t i = 0; i < m; i++) {
    size_t cell = h->n_cell;
    if (b->code[i] != RS_DROP) cell = b->code[i] + time_place(h, b->time[i]) * step;
    h->rows[cell]++;
  }
}

static void count_weights(histogram *h, const rs_batch *b, size_t m, size_t step) {
  for (size_t i = 0; i < m; i++) {
    if (b->code[i] == RS_DROP) continue;
    size_t cell = b->code[i] + time_place(h, b->time[i]) * step;
    h->weight[cell] += b->weight[i];
    if (h->square) h->square[cell] += b->weight[i] * b->weight[i];
  }
}

/* An entry counts beside the event and the censoring of its row's group. */
static void count_entries(histogram *h, const rs_batch *b, size_t m, size_t step) {
  for (size_t i = 0; i < m; i++) {
    if (b->code[i] == RS_DROP) continue;
    size_t cell = b->code[i] - b->code[i] % h->kinds + RS_KIND_ENTER;
    cell += time_place(h, b->entry[i]) * step;
    h->rows[cell]++;
    if (h->weight) h->weight[cell] += b->weight[i];
  }
}

static void histogram_add(histogram *to, const histogram *from) {
  for (size_t c = 0; c <= to->n_cell; c++) to->rows[c] += from->rows[c];
  for (size_t c = 0; to->weight && c <= to->n_cell; c++) to->weight[c] += from->weight[c];
  for (size_t c = 0; to->square && c <= to->n_cell; c++) to->square[c] += from->square[c];
}

/* Whether the times are whole and the histogram is small beside the rows. */
static int can_count(const rs_stream *s, const rs_report *report, rs_ties ties,
                     const rs_run *run, histogram *h) {
  size_t blocks = s->n_group * s->n_stratum, limit = 2 * s->data->n;
  double range = report->max_time - report->min_time + 1 + report->infinite_times;
  if (limit < 1024) limit = 1024;
  if (limit > (size_t)1 << 30) limit = (size_t)1 << 30;
  if (!(run->paths & RS_PATH_COUNT) || !report->whole_times || s->data->keep_rows) return 0;
  if (s->data->n >= UINT32_MAX || !(range >= 1 && range <= (double)limit)) return 0;
  if (ties == RS_TIES_SURVIVAL && report->max_time >= 67108864) return 0;
  h->kinds = s->entries ? 3 : 2;
  h->range = (size_t)range;
  h->origin = report->min_time;
  if (blocks > limit / h->kinds || h->range > limit / (blocks * h->kinds)) return 0;
  h->n_cell = h->range * blocks * h->kinds;
  return 1;
}

typedef struct {
  const rs_stream *stream;
  const rs_run *run;
  int stopped;
  histogram *part; /* one a thread; the first is the stream's own */
  rs_status status[RS_MOST_THREADS];
} count_job;

static void count_part(void *data, int thread, int threads) {
  count_job *job = data;
  const rs_stream *s = job->stream;
  histogram *h = &job->part[thread];
  size_t step = s->n_group * h->kinds, n = s->data->n, batches = rs_batches(n);
  rs_stride stride = {(uint32_t)(h->range * step), (uint32_t)h->kinds, 1};
  rs_batch batch;
  job->status[thread] = histogram_new(h, s->weights);
  if (job->status[thread] != RS_OK) return;
  for (size_t b = rs_part(batches, thread, threads); b < rs_part(batches, thread + 1, threads);
       b++) {
    size_t from = b * RS_BATCH, m = rs_batch_rows(n, from);
    if (rs_is_stopped(&job->stopped, job->run, b)) return;
    rs_read_batch(s->data, s->event, stride, from, m, &batch);
    count_rows(h, &batch, m, step);
    if (h->weight) count_weights(h, &batch, m, step);
    if (s->entries) count_entries(h, &batch, m, step);
  }
}

static rs_status count_all(rs_stream *s, const rs_run *run) {
  histogram part[RS_MOST_THREADS];
  count_job job = {s, run, 0, part, {RS_OK}};
  int threads = rs_threads(run, s->data->n);
  rs_status status = RS_OK;
  for (int t = 0; t < threads; t++) part[t] = s->counted;
  rs_share(threads, count_part, &job);
  s->counted = part[0];
  for (int t = 0; t < threads; t++) {
    if (job.status[t] != RS_OK) status = job.status[t];
  }
  for (int t = 1; t < threads; t++) {
    if (status == RS_OK) histogram_add(&s->counted, &part[t]);
    histogram_free(&part[t]);
  }
  return job.stopped ? RS_INTERRUPTED : status;
}

static void counted_cell(const rs_stream *s, size_t at, rs_cell *cell) {
  const histogram *h = &s->counted;
  size_t place = at / h->kinds, group = place % s->n_group, t = place / s->n_group;
  size_t stratum = t / h->range;
  t -= stratum * h->range;
  cell->time = h->origin + (double)t;
  if (t == h->range - 1 && s->infinite) cell->time = INFINITY;
  cell->block = (uint32_t)(stratum * s->n_group + group);
  cell->kind = (uint32_t)(at % h->kinds);
  cell->rows = h->rows[at];
  cell->count = h->weight ? h->weight[at] : cell->rows;
  cell->square = h->square ? h->square[at] : cell->count;
}

static size_t read_counted(rs_stream *s, rs_cell *cell, size_t room) {
  size_t m = 0;
  const uint32_t *rows = s->counted.rows;
  for (; s->at < s->counted.n_cell && m < room; s->at++) {
    if (rows[s->at] > 0) counted_cell(s, s->at, &cell[m++]);
  }
  return m;
}

/* ---- Sorting --------------------------------------------------------------------------- */

static inline uint64_t time_key(const sorted *k, double t) {
  if (t == INFINITY) return k->most + 1;
  if (k->whole) return (uint64_t)(t - k->origin);
  return t == 0 ? 0 : rs_double_bits(t) - k->base;
}

static inline double key_time(const sorted *k, uint64_t key) {
  uint64_t t = key >> k->time_at;
  if (k->time_bits < 64) t &= ((uint64_t)1 << k->time_bits) - 1;
  if (t > k->most) return INFINITY;
  if (k->whole) return k->origin + (double)t;
  return t == 0 ? 0 : rs_bits_double(t + k->base);
}

/* Where each field goes. */
static void lay_out(rs_stream *s, const rs_report *report, rs_ties ties) {
  sorted *k = &s->sorted;
  k->whole = report->whole_times && report->max_time < 4503599627370496.0 &&
             (ties != RS_TIES_SURVIVAL || report->max_time < 67108864);
  k->origin = report->min_time;
  k->base = isfinite(report->min_positive) ? rs_double_bits(report->min_positive) - 1 : 0;
  k->most = 0;
  if (report->max_time >= report->min_time) k->most = time_key(k, report->max_time);
  k->time_bits = rs_bit_length(k->most + 1);
  k->kind_bits = s->entries ? 2 : 1;
  k->group_bits = rs_bit_length(s->n_group - 1);
  k->stratum_bits = rs_bit_length(s->n_stratum - 1);
  k->code_bits = k->kind_bits + k->group_bits + k->stratum_bits;
  k->group_at = k->kind_bits;
  k->stratum_at = k->kind_bits + k->group_bits;
  k->code_in_key = k->code_bits + k->time_bits < 64; /* so that no field begins at bit 64 */
  k->time_at = k->code_in_key ? k->code_bits : 0;
  if (k->whole && k->code_in_key) {
    k->time_at = k->stratum_at;
    k->stratum_at = k->time_at + k->time_bits;
  }
}

static inline uint32_t low_bits(uint64_t x, int at, int bits) {
  return (uint32_t)((x >> at) & (((uint64_t)1 << bits) - 1));
}

/* The code as rs_read_batch() made it (kind, group, stratum from the lowest bit up). */
static uint64_t place_code(const sorted *k, uint32_t code) {
  int low = k->kind_bits + k->group_bits;
  return ((uint64_t)(code >> low) << k->stratum_at) | low_bits(code, 0, low);
}

static rs_stride key_stride(const sorted *k) {
  rs_stride stride = {(uint32_t)1 << (k->kind_bits + k->group_bits),
                      (uint32_t)1 << k->kind_bits, RS_KIND_EVENT};
  return stride;
}

/* The records of one batch of rows: at most two a row. */
typedef struct {
  rs_batch rows;
  size_t n;
  uint64_t key[2 * RS_BATCH];
  uint32_t carry[2 * RS_BATCH];
} record_batch;

static inline void put_record(const rs_stream *s, record_batch *r, double t, uint32_t code,
                              size_t carry) {
  const sorted *k = &s->sorted;
  uint64_t key = time_key(k, t) << k->time_at;
  r->key[r->n] = k->code_in_key ? key | place_code(k, code) : key;
  r->carry[r->n++] = s->by_row ? (uint32_t)carry : code;
}

static void read_records(const rs_stream *s, size_t from, size_t m, record_batch *r) {
  rs_batch *b = &r->rows;
  uint32_t kind_mask = ((uint32_t)1 << s->sorted.kind_bits) - 1;
  rs_read_batch(s->data, s->event, key_stride(&s->sorted), from, m, b);
  r->n = 0;
  for (size_t i = 0; i < m; i++) {
    if (b->code[i] != RS_DROP) put_record(s, r, b->time[i], b->code[i], 2 * (from + i));
  }
  for (size_t i = 0; s->entries && i < m; i++) {
    if (b->code[i] == RS_DROP) continue;
    uint32_t code = (b->code[i] & ~kind_mask) | RS_KIND_ENTER;
    put_record(s, r, b->entry[i], code, 2 * (from + i) + 1);
  }
}

/* The first pass of the sort reads the rows themselves, twice: once to count the keys of each
 * bucket (of the key's highest bits), once to put each key into its bucket, so that the keys
 * need no second place in memory. Each thread has its share of the rows and its own place in
 * every bucket: order within a bucket is that of the rows. */
typedef struct {
  int shift, threads;
  size_t buckets;
  size_t *next; /* threads x buckets */
  size_t *end;  /* buckets */
} split;

typedef struct {
  rs_stream *stream;
  const split *split;
  const rs_run *run;
  int place, stopped; /* place: the second reading */
  size_t largest;     /* bucket */
  int failed[RS_MOST_THREADS];
} sort_job;

static void split_part(void *data, int thread, int threads) {
  sort_job *job = data;
  const split *p = job->split;
  sorted *k = &job->stream->sorted;
  record_batch r;
  size_t *next = p->next + (size_t)thread * p->buckets, n = job->stream->data->n;
  size_t batches = rs_batches(n);
  for (size_t b = rs_part(batches, thread, threads); b < rs_part(batches, thread + 1, threads);
       b++) {
    size_t from = b * RS_BATCH, m = rs_batch_rows(n, from);
    if (rs_is_stopped(&job->stopped, job->run, b)) return;
    read_records(job->stream, from, m, &r);
    for (size_t i = 0; i < r.n; i++) {
      size_t to = next[r.key[i] >> p->shift]++;
      if (!job->place) continue;
      k->key[to] = r.key[i];
      if (k->carry) k->carry[to] = r.carry[i];
    }
  }
}

static void split_starts(const split *p) {
  size_t sum = 0;
  for (size_t d = 0; d < p->buckets; d++) {
    for (int t = 0; t < p->threads; t++) {
      size_t *next = &p->next[(size_t)t * p->buckets + d], n = *next;
      *next = sum;
      sum += n;
    }
    p->end[d] = sum;
  }
}

/* Sorts every `threads`-th bucket by the rest of its bits. */
static void sort_part(void *data, int thread, int threads) {
  sort_job *job = data;
  const split *p = job->split;
  sorted *k = &job->stream->sorted;
  uint64_t *key = malloc(job->largest * sizeof *key);
  uint32_t *carry = k->carry ? malloc(job->largest * sizeof *carry) : NULL;
  job->failed[thread] = !key || (k->carry && !carry);
  for (size_t d = (size_t)thread; d < p->buckets; d += (size_t)threads) {
    size_t from = d > 0 ? p->end[d - 1] : 0, n = p->end[d] - from;
    if (job->failed[thread] || n < 2) continue;
    if (rs_is_stopped(&job->stopped, job->run, d / (size_t)threads * 8)) break;
    rs_sort(k->key + from, k->carry ? k->carry + from : NULL, key, carry, n, p->shift);
  }
  free(key);
  free(carry);
}

static rs_status sort_split(rs_stream *s, const split *p, const rs_run *run) {
  sort_job job = {s, p, run, 0, 0, 1, {0}};
  rs_share(p->threads, split_part, &job);
  split_starts(p);
  job.place = 1;
  if (!job.stopped) rs_share(p->threads, split_part, &job);
  for (size_t d = 0; d < p->buckets; d++) {
    size_t n = p->end[d] - (d > 0 ? p->end[d - 1] : 0);
    if (n > job.largest) job.largest = n;
  }
  if (!job.stopped) rs_share(p->threads, sort_part, &job);
  for (int t = 0; t < p->threads; t++) {
    if (job.failed[t]) return RS_NO_MEMORY;
  }
  return job.stopped ? RS_INTERRUPTED : RS_OK;
}

static rs_status sort_records(rs_stream *s, int bits, const rs_run *run) {
  int digit = rs_sort_digit(s->data->n, bits);
  split p = {bits - digit, rs_threads(run, s->data->n), (size_t)1 << digit, NULL, NULL};
  rs_status status = RS_NO_MEMORY;
  p.next = calloc((size_t)(p.threads + 1) * p.buckets, sizeof *p.next);
  if (p.next) {
    p.end = p.next + (size_t)p.threads * p.buckets;
    status = sort_split(s, &p, run);
  }
  free(p.next);
  return status;
}

/* One record's code; with weights and no room in the key the row is read again. */
static uint32_t record_code(const rs_stream *s, size_t i) {
  const sorted *k = &s->sorted;
  if (k->code_in_key) {
    uint32_t low = low_bits(k->key[i], 0, k->kind_bits + k->group_bits);
    uint32_t stratum = low_bits(k->key[i], k->stratum_at, k->stratum_bits);
    return stratum << (k->kind_bits + k->group_bits) | low;
  }
  if (!s->by_row) return k->carry[i];
  rs_batch batch;
  uint32_t kind_mask = ((uint32_t)1 << k->kind_bits) - 1;
  rs_read_batch(s->data, s->event, key_stride(k), k->carry[i] / 2, 1, &batch);
  if (k->carry[i] % 2) return (batch.code[0] & ~kind_mask) | RS_KIND_ENTER;
  return batch.code[0];
}

/* Sets each run of tied times to its first, through all strata and groups. */
static void merge_ties(rs_stream *s, rs_ties ties) {
  sorted *k = &s->sorted;
  double mean = 0, first = -1, last = -1;
  size_t distinct = 0;
  uint64_t low_mask = k->time_at ? ((uint64_t)1 << k->time_at) - 1 : 0;
  for (size_t i = 0; ties == RS_TIES_SURVIVAL && i < k->n; i++) {
    double t = key_time(k, k->key[i]);
    if (t != last && t < INFINITY) {
      mean += t;
      distinct++;
    }
    last = t;
  }
  if (distinct > 0) mean /= (double)distinct;
  last = -1;
  for (size_t i = 0; i < k->n; i++) {
    double t = key_time(k, k->key[i]);
    if (i > 0 && t != last && rs_is_tied(first, last, t, ties, mean)) s->merged++;
    else if (i == 0 || t != last) first = t;
    last = t;
    if (t != first) k->key[i] = time_key(k, first) << k->time_at | (k->key[i] & low_mask);
  }
}

/* Whether times up to t, tied, leave it the representative that `entry` has or an earlier one:
 * that is the largest key not above it. */
static int ties_with_entry(const sorted *k, double entry, double t) {
  size_t low = 0, high = k->n;
  while (high - low > 1) {
    size_t middle = low + (high - low) / 2;
    if (key_time(k, k->key[middle]) <= t) low = middle;
    else high = middle;
  }
  return key_time(k, k->key[low]) <= entry;
}

/* Entries that the rule of survival ties with their own exit: nobody is at risk for no time.
 * rs_scan() cannot see them, since this rule looks at all times. */
static rs_status check_entries(const rs_stream *s, const rs_run *run, rs_report *report) {
  rs_batch b;
  const rs_stride none = {0, 0, 0};
  for (size_t from = 0; from < s->data->n; from += RS_BATCH) {
    size_t m = rs_batch_rows(s->data->n, from);
    rs_read_batch(s->data, s->event, none, from, m, &b);
    for (size_t i = 0; i < m; i++) {
      if (b.code[i] == RS_DROP || !ties_with_entry(&s->sorted, b.entry[i], b.time[i])) continue;
      if (report->rows++ > 0) continue;
      report->problem = RS_ENTRY_NOT_BEFORE_TIME;
      report->column = RS_COLUMN_ENTRY;
      report->row = from + i;
      report->value = b.entry[i];
    }
    if (from / RS_BATCH % 128 == 127 && rs_stop(run)) return RS_INTERRUPTED;
  }
  return report->problem == RS_FINE ? RS_OK : RS_BAD_ROW;
}

/* Parts the strata, keeping the order of time within each. */
static rs_status part_strata(rs_stream *s) {
  sorted *k = &s->sorted;
  int low = k->kind_bits + k->group_bits;
  size_t *next = calloc(s->n_stratum + 1, sizeof *next);
  uint64_t *key = malloc(k->n * sizeof *key);
  uint32_t *carry = k->carry ? malloc(k->n * sizeof *carry) : NULL;
  if (!next || !key || (k->carry && !carry)) {
    free(next);
    free(key);
    free(carry);
    return RS_NO_MEMORY;
  }
  rs_advise(key, k->n * sizeof *key);
  for (size_t i = 0; i < k->n; i++) next[(record_code(s, i) >> low) + 1]++;
  for (size_t j = 1; j <= s->n_stratum; j++) next[j] += next[j - 1];
  for (size_t i = 0; i < k->n; i++) {
    size_t to = next[record_code(s, i) >> low]++;
    key[to] = k->key[i];
    if (carry) carry[to] = k->carry[i];
  }
  free(next);
  free(k->key);
  free(k->carry);
  k->key = key;
  k->carry = carry;
  return RS_OK;
}

static rs_status sort_all(rs_stream *s, rs_report *report, rs_ties ties, const rs_run *run) {
  sorted *k = &s->sorted;
  lay_out(s, report, ties);
  int bits = k->time_bits + (k->code_in_key ? k->code_bits : 0);
  int carried = s->by_row || !k->code_in_key;
  k->n = report->used * (size_t)(1 + s->entries);
  if (k->code_bits > 31 || (carried && s->data->n >= RS_MOST_ROWS)) return RS_TOO_LARGE;
  k->key = malloc(k->n * sizeof *k->key);
  k->carry = carried ? malloc(k->n * sizeof *k->carry) : NULL;
  if (!k->key || (carried && !k->carry)) return RS_NO_MEMORY;
  rs_advise(k->key, k->n * sizeof *k->key);
  if (carried) rs_advise(k->carry, k->n * sizeof *k->carry);
  rs_status status = sort_records(s, bits, run);
  if (status != RS_OK) return status;
  if (!k->whole && ties != RS_TIES_EXACT) merge_ties(s, ties);
  if (ties == RS_TIES_SURVIVAL && s->entries && s->merged > 0) {
    status = check_entries(s, run, report);
    if (status != RS_OK) return status;
  }
  return s->n_stratum > 1 && !(k->whole && k->code_in_key) ? part_strata(s) : RS_OK;
}

static double row_weight(const rs_rows *rows, size_t row) {
  if (rows->weight.type == RS_INT) return ((const int *)rows->weight.data)[row];
  return ((const double *)rows->weight.data)[row];
}

static size_t read_sorted(rs_stream *s, rs_cell *cell, size_t room) {
  const sorted *k = &s->sorted;
  size_t m = k->n - s->at < room ? k->n - s->at : room;
  for (size_t i = 0; i < m; i++) {
    uint32_t code = record_code(s, s->at + i);
    uint32_t group = low_bits(code, k->kind_bits, k->group_bits);
    uint32_t stratum = code >> (k->kind_bits + k->group_bits);
    cell[i].time = key_time(k, k->key[s->at + i]);
    cell[i].block = stratum * (uint32_t)s->n_group + group;
    cell[i].kind = low_bits(code, 0, k->kind_bits);
    cell[i].rows = 1;
    cell[i].count = s->weights ? row_weight(s->data, k->carry[s->at + i] / 2) : 1;
    cell[i].square = cell[i].count * cell[i].count;
    cell[i].row = s->by_row ? k->carry[s->at + i] / 2 : 0;
  }
  s->at += m;
  return m;
}

/* ---- A table read as a stream ---------------------------------------------------------- */

/* The smallest time at which a block of this stratum still has a row; 0 at its end. */
static int next_time(const rs_stream *s, double *time) {
  int found = 0;
  for (size_t g = 0; g < s->n_group; g++) {
    size_t b = s->at * s->n_group + g, row = s->head[g];
    if (row == s->table->start[b + 1]) continue;
    if (!found || s->table->time[row] < *time) *time = s->table->time[row];
    found = 1;
  }
  return found;
}

static size_t put_kinds(const rs_table *t, size_t row, size_t block, rs_cell *cell) {
  const double count[3] = {t->censor[row], t->event[row], t->enter ? t->enter[row] : 0};
  size_t m = 0;
  for (uint32_t kind = 0; kind < 3; kind++) {
    if (count[kind] == 0) continue;
    rs_cell c = {t->time[row], (uint32_t)block, kind, count[kind], count[kind], 0, 0};
    cell[m++] = c;
  }
  return m;
}

static void start_stratum(rs_stream *s) {
  if (s->at >= s->n_stratum) return;
  for (size_t g = 0; g < s->n_group; g++) {
    s->head[g] = s->table->start[s->at * s->n_group + g];
  }
}

/* Room for fewer cells than one time can have is made by stopping between groups: the heads
 * that were not reached keep the time, and it is the smallest again at the next call. */
static size_t read_table(rs_stream *s, rs_cell *cell, size_t room) {
  size_t m = 0;
  double time = 0;
  while (s->at < s->n_stratum && m + 3 <= room) {
    if (!next_time(s, &time)) {
      s->at++;
      start_stratum(s);
      continue;
    }
    for (size_t g = 0; g < s->n_group && m + 3 <= room; g++) {
      size_t b = s->at * s->n_group + g, row = s->head[g];
      if (row == s->table->start[b + 1] || s->table->time[row] != time) continue;
      m += put_kinds(s->table, row, b, cell + m);
      s->head[g]++;
    }
  }
  return m;
}

/* ---- The stream ------------------------------------------------------------------------ */

size_t rs_stream_read(rs_stream *s, rs_cell *cell, size_t room) {
  if (s->source == COUNTED) return read_counted(s, cell, room);
  if (s->source == SORTED) return read_sorted(s, cell, room);
  return read_table(s, cell, room);
}

void rs_stream_rewind(rs_stream *s) {
  s->at = 0;
  if (s->source == TABULATED) start_stratum(s);
}

/* Every record of a sort without weights counts one. */
static rs_status sum_records(rs_stream *s, const rs_run *run) {
  const sorted *k = &s->sorted;
  for (size_t i = 0; i < k->n; i++) {
    uint32_t code = record_code(s, i);
    size_t block = (size_t)(code >> (k->kind_bits + k->group_bits)) * s->n_group +
                   low_bits(code, k->group_at, k->group_bits);
    int enters = low_bits(code, 0, k->kind_bits) == RS_KIND_ENTER;
    s->risk[block] += enters ? -1 : 1;
    s->rows[block] += !enters;
    if ((i & 0xffff) == 0xffff && rs_stop(run)) return RS_INTERRUPTED;
  }
  return RS_OK;
}

static rs_status sum_blocks(rs_stream *s, const rs_run *run) {
  if (s->source == SORTED && !s->weights) return sum_records(s, run);
  rs_cell cell[256];
  size_t m, read = 0;
  while ((m = rs_stream_read(s, cell, 256)) > 0) {
    for (size_t i = 0; i < m; i++) {
      int enters = cell[i].kind == RS_KIND_ENTER;
      s->risk[cell[i].block] += enters ? -cell[i].count : cell[i].count;
      s->rows[cell[i].block] += enters ? 0 : cell[i].rows;
    }
    if ((++read & 255) == 0 && rs_stop(run)) return RS_INTERRUPTED;
  }
  rs_stream_rewind(s);
  return RS_OK;
}

rs_status rs_stream_open(const rs_rows *rows, rs_ties ties, const rs_run *run,
                         rs_stream **stream, rs_report *report) {
  rs_status status = rs_scan(rows, ties, run, report);
  *stream = NULL;
  if (status != RS_OK || report->used == 0) return status;
  if (report->weights == 1 && report->total_weight > 9007199254740992.0) return RS_TOO_LARGE;
  rs_stream *s = stream_new(rows->n_group, rows->n_stratum);
  if (!s) return RS_NO_MEMORY;
  s->data = rows;
  s->event = report->event;
  s->entries = rows->entry.type != RS_NONE;
  s->infinite = report->infinite_times;
  s->weights = report->weights;
  s->by_row = s->weights > 0 || rows->keep_rows;
  if (can_count(s, report, ties, run, &s->counted)) {
    s->source = COUNTED;
    status = count_all(s, run);
  } else {
    s->source = SORTED;
    status = sort_all(s, report, ties, run);
  }
  if (status == RS_OK) status = sum_blocks(s, run);
  if (status == RS_OK) *stream = s;
  else rs_stream_close(s);
  return status;
}

rs_status rs_stream_table(const rs_table *table, size_t n_group, size_t n_stratum,
                          const rs_run *run, rs_stream **stream) {
  rs_stream *s = stream_new(n_group, n_stratum);
  rs_status status = RS_NO_MEMORY;
  *stream = NULL;
  if (!s) return status;
  s->source = TABULATED;
  s->table = table;
  s->head = calloc(n_group, sizeof *s->head);
  if (s->head) {
    rs_stream_rewind(s);
    status = sum_blocks(s, run);
  }
  if (status == RS_OK) *stream = s;
  else rs_stream_close(s);
  return status;
}

/* ---- The risk table -------------------------------------------------------------------- */

/* Whether the cell has another time than its block's last one, whose row is then the next. */
static inline int next_row(rs_stream *s, const rs_cell *cell) {
  if (s->now[cell->block] == cell->time) return 0;
  s->now[cell->block] = cell->time;
  s->row[cell->block]++;
  return 1;
}

static inline void start_row(const rs_table *t, size_t row, double time) {
  t->time[row] = time;
  t->event[row] = t->censor[row] = 0;
  if (t->enter) t->enter[row] = 0;
  if (t->rows_event) t->rows_event[row] = t->rows_censor[row] = 0;
  if (t->rows_enter) t->rows_enter[row] = 0;
  if (t->square_event) t->square_event[row] = t->square_censor[row] = 0;
}

static inline void add_cell(const rs_table *t, size_t row, const rs_cell *cell) {
  int event = cell->kind == RS_KIND_EVENT;
  if (cell->kind == RS_KIND_ENTER) {
    t->enter[row] += cell->count;
    if (t->rows_enter) t->rows_enter[row] += cell->rows;
    return;
  }
  (event ? t->event : t->censor)[row] += cell->count;
  if (t->rows_event) (event ? t->rows_event : t->rows_censor)[row] += cell->rows;
  if (t->square_event) (event ? t->square_event : t->square_censor)[row] += cell->square;
}

/* Reads the stream once; with fill == 0 rows are only counted. */
static rs_status write_rows(rs_stream *s, const rs_run *run, rs_table *t, int fill) {
  rs_cell cell[256];
  size_t m, read = 0;
  rs_stream_rewind(s);
  for (size_t b = 0; b < t->n_block; b++) {
    s->now[b] = NAN;
    s->row[b] = fill ? t->start[b] - 1 : SIZE_MAX;
  }
  while ((m = rs_stream_read(s, cell, 256)) > 0) {
    for (size_t i = 0; i < m; i++) {
      int fresh = next_row(s, &cell[i]);
      if (!fill) continue;
      size_t row = s->row[cell[i].block];
      if (fresh) start_row(t, row, cell[i].time);
      add_cell(t, row, &cell[i]);
    }
    if ((++read & 255) == 0 && rs_stop(run)) return RS_INTERRUPTED;
  }
  return RS_OK;
}

static rs_status table_arrays(const rs_stream *s, rs_allocate allocate, void *user,
                              rs_table *t) {
  double **array[RS_ARRAYS] = {&t->time,         &t->event,       &t->censor,
                               &t->enter,        &t->rows_event,  &t->rows_censor,
                               &t->rows_enter,   &t->square_event, &t->square_censor};
  for (int a = 0; a < RS_ARRAYS; a++) {
    *array[a] = NULL;
    if ((a == RS_ENTER || a == RS_ROWS_ENTER) && !s->entries) continue;
    if (a >= RS_ROWS_EVENT && a <= RS_ROWS_ENTER && s->weights < 1) continue;
    if (a >= RS_SQUARE_EVENT && s->weights < 2) continue;
    *array[a] = allocate(t->n_row, a, user);
    if (!*array[a]) return RS_NO_MEMORY;
    rs_advise(*array[a], t->n_row * sizeof(double));
  }
  return RS_OK;
}

rs_status rs_tabulate(rs_stream *s, const rs_run *run, rs_allocate allocate, void *user,
                      rs_table *t) {
  t->n_block = s->n_group * s->n_stratum;
  t->merged = s->merged;
  if (!s->row) s->row = calloc(t->n_block, sizeof *s->row);
  if (!s->now) s->now = calloc(t->n_block, sizeof *s->now);
  if (!s->row || !s->now) return RS_NO_MEMORY;
  rs_status status = write_rows(s, run, t, 0);
  if (status != RS_OK) return status;
  t->start[0] = 0;
  for (size_t b = 0; b < t->n_block; b++) t->start[b + 1] = t->start[b] + s->row[b] + 1;
  t->n_row = t->start[t->n_block];
  status = table_arrays(s, allocate, user, t);
  return status == RS_OK ? write_rows(s, run, t, 1) : status;
}
