/* r_risk_table.c: the glue of R/risk_table.R. */
#include <limits.h>

#include "r_args.h"

enum { STATUS, REPORT, SIZE, ROWS, MERGED, ARRAYS };

static const char *const NAMES[] = {"status",   "report",      "size",         "rows",
                                    "merged",   "time",        "n.event",      "n.censor",
                                    "n.enter",  "rows.event",  "rows.censor",  "rows.enter",
                                    "square.event", "square.censor"};

/* The core's arrays are R vectors from the start; which is RS_TIME, RS_EVENT, ... */
static double *allocate(size_t n, int which, void *user) {
  SEXP x = Rf_allocVector(REALSXP, (R_xlen_t)n);
  SET_VECTOR_ELT((SEXP)user, ARRAYS + which, x);
  return REAL(x);
}

static rs_status fill(SEXP out, rs_stream *stream, const rs_run *run, size_t blocks) {
  rs_table table;
  table.start = (size_t *)R_alloc(blocks + 1, sizeof(size_t));
  rs_status status = rs_tabulate(stream, run, allocate, out, &table);
  if (status != RS_OK) return status;
  SEXP size = Rf_allocVector(REALSXP, (R_xlen_t)blocks);
  SET_VECTOR_ELT(out, SIZE, size);
  SEXP rows = Rf_allocVector(REALSXP, (R_xlen_t)blocks);
  SET_VECTOR_ELT(out, ROWS, rows);
  for (size_t b = 0; b < blocks; b++) {
    REAL(size)[b] = (double)(table.start[b + 1] - table.start[b]);
    REAL(rows)[b] = rs_stream_rows(stream)[b];
  }
  SET_VECTOR_ELT(out, MERGED, Rf_ScalarReal((double)table.merged));
  return RS_OK;
}

SEXP rs_r_tabulate(SEXP r_rows_list, SEXP ties) {
  rs_rows rows = r_rows(r_rows_list);
  rs_run run = r_run(rows.n);
  rs_report report = {0};
  rs_stream *stream = NULL;
  SEXP holder = PROTECT(r_hold_stream());
  SEXP out = PROTECT(r_list(ARRAYS + RS_ARRAYS, NAMES));
  rs_status status =
      rs_stream_open(&rows, (rs_ties)r_code(ties), &run, &stream, &report);
  R_SetExternalPtrAddr(holder, stream);
  if (status == RS_OK && stream) {
    status = fill(out, stream, &run, rows.n_group * rows.n_stratum);
  }
  r_release_stream(holder);
  SET_VECTOR_ELT(out, STATUS, r_status(status, &run));
  SET_VECTOR_ELT(out, REPORT, r_report(&report));
  UNPROTECT(2);
  return out;
}

/* Row numbers with a missing value, integer where they fit; n of them. */
SEXP rs_r_missing_rows(SEXP r_rows_list, SEXP event, SEXP n) {
  rs_rows rows = r_rows(r_rows_list);
  size_t count = r_count(n);
  size_t *at = (size_t *)R_alloc(count + 1, sizeof(size_t));
  size_t found;
  rs_run run = r_run(rows.n);
  r_status(rs_missing_rows(&rows, r_number(event), at, count, &run, &found), &run);
  if (found != count) Rf_error("%.0f rows have a missing value", (double)found);
  SEXP out = PROTECT(Rf_allocVector(rows.n > INT_MAX ? REALSXP : INTSXP, (R_xlen_t)count));
  for (size_t i = 0; i < count; i++) {
    if (TYPEOF(out) == INTSXP) INTEGER(out)[i] = (int)at[i];
    else REAL(out)[i] = (double)at[i];
  }
  UNPROTECT(1);
  return out;
}

/* Representative of each of increasing distinct times. */
SEXP rs_r_merge_times(SEXP times, SEXP ties) {
  if (TYPEOF(times) != REALSXP) Rf_error("times must be double");
  SEXP out = PROTECT(Rf_allocVector(REALSXP, XLENGTH(times)));
  rs_merge_times(REAL(times), (size_t)XLENGTH(times), (rs_ties)r_code(ties), REAL(out));
  UNPROTECT(1);
  return out;
}
