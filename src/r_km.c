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
  size_t blocks = (size_t)XLENGTH(r_element(table, "size"));
  size_t *start = (size_t *)R_alloc(blocks + 1, sizeof *start);
  rs_table t = r_table(table, start);
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
  SET_VECTOR_ELT(out, 0, r_status(rs_survival(&curves, start, blocks, &interval, &run), &run));
  UNPROTECT(1);
  return out;
}
