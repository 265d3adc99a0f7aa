/* order.c: how a call is shared among threads and stopped, sorting, and the tie rules. */
#if defined(__linux__) && !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE /* madvise() */
#endif

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rows.h"

#ifdef __linux__
#include <sys/mman.h>
#endif

#ifdef _OPENMP
#include <omp.h>
#ifdef _WIN32
#include <windows.h>
#endif
#endif

int rs_stop(const rs_run *run) { return run->poll && run->poll(run->poll_data); }

int rs_mul(size_t a, size_t b, size_t *product) {
  if (b != 0 && a > SIZE_MAX / b) return 1;
  *product = a * b;
  return 0;
}

int rs_threads(const rs_run *run, size_t n) {
  if (n < RS_SHARED_ROWS || run->threads < 1) return 1;
  return run->threads < RS_MOST_THREADS ? run->threads : RS_MOST_THREADS;
}

#ifdef _OPENMP
/* Of short waits most end while it counts; a longer one leaves the processor to who works. */
static void wait_a_little(int turn) {
  if (turn < 1000) return;
#ifdef _WIN32
  Sleep(1);
#else
  const struct timespec moment = {0, 100000};
  nanosleep(&moment, NULL);
#endif
}

static void watch(const int *working, const rs_run *run, int *stopped) {
  for (int turn = 0;; turn++) {
    int others;
#pragma omp atomic read
    others = *working;
    if (others == 0) return;
    wait_a_little(turn);
    if (turn >= 1000 && turn % 50 == 0) rs_is_stopped(stopped, run, 0);
  }
}
#endif

void rs_share(int threads, rs_work work, void *job, const rs_run *run, int *stopped) {
  if (threads == 1) {
    work(job, 0, 1);
    return;
  }
#ifdef _OPENMP
  int working = threads;
#pragma omp parallel num_threads(threads)
  {
#pragma omp for schedule(static, 1) nowait
    for (int t = 0; t < threads; t++) {
      work(job, t, threads);
#pragma omp atomic
      working--;
    }
    if (omp_get_thread_num() == 0) watch(&working, run, stopped);
  }
#else
  (void)run;
  (void)stopped;
  for (int t = 0; t < threads; t++) work(job, t, threads);
#endif
}

size_t rs_part(size_t n, int thread, int threads) {
  if (thread == threads) return n;
  return n / (size_t)threads * (size_t)thread;
}

size_t rs_take(size_t *next) {
  size_t mine;
#ifdef _OPENMP
#pragma omp atomic capture
#endif
  mine = (*next)++;
  return mine;
}

void rs_raise(int *flag) {
#ifdef _OPENMP
#pragma omp atomic write
#endif
  *flag = 1;
}

int rs_is_raised(const int *flag) {
  int answer;
#ifdef _OPENMP
#pragma omp atomic read
#endif
  answer = *flag;
  return answer;
}

int rs_is_stopped(int *stopped, const rs_run *run, size_t batch) {
  if (batch % 128 == 0) {
#ifdef _OPENMP
    if (run->threads == 1 || omp_get_thread_num() == 0) /* a run of one thread is its own */
#endif
      if (rs_stop(run)) rs_raise(stopped);
  }
  return rs_is_raised(stopped);
}

void rs_advise(void *array, size_t bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  const size_t page = (size_t)1 << 21;
  size_t from = ((size_t)array + page - 1) / page * page;
  size_t to = ((size_t)array + bytes) / page * page;
  if (bytes >= 4 * page && to > from) madvise((void *)from, to - from, MADV_HUGEPAGE);
#else
  (void)array;
  (void)bytes;
#endif
}

/* ---- Radix sort ------------------------------------------------------------------------ */

/* The most significant digit first: a pass splits the keys into buckets, and so on within each,
 * until a bucket is small. Data go back and forth between two buffers, a and b; into_b says
 * where the result is wanted. */
typedef struct {
  uint64_t *key;
  uint32_t *carry; /* NULL: nothing moves along */
  const rs_run *run;
  int *stopped;
} buffer;

enum { MOST_DIGIT = 12, MOST_BUCKETS = 1 << MOST_DIGIT, INSERTION = 24 };

static buffer at(buffer b, size_t i) {
  buffer moved = {b.key + i, b.carry ? b.carry + i : NULL, b.run, b.stopped};
  return moved;
}

/* Moves element i down to its place among those before it, which are in order. */
static void sink(buffer b, size_t i) {
  uint64_t key = b.key[i];
  uint32_t carry = b.carry ? b.carry[i] : 0;
  for (; i > 0 && b.key[i - 1] > key; i--) {
    b.key[i] = b.key[i - 1];
    if (b.carry) b.carry[i] = b.carry[i - 1];
  }
  b.key[i] = key;
  if (b.carry) b.carry[i] = carry;
}

/* Elements of `from` into `to` (which may be the same), in order. Most are at or beside their
 * place: of each pair of neighbours the larger is held back, without a branch, and the smaller
 * seldom has farther to go. */
RS_WIDE static void insert(buffer from, buffer to, size_t n) {
  uint64_t held = from.key[0];
  uint32_t held_carry = from.carry ? from.carry[0] : 0;
  for (size_t i = 1; i < n; i++) {
    uint64_t key = from.key[i];
    int swap = key < held;
    to.key[i - 1] = swap ? key : held;
    held = swap ? held : key;
    if (from.carry) {
      uint32_t carry = from.carry[i];
      to.carry[i - 1] = swap ? carry : held_carry;
      held_carry = swap ? held_carry : carry;
    }
    if (i > 1 && to.key[i - 1] < to.key[i - 2]) sink(to, i - 1);
  }
  to.key[n - 1] = held;
  if (to.carry) to.carry[n - 1] = held_carry;
}

int rs_sort_digit(size_t n, int bits) {
  int digit = rs_bit_length(n) - 1;
  if (digit < 4) digit = 4;
  if (digit > MOST_DIGIT) digit = MOST_DIGIT;
  return digit < bits ? digit : bits;
}

/* Returns whether it was stopped: then what is in b is not to be read. */
RS_WIDE static int scatter(buffer a, buffer b, size_t n, int shift, size_t mask, size_t *next) {
  for (size_t i = 0; i < n; i++) {
    if (rs_is_stopped_at(b.stopped, b.run, i)) return 1;
    size_t to = next[(a.key[i] >> shift) & mask]++;
    b.key[to] = a.key[i];
    if (a.carry) b.carry[to] = a.carry[i];
  }
  return 0;
}

/* Counts of each digit into next (as starts); returns the largest of them. */
RS_WIDE static size_t bucket_starts(buffer a, size_t n, int shift, size_t mask, size_t *next) {
  size_t sum = 0, largest = 0;
  memset(next, 0, (mask + 1) * sizeof *next);
  for (size_t i = 0; i < n; i++) next[(a.key[i] >> shift) & mask]++;
  for (size_t d = 0; d <= mask; d++) {
    size_t count = next[d];
    if (count > largest) largest = count;
    next[d] = sum;
    sum += count;
  }
  return largest;
}

enum { MOST_COUNTED = 14 };

/* Keys that are nothing but a few bits below a common head are counted and written anew. (Inlined,
 * its counts would take their room on the stack at each level of the recursion.) */
RS_NOINLINE static void count_bucket(uint64_t *key, size_t n, int bits, uint64_t *to) {
  uint32_t count[1 << MOST_COUNTED];
  const size_t values = (size_t)1 << bits, mask = values - 1;
  const uint64_t head = key[0] & ~(uint64_t)mask;
  memset(count, 0, values * sizeof *count);
  for (size_t i = 0; i < n; i++) count[key[i] & mask]++;
  for (size_t v = 0; v < values; v++) {
    for (uint32_t c = count[v]; c > 0; c--) *to++ = head | v;
  }
}

/* How many of the lowest bits tell keys apart: none where all are equal. */
RS_WIDE static int differing_bits(const uint64_t *key, size_t n) {
  const uint64_t first = key[0];
  uint64_t differ = 0;
  RS_SIMD_OR(differ)
  for (size_t i = 0; i < n; i++) differ |= key[i] ^ first;
  return rs_bit_length(differ);
}

/* Where no bucket has more than a few keys, one pass over all of them ends the sort: keys of one
 * bucket are neighbours already. */
static void sort_bucket(buffer a, buffer b, size_t n, int bits, int into_b) {
  size_t next[MOST_BUCKETS];
  if (n <= INSERTION || bits == 0) {
    insert(a, into_b ? b : a, n);
    return;
  }
  if (!a.carry && bits <= MOST_COUNTED && n >= (size_t)2 << bits && n < UINT32_MAX) {
    count_bucket(a.key, n, bits, into_b ? b.key : a.key);
    return;
  }
  int digit = rs_sort_digit(n, bits), shift = bits - digit;
  size_t mask = ((size_t)1 << digit) - 1, from = 0;
  size_t largest = bucket_starts(a, n, shift, mask, next);
  if (largest == n) {
    sort_bucket(a, b, n, differing_bits(a.key, n), into_b);
    return;
  }
  if (scatter(a, b, n, shift, mask, next)) return;
  if (largest <= INSERTION) {
    insert(b, into_b ? b : a, n);
    return;
  }
  for (size_t d = 0; d <= mask; d++) { /* next[d] is now where bucket d ends */
    if (n > 1 << 20 && rs_is_stopped(a.stopped, a.run, d)) return;
    if (next[d] > from) {
      sort_bucket(at(b, from), at(a, from), next[d] - from, shift, !into_b);
    }
    from = next[d];
  }
}

void rs_sort_until(uint64_t *key, uint32_t *carry, uint64_t *spare_key, uint32_t *spare_carry,
                   size_t n, int bits, const rs_run *run, int *stopped) {
  buffer a = {key, carry, run, stopped}, b = {spare_key, spare_carry, run, stopped};
  if (n > 0) sort_bucket(a, b, n, bits, 0);
}

void rs_sort(uint64_t *key, uint32_t *carry, uint64_t *spare_key, uint32_t *spare_carry,
             size_t n, int bits) {
  const rs_run alone = {1, NULL, NULL, 0};
  int stopped = 0;
  rs_sort_until(key, carry, spare_key, spare_carry, n, bits, &alone, &stopped);
}

/* ---- Ties ------------------------------------------------------------------------------ */

/* A run has one whole number at most: where t is whole, none may lie from first to last. */
int rs_is_tied(double first, double last, double t, rs_ties ties, double mean) {
  const double tolerance = 1.490116119384766e-08; /* sqrt(2^-52), as in aeqSurv() */
  if (t == last) return 1;
  if (t == INFINITY) return 0;
  if (ties == RS_TIES_SURVIVAL) {
    return t - last <= tolerance || (t - last) / mean <= tolerance;
  }
  return ties == RS_TIES_ULP && rs_double_bits(t) - rs_double_bits(first) <= 4 &&
         first >= 2.2250738585072014e-308 && !(rs_is_whole(t) && ceil(first) <= last);
}

size_t rs_merge_times(const double *times, size_t n, rs_ties ties, double *representative) {
  double sum = 0, first = 0, last = 0;
  size_t merged = 0, finite = n;
  while (finite > 0 && times[finite - 1] == INFINITY) finite--;
  if (ties == RS_TIES_SURVIVAL) {
    for (size_t i = 0; i < finite; i++) sum += times[i];
  }
  for (size_t i = 0; i < n; i++) {
    double t = times[i];
    int tied = i > 0 && rs_is_tied(first, last, t, ties, sum / (double)finite);
    merged += (size_t)tied;
    if (!tied) first = t;
    last = t;
    representative[i] = first;
  }
  return merged;
}
