#include "r_args.h"

enum { STATUS, REPORT, OBSERVED, EXPECTED, COVARIANCE, ROWS, TIMES, STRATA, MERGED, N_OUT };

static const char *NAMES[] = {"status", "report", "observed", "expected", "covariance",
                              "rows",   "times",  "strata",   "merged"};

static double *matrix(SEXP out, int which, size_t rows, size_t cols) {
  SEXP x = Rf_allocMatrix(REALSXP, (int)rows, (int)cols);
  SET_VECTOR_ELT(out, which, x);
  return REAL(x);
}

static rs_status test(SEXP out, rs_stream *stream, size_t n_group, size_t n_stratum, SEXP rho,
                      SEXP gamma, const rs_run *run) {
  rs_logrank logrank = {Rf_asReal(rho), Rf_asReal(gamma),
                        matrix(out, OBSERVED, n_group, n_stratum),
                        matrix(out, EXPECTED, n_group, n_stratum),
                        matrix(out, COVARIANCE, n_group, n_group), 0, 0};
  double *rows = matrix(out, ROWS, n_group, n_stratum);
  for (size_t b = 0; b < n_group * n_stratum; b++) rows[b] = rs_stream_rows(stream)[b];
  rs_status status = rs_logrank_run(stream, n_group, n_stratum, run, &logrank);
  SET_VECTOR_ELT(out, TIMES, Rf_ScalarReal((double)logrank.informative_times));
  SET_VECTOR_ELT(out, STRATA, Rf_ScalarReal((double)logrank.informative_strata));
  SET_VECTOR_ELT(out, MERGED, Rf_ScalarReal((double)rs_stream_merged(stream)));
  return status;
}

/* The log-rank sums from rows of data. */
SEXP rs_r_logrank_rows(SEXP rows_list, SEXP ties, SEXP rho, SEXP gamma) {
  rs_rows rows = r_rows(rows_list);
  rs_run run = r_run();
  rs_report report = {0};
  rs_stream *stream = NULL;
  SEXP holder = PROTECT(r_hold_stream());
  SEXP out = PROTECT(r_list(N_OUT, NAMES));
  rs_status status =
      rs_stream_open(&rows, (rs_ties)Rf_asInteger(ties), &run, &stream, &report);
  R_SetExternalPtrAddr(holder, stream);
  if (status == RS_OK && stream && report.weights < 2) {
    status = test(out, stream, rows.n_group, rows.n_stratum, rho, gamma, &run);
  }
  r_release_stream(holder);
  SET_VECTOR_ELT(out, STATUS, r_status(status));
  SET_VECTOR_ELT(out, REPORT, r_report(&report));
  UNPROTECT(2);
  return out;
}

/* The same from a risk table, whose tie rule has been applied already. */
SEXP rs_r_logrank_table(SEXP table, SEXP n_group, SEXP n_stratum, SEXP rho, SEXP gamma) {
  size_t groups = r_count(n_group), strata = r_count(n_stratum);
  size_t blocks = (size_t)XLENGTH(r_element(table, "size"));
  size_t *start = (size_t *)R_alloc(blocks + 1, sizeof *start);
  rs_table t = r_table(table, start);
  rs_run run = r_run();
  rs_stream *stream = NULL;
  if (groups == 0 || blocks % groups != 0 || blocks / groups != strata) {
    Rf_error("the risk table has another number of blocks");
  }
  SEXP holder = PROTECT(r_hold_stream());
  SEXP out = PROTECT(r_list(N_OUT, NAMES));
  rs_status status = rs_stream_table(&t, groups, strata, &run, &stream);
  R_SetExternalPtrAddr(holder, stream);
  if (status == RS_OK) status = test(out, stream, groups, strata, rho, gamma, &run);
  r_release_stream(holder);
  SET_VECTOR_ELT(out, STATUS, r_status(status));
  UNPROTECT(2);
  return out;
}
