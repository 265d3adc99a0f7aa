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

#include "rows.h"

/* The most cells of a column's table, those of them that a CMH test can track, and the most that
 * are counted in lanes. */
enum { WIDEST = 1 << 20, MOST_TRACKED = 512, NARROW = 256 };

typedef struct {
  const uint32_t *place; /* n: outcome + n_y * stratum, or `places` */
  size_t n, n_y, n_strata, places;
  const double *y_score;
  rs_screen_test test;
  const rs_column *x;
  size_t m, next;
  rs_screen_row *row;
  const rs_run *run;
  int stopped;
  rs_status failed[RS_MOST_THREADS];
} screen_job;

/* What a thread has of its own. */
typedef struct {
  rs_run run;
  uint32_t *count;
  double *room;
  size_t count_size, room_size;
  size_t work; /* in rows */
} scratch;

/* A column: whole numbers from low on, `levels` of them. */
typedef struct {
  rs_column x;
  double low;
  size_t levels, width, lanes; /* width: cells, with those of the missing */
} coded;

/* memory if it is large enough, else new memory in its place; NULL when there is none. */
static void *at_least(void *memory, size_t *size, size_t wanted) {
  if (wanted <= *size) return memory;
  free(memory);
  memory = malloc(wanted);
  *size = memory ? wanted : 0;
  return memory;
}

/* ---- Counting a column ------------------------------------------------------------- */

RS_WIDE static void cells_int(const int *x, int low, uint32_t levels, uint32_t stride,
                              const uint32_t *place, size_t m, uint32_t *cell) {
  RS_SIMD
  for (size_t i = 0; i < m; i++) {
    uint32_t level = (uint32_t)x[i] - (uint32_t)low;
    level = level < levels ? level : levels;
    cell[i] = level * stride + place[i];
  }
}

RS_WIDE static void cells_double(const double *x, double low, uint32_t levels, uint32_t stride,
                                 const uint32_t *place, size_t m, uint32_t *cell) {
  const double most = levels;
  RS_SIMD
  for (size_t i = 0; i < m; i++) {
    double level = x[i] - low;
    level = level >= 0 ? level : most; /* and where it is NaN */
    level = level < most ? level : most;
    cell[i] = (uint32_t)(int)level * stride + place[i];
  }
}

static void find_cells(const screen_job *job, const coded *column, size_t at, size_t m,
                       uint32_t *cell) {
  const void *x = column->x.data;
  uint32_t levels = (uint32_t)column->levels, stride = (uint32_t)job->places + 1;
  if (column->x.type == RS_INT) {
    cells_int((const int *)x + at, (int)column->low, levels, stride, job->place + at, m, cell);
  } else {
    cells_double((const double *)x + at, column->low, levels, stride, job->place + at, m, cell);
  }
}

/* Counts into count[level of x][place]; the last level and the last place are the
 * missing. */
static void count_column(const screen_job *job, const coded *column, const rs_run *run,
                         uint32_t *count) {
  uint32_t cell[RS_CELL_ROWS];
  const size_t width = column->width, lanes = column->lanes;
  memset(count, 0, width * lanes * sizeof *count);
  for (size_t at = 0, m; at < job->n; at += m) {
    size_t i = 0;
    m = job->n - at < RS_CELL_ROWS ? job->n - at : RS_CELL_ROWS;
    if (at > 0 && at % RS_POLLED_ROWS == 0 && rs_stop(run)) return;
    find_cells(job, column, at, m, cell);
    if (lanes == RS_LANES) {
      for (; i + RS_LANES <= m; i += RS_LANES) {
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

/* Subjects by level of x and of y. */
static void sum_levels(const screen_job *job, size_t levels, const uint32_t *count,
                       double *x_total, double *y_total) {
  size_t stride = job->places + 1;
  memset(x_total, 0, levels * sizeof *x_total);
  memset(y_total, 0, job->n_y * sizeof *y_total);
  for (size_t i = 0; i < levels; i++) {
    const uint32_t *cell = count + i * stride;
    for (size_t k = 0; k < job->n_strata; k++) {
      for (size_t j = 0; j < job->n_y; j++, cell++) {
        x_total[i] += *cell;
        y_total[j] += *cell;
      }
    }
  }
}

/* Keeps the levels of x and y that somebody has; n and events are counted over all. */
static void strip_table(const screen_job *job, const coded *column, const uint32_t *count,
                        small_table *t, rs_screen_row *row) {
  const size_t levels = column->levels, stride = job->places + 1;
  double *x_total = t->rest, *y_total = t->rest + levels, *to = t->counts;
  sum_levels(job, levels, count, x_total, y_total);
  t->rows = t->cols = 0;
  t->strata = job->n_strata;
  row->events = job->n_y > 1 ? y_total[1] : 0;
  for (size_t i = 0; i < levels; i++) {
    row->n += x_total[i];
    if (x_total[i] > 0) t->x_score[t->rows++] = column->low + (double)i;
  }
  for (size_t j = 0; j < job->n_y; j++) {
    if (y_total[j] > 0) t->y_score[t->cols++] = job->y_score[j];
  }
  for (size_t p = 0, j = 0; p < job->places; p++, j = j + 1 < job->n_y ? j + 1 : 0) {
    for (size_t i = 0; y_total[j] > 0 && i < levels; i++) {
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

static rs_status test_strata(const small_table *t, const rs_run *run, rs_screen_row *row) {
  size_t size = t->rows * (t->cols - 1), rank = 1;
  rs_cmh test = {.rows = t->rows, .cols = t->cols, .strata = t->strata};
  test.observed = t->rest;
  test.expected = test.observed + size;
  test.covariance = test.expected + size;
  test.work = test.covariance + size * size;
  rs_status status = rs_cmh_run(t->counts, run, &test);
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
    status = rs_quadratic_run(test.observed, test.covariance, size, run, test.work,
                              &row->statistic, &rank);
  }
  row->df = (double)rank;
  return status;
}

/* The column's levels, where it *fits: it has few whole numbers. */
static rs_status find_levels(const screen_job *job, rs_column x, const rs_run *run,
                             coded *column, int *fits) {
  rs_range range;
  rs_status status = rs_column_range(x, job->n, WIDEST, run, &range);
  int some = range.high >= range.low; /* all may be missing */
  *fits = 0;
  if (status != RS_OK || !range.whole) return status;
  column->x = x;
  column->low = some ? range.low : 0;
  column->levels = some ? (size_t)(range.high - range.low) + 1 : 0;
  column->width = (column->levels + 1) * (job->places + 1);
  column->lanes = column->width <= NARROW ? RS_LANES : 1;
  *fits = column->width <= WIDEST &&
          (job->test != RS_SCREEN_CMH || column->levels * job->n_y <= MOST_TRACKED);
  return RS_OK;
}

/* Room for the column's counts and its table, whose arrays are set. */
static rs_status make_room(const screen_job *job, const coded *column, scratch *own,
                           small_table *t) {
  const size_t levels = column->levels, cells = column->width * column->lanes;
  own->count = at_least(own->count, &own->count_size, cells * sizeof *own->count);
  own->room = at_least(own->room, &own->room_size, room_wanted(levels, job) * sizeof *own->room);
  if (!own->count || !own->room) return RS_NO_MEMORY;
  t->counts = own->room;
  t->x_score = t->counts + levels * job->places;
  t->y_score = t->x_score + levels;
  t->rest = t->y_score + job->n_y;
  return RS_OK;
}

static rs_status screen_column(const screen_job *job, rs_column x, scratch *own,
                               rs_screen_row *row) {
  coded column;
  small_table t;
  int fits;
  *row = (rs_screen_row){0, 0, NAN, NAN, NAN, RS_SCREEN_DONE};
  rs_status status = find_levels(job, x, &own->run, &column, &fits);
  if (!fits) row->reason = RS_SCREEN_WIDE;
  if (status == RS_OK && fits) status = make_room(job, &column, own, &t);
  if (status != RS_OK || !fits) return status;
  own->work += column.width;
  count_column(job, &column, &own->run, own->count);
  strip_table(job, &column, own->count, &t, row);
  if (t.rows < 2 || t.cols < 2) {
    row->reason = row->n <= 0   ? RS_SCREEN_NO_ROWS
                  : t.rows < 2  ? RS_SCREEN_ONE_X
                                : RS_SCREEN_ONE_Y;
    return RS_OK;
  }
  if (job->test == RS_SCREEN_CMH) return test_strata(&t, &own->run, row);
  test_table(&t, job->test, row);
  return RS_OK;
}

/* ---- All columns ------------------------------------------------------------------- */

static void screen_part(void *data, int thread, int threads) {
  screen_job *job = data;
  rs_asking ask = {job->run, &job->stopped};
  scratch own = {{1, rs_ask, &ask, job->run->paths}, NULL, NULL, 0, 0, RS_POLLED_ROWS};
  const size_t few = job->n < 10000 ? 32 : 1; /* of short ones */
  size_t c, to;
  rs_status status = RS_OK;
  (void)threads;
  while (status == RS_OK && rs_take_few(&job->next, few, job->m, &c, &to)) {
    for (; c < to && status == RS_OK; c++) {
      int stop = rs_is_due(&own.work, job->n, RS_POLLED_ROWS) && rs_stop(&own.run);
      status = stop ? RS_INTERRUPTED : screen_column(job, job->x[c], &own, &job->row[c]);
    }
  }
  free(own.count);
  free(own.room);
  job->failed[thread] = status;
}

static rs_status screen_columns(screen_job *job) {
  int threads = rs_threads(job->run, job->n * job->m);
  rs_share(threads, screen_part, job, job->run, &job->stopped);
  for (int t = 0; t < threads; t++) {
    if (job->failed[t] != RS_OK) return job->failed[t];
  }
  return RS_OK;
}

static uint32_t *find_places(rs_category y, rs_category strata, screen_job *job) {
  size_t n = job->n, bytes;
  rs_category both[2] = {y, strata};
  uint32_t miss[RS_CELL_ROWS];
  if (rs_mul(n ? n : 1, sizeof(uint32_t), &bytes)) return NULL;
  uint32_t *place = malloc(bytes);
  for (size_t at = 0, m; place && at < n && !job->stopped; at += m) {
    m = n - at < RS_CELL_ROWS ? n - at : RS_CELL_ROWS;
    rs_cells(both, 2, job->places, at, m, place + at, miss);
    rs_is_stopped_at(&job->stopped, job->run, at + m - 1);
  }
  return place;
}

rs_status rs_screen_crosstab(const rs_column *x, size_t m, size_t n, rs_category y,
                             rs_category strata, const double *y_score,
                             rs_screen_test test, const rs_run *run, rs_screen_row *row) {
  screen_job job = {.n = n, .n_y = y.levels, .n_strata = strata.levels, .y_score = y_score,
                    .test = test, .x = x, .m = m, .row = row, .run = run};
  /* Cells count up to 2^32 rows. */
  if (rs_mul(y.levels, strata.levels, &job.places) || job.places >= INT32_MAX ||
      n / 2 >= RS_MOST_ROWS) {
    return RS_TOO_LARGE;
  }
  uint32_t *place = find_places(y, strata, &job);
  if (!place) return RS_NO_MEMORY;
  job.place = place;
  rs_status status = job.stopped ? RS_INTERRUPTED : screen_columns(&job);
  free(place);
  return job.stopped ? RS_INTERRUPTED : status;
}
