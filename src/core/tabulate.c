/* tabulate.c: rows, or a risk table -> an ordered stream of cells.
 *
 * Three sources, one stream. Whole-number times within a modest range, and other times of which few
 * are distinct, are counted into a histogram; the rest are sorted as 64-bit keys that carry
 * stratum, group and event along; a risk table is read by merging its blocks. Whoever reads the
 * stream (stream.c) cannot tell which. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stream.h"

size_t rs_stream_merged(const rs_stream *stream) { return stream->merged; }
const double *rs_stream_rows(const rs_stream *stream) { return stream->rows; }
const double *rs_stream_subjects(const rs_stream *stream) { return stream->subjects; }

static void histogram_free(rs_histogram *h) {
  free(h->rows);
  free(h->weight);
  free(h->square);
  free(h->times);
}

void rs_stream_close(rs_stream *s) {
  if (!s) return;
  free(s->rows);
  histogram_free(&s->counted);
  free(s->sorted.key);
  free(s->sorted.carry);
  free(s->segment);
  free(s->at_risk);
  free(s->row);
  rs_reader_close(&s->reader);
  free(s);
}

static rs_stream *stream_new(size_t n_group, size_t n_stratum) {
  size_t blocks, bytes;
  rs_stream *s = calloc(1, sizeof *s);
  if (!s) return NULL;
  s->n_group = n_group;
  s->n_stratum = n_stratum;
  if (rs_mul(n_group, n_stratum, &blocks) || rs_mul(blocks, 2 * sizeof(double), &bytes) ||
      !(s->rows = calloc(1, bytes ? bytes : 1))) {
    free(s);
    return NULL;
  }
  s->subjects = s->rows + blocks;
  return s;
}

/* ---- Counting -------------------------------------------------------------------------- */

static rs_status histogram_new(rs_histogram *h, int weights) {
  h->rows = calloc(h->n_cell + 1, sizeof *h->rows);
  h->weight = weights > 0 ? calloc(h->n_cell + 1, sizeof *h->weight) : NULL;
  h->square = weights > 1 ? calloc(h->n_cell + 1, sizeof *h->square) : NULL;
  return h->rows && (h->weight || weights < 1) && (h->square || weights < 2) ? RS_OK
                                                                             : RS_NO_MEMORY;
}

/* Adds `cells` neighbouring cells of one histogram to those of another. */
static void histogram_add(rs_histogram *to, size_t at, const rs_histogram *from, size_t from_at,
                          size_t cells) {
  for (size_t c = 0; c < cells; c++) to->rows[at + c] += from->rows[from_at + c];
  for (size_t c = 0; to->weight && c < cells; c++) to->weight[at + c] += from->weight[from_at + c];
  for (size_t c = 0; to->square && c < cells; c++) to->square[at + c] += from->square[from_at + c];
}

/* Beyond these cells a histogram leaves the cache, and sorting is faster. */
enum { MOST_CELLS = 1 << 22 };

static size_t kinds_of(const rs_stream *s) { return s->entries ? 3 : 2; }

/* How many times a histogram may have to be small beside the rows. */
static size_t most_times(const rs_stream *s, const rs_run *run) {
  size_t blocks = s->n_group * s->n_stratum, kinds = kinds_of(s), limit = 2 * s->data->n;
  if (!(run->paths & RS_PATH_COUNT) || s->data->keep_rows || s->data->n >= UINT32_MAX) return 0;
  if (limit < 1024) limit = 1024;
  if (limit > MOST_CELLS) limit = MOST_CELLS;
  return blocks > limit / kinds ? 0 : limit / (blocks * kinds);
}

static void lay_out_cells(rs_histogram *h, const rs_stream *s, size_t range) {
  h->kinds = kinds_of(s);
  h->range = range;
  h->n_cell = range * s->n_group * s->n_stratum * h->kinds;
}

/* Whether the times are whole and each number from the first to the last can have its place. */
static int can_count(rs_stream *s, const rs_report *report, rs_ties ties, const rs_run *run) {
  double range = report->max_time - report->min_time + 1 + report->infinite_times;
  if (!report->whole_times || !(range >= 1 && range <= (double)most_times(s, run))) return 0;
  if (ties == RS_TIES_SURVIVAL && report->max_time >= 67108864) return 0;
  lay_out_cells(&s->counted, s, (size_t)range);
  s->counted.origin = report->min_time;
  return 1;
}

/* Other times may be few all the same (days / 30.4375). They get places as they are first seen, and
 * are found again by hashing with linear probing (Knuth 1973, TAOCP 3, 6.4, algorithm L). */
enum { LIST_SLOTS = 1 << RS_LIST_BITS, MOST_LISTED = LIST_SLOTS / 2 };

typedef struct {
  struct {
    uint64_t key; /* the bits of a time, and 1; 0: the slot is free */
    uint32_t place;
  } slot[LIST_SLOTS];
  double time[MOST_LISTED]; /* by place */
  size_t n, most;
  int *full; /* raised where there is no room for a time */
} time_list;

static time_list *list_new(size_t most, int *full) {
  time_list *list = calloc(1, sizeof *list);
  if (!list) return NULL;
  list->most = most;
  list->full = full;
  return list;
}

static inline uint32_t list_place(time_list *list, double t) {
  const uint64_t key = rs_double_bits(t) + 1;
  size_t i = (size_t)((key * 0x9E3779B97F4A7C15u) >> (64 - RS_LIST_BITS));
  while (list->slot[i].key != key && list->slot[i].key != 0) i = (i + 1) % LIST_SLOTS;
  if (list->slot[i].key == key) return list->slot[i].place;
  if (list->n == list->most) {
    rs_raise(list->full);
    return 0;
  }
  list->time[list->n] = rs_bits_double(key - 1);
  list->slot[i].key = key;
  list->slot[i].place = (uint32_t)list->n;
  return (uint32_t)list->n++;
}

/* Whether at least four times repeat among some rows: one may be the end of a study. */
static int seem_few(rs_column times, size_t n_row) {
  enum { SAMPLE = 512, REPEATED = 4 };
  uint64_t key[SAMPLE], spare[SAMPLE];
  size_t rows = n_row < SAMPLE ? n_row : SAMPLE, n = 0, repeated = 0;
  for (size_t i = 0; i < rows; i++) {
    double t = rs_number(times, i * (n_row / rows));
    if (t >= 0) key[n++] = rs_double_bits(t);
  }
  rs_sort(key, NULL, spare, NULL, n, 63);
  for (size_t i = 1; i < n; i++) {
    repeated += (i == 1 || key[i - 2] != key[i]) && key[i - 1] == key[i];
  }
  return repeated * SAMPLE >= REPEATED * rows;
}

/* The rule of survival may tie an entry with its exit: only a sort finds that. */
static int can_list(rs_stream *s, rs_ties ties, const rs_run *run) {
  const rs_rows *rows = s->data;
  size_t most = most_times(s, run);
  if (rows->n < RS_LISTED_ROWS || most == 0 || (s->entries && ties == RS_TIES_SURVIVAL)) return 0;
  if (!seem_few(rows->time, rows->n) || (s->entries && !seem_few(rows->entry, rows->n))) return 0;
  lay_out_cells(&s->counted, s, most < MOST_LISTED ? most : MOST_LISTED);
  return 1;
}

/* A batch of rows and the place of their times, or of their entries; then their cells. */
typedef struct {
  rs_batch rows;
  uint32_t place[RS_BATCH], cell[RS_BATCH];
} count_batch;

/* +Inf has the last place, and so has what is out of range: rows that are dropped. */
RS_WIDE static void place_times(const rs_histogram *h, const double *time, size_t m,
                                uint32_t *place) {
  const double origin = h->origin, last = (double)(h->range - 1);
  RS_SIMD
  for (size_t i = 0; i < m; i++) {
    double offset = time[i] - origin;
    offset = offset >= 0 ? offset : last;
    offset = offset < last ? offset : last;
    place[i] = (uint32_t)(int)offset;
  }
}

/* Ints need not become doubles first. */
RS_WIDE static void place_ints(const rs_histogram *h, const int *time, size_t m, uint32_t *place) {
  const uint32_t origin = (uint32_t)(int)h->origin;
  RS_SIMD
  for (size_t i = 0; i < m; i++) place[i] = (uint32_t)time[i] - origin;
}

static void place_listed(time_list *list, const double *time, const uint32_t *code, size_t m,
                         uint32_t *place) {
  for (size_t i = 0; i < m; i++) {
    if (code[i] != RS_DROP) place[i] = list_place(list, time[i]);
  }
}

/* Of dropped rows it is the cell behind the last. */
RS_WIDE static void find_cells(const rs_histogram *h, size_t step, size_t m, count_batch *b) {
  const uint32_t by = (uint32_t)step, none = (uint32_t)h->n_cell;
  RS_SIMD
  for (size_t i = 0; i < m; i++) {
    uint32_t dropped = -(uint32_t)(b->rows.code[i] == RS_DROP);
    b->cell[i] = (dropped & none) | (~dropped & (b->rows.code[i] + b->place[i] * by));
  }
}

/* An entry counts beside the event and the censoring of its row's group. */
static void as_entries(const rs_histogram *h, size_t m, uint32_t *code) {
  const uint32_t kinds = (uint32_t)h->kinds;
  for (size_t i = 0; i < m; i++) {
    if (code[i] != RS_DROP) code[i] += RS_KIND_ENTER - code[i] % kinds;
  }
}

static void count_cells(rs_histogram *h, const count_batch *b, int entries, size_t m) {
  const double *weight = b->rows.weight;
  for (size_t i = 0; i < m; i++) h->rows[b->cell[i]]++;
  for (size_t i = 0; h->weight && i < m; i++) {
    if (b->cell[i] < h->n_cell) h->weight[b->cell[i]] += weight[i];
  }
  for (size_t i = 0; h->square && !entries && i < m; i++) {
    if (b->cell[i] < h->n_cell) h->square[b->cell[i]] += weight[i] * weight[i];
  }
}

typedef struct {
  const rs_stream *stream;
  const rs_run *run;
  int stopped, listed, full; /* full: there are too many times to list */
  rs_histogram part[RS_MOST_THREADS];
  time_list *list[RS_MOST_THREADS]; /* where times are listed */
  rs_status status[RS_MOST_THREADS];
} count_job;

static void count_times(count_job *job, int thread, int entries, size_t m, count_batch *b) {
  rs_histogram *h = &job->part[thread];
  const double *time = entries ? b->rows.entry : b->rows.time;
  if (job->listed) place_listed(job->list[thread], time, b->rows.code, m, b->place);
  else if (!entries && b->rows.whole_time) place_ints(h, b->rows.whole_time, m, b->place);
  else place_times(h, time, m, b->place);
  find_cells(h, job->stream->n_group * h->kinds, m, b);
  count_cells(h, b, entries, m);
}

static void count_part(void *data, int thread, int threads) {
  count_job *job = data;
  const rs_stream *s = job->stream;
  rs_histogram *h = &job->part[thread];
  size_t n = s->data->n, batches = rs_batches(n);
  rs_stride stride = {(uint32_t)(h->range * s->n_group * h->kinds), (uint32_t)h->kinds, 1};
  count_batch b;
  memset(b.place, 0, sizeof b.place);
  job->status[thread] = histogram_new(h, s->weights);
  if (job->listed) job->list[thread] = list_new(h->range, &job->full);
  if (job->listed && !job->list[thread]) job->status[thread] = RS_NO_MEMORY;
  if (job->status[thread] != RS_OK) return;
  for (size_t i = rs_part(batches, thread, threads); i < rs_part(batches, thread + 1, threads);
       i++) {
    size_t from = i * RS_BATCH, m = rs_batch_rows(n, from);
    if (rs_is_stopped(&job->stopped, job->run, i)) return;
    rs_read_batch(s->data, s->event, stride, from, m, &b.rows);
    if (job->listed) rs_as_doubles(&b.rows, m);
    count_times(job, thread, 0, m, &b);
    if (s->entries) {
      as_entries(h, m, b.rows.code);
      count_times(job, thread, 1, m, &b);
    }
    if (rs_is_raised(&job->full)) return;
  }
}

/* Where listed times go in order of time, tied ones together. */
static rs_status order_list(rs_stream *s, time_list *list, rs_ties ties, uint32_t *place) {
  const size_t n = list->n;
  uint64_t *key = malloc(2 * n * sizeof *key);
  uint32_t *carry = malloc(2 * n * sizeof *carry);
  double *time = malloc(n * sizeof *time);
  size_t range = 0;
  if (key && carry && time) {
    for (size_t i = 0; i < n; i++) {
      key[i] = rs_double_bits(list->time[i]);
      carry[i] = (uint32_t)i;
    }
    rs_sort(key, carry, key + n, carry + n, n, 63);
    for (size_t i = 0; i < n; i++) time[i] = rs_bits_double(key[i]);
    s->merged = rs_merge_times(time, n, ties, time);
    for (size_t i = 0; i < n; i++) {
      if (i == 0 || time[i] != time[range - 1]) time[range++] = time[i];
      place[carry[i]] = (uint32_t)(range - 1);
    }
  }
  free(key);
  free(carry);
  s->counted.times = time;
  lay_out_cells(&s->counted, s, range);
  return key && carry && time ? RS_OK : RS_NO_MEMORY;
}

/* Of one thread's histogram, whose times are listed, into the ordered one. */
static void put_in_order(rs_stream *s, const rs_histogram *from, const time_list *list,
                         time_list *all, const uint32_t *place) {
  const size_t step = s->n_group * from->kinds;
  for (size_t i = 0; i < list->n; i++) {
    size_t to = place[list_place(all, list->time[i])];
    for (size_t j = 0; j < s->n_stratum; j++) {
      histogram_add(&s->counted, (j * s->counted.range + to) * step, from,
                    (j * from->range + i) * step, step);
    }
  }
}

/* Adds up what the threads have counted under places of their own, if all of them together have seen
 * few times. */
static rs_status add_listed(rs_stream *s, count_job *job, int threads, rs_ties ties) {
  time_list *all = job->list[0];
  for (int t = 1; t < threads; t++) {
    for (size_t i = 0; i < job->list[t]->n; i++) list_place(all, job->list[t]->time[i]);
  }
  if (job->full) return RS_TOO_LARGE;
  uint32_t *place = malloc(MOST_LISTED * sizeof *place);
  rs_status status = place ? order_list(s, all, ties, place) : RS_NO_MEMORY;
  if (status == RS_OK) status = histogram_new(&s->counted, s->weights);
  for (int t = 0; status == RS_OK && t < threads; t++) {
    put_in_order(s, &job->part[t], job->list[t], all, place);
  }
  free(place);
  return status;
}

/* Adds up what the threads have counted under the same places. */
static void add_placed(rs_stream *s, count_job *job, int threads) {
  s->counted = job->part[0];
  memset(&job->part[0], 0, sizeof job->part[0]);
  for (int t = 1; t < threads; t++) {
    histogram_add(&s->counted, 0, &job->part[t], 0, s->counted.n_cell);
  }
}

/* Counts all rows, if there are few enough times to have a place each; otherwise RS_TOO_LARGE. */
static rs_status count_all(rs_stream *s, const rs_report *report, rs_ties ties, const rs_run *run) {
  const int placed = can_count(s, report, ties, run), listed = !placed;
  if (listed && !can_list(s, ties, run)) return RS_TOO_LARGE;
  count_job job = {.stream = s, .run = run, .listed = listed};
  /* Sums of fractions have other bits in another order. */
  int threads = s->weights > 1 ? 1 : rs_threads(run, s->data->n);
  rs_status status = RS_OK;
  for (int t = 0; t < threads; t++) job.part[t] = s->counted;
  rs_share(threads, count_part, &job, run, &job.stopped);
  for (int t = 0; t < threads; t++) {
    if (job.status[t] != RS_OK) status = job.status[t];
  }
  if (status == RS_OK && job.stopped) status = RS_INTERRUPTED;
  if (status == RS_OK && listed) status = add_listed(s, &job, threads, ties);
  if (status == RS_OK && !listed) add_placed(s, &job, threads);
  for (int t = 0; t < threads; t++) {
    histogram_free(&job.part[t]);
    free(job.list[t]);
  }
  return status;
}

/* ---- Sorting --------------------------------------------------------------------------- */

/* Beyond the largest finite time is the key of +Inf; and of a dropped row's time, which may be
 * anything. The bits of a whole number above 2^52 count on from those of 2^52. */
static RS_INLINE uint64_t whole_key(const rs_sorted *k, double t) {
  const double first = 4503599627370496.0;
  double offset = t - k->origin;
  uint64_t key = rs_double_bits(offset + first) - rs_double_bits(first);
  return (offset >= 0 && key <= k->most) ? key : k->most + 1;
}

static RS_INLINE uint64_t other_key(const rs_sorted *k, double t) {
  uint64_t key = (rs_double_bits(t) - k->base) & -(uint64_t)(t != 0);
  return key > k->most ? k->most + 1 : key;
}

static uint64_t time_key(const rs_sorted *k, double t) {
  return k->whole ? whole_key(k, t) : other_key(k, t);
}

/* Where each field goes. */
static void lay_out(rs_stream *s, const rs_report *report, rs_ties ties) {
  rs_sorted *k = &s->sorted;
  k->whole = report->whole_times && report->max_time < 4503599627370496.0 &&
             (ties != RS_TIES_SURVIVAL || report->max_time < 67108864);
  k->origin = report->min_time;
  k->base = isfinite(report->min_positive) ? rs_double_bits(report->min_positive) - 1 : 0;
  k->most = UINT64_MAX - 1; /* no limit yet */
  k->most = report->max_time >= report->min_time ? time_key(k, report->max_time) : 0;
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

static rs_stride key_stride(const rs_sorted *k) {
  rs_stride stride = {(uint32_t)1 << (k->kind_bits + k->group_bits),
                      (uint32_t)1 << k->kind_bits, RS_KIND_EVENT};
  return stride;
}

/* The code of a row's entry, given that of its exit. */
static inline uint32_t entry_code(const rs_sorted *k, uint32_t code) {
  return (code >> k->kind_bits << k->kind_bits) | RS_KIND_ENTER;
}

/* The records of one batch of rows: at most two a row. */
typedef struct {
  rs_batch rows;
  size_t n;
  uint64_t key[2 * RS_BATCH];
  uint32_t carry[2 * RS_BATCH]; /* where the stream has one */
} record_batch;

RS_WIDE static void put_times(const rs_sorted *sorted, const double *time, size_t m,
                              uint64_t *key) {
  const rs_sorted k = *sorted; /* a copy: writing keys cannot change it */
  if (k.whole) {
    RS_SIMD
    for (size_t i = 0; i < m; i++) key[i] = whole_key(&k, time[i]) << k.time_at;
  } else {
    RS_SIMD
    for (size_t i = 0; i < m; i++) key[i] = other_key(&k, time[i]) << k.time_at;
  }
}

/* Codes as rs_read_batch() made them (kind, group, stratum from the lowest bit up). */
RS_WIDE static void put_codes(const rs_sorted *k, const uint32_t *code, size_t m, uint64_t *key) {
  const int low = k->kind_bits + k->group_bits, stratum_at = k->stratum_at;
  const uint32_t mask = ((uint32_t)1 << low) - 1;
  RS_SIMD
  for (size_t i = 0; i < m; i++) {
    key[i] |= ((uint64_t)(code[i] >> low) << stratum_at) | (code[i] & mask);
  }
}

/* Whether no row is dropped. */
static int is_complete(const rs_stream *s) {
  return s->sorted.n == s->data->n * (size_t)(1 + s->entries);
}

/* Of m records behind the last, those of dropped rows make room for the next. */
RS_WIDE static void leave_out(record_batch *r, size_t m, int carried) {
  size_t from = r->n, n = r->n;
  for (size_t i = 0; i < m; i++) {
    r->key[n] = r->key[from + i];
    if (carried) r->carry[n] = r->carry[from + i];
    n += r->rows.code[i] != RS_DROP;
  }
  r->n = n;
}

/* The entries of the batch, or its exits, as records. */
static void put_records(const rs_stream *s, const double *time, int entry, size_t from, size_t m,
                        record_batch *r) {
  const rs_sorted *k = &s->sorted;
  uint32_t *code = r->rows.code, *carry = r->carry + r->n;
  for (size_t i = 0; entry && i < m; i++) {
    if (code[i] != RS_DROP) code[i] = entry_code(k, code[i]);
  }
  put_times(k, time, m, r->key + r->n);
  if (k->code_in_key) put_codes(k, code, m, r->key + r->n);
  for (size_t i = 0; k->carry && i < m; i++) {
    carry[i] = s->by_row ? (uint32_t)(2 * (from + i)) + (uint32_t)entry : code[i];
  }
  if (is_complete(s)) r->n += m;
  else leave_out(r, m, k->carry != NULL);
}

static void read_records(const rs_stream *s, const rs_rows *rows, size_t from, size_t m,
                         record_batch *r) {
  rs_read_batch(rows, s->event, key_stride(&s->sorted), from, m, &r->rows);
  rs_as_doubles(&r->rows, m);
  r->n = 0;
  put_records(s, r->rows.time, 0, from, m, r);
  if (s->entries) put_records(s, r->rows.entry, 1, from, m, r);
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
  size_t bucket;      /* the next one to sort */
  int failed[RS_MOST_THREADS];
} sort_job;

/* The first keys fall into every bucket: were their large pages not there already, R could not be
 * asked for seconds. All are touched before any thread puts a key there. */
static void touch_part(void *data, int thread, int threads) {
  sort_job *job = data;
  rs_sorted *k = &job->stream->sorted;
  const size_t step = RS_PAGE_BYTES / sizeof *k->key, pages = k->n / step;
  for (size_t p = rs_part(pages, thread, threads); p < rs_part(pages, thread + 1, threads); p++) {
    if (rs_is_stopped(&job->stopped, job->run, 0)) return;
    k->key[p * step] = 0;
    if (k->carry) k->carry[p * step] = 0;
  }
}

/* The columns that decide the bits from `shift` on: where no row is dropped, most often the times
 * alone. */
static rs_rows deciding(const rs_stream *s, int shift) {
  const rs_column none = {NULL, RS_NONE};
  const rs_sorted *k = &s->sorted;
  rs_rows rows = *s->data;
  if (!is_complete(s) || shift < k->time_at) return rows;
  rows.status = rows.weight = rows.group = none;
  if (!k->code_in_key || k->stratum_at < k->time_at) rows.stratum = none;
  return rows;
}

RS_WIDE static void split_part(void *data, int thread, int threads) {
  sort_job *job = data;
  const split *p = job->split;
  rs_sorted *k = &job->stream->sorted;
  const rs_rows rows = job->place ? *job->stream->data : deciding(job->stream, p->shift);
  record_batch r;
  size_t *next = p->next + (size_t)thread * p->buckets, n = job->stream->data->n;
  size_t batches = rs_batches(n);
  for (size_t b = rs_part(batches, thread, threads); b < rs_part(batches, thread + 1, threads);
       b++) {
    size_t from = b * RS_BATCH, m = rs_batch_rows(n, from);
    if (rs_is_stopped(&job->stopped, job->run, b)) return;
    read_records(job->stream, &rows, from, m, &r);
    for (size_t i = 0; i < r.n; i++) {
      size_t to = next[r.key[i] >> p->shift]++;
      if (!job->place) continue;
      k->key[to] = r.key[i];
      RS_WILL_WRITE((uintptr_t)&k->key[to] + RS_LINE);
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

/* Sorts each bucket by the rest of its bits. */
static void sort_part(void *data, int thread, int threads) {
  sort_job *job = data;
  const split *p = job->split;
  rs_sorted *k = &job->stream->sorted;
  uint64_t *key = malloc(job->largest * sizeof *key);
  uint32_t *carry = k->carry ? malloc(job->largest * sizeof *carry) : NULL;
  job->failed[thread] = !key || (k->carry && !carry);
  size_t d;
  (void)threads;
  while (!job->failed[thread] && (d = rs_take(&job->bucket)) < p->buckets) {
    size_t from = d > 0 ? p->end[d - 1] : 0, n = p->end[d] - from;
    if (n < 2) continue;
    if (rs_is_stopped(&job->stopped, job->run, d * 32)) break;
    rs_sort_until(k->key + from, k->carry ? k->carry + from : NULL, key, carry, n, p->shift,
                  job->run, &job->stopped);
  }
  free(key);
  free(carry);
}

static rs_status sort_split(rs_stream *s, const split *p, const rs_run *run) {
  sort_job job = {s, p, run, 0, 0, 1, 0, {0}};
  rs_share(p->threads, split_part, &job, run, &job.stopped);
  split_starts(p);
  job.place = 1;
  if (!job.stopped) rs_share(p->threads, touch_part, &job, run, &job.stopped);
  if (!job.stopped) rs_share(p->threads, split_part, &job, run, &job.stopped);
  for (size_t d = 0; d < p->buckets; d++) {
    size_t n = p->end[d] - (d > 0 ? p->end[d - 1] : 0);
    if (n > job.largest) job.largest = n;
  }
  if (!job.stopped) rs_share(p->threads, sort_part, &job, run, &job.stopped);
  for (int t = 0; t < p->threads; t++) {
    if (job.failed[t]) return RS_NO_MEMORY;
  }
  return job.stopped ? RS_INTERRUPTED : RS_OK;
}

/* Few records are read once and sorted from one place to another. */
static rs_status sort_few(rs_stream *s, int bits) {
  rs_sorted *k = &s->sorted;
  uint64_t *key = malloc(k->n * sizeof *key);
  uint32_t *carry = k->carry ? malloc(k->n * sizeof *carry) : NULL;
  record_batch r;
  size_t n = 0;
  int failed = !key || (k->carry && !carry);
  for (size_t from = 0; !failed && from < s->data->n; from += RS_BATCH) {
    read_records(s, s->data, from, rs_batch_rows(s->data->n, from), &r);
    memcpy(k->key + n, r.key, r.n * sizeof *r.key);
    if (carry) memcpy(k->carry + n, r.carry, r.n * sizeof *r.carry);
    n += r.n;
  }
  if (!failed) rs_sort(k->key, k->carry, key, carry, n, bits);
  free(key);
  free(carry);
  return failed ? RS_NO_MEMORY : RS_OK;
}

/* Times that are not whole have few of the highest bits between them, which are an exponent: very
 * many are split by two more. */
static int first_digit(const rs_stream *s, int bits) {
  int more = !s->sorted.whole && s->data->n >= 1 << 23 ? 2 : 0;
  int digit = rs_sort_digit(s->data->n, bits) + more;
  return digit < bits ? digit : bits;
}

static rs_status sort_records(rs_stream *s, int bits, const rs_run *run) {
  if (s->data->n <= RS_FEW_ROWS) return sort_few(s, bits);
  int digit = first_digit(s, bits);
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
uint32_t rs_record_code(const rs_stream *s, size_t i) {
  const rs_sorted *k = &s->sorted;
  if (k->code_in_key) {
    uint32_t low = rs_low_bits(k->key[i], 0, k->kind_bits + k->group_bits);
    uint32_t stratum = rs_low_bits(k->key[i], k->stratum_at, k->stratum_bits);
    return stratum << (k->kind_bits + k->group_bits) | low;
  }
  /* NOLINTBEGIN(clang-analyzer-core.NullDereference): a sort without codes in its keys has carry */
  if (!s->by_row) return k->carry[i];
  uint32_t carry = k->carry[i];
  /* NOLINTEND(clang-analyzer-core.NullDereference) */
  uint32_t code = rs_row_code(s->data, s->event, key_stride(k), carry / 2);
  return carry % 2 ? entry_code(k, code) : code;
}

typedef struct {
  const rs_sorted *sorted;
  const rs_run *run;
  int stopped, found[RS_MOST_THREADS];
} close_job;

RS_WIDE static void close_part(void *data, int thread, int threads) {
  close_job *job = data;
  const uint64_t *key = job->sorted->key;
  const int time_at = job->sorted->time_at;
  size_t from = rs_part(job->sorted->n, thread, threads);
  size_t to = rs_part(job->sorted->n, thread + 1, threads);
  int found = 0;
  for (size_t i = from > 0 ? from : 1, batch = 0; i < to; batch++) {
    size_t end = to - i < RS_BATCH ? to : i + RS_BATCH;
    if (rs_is_stopped(&job->stopped, job->run, batch)) return;
    for (; i < end; i++) found |= (key[i] >> time_at) - (key[i - 1] >> time_at) - 1 < 4;
  }
  job->found[thread] = found;
}

/* Whether two neighbours among the sorted keys may be distinct times that the 4 ulp rule ties:
 * only then does merge_ties() have to look at all of them one after the other. */
static rs_status any_close(const rs_stream *s, const rs_run *run, int *found) {
  close_job job = {&s->sorted, run, 0, {0}};
  int threads = rs_threads(run, s->sorted.n);
  rs_share(threads, close_part, &job, run, &job.stopped);
  for (int t = 0; t < threads; t++) *found |= job.found[t];
  return job.stopped ? RS_INTERRUPTED : RS_OK;
}

/* Sets each run of tied times to its first, through all strata and groups. */
static rs_status merge_ties(rs_stream *s, rs_ties ties, const rs_run *run) {
  rs_sorted *k = &s->sorted;
  double mean = 0, first = -1, last = -1;
  size_t distinct = 0;
  uint64_t low_mask = k->time_at ? ((uint64_t)1 << k->time_at) - 1 : 0;
  int stopped = 0;
  for (size_t i = 0; ties == RS_TIES_SURVIVAL && i < k->n; i++) {
    double t = rs_key_time(k, k->key[i]);
    if (rs_is_stopped_at(&stopped, run, i)) return RS_INTERRUPTED;
    if (t != last && t < INFINITY) {
      mean += t;
      distinct++;
    }
    last = t;
  }
  if (distinct > 0) mean /= (double)distinct;
  last = -1;
  for (size_t i = 0; i < k->n; i++) {
    double t = rs_key_time(k, k->key[i]);
    if (rs_is_stopped_at(&stopped, run, i)) return RS_INTERRUPTED;
    if (i > 0 && t != last && rs_is_tied(first, last, t, ties, mean)) s->merged++;
    else if (i == 0 || t != last) first = t;
    last = t;
    if (t != first) k->key[i] = time_key(k, first) << k->time_at | (k->key[i] & low_mask);
  }
  return RS_OK;
}

/* Whether times up to t, tied, leave it the representative that `entry` has or an earlier one:
 * that is the largest key not above it. */
static int ties_with_entry(const rs_sorted *k, double entry, double t) {
  size_t low = 0, high = k->n;
  while (high - low > 1) {
    size_t middle = low + (high - low) / 2;
    if (rs_key_time(k, k->key[middle]) <= t) low = middle;
    else high = middle;
  }
  return rs_key_time(k, k->key[low]) <= entry;
}

/* Entries that the rule of survival ties with their own exit: nobody is at risk for no time.
 * rs_scan() cannot see them, since this rule looks at all times. */
static rs_status check_entries(const rs_stream *s, const rs_run *run, rs_report *report) {
  rs_batch b;
  const rs_stride none = {0, 0, 0};
  for (size_t from = 0; from < s->data->n; from += RS_BATCH) {
    size_t m = rs_batch_rows(s->data->n, from);
    rs_read_batch(s->data, s->event, none, from, m, &b);
    rs_as_doubles(&b, m);
    for (size_t i = 0; i < m; i++) {
      if (b.code[i] == RS_DROP || !ties_with_entry(&s->sorted, b.entry[i], b.time[i])) continue;
      if (report->rows++ > 0) continue;
      report->problem = RS_ENTRY_TIED_WITH_TIME;
      report->column = RS_COLUMN_ENTRY;
      report->row = from + i;
      report->value = b.entry[i];
    }
    if (from / RS_BATCH % 128 == 127 && rs_stop(run)) return RS_INTERRUPTED;
  }
  return report->problem == RS_FINE ? RS_OK : RS_BAD_ROW;
}

/* Parts the strata, keeping the order of time within each. */
static rs_status part_strata(rs_stream *s, const rs_run *run) {
  rs_sorted *k = &s->sorted;
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
  int stopped = 0;
  for (size_t i = 0; i < k->n && !rs_is_stopped_at(&stopped, run, i); i++) {
    next[(rs_record_code(s, i) >> low) + 1]++;
  }
  for (size_t j = 1; j <= s->n_stratum; j++) next[j] += next[j - 1];
  for (size_t i = 0; !stopped && i < k->n && !rs_is_stopped_at(&stopped, run, i); i++) {
    size_t to = next[rs_record_code(s, i) >> low]++;
    key[to] = k->key[i];
    if (carry) carry[to] = k->carry[i];
  }
  free(next);
  free(k->key);
  free(k->carry);
  k->key = key;
  k->carry = carry;
  return stopped ? RS_INTERRUPTED : RS_OK;
}

static rs_status sort_all(rs_stream *s, rs_report *report, rs_ties ties, const rs_run *run) {
  rs_sorted *k = &s->sorted;
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
  int close = ties == RS_TIES_SURVIVAL;
  if (!k->whole && ties == RS_TIES_ULP) status = any_close(s, run, &close);
  if (!k->whole && close && status == RS_OK) status = merge_ties(s, ties, run);
  if (status == RS_OK && ties == RS_TIES_SURVIVAL && s->entries && s->merged > 0) {
    status = check_entries(s, run, report);
  }
  if (status != RS_OK || s->n_stratum == 1 || (k->whole && k->code_in_key)) return status;
  return part_strata(s, run);
}

/* ---- The stream ------------------------------------------------------------------------ */

rs_status rs_stream_open(const rs_rows *rows, rs_ties ties, const rs_run *run,
                         rs_stream **stream, rs_report *report) {
  rs_status status = rs_scan(rows, ties, run, report);
  *stream = NULL;
  if (status != RS_OK || report->used == 0) return status;
  rs_stream *s = stream_new(rows->n_group, rows->n_stratum);
  if (!s) return RS_NO_MEMORY;
  s->data = rows;
  s->event = report->event;
  s->entries = rows->entry.type != RS_NONE;
  s->infinite = report->infinite_times;
  s->weights = report->weights;
  s->total = s->weights ? report->total_weight : (double)report->used;
  s->by_row = s->weights > 0 || rows->keep_rows;
  s->source = RS_COUNTED;
  status = count_all(s, report, ties, run);
  if (status == RS_TOO_LARGE) {
    s->source = RS_SORTED;
    status = sort_all(s, report, ties, run);
  }
  if (status == RS_OK) status = rs_stream_part(s, run);
  if (status == RS_OK) *stream = s;
  else rs_stream_close(s);
  return status;
}

rs_status rs_stream_table(const rs_table *table, size_t n_group, size_t n_stratum,
                          const rs_run *run, rs_stream **stream) {
  rs_stream *s = stream_new(n_group, n_stratum);
  *stream = NULL;
  if (!s) return RS_NO_MEMORY;
  s->source = RS_TABULATED;
  s->table = table;
  for (size_t i = 0; i < table->n_row; i++) s->total += table->event[i] + table->censor[i];
  rs_status status = rs_stream_part(s, run);
  if (status == RS_OK) *stream = s;
  else rs_stream_close(s);
  return status;
}
