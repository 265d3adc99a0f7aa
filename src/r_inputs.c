/* r_inputs.c: the glue of R/inputs.R. */
#include <string.h>

#include "r_args.h"

/* integer64 values, which R holds as the bits of doubles, as doubles; NA stays NA. */
SEXP rs_r_integer64(SEXP x) {
  if (TYPEOF(x) != REALSXP) Rf_error("integer64 must be double");
  SEXP out = PROTECT(Rf_allocVector(REALSXP, XLENGTH(x)));
  for (R_xlen_t i = 0; i < XLENGTH(x); i++) {
    int64_t bits;
    memcpy(&bits, REAL_RO(x) + i, sizeof bits);
    REAL(out)[i] = bits == INT64_MIN ? NA_REAL : (double)bits;
  }
  UNPROTECT(1);
  return out;
}

/* list(code, labels, values, kind) as as_codes() has them, of whole numbers in a small range; NULL
 * where x has others. NA has code NA. Labels are what as.character() writes. */
SEXP rs_r_small_codes(SEXP x) {
  enum { RANGE = 65536 };
  const char *names[] = {"code", "labels", "values", "kind"};
  rs_column column = r_column(x);
  size_t n = (size_t)XLENGTH(x);
  rs_run run = r_run(n);
  rs_range range;
  rs_status status = rs_column_range(column, n, RANGE, &run, &range);
  if (status != RS_OK) return r_status(status, &run);
  double low = range.low, high = range.high;
  if (!range.whole || high < low) return R_NilValue;
  int *map = (int *)R_alloc((size_t)(high - low) + 1, sizeof *map);
  SEXP out = PROTECT(r_list(4, names));
  SEXP code = Rf_allocVector(INTSXP, (R_xlen_t)n);
  SET_VECTOR_ELT(out, 0, code);
  size_t k;
  r_status(rs_small_codes(&column, n, low, high, &run, map, INTEGER(code), &k), &run);
  SEXP values = Rf_allocVector(REALSXP, (R_xlen_t)k);
  SET_VECTOR_ELT(out, 2, values);
  for (size_t v = 0; v <= (size_t)(high - low); v++) {
    if (map[v] > 0) REAL(values)[map[v] - 1] = low + (double)v;
  }
  SEXP typed = PROTECT(Rf_coerceVector(values, (SEXPTYPE)TYPEOF(x)));
  SET_VECTOR_ELT(out, 1, Rf_coerceVector(typed, STRSXP));
  SET_VECTOR_ELT(out, 3, Rf_mkString("number"));
  UNPROTECT(2);
  return out;
}
