/* naive.h: everything the core computes, once more, as its definition says: a subject at a time,
 * a loop in a loop, sums in long double. */
#ifndef NAIVE_H
#define NAIVE_H

#include "riskset.h"

typedef struct {
  double time, entry, weight; /* times as tied; entry is NaN without entry times */
  int event;
  size_t group, stratum, row; /* 0-based */
} subject;

typedef struct {
  size_t n; /* 0 when a rule is broken */
  subject *subject;
  rs_report report;
  size_t merged;
} cohort;

void naive_cohort(const rs_rows *rows, rs_ties ties, cohort *c);
void free_cohort(cohort *c);

/* Representatives of n increasing distinct times; returns how many were merged away. */
size_t naive_merge(const double *time, size_t n, rs_ties ties, double *representative);

/* Sum of weight^power over the block's subjects who had the event (left without it; entered) at
 * time t. A group of SIZE_MAX means all. */
long double naive_sum(const cohort *c, size_t group, size_t stratum, double t, rs_kind kind,
                      int power);
long double naive_risk(const cohort *c, size_t group, size_t stratum, double t);
/* Whether somebody of the block entered or left at t. */
int naive_occurs(const cohort *c, size_t group, size_t stratum, double t);

/* A curve at time t, and its standard errors (robust: of S, otherwise of log S). */
typedef struct {
  long double surv, std_err, cumhaz, std_chaz;
} naive_point;
naive_point naive_curve(const cohort *c, size_t group, size_t stratum, double t, int robust);

void naive_limits(const rs_interval *interval, long double p, long double se, long double *low,
                  long double *high);

typedef struct {
  size_t groups;
  long double *observed, *expected, *covariance;
  size_t times, strata; /* informative ones */
} naive_test;
void naive_logrank(const cohort *c, size_t groups, double rho, double gamma, naive_test *test);
void free_test(naive_test *test);

/* u' V^+ u by the eigenvectors of V (scaled to correlations). */
long double naive_quadratic(const long double *u, const long double *v, size_t p, size_t *rank);

typedef struct {
  long double n, pearson, yates, likelihood, linear, least, noise;
  size_t low;
} naive_chi;
naive_chi naive_crosstab(const double *counts, size_t rows, size_t cols, const double *row_score,
                         const double *col_score);

/* rows x cols x strata; odds ratio and variance of its logarithm for 2 x 2. */
void naive_cmh(const double *counts, size_t rows, size_t cols, size_t strata, naive_test *test,
               long double *odds, long double *log_variance);
void naive_homogeneity(const double *counts, size_t strata, double odds, long double *breslow_day,
                       long double *tarone, size_t *informative);
long double *naive_exact(const double *counts, size_t strata, double odds, size_t *length);
long double naive_fisher(double a, double b, double c, double d);                 /* not its log */

#endif
