/* r_screen_logrank.c: the glue of R/screen_logrank.R. */
#include "r_args.h"

enum { STATUS, REPORT, TRIAL, N, EVENTS, GROUPS, DF, MERGED, STATISTIC, EFFECT, VARIANCE, N_OUT };

static const char *const NAMES[] = {"status", "report", "trial",     "n",      "events",  "groups",
                                    "df",     "merged", "statistic", "effect", "variance"};

static void put_results(SEXP out, const rs_screened *result, size_t n) {
  double *column[N_OUT];
  for (int i = N; i < N_OUT; i++) {
    SEXP x = Rf_allocVector(REALSXP, (R_xlen_t)n);
    SET_VECTOR_ELT(out, i, x);
    column[i] = REAL(x);
  }
  for (size_t j = 0; j < n; j++) {
    column[N][j] = (double)result[j].n;
    column[EVENTS][j] = (double)result[j].events;
    column[GROUPS][j] = (double)result[j].groups;
    column[DF][j] = (double)result[j].df;
    column[MERGED][j] = (double)result[j].merged;
    column[STATISTIC][j] = ISNAN(result[j].statistic) ? NA_REAL : result[j].statistic;
    column[EFFECT][j] = ISNAN(result[j].effect) ? NA_REAL : result[j].effect;
    column[VARIANCE][j] = ISNAN(result[j].variance) ? NA_REAL : result[j].variance;
  }
}

SEXP rs_r_screen_logrank(SEXP rows_list, SEXP x, SEXP ties) {
  rs_rows rows = r_rows(rows_list);
  if (rows.entry.type != RS_NONE || rows.weight.type != RS_NONE) {
    Rf_error("a screen has neither entry times nor weights");
  }
  rs_report report = {0};
  size_t count;
  const rs_column *column = r_columns(x, rows.n, &count);
  rs_run run = r_run(rows.n * count);
  rs_screened *result = (rs_screened *)R_alloc(count + 1, sizeof *result);
  SEXP out = PROTECT(r_list(N_OUT, NAMES));
  rs_status status = rs_screen_logrank(&rows, (rs_ties)r_code(ties), column, count, &run,
                                       result, &report);
  if (status == RS_OK && report.used > 0) put_results(out, result, count);
  SET_VECTOR_ELT(out, STATUS, r_status(status, &run));
  SET_VECTOR_ELT(out, REPORT, r_report(&report));
  UNPROTECT(1);
  return out;
}

/* rows_list is one trial long in n (its `n`), its columns all trials one after the other. */
SEXP rs_r_screen_trials(SEXP rows_list, SEXP n_row, SEXP n_trial, SEXP ties) {
  size_t n = r_count(n_row), count = r_count(n_trial), trial;
  int group_step = (size_t)XLENGTH(r_element(rows_list, "group")) != n || count == 1;
  rs_rows rows = r_trials(rows_list, n, count);
  rs_run run = r_run(n * count);
  rs_report report = {0};
  rs_screened *result = (rs_screened *)R_alloc(count + 1, sizeof *result);
  SEXP out = PROTECT(r_list(N_OUT, NAMES));
  rs_status status = rs_screen_trials(&rows, count, group_step, (rs_ties)r_code(ties),
                                      &run, result, &report, &trial);
  if (status == RS_OK) put_results(out, result, count);
  SET_VECTOR_ELT(out, STATUS, r_status(status, &run));
  SET_VECTOR_ELT(out, REPORT, r_report(&report));
  SET_VECTOR_ELT(out, TRIAL, Rf_ScalarReal((double)trial + 1));
  UNPROTECT(1);
  return out;
}
