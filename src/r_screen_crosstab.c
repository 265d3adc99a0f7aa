/* r_screen_crosstab.c: glue of R/screen_crosstab.R. */
#include <math.h>

#include "r_args.h"

static void check_pair(SEXP x) {
  if (TYPEOF(x) != VECSXP || XLENGTH(x) != 2) Rf_error("codes and their levels are needed");
}

/* y, strata: list(code, levels), codes 1..levels; code NULL: one level. test: 0 Pearson,
 * 1 trend, 2 CMH. Answers list(status, n, events, statistic, df, odds.ratio, reason). */
SEXP rs_r_screen_crosstab(SEXP x, SEXP y, SEXP strata, SEXP y_score, SEXP test) {
  const char *names[] = {"status", "n",          "events", "statistic",
                         "df",     "odds.ratio", "reason"};
  check_pair(y);
  check_pair(strata);
  size_t n = (size_t)XLENGTH(VECTOR_ELT(y, 0)), m;
  rs_category outcome = {r_column(VECTOR_ELT(y, 0)), 1, r_count(VECTOR_ELT(y, 1))};
  rs_category stratum = {r_column_of(VECTOR_ELT(strata, 0), n), 1,
                         r_count(VECTOR_ELT(strata, 1))};
  const double *score = r_doubles(y_score, outcome.levels);
  rs_screen_test kind = (rs_screen_test)r_code(test);
  rs_column *column = r_columns(x, n, &m);
  rs_screen_row *row = (rs_screen_row *)R_alloc(m, sizeof *row);
  double *answer[5];
  rs_run run = r_run(n * m);
  SEXP out = PROTECT(r_list(7, names));
  for (int i = 0; i < 5; i++) {
    SET_VECTOR_ELT(out, i + 1, Rf_allocVector(REALSXP, (R_xlen_t)m));
    answer[i] = REAL(VECTOR_ELT(out, i + 1));
  }
  SET_VECTOR_ELT(out, 6, Rf_allocVector(INTSXP, (R_xlen_t)m));
  int *reason = INTEGER(VECTOR_ELT(out, 6));
  rs_status status = rs_screen_crosstab(column, m, n, outcome, stratum, score, kind, &run, row);
  SET_VECTOR_ELT(out, 0, r_status(status, &run));
  for (size_t c = 0; c < m && status == RS_OK; c++) {
    double found[5] = {row[c].n, row[c].events, row[c].statistic, row[c].df,
                       row[c].odds_ratio};
    for (int i = 0; i < 5; i++) answer[i][c] = isnan(found[i]) ? NA_REAL : found[i];
    reason[c] = (int)row[c].reason;
  }
  UNPROTECT(1);
  return out;
}
