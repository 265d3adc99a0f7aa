/* r_args.h: what every glue file shares. Glue takes SEXPs apart, calls the core, and puts the
 * answer together; nothing else. What the core refuses goes back to R as a status and a
 * report, so that the R side words the error; Rf_error() is for calls that bypass R's checks. */
#ifndef R_ARGS_H
#define R_ARGS_H

#define R_NO_REMAP
#define STRICT_R_HEADERS
#include <R.h>
#include <Rinternals.h>

#include "core/riskset.h"

rs_run r_run(size_t work);   /* threads, interrupts and paths of a call on `work` values */
rs_column r_column(SEXP x);  /* integer, logical, factor or double; NULL is absent */
rs_column r_column_of(SEXP x, size_t n); /* the same, of n values unless it is absent */
/* The columns of a matrix, or of a list of vectors, of n values each; *count of them. */
rs_column *r_columns(SEXP x, size_t n, size_t *count);
size_t r_count(SEXP x);      /* a non-negative whole number given as a double */
int r_is_number(SEXP x);    /* numeric or logical, of any length; no factor */
double r_number(SEXP x);     /* one number, which may be missing */
int r_code(SEXP x);          /* one integer, not missing */
const double *r_doubles(SEXP x, size_t n); /* n doubles */
const double *r_counts(SEXP x, size_t n);  /* n doubles, whole numbers from 0 to 2^53 */
SEXP r_element(SEXP list, const char *name); /* R_NilValue where there is none */
SEXP r_list(int n, const char *const *names); /* a named list; the caller protects it */
/* "ok", "memory", "row" or "large"; does not return where the call was interrupted, so it comes
 * after the core's memory is freed. */
SEXP r_status(rs_status status, const rs_run *run);

rs_rows r_rows(SEXP list); /* time, entry, status, weight, group, stratum, ... by name */
/* The same of `trials` trials of n rows; group may be one trial's, for all of them. */
rs_rows r_trials(SEXP list, size_t n, size_t trials);
SEXP r_report(const rs_report *report);

/* Where each block of a risk table of `rows` rows starts, and where the last ends. R's memory. */
size_t *r_block_starts(SEXP size, size_t rows);

/* A risk table's time, n.event, n.censor, n.enter and size. */
rs_table r_table(SEXP list);

/* An external pointer for a stream, made before the stream so that whatever R does next, the
 * stream is freed. */
SEXP r_hold_stream(void);
void r_release_stream(SEXP holder);

int r_forked(void); /* whether this process is a fork of one that loaded the package */

/* What R calls: see init.c for how many arguments each takes. */
SEXP rs_r_tabulate(SEXP rows, SEXP ties);
SEXP rs_r_missing_rows(SEXP rows, SEXP event, SEXP n);
SEXP rs_r_merge_times(SEXP times, SEXP ties);
SEXP rs_r_integer64(SEXP x);
SEXP rs_r_small_codes(SEXP x);
SEXP rs_r_survival(SEXP table, SEXP type, SEXP z, SEXP closed);
SEXP rs_r_leaving_rows(SEXP columns, SEXP sums, SEXP event, SEXP censor, SEXP size);
SEXP rs_r_logrank_rows(SEXP rows, SEXP ties, SEXP rho, SEXP gamma, SEXP labels);
SEXP rs_r_logrank_table(SEXP table, SEXP n_group, SEXP n_stratum, SEXP rho, SEXP gamma, SEXP rows,
                        SEXP labels);
SEXP rs_r_screen_logrank(SEXP rows, SEXP x, SEXP ties);
SEXP rs_r_screen_trials(SEXP rows, SEXP n_row, SEXP n_trial, SEXP ties);
SEXP rs_r_column_range(SEXP x, SEXP most);
SEXP rs_r_count_table(SEXP columns, SEXP first, SEXP levels, SEXP weight);
SEXP rs_r_crosstab_tests(SEXP counts, SEXP row_score, SEXP col_score);
SEXP rs_r_screen_crosstab(SEXP x, SEXP y, SEXP strata, SEXP y_score, SEXP test);
SEXP rs_r_cmh(SEXP counts);
SEXP rs_r_homogeneity(SEXP counts, SEXP odds);
SEXP rs_r_cmh_exact(SEXP counts, SEXP odds);
SEXP rs_r_quadratic(SEXP u, SEXP v);
SEXP rs_r_chi_p(SEXP statistic, SEXP df);

#endif
