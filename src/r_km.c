/* r_km.c: the glue of R/km.R. */
#include "r_args.h"

static const double *optional(SEXP table, const char *name, R_xlen_t n) {
  SEXP x = r_element(table, name);
  if (x == R_NilValue) return NULL;
  if (TYPEOF(x) != REALSXP || XLENGTH(x) != n) Rf_error("not a risk table");
  return REAL(x);
}

/* n.risk, surv, std.err, cumhaz, std.chaz, lower, upper of all curves of a risk table. */
SEXP rs_r_survival(SEXP table, SEXP type, SEXP z, SEXP closed) {
  static const char *const names[] = {"status", "n.risk",   "surv",  "std.err",
                                      "cumhaz", "std.chaz", "lower", "upper"};
  rs_table t = r_table(table);
  R_xlen_t n = (R_xlen_t)t.n_row;
  rs_run run = r_run(t.n_row);
  rs_interval interval = {(rs_conf_type)r_code(type), r_number(z), NA_REAL,
                          r_code(closed) == TRUE};
  rs_curves curves = {t.event, t.censor, t.enter, optional(table, "square.event", n),
                      optional(table, "square.censor", n), NULL, NULL, NULL, NULL, NULL,
                      NULL, NULL};
  if (!curves.square_event != !curves.square_censor) Rf_error("not a risk table");
  double **array[] = {&curves.risk,     &curves.surv,  &curves.std_err, &curves.cumhaz,
                      &curves.std_chaz, &curves.lower, &curves.upper};
  int arrays = interval.type == RS_CONF_NONE ? 5 : 7;
  SEXP out = PROTECT(r_list(1 + arrays, names));
  for (int a = 0; a < arrays; a++) {
    SEXP x = Rf_allocVector(REALSXP, n);
    SET_VECTOR_ELT(out, a + 1, x);
    *array[a] = REAL(x);
    rs_advise(*array[a], (size_t)n * sizeof(double));
  }
  SET_VECTOR_ELT(out, 0, r_status(rs_survival(&curves, t.start, t.n_block, &interval, &run), &run));
  UNPROTECT(1);
  return out;
}

/* The columns of a risk table at the rows where `event` or `censor` says that subjects leave, and
 * the sizes of its blocks then: list(columns, size). Columns named in `sums` are summed up to the
 * next such row. */
SEXP rs_r_leaving_rows(SEXP columns, SEXP sums, SEXP event, SEXP censor, SEXP size) {
  const char *const names[] = {"columns", "size"};
  size_t n = (size_t)XLENGTH(event), blocks = (size_t)XLENGTH(size);
  const double *events = r_doubles(event, n), *censored = r_doubles(censor, n);
  const size_t *start = r_block_starts(size, n);
  size_t *left = (size_t *)R_alloc(blocks + 1, sizeof *left);
  rs_run run = r_run(n);
  if (TYPEOF(columns) != VECSXP || TYPEOF(sums) != LGLSXP || XLENGTH(sums) != XLENGTH(columns)) {
    Rf_error("a list, and whether each is summed, are needed");
  }
  r_status(rs_leaving_rows(events, censored, start, blocks, &run, NULL, left), &run);
  size_t *row = (size_t *)R_alloc(left[blocks] + 1, sizeof *row);
  r_status(rs_leaving_rows(events, censored, start, blocks, &run, row, left), &run);
  SEXP out = PROTECT(r_list(2, names)), kept = PROTECT(Rf_shallow_duplicate(columns));
  for (R_xlen_t c = 0; c < XLENGTH(kept); c++) {
    if (VECTOR_ELT(columns, c) == R_NilValue) continue;
    const double *from = r_doubles(VECTOR_ELT(columns, c), n);
    SEXP x = Rf_allocVector(REALSXP, (R_xlen_t)left[blocks]);
    SET_VECTOR_ELT(kept, c, x);
    r_status(rs_at_rows(from, LOGICAL(sums)[c], start, blocks, row, left, &run, REAL(x)), &run);
  }
  SEXP sizes = Rf_allocVector(REALSXP, (R_xlen_t)blocks);
  SET_VECTOR_ELT(out, 1, sizes);
  for (size_t b = 0; b < blocks; b++) REAL(sizes)[b] = (double)(left[b + 1] - left[b]);
  SET_VECTOR_ELT(out, 0, kept);
  UNPROTECT(2);
  return out;
}
