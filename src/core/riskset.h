/* riskset.h: the C interface of the risk table and what is computed from it.
 *
 * Plain C99: no R header, no static state, no printing. Lengths are size_t. Every function
 * that can fail returns an rs_status and has freed what it allocated; every array that a
 * caller passes stays the caller's. Missing values are NaN (double) and INT_MIN (int).
 */
#ifndef RISKSET_H
#define RISKSET_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
  RS_OK = 0,
  RS_NO_MEMORY,   /* an allocation failed, or its size does not fit size_t */
  RS_INTERRUPTED, /* poll() asked to stop */
  RS_BAD_ROW,     /* a row breaks a rule: see rs_report */
  RS_TOO_LARGE    /* more blocks, cells or rows than the method can address */
} rs_status;

/* How a call runs. poll (may be NULL) is called on the calling thread only, a few hundred
 * times a second at most; a non-zero answer stops the work. */
typedef struct {
  int threads;
  int (*poll)(void *);
  void *poll_data;
  unsigned paths; /* RS_PATH_* allowed; sorting always works and is used when no other is */
} rs_run;

enum { RS_PATH_COUNT = 1, RS_PATH_SORT = 2 };

int rs_stop(const rs_run *run); /* 1 when poll asks to stop */
int rs_threads(const rs_run *run, size_t n); /* 1 where n rows are too few to share */
/* For use inside a parallel loop over batches: the calling thread polls now and then, all
 * threads see its answer in *stopped. */
int rs_is_stopped(int *stopped, const rs_run *run, size_t batch);
/* How threads share a list of things: each takes the next. */
size_t rs_take(size_t *next);
/* Adds to the work done; 1, and counting begins again, once it is `most`: then poll. */
static inline int rs_is_due(size_t *work, size_t more, size_t most) {
  *work += more;
  if (*work < most) return 0;
  *work = 0;
  return 1;
}

int rs_mul(size_t a, size_t b, size_t *product); /* 1 when a * b overflows size_t */

/* Asks the system for large pages behind a large array that is about to be filled: the first
 * touch of a page costs more than its use. */
void rs_advise(void *array, size_t bytes);

/* A sum with its rounding error carried along (Neumaier 1974, ZAMM 54:39-51); the error of one
 * addition is Knuth's (1969, TAOCP 2, 4.2.2, theorem B), which has no branch. */
typedef struct {
  double sum, error;
} rs_sum;

static inline void rs_add(rs_sum *s, double x) {
  double t = s->sum + x, added = t - s->sum;
  s->error += (s->sum - (t - added)) + (x - added);
  s->sum = t;
}

/* Adds another such sum. */
static inline void rs_add_sum(rs_sum *s, const rs_sum *other) {
  rs_add(s, other->sum);
  s->error += other->error;
}

static inline double rs_total(const rs_sum *s) { return s->sum + s->error; }

/* ---- Rows: what a user has, one row a subject (or spell) -------------------------------- */

typedef enum { RS_NONE, RS_INT, RS_DOUBLE } rs_type;

typedef struct {
  const void *data;
  rs_type type;
} rs_column;

typedef struct {
  size_t n;
  rs_column time, entry, status, weight; /* entry, status and weight may be RS_NONE */
  rs_column group, stratum;              /* RS_INT codes 1..n_group, or RS_NONE */
  size_t n_group, n_stratum;             /* at least 1 */
  double event;  /* the declared code of an event; NaN: decided as survival::Surv() does */
  int keep_rows; /* cells of the stream shall name their row: nothing is counted together */
} rs_rows;

typedef enum {
  RS_COLUMN_TIME,
  RS_COLUMN_ENTRY,
  RS_COLUMN_STATUS,
  RS_COLUMN_WEIGHT,
  RS_COLUMN_GROUP,
  RS_COLUMN_STRATUM,
  RS_COLUMNS
} rs_column_name;

typedef enum {
  RS_FINE,
  RS_NEGATIVE,
  RS_INFINITE,
  RS_EVENT_AT_INFINITY,
  RS_NOT_A_STATUS,
  RS_ENTRY_NOT_BEFORE_TIME,
  RS_ALL_ZERO,
  RS_MISSING, /* where a missing value may not be (weights) */
  RS_ENTRY_TIED_WITH_TIME, /* by the rule of survival, which looks at all times */
  RS_SUM_TOO_LARGE /* whole weights whose sum is above 2^53 */
} rs_problem;

/* What one pass over the rows finds. */
typedef struct {
  size_t used;                /* rows without a missing value */
  size_t missing[RS_COLUMNS]; /* missing values by column; a row may count twice */
  size_t not_a_number;        /* of them, times that are NaN but not NA */
  double min_time, max_time;  /* over finite times and entries of the used rows */
  double min_positive;        /* the smallest of them above 0; +Inf if none */
  int whole_times;            /* every used time and entry is whole (or +Inf) */
  int infinite_times;         /* some censored time is +Inf */
  double event;               /* the code of an event; NaN for no status column */
  int weights;                /* 0 none or all 1, 1 whole, 2 fractional */
  double total_weight;        /* their sum */
  double least_weight;        /* the least above 0; +Inf if none */
  double most_weight;
  rs_problem problem;         /* the first rule broken, RS_FINE if none */
  rs_column_name column;      /* of the problem, */
  size_t row, rows;           /* its first row (0-based) and how many rows share it */
  double value;               /* the offending value */
} rs_report;

/* Codes 1..used of whole numbers from low to high, in increasing order; NA becomes INT_MIN. map
 * (high - low + 1 elements) gets the code of each number, 0 where it does not occur. */
rs_status rs_small_codes(const rs_column *x, size_t n, double low, double high,
                         const rs_run *run, int *map, int *code, size_t *used);

/* ---- Ties ------------------------------------------------------------------------------ */

typedef enum {
  RS_TIES_EXACT,   /* times are equal when their bits are */
  RS_TIES_ULP,     /* within 4 ulp of the first of the run; two whole numbers never */
  RS_TIES_SURVIVAL /* survival::aeqSurv: gap <= 1.5e-8, absolute or over the mean; chained */
} rs_ties;

/* Representative (the smallest of its run) of each of n increasing distinct times.
 * representative may be times itself. Returns how many distinct times were merged away. */
size_t rs_merge_times(const double *times, size_t n, rs_ties ties, double *representative);

/* ---- The risk table -------------------------------------------------------------------- */

/* Blocks (stratum, group) in order of stratum then group; rows of a block by increasing time.
 * Block b holds rows start[b] .. start[b + 1] - 1. n.risk is derived: a subject counts at t
 * when it entered before t and has not left before t, so
 *   n.risk[i] = sum over j >= i in the block of (event + censor - enter)[j].
 * Arrays are sums of case weights; rows_* count rows, square_* sum squared weights. */
typedef struct {
  size_t n_block, n_row;
  size_t *start; /* n_block + 1 */
  double *time, *event, *censor;
  double *enter;                      /* NULL without entry times */
  double *rows_event, *rows_censor;   /* NULL without weights */
  double *rows_enter;                 /* NULL unless there are both weights and entry times */
  double *square_event, *square_censor; /* NULL unless weights are fractional */
  size_t merged;                      /* distinct times merged by the tie rule */
} rs_table;

/* Where the table's long arrays live: allocate(n, user) returns n doubles or NULL. */
typedef double *(*rs_allocate)(size_t n, int which, void *user);
enum {
  RS_TIME,
  RS_EVENT,
  RS_CENSOR,
  RS_ENTER,
  RS_ROWS_EVENT,
  RS_ROWS_CENSOR,
  RS_ROWS_ENTER,
  RS_SQUARE_EVENT,
  RS_SQUARE_CENSOR,
  RS_ARRAYS
};

/* An ordered reading of rows: strata ascending, times ascending within a stratum. */
typedef struct rs_stream rs_stream;

typedef struct {
  double time;
  uint32_t block; /* stratum * n_group + group, 0-based */
  uint32_t kind;  /* rs_kind */
  double count;   /* sum of weights */
  double rows;    /* rows of data behind it */
  double square;  /* sum of squared weights */
  uint32_t row;   /* 0-based; where rows are not counted together (keep_rows, sorted weights) */
} rs_cell;

typedef enum { RS_KIND_CENSOR, RS_KIND_EVENT, RS_KIND_ENTER } rs_kind;

/* Checks rows and makes their stream; *report is filled whatever is returned. */
rs_status rs_stream_open(const rs_rows *rows, rs_ties ties, const rs_run *run,
                         rs_stream **stream, rs_report *report);
/* The same from a table whose times increase from 0 or later in each block and are taken as they
 * stand; the table must outlive the stream. */
rs_status rs_stream_table(const rs_table *table, size_t n_group, size_t n_stratum,
                          const rs_run *run, rs_stream **stream);
size_t rs_stream_read(rs_stream *stream, rs_cell *cell, size_t room); /* 0 at the end */
void rs_stream_rewind(rs_stream *stream);

/* A stream is read in parallel by its segments, in any order: a stratum is one, and a large one
 * that is alone is cut into ranges of time. Cells of a segment come in order of time. */
typedef struct {
  const rs_stream *stream;
  size_t stratum, at, to;
  size_t *head, *stop; /* of a table: next row and end of each block */
  size_t work;         /* for rs_is_due() */
} rs_reader;

size_t rs_stream_segments(const rs_stream *stream);
size_t rs_stream_strata(const rs_stream *stream);
size_t rs_stream_places(const rs_stream *stream); /* a measure of the work of reading it */
size_t rs_segment_stratum(const rs_stream *stream, size_t segment);
/* By group: subjects at risk before the first time of the segment. */
const double *rs_segment_risk(const rs_stream *stream, size_t segment);
rs_status rs_reader_open(rs_reader *reader, const rs_stream *stream);
void rs_reader_seek(rs_reader *reader, size_t segment);
size_t rs_reader_read(rs_reader *reader, rs_cell *cell, size_t room); /* 0 at the segment's end */
void rs_reader_close(rs_reader *reader);

/* Calls visit(job, reader, segment, room) for each segment from .. to - 1, with a reader at its
 * start; segments are shared among threads, each of which has a room of n doubles, 0 at first.
 * A visit that polls passes `stopped` on, after which no other begins. */
typedef void (*rs_visit)(void *job, rs_reader *reader, size_t segment, double *room);
rs_status rs_visit_segments(const rs_stream *stream, size_t from, size_t to, size_t n,
                            rs_visit visit, void *job, const rs_run *run, int *stopped);

size_t rs_stream_merged(const rs_stream *stream);
/* By block: rows of data, and the subjects they stand for (the sum of their weights). */
const double *rs_stream_rows(const rs_stream *stream);
const double *rs_stream_subjects(const rs_stream *stream);
void rs_stream_close(rs_stream *stream);

/* Row numbers (1-based) that have a missing value: the first `room` of them into at. found: how
 * many there are; event is the report's. */
rs_status rs_missing_rows(const rs_rows *rows, double event, size_t *at, size_t room,
                          const rs_run *run, size_t *found);

/* Builds the table from a stream. table->start is the caller's (n_block + 1 elements); the
 * long arrays come from allocate, which is called on the calling thread. */
rs_status rs_tabulate(rs_stream *stream, const rs_run *run, rs_allocate allocate, void *user,
                      rs_table *table);

/* ---- Kaplan-Meier ---------------------------------------------------------------------- */

typedef enum {
  RS_CONF_NONE,
  RS_CONF_LOG,
  RS_CONF_LOGLOG,
  RS_CONF_PLAIN,
  RS_CONF_LOGIT,
  RS_CONF_ARCSIN
} rs_conf_type;

/* The arrays of one curve, or of all curves of a table one after the other. Those of the table
 * are read (enter and the squares may be NULL), the others written; lower and upper may be
 * NULL. std_err is that of log S (Greenwood 1926, Reports on Public Health and Medical Subjects
 * 33:1-26), or with squares that of S itself (the infinitesimal jackknife, as survival::survfit()
 * gives for fractional weights); std_chaz is that of the Nelson-Aalen sum. */
typedef struct {
  const double *event, *censor, *enter, *square_event, *square_censor;
  double *risk, *surv, *std_err, *cumhaz, *std_chaz, *lower, *upper;
} rs_curves;

/* z: the normal quantile of the interval; missing: what stands for an undefined limit; closed:
 * whether log, log-log and logit limits are S itself where its standard error is 0 (as in
 * survival from 3.8 on; missing before). */
typedef struct {
  rs_conf_type type;
  double z, missing;
  int closed;
} rs_interval;

/* Curve b has rows start[b] .. start[b + 1] - 1; curves are shared among threads. */
rs_status rs_survival(const rs_curves *curves, const size_t *start, size_t n_curve,
                      const rs_interval *interval, const rs_run *run);

/* Rows of a table at which subjects leave: their numbers into row (NULL: they are counted only),
 * those of block b from left[b] to left[b + 1] - 1; left has n_block + 1 elements. */
rs_status rs_leaving_rows(const double *event, const double *censor, const size_t *start,
                          size_t n_block, const rs_run *run, size_t *row, size_t *left);

/* One of the table's arrays at those rows. sums: each with what follows it up to the next, so that
 * entries counted there leave the risk sets as they are. */
rs_status rs_at_rows(const double *x, int sums, const size_t *start, size_t n_block,
                     const size_t *row, const size_t *left, const rs_run *run, double *out);

/* ---- The Mantel-Haenszel accumulator ---------------------------------------------------- */

/* Sums, over tables with `rows` groups and `cols` + 1 outcomes (the last outcome is not
 * tracked), of observed and expected counts (rows x cols, by column) and of the
 * hypergeometric covariance of all rows * cols observed counts.
 * Mantel & Haenszel (1959) JNCI 22:719-748; Birch (1965) JRSS B 27:111-124;
 * Landis, Heyman & Koch (1978) Int Stat Rev 46:237-254, eq. 3. */
typedef struct {
  size_t rows, cols;
  rs_sum *observed, *expected; /* rows * cols */
  rs_sum *covariance;          /* (rows * cols)^2, its upper triangle */
  double *work;
  size_t informative; /* tables that added to the covariance */
} rs_mh;

rs_status rs_mh_open(rs_mh *mh, size_t rows, size_t cols);
void rs_mh_close(rs_mh *mh);
/* margin: the row totals (rows); count: the tracked counts (rows x cols, by column); weight
 * multiplies O - E. A table with fewer than two subjects, one non-empty row or one non-empty
 * column adds nothing to the covariance. */
void rs_mh_add(rs_mh *mh, const double *margin, const double *count, double weight);
void rs_mh_clear(rs_mh *mh);
void rs_mh_merge(rs_mh *mh, const rs_mh *other); /* adds the sums of another */
/* The sums as numbers, the covariance with both its triangles; the arrays are the caller's. */
void rs_mh_totals(const rs_mh *mh, double *observed, double *expected, double *covariance);

/* Diagonal elements of a correlation matrix below it, once the pivots before them are taken
 * out, are rounding. */
#define RS_RANK_TOLERANCE 1e-11

/* u' V^- u (0 where the rank is 0) and the rank of V (p x p), by a Cholesky factorisation of V
 * scaled to correlations, whose next pivot is the largest diagonal element left (Higham 1990, in
 * Reliable Numerical Computation, 161-185). work holds p * (p + 3) doubles. */
rs_status rs_quadratic_run(const double *u, const double *v, size_t p, const rs_run *run,
                           double *work, double *value, size_t *rank);
/* The same for a few groups, which takes no time. */
double rs_quadratic(const double *u, const double *v, size_t p, double *work, size_t *rank);

/* ---- Log-rank --------------------------------------------------------------------------- */

/* Fleming & Harrington's G(rho, gamma): each event time weighs S(t-)^rho (1 - S(t-))^gamma,
 * S the pooled Kaplan-Meier of its stratum (Fleming & Harrington 1991, ch. 7).
 * observed, expected: n_group, summed over strata; covariance: n_group x n_group. */
typedef struct {
  double rho, gamma;
  double *observed, *expected, *covariance;
  size_t informative_times, informative_strata;
} rs_logrank;

rs_status rs_logrank_run(rs_stream *stream, size_t n_group, const rs_run *run,
                         rs_logrank *test);

/* ---- Many log-rank tests ----------------------------------------------------------------- */

/* One test's outcome: rows without a missing value, their events, groups that have rows, rank of
 * the test; statistic is NaN where it is undefined. For two groups effect is O - E of the one with
 * the larger value (in events) and variance its variance, otherwise both are NaN. */
typedef struct {
  size_t n, events, groups, df;
  size_t merged; /* distinct times that the tie rule merged */
  double statistic, effect, variance;
} rs_screened;

enum { RS_MOST_GROUPS = 50 }; /* a column with more distinct values is not tested */

/* Tests each of n_column columns (values of any kind, rows->n of them, NA dropped by column) as
 * the group, against the time, status and strata of rows, which are sorted once; rows have neither
 * entry nor weight, and their group is not looked at. The test is that of rs_logrank_run(). result
 * has n_column elements, the caller's; they are set where the answer is RS_OK and report->used is
 * above 0. */
rs_status rs_screen_logrank(const rs_rows *rows, rs_ties ties, const rs_column *column,
                            size_t n_column, const rs_run *run, rs_screened *result,
                            rs_report *report);

/* Tests each of n_trial trials of rows->n rows without entry or weight: trial j has the times,
 * statuses and (if group_step) codes that begin at j * rows->n. result has n_trial elements, the
 * caller's. Where the answer is RS_BAD_ROW, *trial is the first such trial, the report is of it,
 * and the results before it are set; where it is RS_OK all are. */
rs_status rs_screen_trials(const rs_rows *rows, size_t n_trial, int group_step, rs_ties ties,
                           const rs_run *run, rs_screened *result, rs_report *report,
                           size_t *trial);

/* ---- Contingency tables ----------------------------------------------------------------- */

/* A column of categories: level v is v - first, of `levels`; other values (fractions too) and
 * missing ones are no level. A column of type RS_NONE has one level, everybody's. */
typedef struct {
  rs_column column;
  int first;
  size_t levels;
} rs_category;

typedef struct {
  size_t missing;    /* rows without a level in some category; not in the table */
  size_t bad_weight; /* first row (0-based) whose weight is not a count; SIZE_MAX: none */
} rs_counted;

/* Counts n rows (sums of whole-number weights, if there are any) into counts, an array of the
 * three categories' levels, the first moving fastest; it is the caller's. */
rs_status rs_count_table(const rs_category category[3], rs_column weight, size_t n,
                         const rs_run *run, double *counts, rs_counted *found);

/* Whether a column is made of few whole numbers: whole is 0 when it has others, or when they
 * spread over more than `most`. */
typedef struct {
  int whole;
  double low, high; /* high < low when all are missing */
} rs_range;

/* Of n rows; where whole is 0 the column may not have been read to its end. */
rs_status rs_column_range(rs_column column, size_t n, size_t most, const rs_run *run,
                          rs_range *range);

/* A rows x cols table (by column) without empty rows or columns, and its statistics: the
 * chi-square of Pearson (1900, Phil Mag 50:157-175), with the correction of Yates (1934, Suppl JRSS
 * 1:217-235; of at most 0.5, for 2 x 2 tables), the likelihood ratio G^2 (Wilks 1935, Ann Math Stat
 * 6:190-196) and linear-by-linear (Mantel 1963, JASA 58:690-700; NaN where scores do not differ).
 * row (rows) and col (cols), the margins, and expected (rows x cols, may be NULL) are the
 * caller's. */
typedef struct {
  size_t rows, cols;
  const double *counts;
  double *row, *col, *expected;
  double n, least; /* subjects, smallest expected count */
  size_t low;      /* cells with an expected count below 5 */
  double pearson, yates, likelihood, linear;
} rs_crosstab;

/* row_score and col_score: a number for each row and each column. */
void rs_crosstab_run(rs_crosstab *table, const double *row_score, const double *col_score);

/* Log of the two-sided P of Fisher's test of the table a b / c d, whole counts; O(sqrt(n)) steps.
 * Agresti (1992), Statistical Science 7:131-153. */
double rs_fisher_log_p(double a, double b, double c, double d);

/* ---- Tables in strata -------------------------------------------------------------------- */

/* The Cochran-Mantel-Haenszel sums (see rs_mh) of a rows x cols x strata array: observed and
 * expected counts (rows x (cols - 1)), their covariance, and for 2 x 2 tables the common odds ratio
 * (Mantel & Haenszel 1959, JNCI 22:719-748) and the variance of its logarithm (Robins, Breslow &
 * Greenland 1986, Biometrics 42:311-323). Arrays are the caller's; work holds `rows` doubles. */
typedef struct {
  size_t rows, cols, strata;
  double *observed, *expected, *covariance, *work;
  size_t informative;
  double odds_ratio, log_variance;
} rs_cmh;

rs_status rs_cmh_run(const double *counts, const rs_run *run, rs_cmh *test);

/* Chi-squares of 2 x 2 x strata counts against a common odds ratio above 0, each on (informative
 * strata - 1) degrees of freedom: Breslow & Day (1980), Statistical Methods in Cancer Research I,
 * p. 142; Tarone (1985), Biometrika 72:91-95. */
void rs_homogeneity(const double *counts, size_t strata, double odds, double *breslow_day,
                    double *tarone, size_t *informative);

/* Distribution of the sum of the first cells of 2 x 2 x strata counts given all margins, at a
 * common odds ratio above 0 (Mehta, Patel & Gray 1985, JASA 80:969-973): probabilities over its
 * support, from the least value on, into density (`length` elements, the caller's). rs_exact_work()
 * foretells that length and answers with the number of multiplications. */
double rs_exact_work(const double *counts, size_t strata, double odds, double *length);
rs_status rs_exact_distribution(const double *counts, size_t strata, double odds,
                                const rs_run *run, size_t length, double *density);

/* ---- Screens of contingency tables ------------------------------------------------------- */

typedef enum { RS_SCREEN_PEARSON, RS_SCREEN_TREND, RS_SCREEN_CMH } rs_screen_test;

/* What became of a column. WIDE: it has other than few whole numbers, and was left alone. */
typedef enum {
  RS_SCREEN_DONE,
  RS_SCREEN_NO_ROWS,
  RS_SCREEN_ONE_X,
  RS_SCREEN_ONE_Y,
  RS_SCREEN_NO_INFORMATION,
  RS_SCREEN_WIDE
} rs_screen_reason;

typedef struct {
  double n, events, statistic, df, odds_ratio; /* NaN where undefined */
  rs_screen_reason reason;
} rs_screen_row;

/* One test of each of m columns x (n rows) against y, in strata (CMH only): those of
 * rs_crosstab_run() and rs_cmh_run(). y and strata are categories; y_score is a number for each
 * level of y. A value of x is its own score. Answers go to row[m], the caller's. */
rs_status rs_screen_crosstab(const rs_column *x, size_t m, size_t n, rs_category y,
                             rs_category strata, const double *y_score, rs_screen_test test,
                             const rs_run *run, rs_screen_row *row);

#endif
