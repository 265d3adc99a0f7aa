/* mh.h: the accumulator's step for two groups and one tracked outcome, the case of nearly every
 * table. Inline: it is the innermost loop of every two-sample test, which keeps the sums in
 * registers and adds them to an accumulator at its end. */
#ifndef RISKSET_MH_H
#define RISKSET_MH_H

#include "rows.h"

typedef struct {
  rs_sum observed[2], expected[2], variance;
  size_t informative;
} rs_two;

/* margin and count as in rs_mh_add(). */
static RS_INLINE void rs_two_add(rs_two *two, const double *margin, const double *count,
                              double weight) {
  double n = margin[0] + margin[1], d = count[0] + count[1];
  if (n <= 0) return;
  double p = margin[0] / n, q = margin[1] / n;
  rs_add(&two->observed[0], weight * count[0]);
  rs_add(&two->observed[1], weight * count[1]);
  rs_add(&two->expected[0], weight * (d * p));
  rs_add(&two->expected[1], weight * (d * q));
  if (margin[0] > 0 && margin[1] > 0 && d > 0 && d < n) {
    rs_add(&two->variance, weight * weight * d * p * q * ((n - d) / (n - 1)));
    two->informative++;
  }
}

/* The variance is kept in covariance[0] alone; rs_mh_totals() gives the other three. */
static inline void rs_mh_add_two(rs_mh *mh, const rs_two *two) {
  for (int g = 0; g < 2; g++) {
    rs_add_sum(&mh->observed[g], &two->observed[g]);
    rs_add_sum(&mh->expected[g], &two->expected[g]);
  }
  rs_add_sum(&mh->covariance[0], &two->variance);
  mh->informative += two->informative;
}

#endif
