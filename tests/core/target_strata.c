/* target_strata.c: tables in strata: CMH sums, homogeneity, the exact distribution. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "naive.h"
#include "reader.h"
#include "targets.h"

static void check_cmh(const double *counts, size_t rows, size_t cols, size_t strata,
                      const rs_run *run) {
  size_t size = rows * (cols - 1);
  double *room = malloc((2 * size + size * size + rows) * sizeof *room);
  rs_cmh got = {.rows = rows, .cols = cols, .strata = strata, .observed = room};
  long double odds, log_variance;
  naive_test want;
  got.expected = got.observed + size;
  got.covariance = got.expected + size;
  got.work = got.covariance + size * size;
  naive_cmh(counts, rows, cols, strata, &want, &odds, &log_variance);
  CHECK(rs_cmh_run(counts, run, &got) == RS_OK);
  CHECK(got.informative == want.strata);
  for (size_t i = 0; i < size; i++) {
    long double within = 1e-12L * sqrtl(want.covariance[i + i * size]);
    within += 4e-16L * (want.observed[i] + want.expected[i]);
    CHECK_CLOSE(got.observed[i], want.observed[i], 1e-15L);
    CHECK_NEAR(got.observed[i] - got.expected[i], want.observed[i] - want.expected[i], within);
  }
  for (size_t i = 0; i < size * size; i++) {
    long double scale = sqrtl(want.covariance[i / size * (size + 1)]) *
                        sqrtl(want.covariance[i % size * (size + 1)]);
    CHECK_NEAR(got.covariance[i], want.covariance[i], 1e-13L * scale);
    if (i % (size + 1) == 0) CHECK_CLOSE(got.covariance[i], want.covariance[i], 1e-12L);
  }
  if (rows == 2 && cols == 2) {
    CHECK_CLOSE(got.odds_ratio, odds, 1e-13L);
    CHECK_CLOSE(got.log_variance, log_variance, 1e-12L);
  }
  free(room);
  free_test(&want);
}

static void check_homogeneity(const double *counts, size_t strata, double odds) {
  double breslow_day, tarone;
  long double want_bd, want_t;
  size_t informative, want_informative;
  rs_homogeneity(counts, strata, odds, &breslow_day, &tarone, &informative);
  naive_homogeneity(counts, strata, odds, &want_bd, &want_t, &want_informative);
  CHECK(informative == want_informative);
  if (informative == 0) return;
  /* O - E is as exact as E allows. */
  CHECK_NEAR(breslow_day, want_bd, 1e-9L * want_bd + 1e-9L);
  CHECK_NEAR(tarone, want_t, 1e-9L * want_bd + 1e-9L);
}

static void check_exact(const double *counts, size_t strata, double odds, const rs_run *run) {
  double length, total = 0;
  size_t want_length;
  CHECK(rs_exact_work(counts, strata, odds, &length) >= 0);
  if (length > 3000) return;
  long double *want = naive_exact(counts, strata, odds, &want_length);
  CHECK((size_t)length == want_length);
  double *density = malloc((size_t)length * sizeof *density);
  CHECK(rs_exact_distribution(counts, strata, odds, run, (size_t)length, density) == RS_OK);
  for (size_t i = 0; i < want_length; i++) {
    /* Each stratum is followed down to 1e-300 of its mode. */
    CHECK_NEAR(density[i], want[i], 1e-10L * want[i] + 1e-200L);
    total += density[i];
  }
  CHECK_NEAR(total, 1, 1e-12L);
  free(want);
  free(density);
}

void check_strata(const uint8_t *data, size_t size) {
  static const double ratios[] = {1, 0.5, 2, 10, 0.01, 1.0000001, 1e4, 1e-6};
  bytes in = {data, size};
  rs_run run = {1, NULL, NULL, RS_PATH_SORT};
  size_t rows = 2 + take(&in, 3), cols = 2 + take(&in, 3), strata = take(&in, 8);
  double odds = ratios[take(&in, 8)];
  double *counts = take_counts(&in, rows * cols * strata);
  if (take(&in, 2)) odds *= 1 + take(&in, 100) / 7.0;
  check_cmh(counts, rows, cols, strata, take(&in, 2) ? &run : NULL);
  if (rows == 2 && cols == 2) {
    check_homogeneity(counts, strata, odds);
    check_exact(counts, strata, odds, &run);
  }
  free(counts);
}
