/* stream.h: what tabulate.c fills and stream.c reads. */
#ifndef RISKSET_STREAM_H
#define RISKSET_STREAM_H

#include <math.h>

#include "rows.h"

typedef struct {
  size_t range, kinds, n_cell; /* cell = ((stratum * range + t) * n_group + group) * kinds + kind */
  double origin;               /* the time of t = 0, */
  double *times;               /* or that of each t, where they are listed; else NULL */
  uint32_t *rows;              /* n_cell + 1: the last takes the dropped rows */
  double *weight, *square;     /* NULL without weights; square NULL unless fractional */
} rs_histogram;

/* A sorted record: its time, stratum, group and kind are bit fields of the key. Whole times
 * have the stratum on top, so one sort does all; other times come first, since ties are found
 * across strata, and a second pass parts the strata. Where the fields do not fit 64 bits the
 * key is the time alone, and stratum, group and kind travel in the carry. */
typedef struct {
  uint64_t *key;
  uint32_t *carry; /* the code, or 2 * row (+ 1 for its entry), or NULL */
  size_t n;
  int whole, code_in_key;
  int time_at, stratum_at, group_at; /* lowest bit of each field; the kind is at 0 */
  int time_bits, stratum_bits, group_bits, kind_bits, code_bits; /* code: the last three */
  double origin; /* whole: the time of key 0 */
  uint64_t base; /* otherwise: bits of the smallest positive time, less 1 */
  uint64_t most; /* the key of the largest finite time; +Inf has the next */
} rs_sorted;

/* A part of the stream that is read, and added up, on its own: a stratum, or where there is only
 * one a range of its times. Which times share a segment follows from the counts alone, so sums
 * that are made segment by segment have the same bits whoever reads them. */
typedef struct {
  size_t stratum;
  size_t from, to;  /* cells or keys */
  double low, high; /* of a table: times of [low, high) */
} rs_segment;

struct rs_stream {
  enum { RS_COUNTED, RS_SORTED, RS_TABULATED } source;
  size_t n_group, n_stratum, merged;
  int weights, entries, infinite, by_row; /* by_row: the carry is a row, not a code */
  double total;                           /* subjects: rows, or the sum of their weights */
  double *rows, *subjects;                /* by block; one piece of memory */
  rs_histogram counted;
  rs_sorted sorted;
  const rs_rows *data;
  double event;
  const rs_table *table;
  rs_segment *segment;
  size_t n_segment;
  double *at_risk; /* n_segment x n_group; behind it as many of rows of data, and of subjects */
  rs_reader reader; /* of rs_stream_read() */
  size_t reading;   /* and its segment */
  size_t *row; /* rs_tabulate(): n_segment x n_group, where each block's rows of a segment are
                  written. Here so that a caller whose allocate() jumps away frees it with the
                  stream */
};

uint32_t rs_record_code(const rs_stream *s, size_t i); /* of sorted record i */

static inline uint32_t rs_low_bits(uint64_t x, int at, int bits) {
  return (uint32_t)((x >> at) & (((uint64_t)1 << bits) - 1));
}

static inline double rs_key_time(const rs_sorted *k, uint64_t key) {
  uint64_t t = key >> k->time_at;
  if (k->time_bits < 64) t &= ((uint64_t)1 << k->time_bits) - 1;
  if (t > k->most) return INFINITY;
  if (k->whole) return k->origin + (double)t;
  return t == 0 ? 0 : rs_bits_double(t + k->base);
}

/* Finds the segments of a filled stream and who is at risk at the start of each. */
rs_status rs_stream_part(rs_stream *s, const rs_run *run);

#endif
