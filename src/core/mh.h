/* mh.h: tables of two groups and one tracked outcome, the case of nearly every table. Whoever walks
 * over event times puts them down one after the other; they are added up many at a time. */
#ifndef RISKSET_MH_H
#define RISKSET_MH_H

#include "rows.h"

/* Tables that are put down before they are added up; sums among which they are dealt in their order,
 * since processors add several at once. */
enum { RS_SOME_TABLES = 264, RS_SUMS = 8 };

typedef struct {
  double sum[RS_SUMS], error[RS_SUMS];
} rs_sums;

typedef struct {
  size_t n, informative;
  double margin[2][RS_SOME_TABLES], count[2][RS_SOME_TABLES], weight[RS_SOME_TABLES];
  rs_sums observed[2], expected[2], variance;
} rs_two;

void rs_two_start(rs_two *two);
/* Adds up the tables put down, but for the last few that do not fill all sums. */
void rs_two_add_up(rs_two *two);
/* Adds up the rest, and all to an accumulator of 2 x 1 tables. */
void rs_two_end(rs_two *two, rs_mh *mh);

/* margin and count as in rs_mh_add(), with weight 1. A table without subjects or without an outcome,
 * or not at its end, is overwritten by the next. Whether it is kept is as good as random, so there
 * is no branch. */
static RS_INLINE void rs_two_put(rs_two *two, const double *margin, const double *count, int ends) {
  const size_t at = two->n;
  for (int g = 0; g < 2; g++) {
    two->margin[g][at] = margin[g];
    two->count[g][at] = count[g];
  }
  two->weight[at] = 1;
  two->n += (size_t)(ends & (count[0] + count[1] > 0) & (margin[0] + margin[1] > 0));
}

#endif
