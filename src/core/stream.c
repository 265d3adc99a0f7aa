/* stream.c: reads a stream segment by segment, from any of its three sources (a histogram, sorted
 * keys, the blocks of a risk table), and builds the risk table from it. */
#include "stream.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Readers --------------------------------------------------------------------------- */

rs_status rs_reader_open(rs_reader *r, const rs_stream *stream) {
  size_t bytes;
  memset(r, 0, sizeof *r);
  r->stream = stream;
  if (stream->source != RS_TABULATED) return RS_OK;
  if (rs_mul(stream->n_group, 2 * sizeof *r->head, &bytes)) return RS_NO_MEMORY;
  r->head = malloc(bytes);
  if (!r->head) return RS_NO_MEMORY;
  r->stop = r->head + stream->n_group;
  return RS_OK;
}

void rs_reader_close(rs_reader *r) {
  free(r->head);
  memset(r, 0, sizeof *r);
}

/* First row from `from` on (and before `to`) of a block whose time is not below t; NaN: none. */
static size_t first_row(const rs_table *table, size_t from, size_t to, double t) {
  while (from < to) {
    size_t middle = from + (to - from) / 2;
    if (table->time[middle] >= t) to = middle;
    else from = middle + 1;
  }
  return from;
}

void rs_reader_seek(rs_reader *r, size_t segment) {
  const rs_stream *s = r->stream;
  const rs_segment *part = &s->segment[segment];
  r->stratum = part->stratum;
  r->at = part->from;
  r->to = part->to;
  for (size_t g = 0; s->source == RS_TABULATED && g < s->n_group; g++) {
    size_t b = part->stratum * s->n_group + g;
    size_t from = s->table->start[b], to = s->table->start[b + 1];
    r->head[g] = first_row(s->table, from, to, part->low);
    r->stop[g] = first_row(s->table, r->head[g], to, part->high);
  }
}

static inline double counted_time(const rs_stream *s, size_t t) {
  const rs_histogram *h = &s->counted;
  if (h->times) return h->times[t];
  return t == h->range - 1 && s->infinite ? INFINITY : h->origin + (double)t;
}

static size_t read_counted(rs_reader *r, rs_cell *cell, size_t room) {
  const rs_stream *s = r->stream;
  const rs_histogram h = s->counted;
  size_t slice = s->n_group * h.kinds, place = r->at / slice, in = r->at - place * slice, m = 0;
  size_t at = r->at, first = r->stratum * h.range, block = r->stratum * s->n_group;
  for (; at < r->to && m < room; at++) {
    if (h.rows[at] > 0) {
      size_t group = in / h.kinds, t = place - first;
      rs_cell *c = &cell[m++];
      c->time = counted_time(s, t);
      c->block = (uint32_t)(block + group);
      c->kind = (uint32_t)(in - group * h.kinds);
      c->rows = h.rows[at];
      c->count = h.weight ? h.weight[at] : c->rows;
      c->square = h.square ? h.square[at] : c->count;
    }
    if (++in == slice) {
      in = 0;
      place++;
    }
  }
  r->at = at;
  return m;
}

RS_WIDE static size_t read_sorted(rs_reader *r, rs_cell *cell, size_t room) {
  const rs_stream *s = r->stream;
  const rs_sorted k = s->sorted; /* a copy: writing cells cannot change it */
  const size_t m = r->to - r->at < room ? r->to - r->at : room, from = r->at;
  const uint32_t first = (uint32_t)(r->stratum * s->n_group);
  for (size_t i = 0; i < m; i++) {
    uint64_t key = k.key[from + i];
    uint32_t code = k.code_in_key ? (uint32_t)key : rs_record_code(s, from + i);
    cell[i].time = rs_key_time(&k, key);
    cell[i].block = first + rs_low_bits(code, k.group_at, k.group_bits);
    cell[i].kind = rs_low_bits(code, 0, k.kind_bits);
    cell[i].rows = cell[i].count = cell[i].square = 1;
  }
  for (size_t i = 0; s->by_row && i < m; i++) {
    cell[i].row = k.carry[from + i] / 2;
    if (s->weights) cell[i].count = rs_number(s->data->weight, cell[i].row);
    cell[i].square = cell[i].count * cell[i].count;
  }
  r->at += m;
  return m;
}

/* The smallest time at which a block still has a row before its stop; 0 where none has. */
static int next_time(const rs_table *table, const size_t *head, const size_t *stop, size_t n_group,
                     double *time) {
  int found = 0;
  for (size_t g = 0; g < n_group; g++) {
    if (head[g] == stop[g]) continue;
    if (!found || table->time[head[g]] < *time) *time = table->time[head[g]];
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

/* Room for fewer cells than one time can have is made by stopping between groups: the heads
 * that were not reached keep the time, and it is the smallest again at the next call. */
static size_t read_table(rs_reader *r, rs_cell *cell, size_t room) {
  const rs_stream *s = r->stream;
  size_t m = 0;
  double time = 0;
  while (m + 3 <= room && next_time(s->table, r->head, r->stop, s->n_group, &time)) {
    for (size_t g = 0; g < s->n_group && m + 3 <= room; g++) {
      if (r->head[g] == r->stop[g] || s->table->time[r->head[g]] != time) continue;
      m += put_kinds(s->table, r->head[g]++, r->stratum * s->n_group + g, cell + m);
    }
  }
  return m;
}

size_t rs_reader_read(rs_reader *r, rs_cell *cell, size_t room) {
  if (r->stream->source == RS_COUNTED) return read_counted(r, cell, room);
  if (r->stream->source == RS_SORTED) return read_sorted(r, cell, room);
  return read_table(r, cell, room);
}

size_t rs_stream_read(rs_stream *s, rs_cell *cell, size_t room) {
  size_t m = 0;
  while (s->reading < s->n_segment) {
    m = rs_reader_read(&s->reader, cell, room);
    if (m > 0) return m;
    if (++s->reading < s->n_segment) rs_reader_seek(&s->reader, s->reading);
  }
  return 0;
}

void rs_stream_rewind(rs_stream *s) {
  s->reading = 0;
  if (s->n_segment > 0) rs_reader_seek(&s->reader, 0);
}

size_t rs_stream_segments(const rs_stream *s) { return s->n_segment; }
size_t rs_stream_strata(const rs_stream *s) { return s->n_stratum; }
size_t rs_segment_stratum(const rs_stream *s, size_t i) { return s->segment[i].stratum; }
const double *rs_segment_risk(const rs_stream *s, size_t i) { return s->at_risk + i * s->n_group; }

size_t rs_stream_places(const rs_stream *s) {
  if (s->source == RS_COUNTED) return s->counted.n_cell;
  return s->source == RS_SORTED ? s->sorted.n : s->table->n_row;
}

/* ---- Visits ------------------------------------------------------------------------------ */

typedef struct {
  const rs_stream *stream;
  rs_visit visit;
  void *job;
  const rs_run *run;
  int *stopped;
  size_t from, to, n; /* n: doubles of room */
  size_t next;        /* segment after `from` to take */
  int failed[RS_MOST_THREADS];
} visit_job;

static void visit_part(void *data, int thread, int threads) {
  visit_job *v = data;
  rs_reader reader;
  size_t i;
  double *room = calloc(v->n + 1, sizeof *room);
  (void)threads;
  v->failed[thread] = rs_reader_open(&reader, v->stream) != RS_OK || !room;
  while (!v->failed[thread] && (i = v->from + rs_take(&v->next)) < v->to) {
    if (rs_is_stopped(v->stopped, v->run, i)) break;
    rs_reader_seek(&reader, i);
    v->visit(v->job, &reader, i, room);
  }
  free(room);
  rs_reader_close(&reader);
}

rs_status rs_visit_segments(const rs_stream *stream, size_t from, size_t to, size_t n,
                            rs_visit visit, void *job, const rs_run *run, int *stopped) {
  visit_job v = {stream, visit, job, run, stopped, from, to, n, 0, {0}};
  int threads = rs_threads(run, rs_stream_places(stream));
  rs_share(threads, visit_part, &v, run, stopped);
  for (int t = 0; t < threads; t++) {
    if (v.failed[t]) return RS_NO_MEMORY;
  }
  return *stopped ? RS_INTERRUPTED : RS_OK;
}

/* ---- Segments --------------------------------------------------------------------------- */

/* Where the segment of time t ends: every doubling of time is eight ranges. NaN: nowhere. */
static double segment_end(const rs_stream *s, double t) {
  if (s->n_stratum > 1 || s->total < RS_LARGE_STRATUM || t == INFINITY) return NAN;
  return rs_bits_double(((rs_double_bits(t) >> 49) + 1) << 49);
}

static rs_status add_segment(rs_stream *s, size_t *room, rs_segment one) {
  if (s->n_segment == *room) {
    size_t bytes, more = *room * 2 + 1;
    if (rs_mul(more, sizeof *s->segment, &bytes)) return RS_NO_MEMORY;
    rs_segment *grown = realloc(s->segment, bytes);
    if (!grown) return RS_NO_MEMORY;
    s->segment = grown;
    *room = more;
  }
  s->segment[s->n_segment++] = one;
  return RS_OK;
}

/* Stratum and time of a cell or key. */
static size_t place_stratum(const rs_stream *s, size_t at) {
  if (s->n_stratum == 1) return 0;
  if (s->source == RS_COUNTED) {
    return at / s->counted.kinds / s->n_group / s->counted.range;
  }
  return rs_record_code(s, at) >> (s->sorted.kind_bits + s->sorted.group_bits);
}

static double place_time(const rs_stream *s, size_t at) {
  if (s->source == RS_SORTED) return rs_key_time(&s->sorted, s->sorted.key[at]);
  return counted_time(s, at / s->counted.kinds / s->n_group % s->counted.range);
}

static size_t first_beyond(const rs_stream *s, const rs_segment *part) {
  size_t from = part->from, to = part->to;
  if (s->n_stratum == 1 && part->high != part->high) return to;
  while (from < to) {
    size_t middle = from + (to - from) / 2;
    int beyond = place_stratum(s, middle) > part->stratum || place_time(s, middle) >= part->high;
    if (beyond) to = middle;
    else from = middle + 1;
  }
  return from;
}

static rs_status part_places(rs_stream *s) {
  size_t n = rs_stream_places(s), room = 0;
  rs_status status = RS_OK;
  for (size_t at = 0; at < n && status == RS_OK;) {
    rs_segment part = {place_stratum(s, at), at, n, 0, segment_end(s, place_time(s, at))};
    at = part.to = first_beyond(s, &part);
    status = add_segment(s, &room, part);
  }
  return status;
}

static rs_status part_table(rs_stream *s) {
  size_t room = 0;
  rs_status status = RS_OK;
  size_t *head = s->reader.head, *stop = s->reader.stop;
  for (size_t j = 0; j < s->n_stratum; j++) {
    rs_segment part = {j, 0, 0, 0, 0};
    for (size_t g = 0; g < s->n_group; g++) {
      head[g] = s->table->start[j * s->n_group + g];
      stop[g] = s->table->start[j * s->n_group + g + 1];
    }
    while (next_time(s->table, head, stop, s->n_group, &part.low)) {
      part.high = segment_end(s, part.low);
      for (size_t g = 0; g < s->n_group; g++) {
        head[g] = first_row(s->table, head[g], stop[g], part.high);
      }
      status = add_segment(s, &room, part);
      if (status != RS_OK) return status;
    }
  }
  return RS_OK;
}

/* ---- Who is at risk ---------------------------------------------------------------------- */

/* Cells between polls. */
enum { CELLS = 1 << 15 };

typedef struct {
  rs_stream *stream;
  const rs_run *run;
  int stopped;
} sum_job;

/* Codes of a group and a kind that are few enough to be counted apart, in turns, so that equal
 * neighbours do not wait for each other. */
enum { FEW_CODES = 64 };

RS_WIDE static void count_codes(sum_job *job, const rs_segment *part, uint32_t mask,
                                size_t count[RS_LANES][FEW_CODES]) {
  const uint64_t *key = job->stream->sorted.key;
  for (size_t i = part->from, end; i < part->to; i = end) {
    end = part->to - i < RS_POLLED_ROWS ? part->to : i + RS_POLLED_ROWS;
    for (; end - i >= RS_LANES; i += RS_LANES) {
      for (size_t lane = 0; lane < RS_LANES; lane++) count[lane][key[i + lane] & mask]++;
    }
    for (; i < end; i++) count[0][key[i] & mask]++;
    if (end < part->to && rs_is_stopped(&job->stopped, job->run, 0)) return;
  }
}

static void sum_codes(sum_job *job, const rs_segment *part, int bits, double *net, double *rows) {
  const int kind_bits = job->stream->sorted.kind_bits;
  const uint32_t mask = ((uint32_t)1 << bits) - 1;
  size_t count[RS_LANES][FEW_CODES] = {{0}};
  count_codes(job, part, mask, count);
  for (uint32_t code = 0; code <= mask; code++) {
    double n = 0;
    for (size_t lane = 0; lane < RS_LANES; lane++) n += (double)count[lane][code];
    if (n == 0) continue;
    int enters = rs_low_bits(code, 0, kind_bits) == RS_KIND_ENTER;
    net[code >> kind_bits] += enters ? -n : n;
    rows[code >> kind_bits] += enters ? 0 : n;
  }
}

/* Every record of a sort without weights counts one. */
static void sum_records(sum_job *job, size_t segment, double *net, double *rows, double *subjects) {
  const rs_stream *s = job->stream;
  const rs_sorted k = s->sorted;
  const rs_segment part = s->segment[segment];
  const int bits = k.kind_bits + k.group_bits, few = k.code_in_key && 1 << bits <= FEW_CODES;
  if (few) sum_codes(job, &part, bits, net, rows);
  for (size_t i = part.from; !few && i < part.to; i++) {
    uint32_t code = k.code_in_key ? (uint32_t)k.key[i] : rs_record_code(s, i);
    uint32_t group = rs_low_bits(code, k.group_at, k.group_bits);
    int enters = rs_low_bits(code, 0, k.kind_bits) == RS_KIND_ENTER;
    net[group] += enters ? -1 : 1;
    rows[group] += !enters;
    if (rs_is_stopped_at(&job->stopped, job->run, i)) return;
  }
  memcpy(subjects, rows, s->n_group * sizeof *rows);
}

static void sum_cells(sum_job *job, rs_reader *reader, double *net, double *rows,
                      double *subjects) {
  rs_cell cell[256];
  size_t m, first = reader->stratum * job->stream->n_group;
  while ((m = rs_reader_read(reader, cell, 256)) > 0) {
    for (size_t i = 0; i < m; i++) {
      size_t group = cell[i].block - first;
      int enters = cell[i].kind == RS_KIND_ENTER;
      net[group] += enters ? -cell[i].count : cell[i].count;
      rows[group] += enters ? 0 : cell[i].rows;
      subjects[group] += enters ? 0 : cell[i].count;
    }
    if (rs_is_due(&reader->work, m, CELLS) && rs_is_stopped(&job->stopped, job->run, 0)) return;
  }
}

/* room: three sums by group, apart from those of other threads, since two that write to one line
 * of the cache wait for each other. */
static void sum_segment(void *data, rs_reader *reader, size_t segment, double *room) {
  sum_job *job = data;
  const rs_stream *s = job->stream;
  const size_t groups = s->n_group, all = s->n_segment * groups;
  double *net = room, *rows = room + groups, *subjects = rows + groups;
  memset(room, 0, 3 * groups * sizeof *room);
  if (s->source == RS_SORTED && !s->weights) sum_records(job, segment, net, rows, subjects);
  else sum_cells(job, reader, net, rows, subjects);
  for (size_t i = 0; i < 3; i++) {
    memcpy(s->at_risk + i * all + segment * groups, room + i * groups, groups * sizeof *room);
  }
}

/* At risk at the start of a segment: who leaves in it or later, less who enters. */
static void sum_up(rs_stream *s) {
  const size_t all = s->n_segment * s->n_group;
  const double *rows = s->at_risk + all, *subjects = rows + all;
  for (size_t i = s->n_segment; i-- > 0;) {
    size_t first = s->segment[i].stratum * s->n_group;
    int last = i + 1 == s->n_segment || s->segment[i + 1].stratum != s->segment[i].stratum;
    for (size_t g = 0; g < s->n_group; g++) {
      double *risk = s->at_risk + i * s->n_group + g;
      if (!last) *risk += risk[s->n_group];
      s->rows[first + g] += rows[i * s->n_group + g];
      s->subjects[first + g] += subjects[i * s->n_group + g];
    }
  }
}

rs_status rs_stream_part(rs_stream *s, const rs_run *run) {
  size_t cells, bytes;
  sum_job job = {s, run, 0};
  rs_status status = rs_reader_open(&s->reader, s);
  if (status == RS_OK) status = s->source == RS_TABULATED ? part_table(s) : part_places(s);
  if (status != RS_OK) return status;
  if (rs_mul(s->n_segment, 3 * s->n_group, &cells) || rs_mul(cells + 1, sizeof(double), &bytes)) {
    return RS_NO_MEMORY;
  }
  s->at_risk = calloc(1, bytes);
  if (!s->at_risk) return RS_NO_MEMORY;
  status = rs_visit_segments(s, 0, s->n_segment, 3 * s->n_group, sum_segment, &job, run,
                             &job.stopped);
  if (status != RS_OK) return status;
  sum_up(s);
  rs_stream_rewind(s);
  return RS_OK;
}

/* ---- The risk table -------------------------------------------------------------------- */

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

typedef struct {
  rs_stream *stream;
  const rs_run *run;
  const rs_table *table; /* NULL: rows are only counted */
  int stopped;
} write_job;

/* last: each group's last time, and behind it where its rows have come to, counted on from where
 * they begin, or from 0: apart from other threads', as in sum_segment(). */
static void write_segment(void *data, rs_reader *reader, size_t segment, double *last) {
  write_job *job = data;
  rs_cell cell[256];
  const rs_table *t = job->table;
  size_t m, groups = job->stream->n_group, first = reader->stratum * groups;
  size_t *of_segment = job->stream->row + segment * groups;
  void *behind = last + groups;
  size_t *row = behind;
  memcpy(row, of_segment, groups * sizeof *row);
  for (size_t g = 0; g < groups; g++) last[g] = NAN;
  while ((m = rs_reader_read(reader, cell, 256)) > 0) {
    for (size_t i = 0; i < m; i++) {
      size_t group = cell[i].block - first;
      int fresh = last[group] != cell[i].time;
      last[group] = cell[i].time;
      row[group] += (size_t)fresh;
      if (!t) continue;
      if (fresh) start_row(t, row[group] - 1, cell[i].time);
      add_cell(t, row[group] - 1, &cell[i]);
    }
    if (rs_is_due(&reader->work, m, CELLS) && rs_is_stopped(&job->stopped, job->run, 0)) return;
  }
  memcpy(of_segment, row, groups * sizeof *row);
}

static rs_status write_rows(rs_stream *s, const rs_run *run, const rs_table *table) {
  write_job job = {s, run, table, 0};
  return rs_visit_segments(s, 0, s->n_segment, 2 * s->n_group, write_segment, &job, run,
                           &job.stopped);
}

/* From the number of rows of each segment and group to where they are written. */
static void place_rows(rs_stream *s, rs_table *t) {
  memset(t->start, 0, (t->n_block + 1) * sizeof *t->start);
  for (size_t i = 0; i < s->n_segment; i++) {
    size_t *size = t->start + s->segment[i].stratum * s->n_group + 1;
    for (size_t g = 0; g < s->n_group; g++) size[g] += s->row[i * s->n_group + g];
  }
  for (size_t b = 0; b < t->n_block; b++) t->start[b + 1] += t->start[b];
  t->n_row = t->start[t->n_block];
  for (size_t i = 0, end; i < s->n_segment; i = end) {
    end = i;
    while (end < s->n_segment && s->segment[end].stratum == s->segment[i].stratum) end++;
    for (size_t g = 0; g < s->n_group; g++) {
      size_t at = t->start[s->segment[i].stratum * s->n_group + g];
      for (size_t j = i; j < end; j++) {
        size_t rows = s->row[j * s->n_group + g];
        s->row[j * s->n_group + g] = at;
        at += rows;
      }
    }
  }
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
  size_t counts, bytes;
  t->n_block = s->n_group * s->n_stratum;
  t->merged = s->merged;
  if (rs_mul(s->n_segment, s->n_group, &counts) || rs_mul(counts + 1, sizeof *s->row, &bytes)) {
    return RS_NO_MEMORY;
  }
  free(s->row);
  s->row = calloc(1, bytes);
  if (!s->row) return RS_NO_MEMORY;
  rs_status status = write_rows(s, run, NULL);
  if (status != RS_OK) return status;
  place_rows(s, t);
  status = table_arrays(s, allocate, user, t);
  return status == RS_OK ? write_rows(s, run, t) : status;
}
