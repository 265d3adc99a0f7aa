/* crosstab.c: counting rows into a contingency table, and its chi-square and exact tests.
 *
 * Tables are arrays of doubles by column; counts are whole numbers below 2^53, so sums of
 * them are exact in any order. P values of chi-squares are the caller's business;
 * Fisher's exact P is a sum of probabilities and is made here.
 */
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rows.h"

/* ---- Counting ---------------------------------------------------------------------- */

/* Rows that a thread takes at a time, and between polls; the largest table in lanes. */
enum { CHUNK_ROWS = RS_POLLED_ROWS / 16, MOST_IN_LANES = 1024 };

/* Adds stride * level of m integers to cell[], and marks the missing ones in miss[]. The
 * subtraction is modulo 2^32: INT_MIN and other strangers land above `levels`. */
RS_WIDE static void decode_int(const int *x, uint32_t first, uint32_t levels, uint32_t stride,
                               size_t m, uint32_t *cell, uint32_t *miss) {
  RS_SIMD
  for (size_t i = 0; i < m; i++) {
    uint32_t level = (uint32_t)x[i] - first;
    uint32_t out = -(uint32_t)(level >= levels);
    miss[i] |= out;
    cell[i] += (level & ~out) * stride;
  }
}

/* A fraction is no level: first + code is not the number again. What is no level, or missing, becomes
 * the one above the highest. */
RS_WIDE static void decode_double(const double *x, double first, double levels, uint32_t stride,
                                  size_t m, uint32_t *cell, uint32_t *miss) {
  const int above = (int)levels;
  RS_SIMD
  for (size_t i = 0; i < m; i++) {
    double level = x[i] - first;
    level = level >= 0 ? level : levels;
    level = level < levels ? level : levels;
    level = first + (int)level == x[i] ? level : levels;
    int code = (int)level;
    miss[i] |= -(uint32_t)(code == above);
    cell[i] += (uint32_t)code * stride;
  }
}

/* A row with a missing level has the cell `none`. */
RS_WIDE static void drop_cells(const uint32_t *miss, uint32_t none, size_t m, uint32_t *cell) {
  RS_SIMD
  for (size_t i = 0; i < m; i++) cell[i] = (miss[i] & none) | (~miss[i] & cell[i]);
}

void rs_cells(const rs_category *category, size_t count, size_t n_cell, size_t at,
              size_t m, uint32_t *cell, uint32_t *miss) {
  uint32_t stride = 1;
  memset(cell, 0, m * sizeof *cell);
  memset(miss, 0, m * sizeof *miss);
  for (size_t c = 0; c < count; c++) {
    const rs_category *k = &category[c];
    rs_ask_for(&k->column, at + m, m);
    if (k->column.type == RS_INT) {
      decode_int((const int *)k->column.data + at, (uint32_t)k->first,
                 (uint32_t)k->levels, stride, m, cell, miss);
    } else if (k->column.type == RS_DOUBLE) {
      decode_double((const double *)k->column.data + at, k->first, (double)k->levels,
                    stride, m, cell, miss);
    }
    stride *= (uint32_t)k->levels;
  }
  drop_cells(miss, (uint32_t)n_cell, m, cell);
}

/* What one thread has counted. */
typedef struct {
  uint64_t *rows; /* lanes * (n_cell + 1) */
  double *sums;   /* n_cell + 1, with weights */
  size_t bad;     /* first row with a weight that is no count; SIZE_MAX: none */
} counter;

typedef struct {
  const rs_category *category;
  rs_column weight;
  size_t n, n_cell, lanes, next;
  const rs_run *run;
  int stopped;
  counter *each;
} counting;

/* The cast is exact for whole numbers in this range, and much faster than floor(). */
static int weight_is_count(double w) {
  return w >= 0 && w <= 0x1p53 && w == (double)(int64_t)w;
}

static void count_cells(const counting *job, size_t at, size_t m, const uint32_t *cell,
                        counter *mine) {
  size_t width = job->n_cell + 1, i = 0;
  if (job->lanes == RS_LANES) {
    for (; i + RS_LANES <= m; i += RS_LANES) {
      mine->rows[cell[i]]++;
      mine->rows[width + cell[i + 1]]++;
      mine->rows[2 * width + cell[i + 2]]++;
      mine->rows[3 * width + cell[i + 3]]++;
    }
  }
  for (; i < m; i++) mine->rows[cell[i]]++;
  if (job->weight.type == RS_NONE) return;
  for (i = 0; i < m; i++) {
    double w = rs_number(job->weight, at + i);
    if (!weight_is_count(w)) {
      if (at + i < mine->bad) mine->bad = at + i;
      return;
    }
    mine->sums[cell[i]] += w;
  }
}

static void count_part(void *data, int thread, int threads) {
  counting *job = data;
  uint32_t cell[RS_CELL_ROWS], miss[RS_CELL_ROWS];
  size_t at, to;
  (void)threads;
  while (rs_take_few(&job->next, CHUNK_ROWS, job->n, &at, &to)) {
    for (size_t m; at < to; at += m) {
      m = to - at < RS_CELL_ROWS ? to - at : RS_CELL_ROWS;
      rs_cells(job->category, 3, job->n_cell, at, m, cell, miss);
      count_cells(job, at, m, cell, &job->each[thread]);
    }
    if (rs_is_stopped(&job->stopped, job->run, 0)) return;
  }
}

static void add_counters(const counting *job, int threads, double *counts, rs_counted *found) {
  const counter *each = job->each;
  size_t width = job->n_cell + 1;
  memset(counts, 0, job->n_cell * sizeof *counts);
  found->missing = 0;
  found->bad_weight = SIZE_MAX;
  for (int t = 0; t < threads; t++) {
    if (each[t].bad < found->bad_weight) found->bad_weight = each[t].bad;
    for (size_t lane = 0; lane < job->lanes; lane++) {
      const uint64_t *rows = each[t].rows + lane * width;
      found->missing += rows[job->n_cell];
      if (each[t].sums) continue;
      for (size_t i = 0; i < job->n_cell; i++) counts[i] += (double)rows[i];
    }
    if (!each[t].sums) continue;
    for (size_t i = 0; i < job->n_cell; i++) counts[i] += each[t].sums[i];
  }
}

/* None whose histogram is longer than the rows that it counts. */
static int useful_threads(const counting *job) {
  size_t most = job->n / (job->n_cell + 1), threads = (size_t)rs_threads(job->run, job->n);
  if (threads > most) threads = most > 1 ? most : 1;
  return (int)threads;
}

static void close_counters(counter *each, int threads) {
  for (int t = 0; each && t < threads; t++) {
    free(each[t].rows);
    free(each[t].sums);
  }
  free(each);
}

/* NULL when memory or its address space runs out. */
static counter *open_counters(const counting *job, int threads) {
  size_t width = job->n_cell + 1, cells;
  counter *each = calloc((size_t)threads, sizeof *each);
  if (!each || rs_mul(width, job->lanes, &cells)) {
    free(each);
    return NULL;
  }
  for (int t = 0; t < threads; t++) {
    int weighted = job->weight.type != RS_NONE;
    each[t].rows = calloc(cells, sizeof *each[t].rows);
    if (weighted) each[t].sums = calloc(width, sizeof *each[t].sums);
    if (!each[t].rows || (weighted && !each[t].sums)) {
      close_counters(each, threads);
      return NULL;
    }
    each[t].bad = SIZE_MAX;
  }
  return each;
}

rs_status rs_count_table(const rs_category category[3], rs_column weight, size_t n,
                         const rs_run *run, double *counts, rs_counted *found) {
  counting job = {category, weight, n, 1, 1, 0, run, 0, NULL};
  for (size_t c = 0; c < 3; c++) {
    if (rs_mul(job.n_cell, category[c].levels, &job.n_cell) || job.n_cell > INT32_MAX) {
      return RS_TOO_LARGE;
    }
  }
  if (job.n_cell <= MOST_IN_LANES) job.lanes = RS_LANES;
  int threads = useful_threads(&job);
  job.each = open_counters(&job, threads);
  if (!job.each) return RS_NO_MEMORY;
  rs_share(threads, count_part, &job, run, &job.stopped);
  if (!job.stopped) add_counters(&job, threads, counts, found);
  close_counters(job.each, threads);
  return job.stopped ? RS_INTERRUPTED : RS_OK;
}

/* ---- The range of a column --------------------------------------------------------- */

RS_WIDE static void range_int(const int *x, size_t m, rs_range *range) {
  int low = INT_MAX, high = INT_MIN;
  RS_SIMD_LOW_HIGH
  for (size_t i = 0; i < m; i++) {
    int v = x[i], full = v == INT_MIN ? INT_MAX : v;
    low = full < low ? full : low;
    high = v > high ? v : high;
  }
  if (high == INT_MIN) return; /* all are missing */
  if (low < range->low) range->low = low;
  if (high > range->high) range->high = high;
}

RS_WIDE static void range_double(const double *x, size_t m, rs_range *range) {
  double low = range->low, high = range->high;
  RS_SIMD_LOW_HIGH
  for (size_t i = 0; i < m; i++) {
    double v = x[i];
    low = v < low ? v : low;
    high = v > high ? v : high;
  }
  range->low = low;
  range->high = high;
  if (low > high) return; /* all are missing */
  if (low <= -0x1p31 || high >= 0x1p31 || rs_any_fraction(x, m, low)) range->whole = 0;
}

/* One thread: a column is read much faster than it is counted. */
rs_status rs_column_range(rs_column column, size_t n, size_t most, const rs_run *run,
                          rs_range *range) {
  *range = (rs_range){1, INFINITY, -INFINITY};
  for (size_t at = 0; at < n; at += CHUNK_ROWS) {
    size_t m = n - at < CHUNK_ROWS ? n - at : CHUNK_ROWS;
    if (column.type == RS_INT) {
      range_int((const int *)column.data + at, m, range);
    } else {
      range_double((const double *)column.data + at, m, range);
    }
    if (range->high - range->low >= (double)most) range->whole = 0;
    if (!range->whole) return RS_OK; /* the rest will not make it so */
    if (n > CHUNK_ROWS && rs_stop(run)) return RS_INTERRUPTED;
  }
  return RS_OK;
}

/* ---- The binomial and hypergeometric distributions --------------------------------- */

/* log(n!) less Stirling's formula, n a whole number from 1 (0 gives what 0! = 1
 * needs). */
static double stirling_error(double n) {
  static const double small[] = {
      0.0,                   0.081061466795327258, 0.041340695955409294,
      0.027677925684998339,  0.020790672103765093, 0.016644691189821193,
      0.013876128823070748,  0.011896709945891770, 0.010411265261972096,
      0.0092554621827127329, 0.0083305634333628713, 0.0075736754879518408,
      0.0069428401072095299, 0.0064089941880042071, 0.0059513701127588477,
      0.0055547335519628014};
  if (n < 16) return small[(int)n];
  double s = n * n, rest = 1 / 1260. - (1 / 1680. - 1 / (1188. * s)) / s;
  return (1 / 12. - (1 / 360. - rest / s) / s) / n;
}

/* x log(x / m) + m - x without cancellation near x = m; x >= 0, m > 0. */
static double deviance(double x, double m) {
  if (x == 0) return m;
  if (fabs(x - m) >= 0.1 * (x + m)) return x * log(x / m) + m - x;
  double v = (x - m) / (x + m), sum = (x - m) * v, term = 2 * x * v, v2 = v * v;
  for (int j = 1; j < 100; j++) {
    term *= v2;
    double next = sum + term / (2 * j + 1);
    if (next == sum) break;
    sum = next;
  }
  return sum;
}

/* Log probability of x successes of n at rate p = 1 - q (Loader 2000, "Fast and accurate
 * computation of binomial probabilities", a report kept at
 * www.r-project.org/doc/reports/CLoader-dbinom-2002.pdf). */
static double log_binomial(double x, double n, double p, double q) {
  const double log_2pi = 1.837877066409345483560659472811;
  if (n == 0) return 0;
  if (x == 0) return q > 0.9 ? n * log1p(-p) : n * log(q);
  if (x == n) return p > 0.9 ? n * log1p(-q) : n * log(p);
  double error = stirling_error(n) - stirling_error(x) - stirling_error(n - x);
  /* x / n near 1 has no digits left of 1 - x / n. */
  double rest = x < n / 2 ? log1p(-x / n) : log((n - x) / n);
  return error - deviance(x, n * p) - deviance(n - x, n * q) -
         0.5 * (log_2pi + log(x) + rest);
}

/* ---- Fisher's exact test ----------------------------------------------------------- */

/* Log probability of x in the first cell. */
static double fisher_log(const rs_two_by_two *f, double x) {
  double n = f->row + f->other, p = f->col / n, q = (n - f->col) / n;
  if (f->col == 0 || f->col == n) return 0;
  return log_binomial(x, f->row, p, q) + log_binomial(f->col - x, f->other, p, q) -
         log_binomial(f->col, n, p, q);
}

/* Sum of probabilities from x to the end of the support in direction step (+1, -1),
 * over that of x. The terms fall geometrically once they leave the mode, so the rest
 * of the sum is beyond double precision when one of them is below 1e-18 of it. */
static double fisher_tail(const rs_two_by_two *f, double x, double step) {
  double a = x, b = f->row - x, c = f->col - x, d = f->other - f->col + x, term = 1;
  double end = step > 0 ? f->high : f->low;
  rs_sum sum = {1, 0};
  for (; a != end && term > 1e-18 * sum.sum; a += step, b -= step, c -= step, d += step) {
    term *= step > 0 ? (b / (a + 1)) * (c / (d + 1)) : (a / (b + 1)) * (d / (c + 1));
    rs_add(&sum, term);
  }
  return rs_total(&sum);
}

/* The value nearest to the mode, from `far` (outside or at the end) inwards, whose log
 * probability is at most `limit`; NaN if even `far` is likelier. */
static double fisher_bound(const rs_two_by_two *f, double far, double near,
                           double limit) {
  if (fisher_log(f, far) > limit) return NAN;
  while (fabs(near - far) > 1) {
    double middle = floor((near + far) / 2);
    if (fisher_log(f, middle) <= limit) far = middle;
    else near = middle;
  }
  return far;
}

/* Two-sided: all tables at most as probable as the observed one, ties within 1e-7
 * included (the rule of stats::fisher.test; Agresti 1992, Statistical Science
 * 7:131-153). */
double rs_fisher_log_p(double a, double b, double c, double d) {
  rs_two_by_two f = rs_fix_margins(a, b, c, d);
  double mode = floor((f.row + 1) * ((f.col + 1) / (f.row + f.other + 2)));
  if (mode > f.high) mode = f.high;
  if (mode < f.low) mode = f.low;
  double seen = fisher_log(&f, a), limit = seen + log1p(1e-7), p = 0;
  if (fisher_log(&f, mode) <= limit) return 0;
  double below = fisher_bound(&f, f.low, mode, limit);
  double above = fisher_bound(&f, f.high, mode, limit);
  if (!isnan(below)) p += exp(fisher_log(&f, below) - seen) * fisher_tail(&f, below, -1);
  if (!isnan(above)) p += exp(fisher_log(&f, above) - seen) * fisher_tail(&f, above, 1);
  double log_p = seen + log(p);
  return log_p < 0 ? log_p : 0;
}

/* ---- Chi-squares ------------------------------------------------------------------- */

/* A power of 2 that brings scores to where the squares of their differences neither over- nor
 * underflow: it leaves every digit as it is. */
static double score_unit(const double *score, size_t n) {
  double most = 0;
  for (size_t i = 0; i < n; i++) {
    if (fabs(score[i]) > most) most = fabs(score[i]);
  }
  if (most > 0x1p400) return 0x1p-600;
  return most < 0x1p-400 ? 0x1p600 : 1;
}

/* (N - 1) r^2, r the correlation of row and column scores over subjects (Mantel 1963,
 * JASA 58:690-700); NaN when either has no spread. */
static double linear_by_linear(const rs_crosstab *t, const double *row_score,
                               const double *col_score) {
  const double a = score_unit(row_score, t->rows), b = score_unit(col_score, t->cols);
  /* From the first score, so that scores without spread deviate by exactly 0. */
  const double x0 = a * row_score[0], y0 = b * col_score[0];
  double x = 0, y = 0, xx = 0, yy = 0, xy = 0;
  for (size_t i = 0; i < t->rows; i++) x += t->row[i] / t->n * (a * row_score[i] - x0);
  for (size_t j = 0; j < t->cols; j++) y += t->col[j] / t->n * (b * col_score[j] - y0);
  for (size_t i = 0; i < t->rows; i++) {
    double off = a * row_score[i] - x0 - x;
    xx += t->row[i] * (off * off);
  }
  for (size_t j = 0; j < t->cols; j++) {
    double off = b * col_score[j] - y0 - y, part = 0;
    yy += t->col[j] * (off * off);
    for (size_t i = 0; i < t->rows; i++) {
      part += t->counts[i + j * t->rows] * (a * row_score[i] - x0 - x);
    }
    xy += part * off;
  }
  return xx > 0 && yy > 0 ? (t->n - 1) * (xy / xx) * (xy / yy) : NAN;
}

static void margins(rs_crosstab *t) {
  t->n = 0;
  memset(t->row, 0, t->rows * sizeof *t->row);
  for (size_t j = 0; j < t->cols; j++) {
    t->col[j] = 0;
    for (size_t i = 0; i < t->rows; i++) {
      t->row[i] += t->counts[i + j * t->rows];
      t->col[j] += t->counts[i + j * t->rows];
    }
    t->n += t->col[j];
  }
}

void rs_crosstab_run(rs_crosstab *t, const double *row_score, const double *col_score) {
  double least = INFINITY;
  margins(t);
  t->pearson = t->likelihood = t->yates = 0;
  t->low = 0;
  for (size_t j = 0; j < t->cols; j++) {
    for (size_t i = 0; i < t->rows; i++) {
      double e = t->row[i] * (t->col[j] / t->n), o = t->counts[i + j * t->rows];
      double off = fabs(o - e), less = off > 0.5 ? off - 0.5 : 0;
      if (t->expected) t->expected[i + j * t->rows] = e;
      if (e < least) least = e;
      t->low += e < 5;
      t->pearson += off * (off / e);
      t->yates += less * (less / e);
      t->likelihood += 2 * deviance(o, e);
    }
  }
  t->least = least;
  t->linear = linear_by_linear(t, row_score, col_score);
}
