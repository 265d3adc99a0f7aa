/* reader.h: the one reading of a test case from bytes. What the bytes do not say is 0. */
#ifndef READER_H
#define READER_H

#include "riskset.h"

typedef struct {
  const uint8_t *at;
  size_t left;
} bytes;

unsigned take(bytes *in, unsigned bound); /* 0 .. bound - 1 */
double take_double(bytes *in);            /* any double */

/* Where columns come from; each has a buffer of exactly its size. */
typedef struct {
  rs_rows rows;
  rs_ties ties;
  rs_run run;
  int exact_sums; /* sums of the weights are exact in any order */
} row_case;

enum { ONLY_TIME_STATUS = 1, ONLY_WHOLE_WEIGHTS = 2 }; /* what a screen can take */

void take_rows(bytes *in, unsigned limits, row_case *c);
void free_rows(row_case *c);

/* A column of n categories or numbers, now and then missing. */
rs_column take_column(bytes *in, size_t n, unsigned levels);
void free_column(rs_column *column);

/* cells whole counts, small or large. */
double *take_counts(bytes *in, size_t cells);

/* The same rows in reverse order; free_rows() frees them. */
void reverse_rows(const row_case *c, row_case *reversed);

#endif
