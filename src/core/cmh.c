/* cmh.c: the Cochran-Mantel-Haenszel tests of a table in strata, the common odds ratio,
 * its homogeneity, and the exact conditional distribution of 2 x 2 x K tables.
 *
 * counts is an array rows x cols x strata of whole numbers below 2^53, by column. A
 * stratum with fewer than two subjects, one non-empty row or one non-empty column carries
 * no information and adds nothing.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rows.h"

enum { WORK_A_POLL = 1 << 22 };

static void stratum_margins(const double *count, size_t rows, size_t cols, double *row) {
  memset(row, 0, rows * sizeof *row);
  for (size_t j = 0; j < cols; j++) {
    for (size_t i = 0; i < rows; i++) row[i] += count[i + j * rows];
  }
}

/* Sums over strata behind the common odds ratio (Mantel & Haenszel 1959, JNCI 22:719-748) and the
 * variance of its logarithm (Robins, Breslow & Greenland 1986, Biometrics 42:311-323, eq. 3). */
typedef struct {
  rs_sum r, s, pr, ps_qr, qs;
} odds_sums;

static void add_odds(odds_sums *sums, const double *x, double n) {
  double p = (x[0] + x[3]) / n, q = (x[1] + x[2]) / n;
  double r = x[0] / n * x[3], s = x[1] / n * x[2];
  rs_add(&sums->r, r);
  rs_add(&sums->s, s);
  rs_add(&sums->pr, p * r);
  rs_add(&sums->ps_qr, p * s + q * r);
  rs_add(&sums->qs, q * s);
}

static void finish_odds(const odds_sums *sums, rs_cmh *test) {
  double r = rs_total(&sums->r), s = rs_total(&sums->s);
  test->odds_ratio = r / s;
  test->log_variance = rs_total(&sums->pr) / (2 * r * r) +
                       rs_total(&sums->ps_qr) / (2 * r * s) +
                       rs_total(&sums->qs) / (2 * s * s);
}

rs_status rs_cmh_run(const double *counts, const rs_run *run, rs_cmh *test) {
  size_t rows = test->rows, cols = test->cols, size = rows * cols, work = 0;
  odds_sums odds;
  rs_mh mh;
  memset(&odds, 0, sizeof odds);
  rs_status status = rs_mh_open(&mh, rows, cols - 1);
  if (status != RS_OK) return status;
  for (size_t k = 0; k < test->strata; k++) {
    const double *count = counts + k * size;
    stratum_margins(count, rows, cols, test->work);
    rs_mh_add(&mh, test->work, count, 1);
    if (rows == 2 && cols == 2) {
      double n = test->work[0] + test->work[1];
      if (n > 0) add_odds(&odds, count, n);
    }
    if (run && rs_is_due(&work, 64 + size * size, WORK_A_POLL) && rs_stop(run)) {
      rs_mh_close(&mh);
      return RS_INTERRUPTED;
    }
  }
  rs_mh_totals(&mh, test->observed, test->expected, test->covariance);
  test->informative = mh.informative;
  finish_odds(&odds, test);
  rs_mh_close(&mh);
  return RS_OK;
}

/* ---- Homogeneity of the odds ratios ------------------------------------------------ */

/* The first cell of a 2 x 2 table that has odds ratio `odds` and the margins row
 * (first row), other (second row), col (first column), last (second column): the
 * admissible root of
 *   (1 - odds) x^2 + (other - col + odds (row + col)) x - odds row col = 0,
 * in the form without cancellation; all terms of the discriminant are positive. */
static double fitted_cell(double odds, double row, double other, double col,
                          double last) {
  double shift = other - col, b = shift + odds * (row + col), spread = row - col;
  double root = sqrt(shift * shift + 2 * odds * (row * other + col * last) +
                     odds * odds * spread * spread);
  if (b >= 0) return 2 * odds * row * (col / (b + root));
  return (root - b) / (2 * (1 - odds));
}

/* Each cell has its own root, so that the small ones keep their digits (and are positive). */
static void fitted_cells(double odds, const double r[2], const double c[2], double e[4]) {
  e[0] = fitted_cell(odds, r[0], r[1], c[0], c[1]);
  e[1] = fitted_cell(1 / odds, r[1], r[0], c[0], c[1]);
  e[2] = fitted_cell(1 / odds, r[0], r[1], c[1], c[0]);
  e[3] = fitted_cell(odds, r[1], r[0], c[1], c[0]);
}

/* O - E is the same in all four cells up to its sign and is taken where E is least. */
static double fit_stratum(const double *x, double odds, double *variance) {
  double r[2] = {x[0] + x[2], x[1] + x[3]}, c[2] = {x[0] + x[1], x[2] + x[3]}, e[4];
  fitted_cells(odds, r, c, e);
  size_t least = 0;
  double precision = 0;
  for (size_t i = 0; i < 4; i++) {
    if (e[i] < e[least]) least = i;
    precision += 1 / e[i];
  }
  *variance = 1 / precision;
  return (least == 0 || least == 3) ? x[least] - e[least] : e[least] - x[least];
}

/* Breslow & Day (1980), Statistical Methods in Cancer Research I, p. 142; Tarone
 * (1985), Biometrika 72:91-95. Strata with an empty row or column say nothing of the
 * odds ratio. */
void rs_homogeneity(const double *counts, size_t strata, double odds, double *breslow_day,
                    double *tarone, size_t *informative) {
  rs_sum chi = {0, 0}, off = {0, 0}, total = {0, 0};
  *informative = 0;
  for (size_t k = 0; k < strata; k++) {
    const double *x = counts + 4 * k;
    double variance;
    if (x[0] + x[1] <= 0 || x[2] + x[3] <= 0) continue;
    if (x[0] + x[2] <= 0 || x[1] + x[3] <= 0) continue;
    double d = fit_stratum(x, odds, &variance);
    rs_add(&chi, d * (d / variance));
    rs_add(&off, d);
    rs_add(&total, variance);
    (*informative)++;
  }
  *breslow_day = rs_total(&chi);
  *tarone = *breslow_day - rs_total(&off) * (rs_total(&off) / rs_total(&total));
}

/* ---- The exact conditional distribution -------------------------------------------- */

static rs_two_by_two first_cell(const double *x) {
  return rs_fix_margins(x[0], x[2], x[1], x[3]);
}

/* Doubles each stratum keeps: its support, or the 80 standard deviations beyond which its
 * probabilities are below the least double. */
static double kept(const rs_two_by_two *s, double odds) {
  double r[2] = {s->row, s->other}, c[2] = {s->col, s->row + s->other - s->col}, e[4];
  double width = s->high - s->low + 1;
  if (width < 2) return width;
  fitted_cells(odds, r, c, e);
  double most = 80 / sqrt(1 / e[0] + 1 / e[1] + 1 / e[2] + 1 / e[3]) + 200;
  return width < most ? width : most;
}

double rs_exact_work(const double *counts, size_t strata, double odds, double *length) {
  double work = 0;
  *length = 1;
  for (size_t k = 0; k < strata; k++) {
    rs_two_by_two s = first_cell(counts + 4 * k);
    work += kept(&s, odds) * *length;
    *length += s.high - s.low;
  }
  return work;
}

/* Probabilities of the stratum's first cell at odds ratio `odds`, from the mode
 * outwards until they vanish: into p (of high - low + 1), from first to last (offsets
 * from low). */
static void cell_distribution(const rs_two_by_two *s, double odds, double *p, size_t *first,
                              size_t *last) {
  double n = s->row + s->other, sum = 1;
  double at = s->high > s->low
                  ? floor(fitted_cell(odds, s->row, s->other, s->col, n - s->col))
                  : s->low;
  if (at < s->low) at = s->low;
  if (at > s->high) at = s->high;
  size_t mode = (size_t)(at - s->low), top = (size_t)(s->high - s->low);
  *first = *last = mode;
  p[mode] = 1;
  for (double x = at; *last < top && p[*last] > 1e-300; x++, (*last)++) {
    double ratio = (s->row - x) / (x + 1) * ((s->col - x) / (s->other - s->col + x + 1));
    sum += p[*last + 1] = p[*last] * ratio * odds;
  }
  for (double x = at; *first > 0 && p[*first] > 1e-300; x--, (*first)--) {
    double ratio = x / (s->row - x + 1) * ((s->other - s->col + x) / (s->col - x + 1));
    sum += p[*first - 1] = p[*first] * ratio / odds;
  }
  for (size_t i = *first; i <= *last; i++) p[i] /= sum;
}

/* out[i + j] += density[i] * p[j]; out is zeroed by the caller, work is for rs_is_due(). */
static rs_status convolve(const double *density, size_t length, const double *p,
                          size_t first, size_t last, const rs_run *run, size_t *work,
                          double *out) {
  for (size_t j = first; j <= last; j++) {
    for (size_t i = 0; i < length; i++) out[i + j] += density[i] * p[j];
    if (rs_is_due(work, length, WORK_A_POLL) && rs_stop(run)) return RS_INTERRUPTED;
  }
  return RS_OK;
}

/* That of Mehta, Patel & Gray (1985), JASA 80:969-973, here by convolution of the strata's. */
rs_status rs_exact_distribution(const double *counts, size_t strata, double odds,
                                const rs_run *run, size_t length, double *density) {
  size_t reached = 1, work = 0, bytes;
  rs_status status = RS_OK;
  if (rs_mul(length, 2 * sizeof(double), &bytes)) return RS_NO_MEMORY;
  double *p = calloc(1, bytes), *out;
  if (!p) return RS_NO_MEMORY;
  out = p + length;
  density[0] = 1;
  for (size_t k = 0; k < strata && status == RS_OK; k++) {
    rs_two_by_two s = first_cell(counts + 4 * k);
    size_t width = (size_t)(s.high - s.low), first, last;
    if (width == 0) continue;
    cell_distribution(&s, odds, p, &first, &last);
    memset(out, 0, (reached + width) * sizeof *out);
    status = convolve(density, reached, p, first, last, run, &work, out);
    reached += width;
    memcpy(density, out, reached * sizeof *density);
    if (rs_is_due(&work, reached, WORK_A_POLL) && rs_stop(run)) status = RS_INTERRUPTED;
  }
  free(p);
  return status;
}
