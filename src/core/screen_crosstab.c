/* screen_crosstab.c: one test for each of many columns against the same outcome.
 *
 * The cell of a row within a level of x (outcome and stratum) is the same for all columns
 * and is found once. Each column is then counted, stripped of empty levels and tested by
 * the routines of one table; columns are shared among threads, which have scratch of
 * their own.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifdef _OPENMP
#include <omp.h>
#endif

#include "rows.h"

enum { COLUMNS_A_CHUNK = 32, BLOCK = 1024, LANES = 4, SMALL = 256 };
enum { MOST_CELLS = 1 << 20, MOST_TRACKED = 512, ROWS_A_POLL = 1 << 20 };

typedef struct {
  const uint32_t *place; /* n: outcome + n_y * stratum, or `places` */
  size_t n, n_y, n_strata, places;
  const double *y_score;
  rs_screen_test test;
  const rs_run *run;
  int *stopped;
} screen_job;

/* Rows are read in blocks: a poll every few milliseconds. */
static int is_stopped(const screen_job *job, size_t at) {
  return at % ROWS_A_POLL == 0 && rs_is_stopped(job->stopped, job->run, 0);
}

typedef struct {
  uint32_t *count;
  double *room;
  size_t count_size, room_size;
} scratch;

/* memory if it is large enough, else new memory in its place; NULL when there is none. */
static void *at_least(void *memory, size_t *size, size_t wanted) {
  if (wanted <= *size) return memory;
  free(memory);
  memory = malloc(wanted);
  *size = memory ? wanted : 0;
  return memory;
}

/* ---- Counting a column ------------------------------------------------------------- */

static void cells_int(const int *x, int low, uint32_t levels, uint32_t stride,
                      const uint32_t *place, size_t m, uint32_t *cell) {
  RS_SIMD
  for (size_t i = 0; i < m; i++) {
    uint32_t level = (uint32_t)x[i] - (uint32_t)low;
    level = level < levels ? level : levels;
    cell[i] = level * stride + place[i];
  }
}

static void cells_double(const double *x, double low, uint32_t levels, uint32_t stride,
                         const uint32_t *place, size_t m, uint32_t *cell) {
  RS_SIMD
  for (size_t i = 0; i < m; i++) {
    double level = x[i] - low;
    int code = (int)(level >= 0 && level < levels ? level : levels);
    cell[i] = (uint32_t)code * stride + place[i];
  }
}

/* Counts into count[level of x][place]; the last level and the last place are the
 * missing. */
static void count_column(const screen_job *job, rs_column x, double low, size_t levels,
                         uint32_t *count) {
  uint32_t cell[BLOCK], stride = (uint32_t)job->places + 1;
  size_t width = (levels + 1) * stride, lanes = width <= SMALL ? LANES : 1;
  memset(count, 0, width * lanes * sizeof *count);
  for (size_t at = 0; at < job->n; at += BLOCK) {
    size_t m = job->n - at < BLOCK ? job->n - at : BLOCK, i = 0;
    if (at > 0 && is_stopped(job, at)) return;
    if (x.type == RS_INT) {
      cells_int((const int *)x.data + at, (int)low, (uint32_t)levels, stride,
                job->place + at, m, cell);
    } else {
      cells_double((const double *)x.data + at, low, (uint32_t)levels, stride,
                   job->place + at, m, cell);
    }
    if (lanes == LANES) {
      for (; i + LANES <= m; i += LANES) {
        count[cell[i]]++;
        count[width + cell[i + 1]]++;
        count[2 * width + cell[i + 2]]++;
        count[3 * width + cell[i + 3]]++;
      }
    }
    for (; i < m; i++) count[cell[i]]++;
  }
  for (size_t l = 1; l < lanes; l++) {
    for (size_t i = 0; i < width; i++) count[i] += count[l * width + i];
  }
}

/* ---- One table --------------------------------------------------------------------- */

/* A column's table without empty levels: counts rows x cols x strata, and its scores. */
typedef struct {
  size_t rows, cols, strata;
  double *counts, *x_score, *y_score, *rest;
} small_table;

/* Doubles that a table of these dimensions and its test need. */
static size_t room_wanted(size_t levels, const screen_job *job) {
  size_t tracked = job->test == RS_SCREEN_CMH ? levels * job->n_y : 0;
  return levels * job->places + 3 * (levels + job->n_y) + tracked * (2 * tracked + 6);
}

/* Keeps the levels of x and y that somebody has; n and events are counted over all. */
static void strip_table(const screen_job *job, double low, size_t levels,
                        const uint32_t *count, small_table *t, rs_screen_row *row) {
  size_t stride = job->places + 1;
  double *x_total = t->rest, *y_total = t->rest + levels;
  memset(t->rest, 0, (levels + job->n_y) * sizeof(double));
  for (size_t i = 0; i < levels; i++) {
    for (size_t p = 0; p < job->places; p++) {
      x_total[i] += count[i * stride + p];
      y_total[p % job->n_y] += count[i * stride + p];
    }
  }
  t->rows = t->cols = 0;
  t->strata = job->n_strata;
  row->n = 0;
  row->events = job->n_y > 1 ? y_total[1] : 0;
  for (size_t i = 0; i < levels; i++) {
    row->n += x_total[i];
    if (x_total[i] > 0) t->x_score[t->rows++] = low + (double)i;
  }
  for (size_t j = 0; j < job->n_y; j++) {
    if (y_total[j] > 0) t->y_score[t->cols++] = job->y_score[j];
  }
  double *to = t->counts;
  for (size_t p = 0; p < job->places; p++) {
    if (y_total[p % job->n_y] <= 0) continue;
    for (size_t i = 0; i < levels; i++) {
      if (x_total[i] > 0) *to++ = count[i * stride + p];
    }
  }
}

static void test_table(const small_table *t, rs_screen_test test, rs_screen_row *row) {
  rs_crosstab table = {.rows = t->rows, .cols = t->cols, .counts = t->counts};
  table.row = t->rest;
  table.col = t->rest + t->rows;
  rs_crosstab_run(&table, t->x_score, t->y_score);
  if (test == RS_SCREEN_TREND) {
    row->statistic = table.linear;
    row->df = 1;
  } else {
    row->statistic = table.pearson;
    row->df = (double)((t->rows - 1) * (t->cols - 1));
  }
  if (t->rows == 2 && t->cols == 2) {
    const double *x = t->counts;
    row->odds_ratio = x[0] / x[2] * (x[3] / x[1]);
    if (x[2] * x[1] <= 0) row->odds_ratio = x[0] * x[3] > 0 ? INFINITY : NAN;
  }
}

static rs_status test_strata(const small_table *t, rs_screen_row *row) {
  size_t size = t->rows * (t->cols - 1), rank = 1;
  rs_cmh test = {.rows = t->rows, .cols = t->cols, .strata = t->strata};
  test.observed = t->rest;
  test.expected = test.observed + size;
  test.covariance = test.expected + size;
  test.work = test.covariance + size * size;
  rs_status status = rs_cmh_run(t->counts, NULL, &test);
  if (status != RS_OK) return status;
  if (test.informative == 0) {
    row->reason = RS_SCREEN_NO_INFORMATION;
    return RS_OK;
  }
  for (size_t i = 0; i < size; i++) test.observed[i] -= test.expected[i];
  if (t->rows == 2 && t->cols == 2) {
    row->statistic = test.observed[0] * test.observed[0] / test.covariance[0];
    row->odds_ratio = test.odds_ratio;
  } else {
    row->statistic = rs_quadratic(test.observed, test.covariance, size, test.work, &rank);
  }
  row->df = (double)rank;
  return RS_OK;
}

static rs_status screen_column(const screen_job *job, rs_column x, scratch *own,
                               rs_screen_row *row) {
  rs_range range;
  small_table t;
  *row = (rs_screen_row){0, 0, NAN, NAN, NAN, RS_SCREEN_DONE};
  rs_column_range(x, job->n, MOST_CELLS, NULL, &range);
  int some = range.whole && range.high >= range.low;
  double low = some ? range.low : 0; /* all may be missing */
  size_t levels = some ? (size_t)(range.high - range.low) + 1 : 0;
  if (!range.whole || (levels + 1) * (job->places + 1) > MOST_CELLS ||
      (job->test == RS_SCREEN_CMH && levels * job->n_y > MOST_TRACKED)) {
    row->reason = RS_SCREEN_WIDE;
    return RS_OK;
  }
  size_t cells = (levels + 1) * (job->places + 1), wanted = room_wanted(levels, job);
  own->count = at_least(own->count, &own->count_size, cells * LANES * sizeof(uint32_t));
  own->room = at_least(own->room, &own->room_size, wanted * sizeof(double));
  if (!own->count || !own->room) return RS_NO_MEMORY;
  t.counts = own->room;
  t.x_score = t.counts + levels * job->places;
  t.y_score = t.x_score + levels;
  t.rest = t.y_score + job->n_y;
  count_column(job, x, low, levels, own->count);
  strip_table(job, low, levels, own->count, &t, row);
  if (t.rows < 2 || t.cols < 2) {
    row->reason = row->n <= 0   ? RS_SCREEN_NO_ROWS
                  : t.rows < 2  ? RS_SCREEN_ONE_X
                                : RS_SCREEN_ONE_Y;
    return RS_OK;
  }
  if (job->test == RS_SCREEN_CMH) return test_strata(&t, row);
  test_table(&t, job->test, row);
  return RS_OK;
}

/* ---- All columns ------------------------------------------------------------------- */

static rs_status screen_chunk(const screen_job *job, const rs_column *x, size_t from,
                              size_t to, scratch *own, rs_screen_row *row) {
  size_t work = 0;
  for (size_t c = from; c < to; c++) {
    rs_status status = screen_column(job, x[c], own, &row[c]);
    if (status != RS_OK) return status;
    if (rs_is_due(&work, job->n, ROWS_A_POLL) && rs_is_stopped(job->stopped, job->run, 0)) {
      return RS_INTERRUPTED;
    }
  }
  return RS_OK;
}

static rs_status screen_columns(const screen_job *job, const rs_column *x, size_t m,
                                const rs_run *run, int threads, scratch *each,
                                rs_screen_row *row) {
  size_t chunks = m / COLUMNS_A_CHUNK + (m % COLUMNS_A_CHUNK != 0);
  int stop = RS_OK;
#ifdef _OPENMP
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1) if (threads > 1)
#endif
  for (size_t c = 0; c < chunks; c++) {
    int me = 0, halt;
#ifdef _OPENMP
    me = omp_get_thread_num();
#pragma omp atomic read
#endif
    halt = stop;
    if (halt != RS_OK) continue;
    size_t from = c * COLUMNS_A_CHUNK, to = from + COLUMNS_A_CHUNK;
    rs_status status = screen_chunk(job, x, from, to < m ? to : m, &each[me], row);
    if (status == RS_OK && me == 0 && rs_stop(run)) status = RS_INTERRUPTED;
    if (status != RS_OK) {
#ifdef _OPENMP
#pragma omp atomic write
#endif
      stop = (int)status;
    }
  }
  (void)threads;
  return (rs_status)stop;
}

static int useful_threads(size_t m, size_t n, const rs_run *run) {
#ifdef _OPENMP
  double work = (double)m * (double)n;
  if (m < 2 * COLUMNS_A_CHUNK || work < 1e5) return 1;
  return run->threads > 1 ? run->threads : 1;
#else
  (void)m;
  (void)n;
  (void)run;
  return 1;
#endif
}

static uint32_t *find_places(rs_category y, rs_category strata, const screen_job *job) {
  size_t n = job->n;
  rs_category both[2] = {y, strata};
  uint32_t *place = malloc((n ? n : 1) * sizeof *place), miss[BLOCK];
  if (!place) return NULL;
  for (size_t at = 0; at < n && !is_stopped(job, at + BLOCK); at += BLOCK) {
    size_t m = n - at < BLOCK ? n - at : BLOCK;
    rs_cells(both, 2, job->places, at, m, place + at, miss);
  }
  return place;
}

rs_status rs_screen_crosstab(const rs_column *x, size_t m, size_t n, rs_category y,
                             rs_category strata, const double *y_score,
                             rs_screen_test test, const rs_run *run, rs_screen_row *row) {
  int stopped = 0;
  screen_job job = {NULL, n, y.levels, strata.levels, 0, y_score, test, run, &stopped};
  size_t bytes;
  /* Cells count up to 2^32 rows. */
  if (rs_mul(y.levels, strata.levels, &job.places) || job.places >= INT32_MAX ||
      n / 2 >= RS_MOST_ROWS) {
    return RS_TOO_LARGE;
  }
  if (rs_mul(n, sizeof(uint32_t), &bytes)) return RS_NO_MEMORY;
  int threads = useful_threads(m, n, run);
  uint32_t *place = find_places(y, strata, &job);
  scratch *each = calloc((size_t)threads, sizeof *each);
  rs_status status = RS_NO_MEMORY;
  if (place && each && !stopped) {
    job.place = place;
    status = screen_columns(&job, x, m, run, threads, each, row);
  }
  for (int t = 0; each && t < threads; t++) {
    free(each[t].count);
    free(each[t].room);
  }
  free(each);
  free(place);
  return stopped ? RS_INTERRUPTED : status;
}
