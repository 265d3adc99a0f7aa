/* r_crosstab.c: glue of R/crosstab.R and of the contingency readers in R/inputs.R. */
#include <limits.h>
#include <math.h>

#include "r_args.h"

SEXP rs_r_column_range(SEXP x, SEXP most);
SEXP rs_r_count_table(SEXP columns, SEXP first, SEXP levels, SEXP weight);
SEXP rs_r_crosstab_tests(SEXP counts, SEXP row_score, SEXP col_score);

/* c(low, high) of a column of few whole numbers; c(Inf, -Inf) if all are missing; NULL
 * if it has other values; a status in words if the core stopped. */
SEXP rs_r_column_range(SEXP x, SEXP most) {
  rs_range range;
  rs_run run = r_run((size_t)XLENGTH(x));
  rs_column column = r_column(x);
  rs_status status =
      rs_column_range(column, (size_t)XLENGTH(x), r_count(most), &run, &range);
  if (status != RS_OK) return r_status(status);
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
  size_t n = (size_t)XLENGTH(VECTOR_ELT(columns, 0));
  for (int c = 0; c < 3; c++) {
    category[c].column = r_column(VECTOR_ELT(columns, c));
    category[c].first = (int)REAL(first)[c];
    category[c].levels = (size_t)REAL(levels)[c];
    cells *= REAL(levels)[c];
  }
  if (cells > INT_MAX) Rf_error("too many cells");
  SEXP counts = Rf_allocVector(REALSXP, (R_xlen_t)cells);
  SET_VECTOR_ELT(out, 1, counts);
  rs_run run = r_run(n);
  rs_status status =
      rs_count_table(category, r_column(weight), n, &run, REAL(counts), &found);
  SET_VECTOR_ELT(out, 0, r_status(status));
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
  const double *o = REAL(counts);
  rs_crosstab t = {.rows = (size_t)rows, .cols = (size_t)cols, .counts = o};
  t.row = (double *)R_alloc((size_t)rows + (size_t)cols, sizeof(double));
  t.col = t.row + rows;
  t.expected = REAL(expected);
  rs_crosstab_run(&t, REAL(row_score), REAL(col_score));
  int exact = rows == 2 && cols == 2 && t.n <= 1e14;
  double fisher = exact ? rs_fisher_log_p(o[0], o[2], o[1], o[3]) : NA_REAL;
  double answer[8] = {t.n,     t.least,      (double)t.low, t.pearson,
                      t.yates, t.likelihood, t.linear,      fisher};
  for (int i = 0; i < 8; i++) REAL(values)[i] = isnan(answer[i]) ? NA_REAL : answer[i];
  UNPROTECT(1);
  return out;
}
