/* rows.h: reading columns batch by batch, shared by the files that turn rows into counts. */
#ifndef RISKSET_ROWS_H
#define RISKSET_ROWS_H

#include <limits.h>
#include <math.h>

#include "riskset.h"

enum { RS_MOST_THREADS = 64 };

/* Sizes that a test of the core lowers when it compiles it, to reach with few rows what takes
 * many: rows a batch, rows worth sharing among threads, rows that a sort can number, rows that are
 * sorted without a split, rows whose times are worth a list, the bits of its slots, rows between
 * polls (a power of 2), the bytes of a large page, subjects of one stratum whose times are cut into
 * segments. */
#ifndef RS_BATCH_ROWS
#define RS_BATCH_ROWS 512
#endif
#ifndef RS_SHARED_ROWS
#define RS_SHARED_ROWS 200000
#endif
#ifndef RS_FEW_ROWS
#define RS_FEW_ROWS 4096
#endif
#ifndef RS_LISTED_ROWS
#define RS_LISTED_ROWS 16384
#endif
#ifndef RS_LIST_BITS
#define RS_LIST_BITS 15
#endif
#ifndef RS_POLLED_ROWS
#define RS_POLLED_ROWS (1 << 20)
#endif
#ifndef RS_PAGE_BYTES
#define RS_PAGE_BYTES (1 << 21)
#endif
#ifndef RS_LARGE_STRATUM
#define RS_LARGE_STRATUM 65536
#endif
#ifndef RS_MOST_ROWS
#define RS_MOST_ROWS (UINT32_MAX / 2)
#endif

/* Calls work once for each thread, in parallel where there are several; a single one costs
 * nothing more than the call. What threads find is merged by the caller in their order. The calling
 * thread, when it is done before the others, goes on asking whether to stop. */
typedef void (*rs_work)(void *job, int thread, int threads);
void rs_share(int threads, rs_work work, void *job, const rs_run *run, int *stopped);

/* A flag that any thread may raise and all look at. */
void rs_raise(int *flag);
int rs_is_raised(const int *flag);

/* How threads share a list of n things, `few` at a time: from .. to - 1 are the caller's; 0 when
 * none is left. */
static inline int rs_take_few(size_t *next, size_t few, size_t n, size_t *from, size_t *to) {
  size_t turn = rs_take(next);
  if (turn >= n / few + (n % few != 0)) return 0;
  *from = turn * few;
  *to = n - *from < few ? n : *from + few;
  return 1;
}

/* Work within one thread is a call of its own, rs_run{1, rs_ask, &asking, paths}: it asks whether
 * to stop as the whole call does, through the calling thread. */
typedef struct {
  const rs_run *run;
  int *stopped;
} rs_asking;

static inline int rs_ask(void *asking) {
  const rs_asking *of = asking;
  return rs_is_stopped(of->stopped, of->run, 0);
}

/* Where a thread's part of n things begins; that of `threads` is n. */
size_t rs_part(size_t n, int thread, int threads);

/* Compilers vectorise these loops only when asked to, at the optimisation R uses. */
#ifdef _OPENMP
#define RS_SIMD _Pragma("omp simd")
#define RS_SIMD_RANGE \
  _Pragma("omp simd reduction(min : low, positive) reduction(max : high) reduction(| : dropped)")
#define RS_SIMD_OR(flag) RS_SIMD_REDUCE(omp simd reduction(| : flag))
#define RS_SIMD_MAX(value) RS_SIMD_REDUCE(omp simd reduction(max : value))
#define RS_SIMD_LOW_HIGH RS_SIMD_REDUCE(omp simd reduction(min : low) reduction(max : high))
#define RS_SIMD_REDUCE(text) _Pragma(#text)
#else
#define RS_SIMD
#define RS_SIMD_RANGE
#define RS_SIMD_OR(flag)
#define RS_SIMD_MAX(value)
#define RS_SIMD_LOW_HIGH
#endif

/* Loops that are compiled twice, for any x86-64 processor and for those that work on 32 bytes at a
 * time; which is called is decided when the package is loaded. Neither joins a product and a sum
 * into one operation, so both give the same bits. */
#if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__) && defined(__GNUC__) && \
    !defined(__clang__) && !defined(RS_ANY_PROCESSOR)
#define RS_WIDE __attribute__((target_clones("avx2", "default")))
#else
#define RS_WIDE
#endif

#ifdef __GNUC__
#define RS_NOINLINE __attribute__((noinline))
#define RS_INLINE __attribute__((always_inline)) inline /* what is meant to live in registers */
#else
#define RS_NOINLINE
#define RS_INLINE inline
#endif

/* Memory that will be read, or written, soon; it need not exist. */
#ifdef __GNUC__
#define RS_WILL_READ(address) __builtin_prefetch((const void *)(address))
#define RS_WILL_WRITE(address) __builtin_prefetch((const void *)(address), 1)
#else
#define RS_WILL_READ(address) (void)(address)
#define RS_WILL_WRITE(address) (void)(address)
#endif

enum { RS_LINE = 64 }; /* bytes that memory gives at a time */

/* Asks for m elements of a column from `from` on, which may be beyond its end. Batches read a few KB
 * of one column, then of the next: too little for a processor to see what will come. */
static inline void rs_ask_for(const rs_column *column, size_t from, size_t m) {
  const size_t width = column->type == RS_INT ? sizeof(int) : sizeof(double);
  const uintptr_t next = (uintptr_t)column->data + from * width;
  if (column->type == RS_NONE) return;
  for (size_t byte = 0; byte < m * width; byte += RS_LINE) RS_WILL_READ(next + byte);
}

/* In a loop over rows that is not in batches: whether to stop, asked every few milliseconds. */
static inline int rs_is_stopped_at(int *stopped, const rs_run *run, size_t i) {
  return i % RS_POLLED_ROWS == RS_POLLED_ROWS - 1 && rs_is_stopped(stopped, run, 0);
}

enum { RS_BATCH = RS_BATCH_ROWS };

static inline size_t rs_batches(size_t n) { return n / RS_BATCH + (n % RS_BATCH != 0); }

/* Rows of the batch that begins at row `from` of n. */
static inline size_t rs_batch_rows(size_t n, size_t from) {
  return n - from < RS_BATCH ? n - from : RS_BATCH;
}
#define RS_DROP UINT32_MAX

/* One batch in canonical form. Columns point into the user's where they are double already, and
 * whole_time and whole_status where they are int (otherwise NULL). A row with a missing value has
 * code RS_DROP. */
typedef struct {
  double time_room[RS_BATCH], entry_room[RS_BATCH], weight_room[RS_BATCH];
  double status_room[RS_BATCH];
  uint32_t code[RS_BATCH];
  const double *entry, *weight;         /* NULL when the column is absent */
  const double *time, *status;          /* NULL when int, the time until rs_as_doubles() */
  const int *whole_time, *whole_status;
} rs_batch;

/* Where a row's code puts stratum, group and event: code = stratum * of_stratum +
 * group * of_group + event * of_event, all 0-based; the largest code is below RS_DROP. */
typedef struct {
  uint32_t of_stratum, of_group, of_event;
} rs_stride;

void rs_read_batch(const rs_rows *rows, double event, rs_stride stride, size_t from,
                   size_t m, rs_batch *batch);

/* Whether any of m numbers within the range of int is not whole; `missing` stands for NaN. */
int rs_any_fraction(const double *x, size_t m, double missing);

/* The code of one row, which has no missing value. */
uint32_t rs_row_code(const rs_rows *rows, double event, rs_stride stride, size_t row);

/* Gives the m rows of a batch their times as doubles, where they are ints. */
void rs_as_doubles(rs_batch *batch, size_t m);

/* One pass over all rows (see rs_report). */
rs_status rs_scan(const rs_rows *rows, rs_ties ties, const rs_run *run, rs_report *report);

static inline int rs_is_whole(double t) {
  return t >= 9007199254740992.0 || (t < 9007199254740992.0 && (double)(int64_t)t == t);
}

/* Element i of a column of numbers; NaN where it is missing. */
static inline double rs_number(rs_column column, size_t i) {
  if (column.type == RS_DOUBLE) return ((const double *)column.data)[i];
  int v = ((const int *)column.data)[i];
  return v == INT_MIN ? (double)NAN : (double)v;
}

/* ---- crosstab.c ------------------------------------------------------------------------ */

/* Rows whose cells are found at a time; and copies of a small table, counted in turn, so that
 * equal neighbours do not wait for each other's store. */
enum { RS_CELL_ROWS = 1024, RS_LANES = 4 };

/* Cell numbers of rows at .. at + m - 1 of the table spanned by `count` categories, the first
 * moving fastest; of a row without a level in one of them, n_cell. cell and miss (workspace) hold
 * m elements. */
void rs_cells(const rs_category *category, size_t count, size_t n_cell, size_t at, size_t m,
              uint32_t *cell, uint32_t *miss);

/* The 2 x 2 table a b / c d given its margins, as a distribution of its first cell. */
typedef struct {
  double row, other, col; /* first row, second row, first column */
  double low, high;       /* of the first cell */
} rs_two_by_two;

static inline rs_two_by_two rs_fix_margins(double a, double b, double c, double d) {
  rs_two_by_two t = {a + b, c + d, a + c, 0, 0};
  t.low = t.col > t.other ? t.col - t.other : 0;
  t.high = t.row < t.col ? t.row : t.col;
  return t;
}

/* ---- order.c --------------------------------------------------------------------------- */

/* Sorts n keys (of `bits` significant bits) ascending and stably, in place; carry (may be NULL)
 * moves along. spare_* are workspace of the same sizes. */
void rs_sort(uint64_t *key, uint32_t *carry, uint64_t *spare_key, uint32_t *spare_carry,
             size_t n, int bits);

/* The same, polling; where *stopped becomes 1 the keys are in no order. */
void rs_sort_until(uint64_t *key, uint32_t *carry, uint64_t *spare_key, uint32_t *spare_carry,
                   size_t n, int bits, const rs_run *run, int *stopped);

/* How many of the highest bits to split n keys by, so that buckets hold a few keys each. */
int rs_sort_digit(size_t n, int bits);

/* Whether t (>= last) falls in the run of times that began with `first` and whose last one so
 * far is `last`; mean is that of the distinct times, for RS_TIES_SURVIVAL. */
int rs_is_tied(double first, double last, double t, rs_ties ties, double mean);

static inline uint64_t rs_double_bits(double t) {
  union {
    double value;
    uint64_t bits;
  } u;
  u.value = t + 0.0; /* -0 becomes 0 */
  return u.bits;
}

static inline double rs_bits_double(uint64_t bits) {
  union {
    double value;
    uint64_t bits;
  } u;
  u.bits = bits;
  return u.value;
}

static inline int rs_bit_length(uint64_t x) {
  int n = 0;
  for (; x > 0; x >>= 1) n++;
  return n;
}

#endif
