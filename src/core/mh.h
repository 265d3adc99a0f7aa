/* mh.h: the accumulator's step for two groups and one tracked outcome, the case of nearly every
 * table. Inline: it is the innermost loop of every two-sample test. */
#ifndef RISKSET_MH_H
#define RISKSET_MH_H

#include "rows.h"

/* margin and count as in rs_mh_add(). The variance is kept in covariance[0] alone;
 * rs_mh_totals() gives the other three. */
static inline void rs_mh_add_two(rs_mh *mh, const double *margin, const double *count,
                                 double weight) {
  double n = margin[0] + margin[1], d = count[0] + count[1];
  if (n <= 0) return;
  double p = margin[0] / n, q = margin[1] / n;
  rs_add(&mh->observed[0], weight * count[0]);
  rs_add(&mh->observed[1], weight * count[1]);
  rs_add(&mh->expected[0], weight * (d * p));
  rs_add(&mh->expected[1], weight * (d * q));
  if (margin[0] > 0 && margin[1] > 0 && d > 0 && d < n) {
    rs_add(&mh->covariance[0], weight * weight * d * p * q * ((n - d) / (n - 1)));
    mh->informative++;
  }
}

#endif
