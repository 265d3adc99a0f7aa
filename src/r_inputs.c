#include <limits.h>
#include <string.h>

#include "r_args.h"

/* integer64 values, which R holds as the bits of doubles, as doubles; NA stays NA. */
SEXP rs_r_integer64(SEXP x) {
  if (TYPEOF(x) != REALSXP) Rf_error("integer64 must be double");
  SEXP out = PROTECT(Rf_allocVector(REALSXP, XLENGTH(x)));
  const int64_t *bits = (const int64_t *)REAL_RO(x);
  for (R_xlen_t i = 0; i < XLENGTH(x); i++) {
    REAL(out)[i] = bits[i] == INT64_MIN ? NA_REAL : (double)bits[i];
  }
  UNPROTECT(1);
  return out;
}

/* list(code, values): codes 1..k of whole numbers in a small range and the k numbers they stand
 * for, increasing and of the type of x; NULL where x has others. NA has code NA. */
SEXP rs_r_small_codes(SEXP x) {
  enum { RANGE = 65536 };
  rs_column column = r_column(x);
  size_t n = (size_t)XLENGTH(x), k;
  rs_run run = r_run(n);
  rs_range range;
  rs_status status = rs_column_range(column, n, RANGE, &run, &range);
  if (status != RS_OK) return r_status(status, &run);
  double low = range.low, high = range.high;
  if (!range.whole || high < low || high - low >= RANGE) return R_NilValue;
  int *map = (int *)R_alloc((size_t)(high - low) + 1, sizeof *map);
  SEXP out = PROTECT(Rf_allocVector(VECSXP, 2));
  SEXP code = Rf_allocVector(INTSXP, (R_xlen_t)n);
  SET_VECTOR_ELT(out, 0, code);
  k = rs_small_codes(&column, n, low, high, map, INTEGER(code));
  SEXP values = Rf_allocVector((SEXPTYPE)TYPEOF(x), (R_xlen_t)k);
  SET_VECTOR_ELT(out, 1, values);
  for (size_t v = 0; v <= (size_t)(high - low); v++) {
    if (map[v] == 0) continue;
    if (TYPEOF(x) == REALSXP) REAL(values)[map[v] - 1] = low + (double)v;
    else INTEGER(values)[map[v] - 1] = (int)low + (int)v;
  }
  UNPROTECT(1);
  return out;
}
