#include "r_args.h"

enum { STATUS, REPORT, OBSERVED, EXPECTED, COVARIANCE, ROWS, TIMES, STRATA, MERGED, N_OUT };

static const char *const NAMES[] = {"status", "report", "observed", "expected", "covariance",
                                    "rows",   "times",  "strata",   "merged"};

static double *vector(SEXP out, int which, size_t n) {
  SEXP x = Rf_allocVector(REALSXP, (R_xlen_t)n);
  SET_VECTOR_ELT(out, which, x);
  return REAL(x);
}

/* Rows of data by group, and how many strata have any. */
static double sum_rows(const rs_stream *stream, size_t n_group, size_t n_stratum, double *rows) {
  double strata = 0;
  for (size_t g = 0; g < n_group; g++) rows[g] = 0;
  for (size_t s = 0; s < n_stratum; s++) {
    double all = 0;
    for (size_t g = 0; g < n_group; g++) {
      double n = rs_stream_rows(stream)[g + s * n_group];
      rows[g] += n;
      all += n;
    }
    strata += all > 0;
  }
  return strata;
}

/* All that R has to allocate is there before the stream is opened: nothing can jump away from
 * it while it is open. */
static rs_logrank prepare(SEXP out, size_t n_group, SEXP rho, SEXP gamma) {
  SEXP covariance = Rf_allocMatrix(REALSXP, (int)n_group, (int)n_group);
  SET_VECTOR_ELT(out, COVARIANCE, covariance);
  rs_logrank logrank = {r_number(rho), r_number(gamma), vector(out, OBSERVED, n_group),
                        vector(out, EXPECTED, n_group), REAL(covariance), 0, 0};
  vector(out, ROWS, n_group);
  vector(out, TIMES, 1);
  vector(out, STRATA, 2);
  vector(out, MERGED, 1);
  return logrank;
}

static double *values(SEXP out, int which) { return REAL(VECTOR_ELT(out, which)); }

static rs_status test(SEXP out, rs_stream *stream, size_t n_group, size_t n_stratum,
                      rs_logrank *logrank, const rs_run *run) {
  rs_status status = rs_logrank_run(stream, n_group, run, logrank);
  values(out, STRATA)[0] = sum_rows(stream, n_group, n_stratum, values(out, ROWS));
  values(out, STRATA)[1] = (double)logrank->informative_strata;
  values(out, TIMES)[0] = (double)logrank->informative_times;
  values(out, MERGED)[0] = (double)rs_stream_merged(stream);
  return status;
}

/* The log-rank sums from rows of data. */
SEXP rs_r_logrank_rows(SEXP rows_list, SEXP ties, SEXP rho, SEXP gamma) {
  rs_rows rows = r_rows(rows_list);
  rs_run run = r_run(rows.n * rows.n_group * rows.n_group);
  rs_ties rule = (rs_ties)r_code(ties);
  rs_report report = {0};
  rs_stream *stream = NULL;
  SEXP out = PROTECT(r_list(N_OUT, NAMES));
  rs_logrank logrank = prepare(out, rows.n_group, rho, gamma);
  rs_status status = rs_stream_open(&rows, rule, &run, &stream, &report);
  if (status == RS_OK && stream && report.weights < 2) {
    status = test(out, stream, rows.n_group, rows.n_stratum, &logrank, &run);
  }
  rs_stream_close(stream);
  SET_VECTOR_ELT(out, STATUS, r_status(status, &run));
  SET_VECTOR_ELT(out, REPORT, r_report(&report));
  UNPROTECT(1);
  return out;
}

/* The same from a risk table, whose tie rule has been applied already. */
SEXP rs_r_logrank_table(SEXP table, SEXP n_group, SEXP n_stratum, SEXP rho, SEXP gamma) {
  size_t groups = r_count(n_group), strata = r_count(n_stratum);
  size_t blocks = (size_t)XLENGTH(r_element(table, "size"));
  size_t *start = (size_t *)R_alloc(blocks + 1, sizeof *start);
  rs_table t = r_table(table, start);
  rs_run run = r_run(t.n_row * groups * groups);
  rs_stream *stream = NULL;
  if (groups == 0 || blocks % groups != 0 || blocks / groups != strata) {
    Rf_error("the risk table has another number of blocks");
  }
  SEXP out = PROTECT(r_list(N_OUT, NAMES));
  rs_logrank logrank = prepare(out, groups, rho, gamma);
  rs_status status = rs_stream_table(&t, groups, strata, &run, &stream);
  if (status == RS_OK) status = test(out, stream, groups, strata, &logrank, &run);
  rs_stream_close(stream);
  SET_VECTOR_ELT(out, STATUS, r_status(status, &run));
  UNPROTECT(1);
  return out;
}
