/* r_args.c: SEXPs taken apart and put together; how a call runs, and how it is interrupted. */
#include "r_args.h"

#include <math.h>
#include <setjmp.h>
#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#endif

/* Asked from the core, which holds memory: R must not jump out of it. A jump that R begins (an
 * interrupt, a time limit) is held up here and goes on in r_status(), so that it ends where the
 * user's handlers are. */
typedef struct {
  SEXP token; /* of the jump held up, preserved; NULL for none */
  jmp_buf back;
} held_jump;

static SEXP check_interrupt(void *unused) {
  (void)unused;
  R_CheckUserInterrupt();
  return R_NilValue;
}

static void hold_jump(void *held, Rboolean jumps) {
  if (jumps) longjmp(((held_jump *)held)->back, 1);
}

static int poll_interrupt(void *data) {
  held_jump *held = data;
  if (held->token) return 1;
  SEXP token = PROTECT(R_MakeUnwindCont());
  if (setjmp(held->back)) {
    R_PreserveObject(token);
    held->token = token;
  } else {
    R_UnwindProtect(check_interrupt, NULL, hold_jump, held, token);
  }
  UNPROTECT(1);
  return held->token != NULL;
}

static int threads(void) {
#ifdef _OPENMP
  SEXP option = Rf_GetOption1(Rf_install("riskset.threads"));
  int n = option == R_NilValue ? 2 : Rf_asInteger(option);
  int most = omp_get_num_procs();
  if (omp_get_thread_limit() < most) most = omp_get_thread_limit();
  if (n == NA_INTEGER || n < 1 || r_forked()) n = 1;
  return n < most ? n : most;
#else
  return 1;
#endif
}

/* options(riskset.paths = "sort") switches the faster paths off, to compare them. */
static unsigned paths(void) {
  SEXP option = Rf_GetOption1(Rf_install("riskset.paths"));
  unsigned allowed = 0;
  if (TYPEOF(option) != STRSXP) return RS_PATH_COUNT | RS_PATH_SORT;
  for (R_xlen_t i = 0; i < XLENGTH(option); i++) {
    const char *name = CHAR(STRING_ELT(option, i));
    if (strcmp(name, "count") == 0) allowed |= RS_PATH_COUNT;
    if (strcmp(name, "sort") == 0) allowed |= RS_PATH_SORT;
  }
  return allowed;
}

/* A small call neither shares its work nor takes long enough to be stopped. */
rs_run r_run(size_t work) {
  rs_run run = {1, NULL, NULL, paths()};
  if (work >= 50000) {
    run.threads = threads();
    run.poll = poll_interrupt;
    held_jump *held = (held_jump *)R_alloc(1, sizeof *held);
    held->token = NULL;
    run.poll_data = held;
  }
  return run;
}

rs_column r_column(SEXP x) {
  rs_column column = {NULL, RS_NONE};
  switch (TYPEOF(x)) {
    case NILSXP:
      return column;
    case INTSXP:
      column.type = RS_INT;
      column.data = INTEGER_RO(x);
      return column;
    case LGLSXP:
      column.type = RS_INT;
      column.data = LOGICAL_RO(x);
      return column;
    case REALSXP:
      column.type = RS_DOUBLE;
      column.data = REAL_RO(x);
      return column;
    default:
      Rf_error("a column must be integer, logical or double");
  }
}

rs_column r_column_of(SEXP x, size_t n) {
  rs_column column = r_column(x);
  if (x != R_NilValue && (size_t)XLENGTH(x) != n) Rf_error("a column has another length");
  return column;
}

rs_column *r_columns(SEXP x, size_t n, size_t *count) {
  int listed = TYPEOF(x) == VECSXP;
  *count = listed ? (size_t)XLENGTH(x) : (size_t)Rf_ncols(x);
  rs_column *column = (rs_column *)R_alloc(*count + 1, sizeof *column);
  rs_column all = listed ? r_column(R_NilValue) : r_column(x);
  size_t size = all.type == RS_DOUBLE ? sizeof(double) : sizeof(int);
  if (!listed && (size_t)XLENGTH(x) != n * *count) Rf_error("the matrix has another length");
  for (size_t j = 0; j < *count; j++) {
    if (listed) {
      SEXP one = VECTOR_ELT(x, (R_xlen_t)j);
      if ((size_t)XLENGTH(one) != n) Rf_error("columns must have one value for each row");
      column[j] = r_column(one);
    } else {
      column[j].type = all.type;
      column[j].data = (const char *)all.data + j * n * size;
    }
  }
  return column;
}

static rs_column r_codes(SEXP x, size_t n) {
  rs_column column = r_column(x);
  if (column.type == RS_DOUBLE || (column.type == RS_INT && (size_t)XLENGTH(x) != n)) {
    Rf_error("codes must be integers, one for each row");
  }
  return column;
}

int r_is_number(SEXP x) { return Rf_isNumeric(x) || Rf_isLogical(x); }

double r_number(SEXP x) {
  if (!r_is_number(x) || XLENGTH(x) != 1) Rf_error("a number is needed");
  return Rf_asReal(x);
}

int r_code(SEXP x) {
  int code = r_number(x) == r_number(x) ? Rf_asInteger(x) : NA_INTEGER;
  if (code == NA_INTEGER) Rf_error("an integer is needed");
  return code;
}

const double *r_doubles(SEXP x, size_t n) {
  if (TYPEOF(x) != REALSXP || (size_t)XLENGTH(x) != n) {
    Rf_error("%.0f doubles are needed", (double)n);
  }
  return REAL_RO(x);
}

const double *r_counts(SEXP x, size_t n) {
  const double *count = r_doubles(x, n);
  for (size_t i = 0; i < n; i++) {
    if (!(count[i] >= 0 && count[i] <= 9007199254740992.0 && count[i] == floor(count[i]))) {
      Rf_error("counts must be whole numbers");
    }
  }
  return count;
}

size_t r_count(SEXP x) {
  double value = r_number(x);
  if (!(value >= 0 && value <= 9007199254740992.0)) Rf_error("a count is needed");
  return (size_t)value;
}

SEXP r_element(SEXP list, const char *name) {
  SEXP names = Rf_getAttrib(list, R_NamesSymbol);
  if (TYPEOF(list) != VECSXP || TYPEOF(names) != STRSXP) Rf_error("a named list is needed");
  for (R_xlen_t i = 0; i < XLENGTH(list); i++) {
    if (strcmp(CHAR(STRING_ELT(names, i)), name) == 0) return VECTOR_ELT(list, i);
  }
  return R_NilValue;
}

/* A column of `length` values by its name. */
static rs_column named_column(SEXP list, const char *name, size_t length) {
  SEXP x = r_element(list, name);
  if (x != R_NilValue && (size_t)XLENGTH(x) != length) Rf_error("`%s` has another length", name);
  return r_column(x);
}

static void check_blocks(const rs_rows *rows) {
  if (rows->n_group < 1 || rows->n_stratum < 1) Rf_error("a group and a stratum are needed");
  if (rows->n_group > INT32_MAX / rows->n_stratum / 4) Rf_error("too many groups times strata");
}

rs_rows r_trials(SEXP list, size_t n, size_t trials) {
  rs_rows rows;
  memset(&rows, 0, sizeof rows);
  SEXP group = r_element(list, "group");
  if (trials > 0 && n > (size_t)R_XLEN_T_MAX / trials) Rf_error("too many trials");
  rows.n = n;
  rows.time = named_column(list, "time", n * trials);
  rows.status = named_column(list, "status", n * trials);
  rows.group = r_codes(group, (size_t)XLENGTH(group) == n ? n : n * trials);
  rows.stratum = r_codes(r_element(list, "stratum"), n);
  rows.n_group = r_count(r_element(list, "n_group"));
  rows.n_stratum = r_count(r_element(list, "n_stratum"));
  rows.event = r_number(r_element(list, "event"));
  if (rows.time.type == RS_NONE || group == R_NilValue) Rf_error("time and group are needed");
  check_blocks(&rows);
  return rows;
}

rs_rows r_rows(SEXP list) {
  rs_rows rows;
  SEXP time = r_element(list, "time");
  memset(&rows, 0, sizeof rows);
  if (time == R_NilValue) Rf_error("`time` is needed");
  rows.n = (size_t)XLENGTH(time);
  rows.time = r_column(time);
  rows.entry = named_column(list, "entry", rows.n);
  rows.status = named_column(list, "status", rows.n);
  rows.weight = named_column(list, "weight", rows.n);
  rows.group = r_codes(r_element(list, "group"), rows.n);
  rows.stratum = r_codes(r_element(list, "stratum"), rows.n);
  rows.n_group = r_count(r_element(list, "n_group"));
  rows.n_stratum = r_count(r_element(list, "n_stratum"));
  rows.event = r_number(r_element(list, "event"));
  check_blocks(&rows);
  return rows;
}

/* Names of rs_problem, rs_column_name and rs_status as the R side knows them. */
static const char *const PROBLEM[] = {"fine",   "negative", "infinite", "event at infinity",
                                      "status", "order",    "zero",     "missing",
                                      "tied",   "sum"};
static const char *const COLUMN[] = {"time", "entry", "status", "weights", "group", "stratum"};
static const char *const STATUS[] = {"ok", "memory", "interrupt", "row", "large"};

SEXP r_status(rs_status status, const rs_run *run) {
  SEXP token = run->poll_data ? ((held_jump *)run->poll_data)->token : NULL;
  if (token) { /* also where memory ran out while the call was being stopped */
    R_ReleaseObject(token);
    R_ContinueUnwind(token);
  }
  return Rf_mkString(STATUS[status]);
}

SEXP r_list(int n, const char *const *names) {
  SEXP list = PROTECT(Rf_allocVector(VECSXP, n));
  SEXP labels = PROTECT(Rf_allocVector(STRSXP, n));
  for (int i = 0; i < n; i++) SET_STRING_ELT(labels, i, Rf_mkChar(names[i]));
  Rf_setAttrib(list, R_NamesSymbol, labels);
  UNPROTECT(2);
  return list;
}

/* Sums over the rows; c(least above 0, largest, sum) of the weights where they are fractional, and
 * what is wrong with a row where something is. */
SEXP r_report(const rs_report *report) {
  static const char *const names[] = {"used",    "missing", "nan", "event", "weights", "range",
                                      "problem", "column",  "row", "rows",  "value"};
  int n = report->problem != RS_FINE ? 11 : report->weights == 2 ? 6 : 5;
  SEXP list = PROTECT(r_list(n, names));
  SEXP missing = PROTECT(Rf_allocVector(REALSXP, RS_COLUMNS));
  SEXP labels = PROTECT(Rf_allocVector(STRSXP, RS_COLUMNS));
  for (int c = 0; c < RS_COLUMNS; c++) {
    REAL(missing)[c] = (double)report->missing[c];
    SET_STRING_ELT(labels, c, Rf_mkChar(COLUMN[c]));
  }
  Rf_setAttrib(missing, R_NamesSymbol, labels);
  SET_VECTOR_ELT(list, 0, Rf_ScalarReal((double)report->used));
  SET_VECTOR_ELT(list, 1, missing);
  SET_VECTOR_ELT(list, 2, Rf_ScalarReal((double)report->not_a_number));
  SET_VECTOR_ELT(list, 3, Rf_ScalarReal(report->event));
  SET_VECTOR_ELT(list, 4, Rf_ScalarInteger(report->weights));
  if (n > 5) {
    SEXP range = Rf_allocVector(REALSXP, 3);
    SET_VECTOR_ELT(list, 5, range);
    REAL(range)[0] = report->least_weight;
    REAL(range)[1] = report->most_weight;
    REAL(range)[2] = report->total_weight;
  }
  if (n > 6) {
    SET_VECTOR_ELT(list, 6, Rf_mkString(PROBLEM[report->problem]));
    SET_VECTOR_ELT(list, 7, Rf_mkString(COLUMN[report->column]));
    SET_VECTOR_ELT(list, 8, Rf_ScalarReal((double)report->row + 1));
    SET_VECTOR_ELT(list, 9, Rf_ScalarReal((double)report->rows));
    SET_VECTOR_ELT(list, 10, Rf_ScalarReal(report->value));
  }
  UNPROTECT(3);
  return list;
}

static void close_stream(SEXP holder) {
  rs_stream_close(R_ExternalPtrAddr(holder));
  R_ClearExternalPtr(holder);
}

SEXP r_hold_stream(void) {
  SEXP holder = PROTECT(R_MakeExternalPtr(NULL, R_NilValue, R_NilValue));
  R_RegisterCFinalizer(holder, close_stream);
  UNPROTECT(1);
  return holder;
}

void r_release_stream(SEXP holder) { close_stream(holder); }

/* A merge of blocks whose times do not increase, are negative or no numbers, would not end. */
static void check_times(const double *time, size_t n) {
  if (n > 0 && !(time[0] >= 0)) Rf_error("not a risk table");
  for (size_t i = 1; i < n; i++) {
    if (!(time[i] > time[i - 1])) Rf_error("not a risk table");
  }
}

size_t *r_block_starts(SEXP size, size_t rows) {
  if (TYPEOF(size) != REALSXP) Rf_error("not a risk table");
  size_t blocks = (size_t)XLENGTH(size);
  size_t *start = (size_t *)R_alloc(blocks + 1, sizeof *start);
  start[0] = 0;
  for (size_t b = 0; b < blocks; b++) {
    double n = REAL(size)[b];
    if (!(n >= 0 && n <= (double)(rows - start[b]))) Rf_error("not a risk table");
    start[b + 1] = start[b] + (size_t)n;
  }
  if (start[blocks] != rows) Rf_error("the risk table's sizes do not add up");
  return start;
}

rs_table r_table(SEXP list) {
  rs_table t;
  SEXP time = r_element(list, "time"), size = r_element(list, "size");
  const char *name[] = {"n.event", "n.censor", "n.enter"};
  const double **array[] = {(const double **)&t.event, (const double **)&t.censor,
                            (const double **)&t.enter};
  memset(&t, 0, sizeof t);
  if (TYPEOF(time) != REALSXP) Rf_error("not a risk table");
  t.n_row = (size_t)XLENGTH(time);
  t.time = REAL(time);
  t.start = r_block_starts(size, t.n_row);
  t.n_block = (size_t)XLENGTH(size);
  for (size_t b = 0; b < t.n_block; b++) {
    check_times(t.time + t.start[b], t.start[b + 1] - t.start[b]);
  }
  for (int a = 0; a < 3; a++) {
    SEXP x = r_element(list, name[a]);
    if (x == R_NilValue && a == 2) continue;
    if (TYPEOF(x) != REALSXP || (size_t)XLENGTH(x) != t.n_row) Rf_error("not a risk table");
    *array[a] = REAL(x);
  }
  return t;
}
