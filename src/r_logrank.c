/* r_logrank.c: the glue of R/logrank.R. */
#include <Rmath.h>

#include "r_args.h"

enum { STATUS, REPORT, OBSERVED, EXPECTED, COVARIANCE, ROWS, N, TIMES, STRATA, MERGED, TEST };
enum { N_OUT = TEST + 1 };

static const char *const NAMES[] = {"status", "report", "observed", "expected", "covariance",
                                    "rows",   "n",      "times",    "strata",   "merged",
                                    "test"};

static double *values(SEXP out, int which) { return REAL(VECTOR_ELT(out, which)); }

/* A vector with the groups' names, where they have some. */
static double *vector(SEXP out, int which, size_t n, SEXP names) {
  SEXP x = Rf_allocVector(REALSXP, (R_xlen_t)n);
  SET_VECTOR_ELT(out, which, x);
  if (names != R_NilValue) Rf_setAttrib(x, R_NamesSymbol, names);
  return REAL(x);
}

static double *square(SEXP out, int which, size_t n, SEXP names) {
  SEXP x = Rf_allocMatrix(REALSXP, (int)n, (int)n);
  SET_VECTOR_ELT(out, which, x);
  if (names != R_NilValue) {
    SEXP both = PROTECT(Rf_allocVector(VECSXP, 2));
    SET_VECTOR_ELT(both, 0, names);
    SET_VECTOR_ELT(both, 1, names);
    Rf_setAttrib(x, R_DimNamesSymbol, both);
    UNPROTECT(1);
  }
  return REAL(x);
}

/* All that R has to allocate is there before the stream is opened: nothing can jump away from
 * it while it is open. */
static rs_logrank prepare(SEXP out, size_t n_group, SEXP rho, SEXP gamma, SEXP labels) {
  if (labels != R_NilValue && (TYPEOF(labels) != STRSXP || (size_t)XLENGTH(labels) != n_group)) {
    Rf_error("labels must be text, one for each group");
  }
  rs_logrank logrank = {.rho = r_number(rho), .gamma = r_number(gamma)};
  logrank.observed = vector(out, OBSERVED, n_group, labels);
  logrank.expected = vector(out, EXPECTED, n_group, labels);
  logrank.covariance = square(out, COVARIANCE, n_group, labels);
  vector(out, ROWS, n_group, labels);
  vector(out, N, n_group, labels);
  vector(out, TIMES, 1, R_NilValue);
  vector(out, STRATA, 2, R_NilValue);
  vector(out, MERGED, 1, R_NilValue);
  vector(out, TEST, 4, R_NilValue);
  return logrank;
}

/* By group: the sum of what is in its blocks. Returns how many strata have any. */
static double sum_blocks(const double *block, size_t n_group, size_t n_stratum, double *sum) {
  double strata = 0;
  for (size_t g = 0; g < n_group; g++) sum[g] = 0;
  for (size_t s = 0; s < n_stratum; s++) {
    double all = 0;
    for (size_t g = 0; g < n_group; g++) {
      double n = block[g + s * n_group];
      sum[g] += n;
      all += n;
    }
    strata += all > 0;
  }
  return strata;
}

/* Rows of data, subjects (the sums of their weights) and strata that have rows. */
static void count_subjects(SEXP out, const double *rows, const rs_stream *stream, size_t n_group,
                           size_t n_stratum) {
  values(out, STRATA)[0] = sum_blocks(rows, n_group, n_stratum, values(out, ROWS));
  sum_blocks(rs_stream_subjects(stream), n_group, n_stratum, values(out, N));
}

static rs_status run_test(SEXP out, rs_stream *stream, size_t n_group, rs_logrank *logrank,
                          const rs_run *run) {
  rs_status status = rs_logrank_run(stream, n_group, run, logrank);
  values(out, STRATA)[1] = (double)logrank->informative_strata;
  values(out, TIMES)[0] = (double)logrank->informative_times;
  values(out, MERGED)[0] = (double)rs_stream_merged(stream);
  return status;
}

static int all_finite(const double *x, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (!R_FINITE(x[i])) return 0;
  }
  return 1;
}

/* (O - E)' V^- (O - E) and its degrees of freedom, the rank of V; with two groups, (O - E)^2 / V
 * as it stands. Groups without rows have zeros only. */
static double form(SEXP out, size_t n_group, const rs_run *run, size_t *rank) {
  const double *observed = values(out, OBSERVED), *expected = values(out, EXPECTED);
  const double *covariance = values(out, COVARIANCE), *rows = values(out, ROWS);
  double *work = (double *)R_alloc(n_group * (n_group == 2 ? 1 : n_group + 4), sizeof *work);
  size_t used = 0, first = n_group;
  for (size_t g = 0; g < n_group; g++) {
    work[g] = observed[g] - expected[g];
    if (rows[g] > 0 && used++ == 0) first = g;
  }
  *rank = 0;
  if (used < 2) return 0;
  if (!all_finite(work, n_group) || !all_finite(covariance, n_group * n_group)) return 0;
  if (used > 2) {
    double value = 0;
    r_status(rs_quadratic_run(work, covariance, n_group, run, work + n_group, &value, rank), run);
    return value;
  }
  double variance = covariance[first + first * n_group];
  *rank = variance > 0;
  return variance > 0 ? work[first] * work[first] / variance : 0;
}

/* c(statistic, df, P, log P); NA where the test is undefined. */
static void finish(SEXP out, size_t n_group, const rs_run *run) {
  size_t rank;
  double *test = values(out, TEST), statistic = form(out, n_group, run, &rank);
  test[1] = (double)rank;
  for (int log_p = 0; log_p < 2; log_p++) {
    test[2 + log_p] = rank > 0 ? Rf_pchisq(statistic, test[1], 0, log_p) : NA_REAL;
  }
  test[0] = rank > 0 ? statistic : NA_REAL;
}

/* The log-rank test of rows of data; `labels` name the groups. */
SEXP rs_r_logrank_rows(SEXP rows_list, SEXP ties, SEXP rho, SEXP gamma, SEXP labels) {
  rs_rows rows = r_rows(rows_list);
  rs_run run = r_run(rows.n * rows.n_group * rows.n_group);
  rs_ties rule = (rs_ties)r_code(ties);
  rs_report report = {0};
  rs_stream *stream = NULL;
  SEXP out = PROTECT(r_list(N_OUT, NAMES));
  rs_logrank logrank = prepare(out, rows.n_group, rho, gamma, labels);
  rs_status status = rs_stream_open(&rows, rule, &run, &stream, &report);
  int tested = status == RS_OK && stream && report.weights < 2;
  if (tested) {
    status = run_test(out, stream, rows.n_group, &logrank, &run);
    count_subjects(out, rs_stream_rows(stream), stream, rows.n_group, rows.n_stratum);
  }
  rs_stream_close(stream);
  SET_VECTOR_ELT(out, STATUS, r_status(status, &run));
  SET_VECTOR_ELT(out, REPORT, r_report(&report));
  if (tested && status == RS_OK) finish(out, rows.n_group, &run);
  UNPROTECT(1);
  return out;
}

/* The same from a risk table, whose tie rule has been applied already; `rows` are the rows of
 * data behind each of its blocks. */
SEXP rs_r_logrank_table(SEXP table, SEXP n_group, SEXP n_stratum, SEXP rho, SEXP gamma, SEXP rows,
                        SEXP labels) {
  size_t groups = r_count(n_group), strata = r_count(n_stratum);
  rs_table t = r_table(table);
  rs_run run = r_run(t.n_row * groups * groups);
  rs_stream *stream = NULL;
  if (groups == 0 || t.n_block % groups != 0 || t.n_block / groups != strata) {
    Rf_error("the risk table has another number of blocks");
  }
  const double *block = r_doubles(rows, t.n_block);
  SEXP out = PROTECT(r_list(N_OUT, NAMES));
  rs_logrank logrank = prepare(out, groups, rho, gamma, labels);
  rs_status status = rs_stream_table(&t, groups, strata, &run, &stream);
  if (status == RS_OK) {
    status = run_test(out, stream, groups, &logrank, &run);
    count_subjects(out, block, stream, groups, strata);
  }
  rs_stream_close(stream);
  SET_VECTOR_ELT(out, STATUS, r_status(status, &run));
  if (status == RS_OK) finish(out, groups, &run);
  UNPROTECT(1);
  return out;
}
