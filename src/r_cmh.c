/* r_cmh.c: glue of R/cmh.R. Arrays of counts are doubles, rows x cols x strata. */
#include <limits.h>
#include <math.h>

#include <Rmath.h>

#include "r_args.h"

/* The counts of a 2 x 2 x K array, and K. */
static const double *two_by_two(SEXP counts, size_t *strata) {
  *strata = (size_t)XLENGTH(counts) / 4;
  return r_counts(counts, 4 * *strata);
}

static double odds_ratio(SEXP odds) {
  double ratio = r_number(odds);
  if (!(ratio > 0 && ratio < INFINITY)) Rf_error("an odds ratio is needed");
  return ratio;
}

static double or_na(double x) { return isnan(x) ? NA_REAL : x; }

/* list(status, observed, expected, covariance, values): rows x (cols - 1) matrices, their
 * covariance, and c(informative strata, odds ratio, variance of its logarithm). */
SEXP rs_r_cmh(SEXP counts) {
  const char *names[] = {"status", "observed", "expected", "covariance", "values"};
  SEXP shape = Rf_getAttrib(counts, R_DimSymbol);
  if (TYPEOF(shape) != INTSXP || XLENGTH(shape) != 3) Rf_error("an array is needed");
  const int *dim = INTEGER(shape);
  const double *count = r_counts(counts, (size_t)XLENGTH(counts));
  if (dim[0] < 2 || dim[1] < 2 || dim[0] > INT_MAX / dim[1]) Rf_error("an array is needed");
  int size = dim[0] * (dim[1] - 1);
  rs_run run = r_run((size_t)XLENGTH(counts));
  rs_cmh test = {
      .rows = (size_t)dim[0], .cols = (size_t)dim[1], .strata = (size_t)dim[2]};
  SEXP out = PROTECT(r_list(5, names));
  SET_VECTOR_ELT(out, 1, Rf_allocMatrix(REALSXP, dim[0], dim[1] - 1));
  SET_VECTOR_ELT(out, 2, Rf_allocMatrix(REALSXP, dim[0], dim[1] - 1));
  SET_VECTOR_ELT(out, 3, Rf_allocMatrix(REALSXP, size, size));
  SET_VECTOR_ELT(out, 4, Rf_allocVector(REALSXP, 3));
  test.observed = REAL(VECTOR_ELT(out, 1));
  test.expected = REAL(VECTOR_ELT(out, 2));
  test.covariance = REAL(VECTOR_ELT(out, 3));
  test.work = (double *)R_alloc(test.rows, sizeof(double));
  rs_status status = rs_cmh_run(count, &run, &test);
  SET_VECTOR_ELT(out, 0, r_status(status, &run));
  double *values = REAL(VECTOR_ELT(out, 4));
  values[0] = (double)test.informative;
  values[1] = or_na(test.odds_ratio);
  values[2] = or_na(test.log_variance);
  UNPROTECT(1);
  return out;
}

/* c(Breslow-Day, Tarone, informative strata) of a 2 x 2 x K array. */
SEXP rs_r_homogeneity(SEXP counts, SEXP odds) {
  size_t informative, strata;
  const double *count = two_by_two(counts, &strata), ratio = odds_ratio(odds);
  SEXP out = PROTECT(Rf_allocVector(REALSXP, 3));
  rs_homogeneity(count, strata, ratio, REAL(out), REAL(out) + 1, &informative);
  REAL(out)[2] = (double)informative;
  UNPROTECT(1);
  return out;
}

/* list(status, density): probabilities of the sum of first cells of a 2 x 2 x K array
 * over its support, at odds ratio `odds`; status "large" when that would take too
 * long. */
SEXP rs_r_cmh_exact(SEXP counts, SEXP odds) {
  const char *names[] = {"status", "density"};
  const double longest = 1e7, hardest = 1e10;
  size_t strata;
  const double *count = two_by_two(counts, &strata), ratio = odds_ratio(odds);
  double length, work = rs_exact_work(count, strata, ratio, &length);
  rs_run run = r_run(1000000);
  rs_status status = RS_TOO_LARGE;
  SEXP out = PROTECT(r_list(2, names));
  if (length <= longest && work <= hardest) {
    SEXP density = Rf_allocVector(REALSXP, (R_xlen_t)length);
    SET_VECTOR_ELT(out, 1, density);
    status = rs_exact_distribution(count, strata, ratio, &run, (size_t)length, REAL(density));
  }
  SET_VECTOR_ELT(out, 0, r_status(status, &run));
  UNPROTECT(1);
  return out;
}

/* c(statistic, rank) of u' V^- u. */
SEXP rs_r_quadratic(SEXP u, SEXP v) {
  size_t p = (size_t)XLENGTH(u), rank;
  const double *difference = r_doubles(u, p), *covariance = r_doubles(v, p * p);
  double *work = (double *)R_alloc(p * (p + 3), sizeof(double));
  rs_run run = r_run(p * p * p);
  SEXP out = PROTECT(Rf_allocVector(REALSXP, 2));
  r_status(rs_quadratic_run(difference, covariance, p, &run, work, REAL(out), &rank), &run);
  REAL(out)[1] = (double)rank;
  UNPROTECT(1);
  return out;
}

/* list(p, log_p): upper tails of chi-square distributions, as stats::pchisq() has them, in one
 * call instead of two of R. The shorter of statistic and df is recycled; NA stays NA. */
SEXP rs_r_chi_p(SEXP statistic, SEXP df) {
  const char *names[] = {"p", "log_p"};
  if (!r_is_number(statistic) || !r_is_number(df)) Rf_error("numbers are needed");
  R_xlen_t n = XLENGTH(statistic), m = XLENGTH(df), length = n > m ? n : m;
  if (n == 0 || m == 0) length = 0;
  SEXP x = PROTECT(Rf_coerceVector(statistic, REALSXP));
  SEXP k = PROTECT(Rf_coerceVector(df, REALSXP));
  SEXP out = PROTECT(r_list(2, names));
  for (int log_p = 0; log_p < 2; log_p++) {
    SEXP p = Rf_allocVector(REALSXP, length);
    SET_VECTOR_ELT(out, log_p, p);
    for (R_xlen_t i = 0; i < length; i++) {
      double at = REAL(x)[i % n], free = REAL(k)[i % m];
      REAL(p)[i] = ISNA(at) || ISNA(free) ? NA_REAL : Rf_pchisq(at, free, 0, log_p);
    }
  }
  UNPROTECT(3);
  return out;
}
