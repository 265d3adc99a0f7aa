/* r_crosstab.c: glue of R/crosstab.R and of the contingency readers in R/inputs.R. */
#include <limits.h>
#include <math.h>

#include "r_args.h"

/* c(low, high) of a column of few whole numbers; c(Inf, -Inf) if all are missing; NULL
 * if it has other values; a status in words if the core stopped. */
SEXP rs_r_column_range(SEXP x, SEXP most) {
  rs_range range;
  rs_run run = r_run((size_t)XLENGTH(x));
  rs_column column = r_column(x);
  rs_status status =
      rs_column_range(column, (size_t)XLENGTH(x), r_count(most), &run, &range);
  if (status != RS_OK) return r_status(status, &run);
  if (!range.whole) return R_NilValue;
  SEXP out = PROTECT(Rf_allocVector(REALSXP, 2));
  REAL(out)[0] = range.low;
  REAL(out)[1] = range.high;
  UNPROTECT(1);
  return out;
}

/* columns: a list of three, NULL for none; first and levels: doubles. Answers
 * list(status, counts, missing, bad.weight), the last a 1-based row or 0. */
SEXP rs_r_count_table(SEXP columns, SEXP first, SEXP levels, SEXP weight) {
  rs_category category[3];
  rs_counted found;
  double cells = 1;
  const char *names[] = {"status", "counts", "missing", "bad.weight"};
  SEXP out = PROTECT(r_list(4, names));
  if (TYPEOF(columns) != VECSXP || XLENGTH(columns) != 3) Rf_error("three columns are needed");
  size_t n = (size_t)XLENGTH(VECTOR_ELT(columns, 0));
  rs_column weights = r_column_of(weight, n);
  for (int c = 0; c < 3; c++) {
    double low = r_doubles(first, 3)[c], size = r_counts(levels, 3)[c];
    if (!(fabs(low) <= INT_MAX && size <= INT_MAX)) Rf_error("too many cells");
    category[c].column = r_column_of(VECTOR_ELT(columns, c), n);
    category[c].first = (int)low;
    category[c].levels = (size_t)size;
    cells *= size;
  }
  if (cells > INT_MAX) Rf_error("too many cells");
  SEXP counts = Rf_allocVector(REALSXP, (R_xlen_t)cells);
  SET_VECTOR_ELT(out, 1, counts);
  rs_run run = r_run(n);
  rs_status status =
      rs_count_table(category, weights, n, &run, REAL(counts), &found);
  SET_VECTOR_ELT(out, 0, r_status(status, &run));
  if (status == RS_OK) {
    double bad = found.bad_weight == SIZE_MAX ? 0 : (double)found.bad_weight + 1;
    SET_VECTOR_ELT(out, 2, Rf_ScalarReal((double)found.missing));
    SET_VECTOR_ELT(out, 3, Rf_ScalarReal(bad));
  }
  UNPROTECT(1);
  return out;
}

/* Answers list(expected, values): n, smallest expected, cells below 5, Pearson, Yates,
 * likelihood ratio, linear-by-linear, log P of Fisher's test (NA unless 2 x 2). */
SEXP rs_r_crosstab_tests(SEXP counts, SEXP row_score, SEXP col_score) {
  const char *names[] = {"expected", "values"};
  int rows = Rf_nrows(counts), cols = Rf_ncols(counts);
  SEXP out = PROTECT(r_list(2, names));
  SEXP expected = Rf_allocMatrix(REALSXP, rows, cols);
  SET_VECTOR_ELT(out, 0, expected);
  SEXP values = Rf_allocVector(REALSXP, 8);
  SET_VECTOR_ELT(out, 1, values);
  const double *o = r_counts(counts, (size_t)rows * (size_t)cols);
  const double *row_scores = r_doubles(row_score, (size_t)rows);
  const double *col_scores = r_doubles(col_score, (size_t)cols);
  rs_crosstab t = {.rows = (size_t)rows, .cols = (size_t)cols, .counts = o};
  t.row = (double *)R_alloc((size_t)rows + (size_t)cols, sizeof(double));
  t.col = t.row + rows;
  t.expected = REAL(expected);
  rs_crosstab_run(&t, row_scores, col_scores);
  int exact = rows == 2 && cols == 2 && t.n <= 1e14;
  double fisher = exact ? rs_fisher_log_p(o[0], o[2], o[1], o[3]) : NA_REAL;
  double answer[8] = {t.n,     t.least,      (double)t.low, t.pearson,
                      t.yates, t.likelihood, t.linear,      fisher};
  for (int i = 0; i < 8; i++) REAL(values)[i] = isnan(answer[i]) ? NA_REAL : answer[i];
  UNPROTECT(1);
  return out;
}
