/* mh.c: the Mantel-Haenszel accumulator, and the log-rank test as one table an event time.
 *
 * A table has groups in its rows and outcomes in its columns. Given both margins the counts
 * are multivariate hypergeometric; O - E and its covariance are summed over tables.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mh.h"

/* Zeroed accumulators for tables of rows x (cols + 1); rs_mh_close() frees them. */
rs_status rs_mh_open(rs_mh *mh, size_t rows, size_t cols) {
  size_t cells, square, bytes;
  memset(mh, 0, sizeof *mh);
  if (rs_mul(rows, cols, &cells) || rs_mul(cells, cells, &square) || square > SIZE_MAX / 64 ||
      rs_mul(2 * cells + square, sizeof(rs_sum), &bytes)) {
    return RS_NO_MEMORY;
  }
  mh->observed = calloc(1, bytes + cols * sizeof *mh->work);
  if (!mh->observed) return RS_NO_MEMORY;
  mh->rows = rows;
  mh->cols = cols;
  mh->expected = mh->observed + cells;
  mh->covariance = mh->expected + cells;
  mh->work = (double *)(mh->covariance + square);
  return RS_OK;
}

void rs_mh_close(rs_mh *mh) {
  free(mh->observed);
  memset(mh, 0, sizeof *mh);
}

static size_t sums_of(const rs_mh *mh) {
  size_t cells = mh->rows * mh->cols;
  return 2 * cells + cells * cells;
}

void rs_mh_clear(rs_mh *mh) {
  memset(mh->observed, 0, sums_of(mh) * sizeof *mh->observed);
  mh->informative = 0;
}

void rs_mh_merge(rs_mh *mh, const rs_mh *other) {
  size_t n = sums_of(mh);
  for (size_t i = 0; i < n; i++) rs_add_sum(&mh->observed[i], &other->observed[i]);
  mh->informative += other->informative;
}

/* ---- Two groups, one tracked outcome ------------------------------------------------------ */

void rs_two_start(rs_two *two) {
  const rs_sums none = {{0}, {0}};
  two->n = two->informative = 0;
  for (int g = 0; g < 2; g++) two->observed[g] = two->expected[g] = none;
  two->variance = none;
}

RS_WIDE static void add_all(rs_sums *to, const double *x, size_t n) {
  rs_sums s = *to;
  for (size_t i = 0; i < n; i += RS_SUMS) {
    RS_SIMD
    for (int k = 0; k < RS_SUMS; k++) {
      rs_sum one = {s.sum[k], s.error[k]};
      /* NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): n is a multiple of RS_SUMS */
      rs_add(&one, x[i + (size_t)k]);
      s.sum[k] = one.sum;
      s.error[k] = one.error;
    }
  }
  *to = s;
}

/* The first m tables. E of group g is d n_g / n; the variance d (n_0 / n) (n_1 / n) (n - d) / (n - 1)
 * (Mantel 1966, Cancer Chemother Rep 50:163-170), where both groups are at risk and not all have
 * the outcome; counts are whole. */
RS_WIDE static void add_tables(rs_two *two, size_t m) {
  double x[2][RS_SOME_TABLES], e[2][RS_SOME_TABLES], v[RS_SOME_TABLES];
  /* NOLINTBEGIN(clang-analyzer-core.UndefinedBinaryOperatorResult): m tables are put down */
  RS_SIMD
  for (size_t i = 0; i < m; i++) {
    double d = two->count[0][i] + two->count[1][i], w = two->weight[i];
    double n = two->margin[0][i] + two->margin[1][i];
    double p = two->margin[0][i] / n, q = two->margin[1][i] / n;
    double others = n - 1 > d ? n - 1 : d; /* d where all have the outcome: no division by 0 */
    v[i] = d * p * q * ((n - d) / others);
    x[0][i] = w * two->count[0][i];
    x[1][i] = w * two->count[1][i];
    e[0][i] = w * (d * p);
    e[1][i] = w * (d * q);
  }
  /* NOLINTEND(clang-analyzer-core.UndefinedBinaryOperatorResult) */
  for (size_t i = 0; i < m; i++) {
    int informs = v[i] > 0;
    two->informative += (size_t)informs;
    v[i] = informs ? two->weight[i] * two->weight[i] * v[i] : 0;
  }
  for (int g = 0; g < 2; g++) {
    add_all(&two->observed[g], x[g], m);
    add_all(&two->expected[g], e[g], m);
  }
  add_all(&two->variance, v, m);
}

static void move_table(rs_two *two, size_t to, size_t from) {
  for (int g = 0; g < 2; g++) {
    two->margin[g][to] = two->margin[g][from];
    two->count[g][to] = two->count[g][from];
  }
  two->weight[to] = two->weight[from];
}

void rs_two_add_up(rs_two *two) {
  size_t rest = two->n % RS_SUMS, m = two->n - rest;
  if (m == 0) return;
  add_tables(two, m);
  for (size_t i = 0; i < rest; i++) move_table(two, i, m + i);
  two->n = rest;
}

static void add_sums(rs_sum *to, const rs_sums *from) {
  for (int k = 0; k < RS_SUMS; k++) {
    const rs_sum one = {from->sum[k], from->error[k]};
    rs_add_sum(to, &one);
  }
}

/* Of the covariance the first element is enough: rs_mh_totals() gives the other three. */
void rs_two_end(rs_two *two, rs_mh *mh) {
  static const double subjects[2] = {1, 1}, no_outcome[2] = {0, 0};
  for (; two->n % RS_SUMS != 0; two->n++) rs_two_put(two, subjects, no_outcome, 1);
  rs_two_add_up(two);
  for (int g = 0; g < 2; g++) {
    add_sums(&mh->observed[g], &two->observed[g]);
    add_sums(&mh->expected[g], &two->expected[g]);
  }
  add_sums(&mh->covariance[0], &two->variance);
  mh->informative += two->informative;
}

/* ---- Any table --------------------------------------------------------------------------- */

/* Cov(n_ij, n_kl) = n_i. (n d_ik - n_k.) n_.j (n d_jl - n_.l) / (n^2 (n - 1)). Written with
 * shares of n, so that no product of two counts is formed, and with n - n_i. taken before the
 * division, so that a share near 1 costs no digits. Upper triangle only. */
static void add_covariance(rs_mh *mh, const double *margin, const double *total, double n,
                           double scale) {
  size_t size = mh->rows * mh->cols;
  for (size_t l = 0; l < mh->cols; l++) {
    for (size_t k = 0; k < mh->rows; k++) {
      rs_sum *column = mh->covariance + size * (k + l * mh->rows);
      if (margin[k] == 0) continue;
      for (size_t j = 0; j <= l; j++) {
        double outcome = total[j] / n * ((j == l ? n - total[l] : -total[l]) / n);
        size_t last = j == l ? k : mh->rows - 1;
        for (size_t i = 0; i <= last; i++) {
          double group = margin[i] / n * ((i == k ? n - margin[k] : -margin[k]) / n);
          rs_add(&column[i + j * mh->rows], scale * outcome * group);
        }
      }
    }
  }
}

void rs_mh_add(rs_mh *mh, const double *margin, const double *count, double weight) {
  double n = 0, largest = 0, tracked = 0, column = 0;
  double *total = mh->work;
  for (size_t i = 0; i < mh->rows; i++) {
    n += margin[i];
    if (margin[i] > largest) largest = margin[i];
  }
  if (n <= 0) return;
  for (size_t j = 0; j < mh->cols; j++) {
    const double *c = count + j * mh->rows;
    total[j] = 0;
    for (size_t i = 0; i < mh->rows; i++) total[j] += c[i];
    for (size_t i = 0; i < mh->rows; i++) {
      rs_add(&mh->observed[i + j * mh->rows], weight * c[i]);
      rs_add(&mh->expected[i + j * mh->rows], weight * (total[j] * (margin[i] / n)));
    }
    tracked += total[j];
    if (total[j] > column) column = total[j];
  }
  if (n - tracked > column) column = n - tracked;
  if (n < 2 || largest >= n || column >= n) return;
  add_covariance(mh, margin, total, n, weight * weight * n * (n / (n - 1)));
  mh->informative++;
}

void rs_mh_totals(const rs_mh *mh, double *observed, double *expected, double *covariance) {
  size_t size = mh->rows * mh->cols;
  for (size_t k = 0; k < size; k++) {
    observed[k] = rs_total(&mh->observed[k]);
    expected[k] = rs_total(&mh->expected[k]);
    for (size_t i = 0; i <= k; i++) {
      double v = rs_total(&mh->covariance[i + k * size]);
      covariance[i + k * size] = covariance[k + i * size] = v;
    }
  }
  if (mh->rows == 2 && mh->cols == 1) {
    covariance[1] = covariance[2] = -covariance[0];
    covariance[3] = covariance[0];
  }
}

/* ---- A quadratic form in a covariance that may be singular ------------------------------- */

/* The column of the largest remaining diagonal element, of those not yet used. */
static size_t next_pivot(const double *left, const double *sd, size_t p) {
  size_t best = p;
  for (size_t i = 0; i < p; i++) {
    if (sd[i] > 0 && left[i] > 0 && (best == p || left[i] > left[best])) best = i;
  }
  return best;
}

/* Work between polls: multiplications. */
enum { PRODUCTS = 1 << 22 };

/* u lies in the range of V (up to rounding), so every generalised inverse gives the same value. */
rs_status rs_quadratic_run(const double *u, const double *v, size_t p, const rs_run *run,
                           double *work, double *value, size_t *rank) {
  double *sd = work, *left = work + p, *z = work + 2 * p, *factor = work + 3 * p, sum = 0;
  size_t done = 0;
  int stopped = 0;
  for (size_t i = 0; i < p; i++) {
    double d = v[i + i * p];
    sd[i] = d > 0 ? sqrt(d) : 0;
    left[i] = 1;
    z[i] = d > 0 ? u[i] / sd[i] : 0;
  }
  *rank = 0;
  for (size_t step = 0; step < p; step++) {
    size_t k = next_pivot(left, sd, p);
    if (k == p || left[k] <= RS_RANK_TOLERANCE) break;
    double root = sqrt(left[k]), solved = z[k] / root, *pivot = factor + k * p;
    for (size_t i = 0; i < p; i++) {
      double *row = factor + i * p;
      if (i == k || sd[i] <= 0 || left[i] <= 0) continue;
      double c = v[i + k * p] / sd[i] / sd[k];
      for (size_t s = 0; s < step; s++) c -= row[s] * pivot[s];
      row[step] = c / root;
      left[i] -= row[step] * row[step];
      z[i] -= row[step] * solved;
      if (rs_is_due(&done, step + 16, PRODUCTS) && rs_is_stopped(&stopped, run, 0)) {
        return RS_INTERRUPTED;
      }
    }
    left[k] = 0;
    sum += solved * solved;
    (*rank)++;
  }
  *value = sum;
  return RS_OK;
}

double rs_quadratic(const double *u, const double *v, size_t p, double *work, size_t *rank) {
  const rs_run alone = {1, NULL, NULL, 0};
  double value = 0;
  rs_quadratic_run(u, v, p, &alone, work, &value, rank);
  return value;
}

/* ---- Log-rank: one table an event time -------------------------------------------------- */

/* Streams of up to this many groups are added up segment by segment, in parallel. */
enum { MOST_PARTED = 8, ROUND = 256 };

/* S(t-) of all groups pooled, and 1 - S(t-), which would lose digits as a difference. */
typedef struct {
  double surv, fail;
} pooled;

static const pooled all_alive = {1, 0};

typedef struct {
  rs_mh *mh;
  size_t n_group, stratum;
  double *risk, *event, *leave; /* n_group each; leave may be negative: entries */
  pooled before;                /* the current time, in its stratum: where weights need it */
} logrank_state;

static int is_weighted(const rs_logrank *test) { return test->rho != 0 || test->gamma != 0; }

static double power(double base, double exponent) {
  return exponent == 0 ? 1 : exponent == 1 ? base : pow(base, exponent);
}

/* The same after a time at which a share of those at risk have died. */
static inline pooled after(pooled before, double died, double survived) {
  const pooled now = {before.surv * survived, before.fail + before.surv * died};
  return now;
}

/* The weight of a time at which d of n have the event. */
static inline double next_weight(logrank_state *state, const rs_logrank *test, double d, double n) {
  if (!is_weighted(test)) return 1;
  double weight = power(state->before.surv, test->rho) * power(state->before.fail, test->gamma);
  state->before = after(state->before, d / n, (n - d) / n);
  return weight;
}

/* Closes the current time: its events become one table, then those who left are taken out of
 * the risk set and those who entered are put in. */
static void close_time(logrank_state *state, const rs_logrank *test) {
  double d = 0, n = 0;
  for (size_t g = 0; g < state->n_group; g++) {
    d += state->event[g];
    n += state->risk[g];
  }
  if (d > 0) rs_mh_add(state->mh, state->risk, state->event, next_weight(state, test, d, n));
  for (size_t g = 0; g < state->n_group; g++) {
    state->risk[g] -= state->event[g] + state->leave[g];
    state->event[g] = state->leave[g] = 0;
  }
}

/* What a cell adds to the events of its time, and to who leaves it otherwise; kinds are as good as
 * random: no branch. */
static inline double as_event(const rs_cell *cell) {
  static const double counts[] = {0, 1, 0};
  return counts[cell->kind] * cell->count;
}
static inline double as_leaving(const rs_cell *cell) {
  static const double counts[] = {1, 0, -1};
  return counts[cell->kind] * cell->count;
}

/* Strata come together: of several segments of one only the first that informs counts. */
typedef struct {
  size_t informative, last;
} strata_count;

static void count_stratum(strata_count *count, size_t stratum, size_t tables) {
  if (tables == 0 || (count->informative > 0 && count->last == stratum)) return;
  count->informative++;
  count->last = stratum;
}

typedef struct {
  const rs_stream *stream;
  const rs_run *run;
  const rs_logrank *test;
  size_t n_group;
  rs_mh *part; /* of each segment of the round that begins at segment `from` */
  size_t from;
  pooled *before; /* at the start of each segment; NULL: all are alive there, or no weight needs it */
  logrank_state state; /* in order: carried from one segment to the next */
  strata_count strata;
  int stopped;
} logrank_job;

/* Work counts about a nanosecond; many groups make a table take long. */
static int is_time_to_poll(logrank_job *job, rs_reader *reader, size_t work) {
  return rs_is_due(&reader->work, work, 1 << 24) && rs_is_stopped(&job->stopped, job->run, 0);
}

/* room: 3 * n_group doubles, the last two thirds 0. */
static void add_groups(logrank_job *job, logrank_state *state, rs_reader *reader, double *room) {
  rs_cell cell[256];
  size_t m, groups = job->n_group, first = reader->stratum * groups;
  double time = -1;
  state->n_group = groups;
  state->risk = room;
  state->event = room + groups;
  state->leave = room + 2 * groups;
  while ((m = rs_reader_read(reader, cell, 256)) > 0) {
    for (size_t i = 0; i < m; i++) {
      if (cell[i].time != time) {
        close_time(state, job->test);
        if (is_time_to_poll(job, reader, 16 + groups * groups)) return;
        time = cell[i].time;
      }
      state->event[cell[i].block - first] += as_event(&cell[i]);
      state->leave[cell[i].block - first] += as_leaving(&cell[i]);
    }
    if (is_time_to_poll(job, reader, m * 8)) return;
  }
  close_time(state, job->test);
}

typedef struct {
  double risk[2], event[2], leave[2];
} two_groups;

/* Closes the current time where it ends, which is as good as random where several rows share a time:
 * looked up, it cannot become a branch. */
static RS_INLINE void close_time_of_two(two_groups *now, rs_two *two, int ends) {
  static const double share[] = {0, 1};
  const double gone = share[ends], stays = 1 - gone;
  rs_two_put(two, now->risk, now->event, ends);
  RS_SIMD
  for (int g = 0; g < 2; g++) {
    now->risk[g] -= gone * (now->event[g] + now->leave[g]);
    now->event[g] *= stays;
    now->leave[g] *= stays;
  }
}

/* Adds up the tables put down, of which the first `weighed` have their weights. */
static size_t add_weighed(rs_two *two, size_t weighed, logrank_state *state,
                          const rs_logrank *test) {
  for (size_t i = weighed; is_weighted(test) && i < two->n; i++) {
    /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): n tables are put down */
    double d = two->count[0][i] + two->count[1][i], n = two->margin[0][i] + two->margin[1][i];
    two->weight[i] = next_weight(state, test, d, n);
  }
  rs_two_add_up(two);
  return two->n;
}

/* The same for two groups; room is for who is at risk. */
RS_WIDE static void add_two_groups(logrank_job *job, logrank_state *state, rs_reader *reader,
                                   const double *room) {
  enum { CELLS = RS_SOME_TABLES - RS_SUMS };
  rs_cell cell[CELLS];
  rs_two two;
  size_t m, weighed = 0;
  uint32_t first = (uint32_t)(reader->stratum * 2);
  double time = -1;
  two_groups now = {.risk = {room[0], room[1]}};
  rs_two_start(&two);
  while ((m = rs_reader_read(reader, cell, CELLS)) > 0) {
    for (size_t i = 0; i < m; i++) {
      double second = cell[i].block - first;
      double event = as_event(&cell[i]), leave = as_leaving(&cell[i]);
      close_time_of_two(&now, &two, cell[i].time != time);
      time = cell[i].time;
      const double of[2] = {1 - second, second};
      RS_SIMD
      for (int g = 0; g < 2; g++) {
        now.event[g] += of[g] * event;
        now.leave[g] += of[g] * leave;
      }
    }
    weighed = add_weighed(&two, weighed, state, job->test);
    if (is_time_to_poll(job, reader, m * 16)) return;
  }
  close_time_of_two(&now, &two, 1);
  add_weighed(&two, weighed, state, job->test);
  rs_two_end(&two, state->mh);
}

static void add_segment(logrank_job *job, logrank_state *state, rs_reader *reader, size_t segment,
                        double *room) {
  memcpy(room, rs_segment_risk(job->stream, segment), job->n_group * sizeof *room);
  if (job->n_group == 2) add_two_groups(job, state, reader, room);
  else add_groups(job, state, reader, room);
}

static void visit_in_order(void *data, rs_reader *reader, size_t segment, double *room) {
  logrank_job *job = data;
  size_t before = job->state.mh->informative;
  if (reader->stratum != job->state.stratum) job->state.before = all_alive;
  job->state.stratum = reader->stratum;
  add_segment(job, &job->state, reader, segment, room);
  count_stratum(&job->strata, reader->stratum, job->state.mh->informative - before);
}

/* All segments into one accumulator. */
static rs_status add_in_order(logrank_job *job, rs_mh *mh) {
  rs_run alone = *job->run;
  alone.threads = 1;
  job->state.mh = mh;
  job->state.stratum = SIZE_MAX;
  return rs_visit_segments(job->stream, 0, rs_stream_segments(job->stream), 3 * job->n_group,
                           visit_in_order, job, &alone, &job->stopped);
}

static void visit_part(void *data, rs_reader *reader, size_t segment, double *room) {
  logrank_job *job = data;
  logrank_state state = {0};
  state.mh = &job->part[segment - job->from];
  state.before = job->before ? job->before[segment] : all_alive;
  rs_mh_clear(state.mh);
  add_segment(job, &state, reader, segment, room);
}

/* All groups pooled at one time: at risk, events, and others who leave. */
typedef struct {
  double risk, event, leave;
} crowd;

static RS_INLINE pooled close_time_of_all(crowd *all, pooled before) {
  double n = all->risk > 0 ? all->risk : 1; /* nobody dies of nobody */
  const pooled now = after(before, all->event / n, (n - all->event) / n);
  all->risk -= all->event + all->leave;
  all->event = all->leave = 0;
  return now;
}

/* S and 1 - S over each segment by itself, from 1 and 0. */
RS_WIDE static void visit_survival(void *data, rs_reader *reader, size_t segment, double *room) {
  logrank_job *job = data;
  rs_cell cell[256];
  size_t m;
  double time = -1;
  crowd all = {0, 0, 0};
  pooled now = all_alive;
  (void)room;
  for (size_t g = 0; g < job->n_group; g++) all.risk += rs_segment_risk(job->stream, segment)[g];
  while ((m = rs_reader_read(reader, cell, 256)) > 0) {
    for (size_t i = 0; i < m; i++) {
      if (cell[i].time != time) now = close_time_of_all(&all, now);
      time = cell[i].time;
      all.event += as_event(&cell[i]);
      all.leave += as_leaving(&cell[i]);
    }
    if (is_time_to_poll(job, reader, m * 8)) return;
  }
  job->before[segment] = close_time_of_all(&all, now);
}

/* S(t-) at the start of each segment is the product of what all before it made of those alive. */
static rs_status find_survival(logrank_job *job) {
  size_t n = rs_stream_segments(job->stream);
  pooled now = all_alive;
  rs_status status = rs_visit_segments(job->stream, 0, n, 0, visit_survival, job, job->run,
                                       &job->stopped);
  for (size_t i = 0; i < n; i++) {
    const pooled segment = job->before[i];
    job->before[i] = now;
    now = after(now, segment.fail, segment.surv);
  }
  return status;
}

/* Each segment into its own accumulator, which are merged in order. */
static rs_status add_in_parts(logrank_job *job, rs_mh *mh) {
  size_t n = rs_stream_segments(job->stream);
  rs_status status = RS_OK;
  for (size_t to; job->from < n && status == RS_OK; job->from = to) {
    to = n - job->from < ROUND ? n : job->from + ROUND;
    status = rs_visit_segments(job->stream, job->from, to, 3 * job->n_group, visit_part, job,
                               job->run, &job->stopped);
    for (size_t i = job->from; i < to && status == RS_OK; i++) {
      const rs_mh *part = &job->part[i - job->from];
      rs_mh_merge(mh, part);
      count_stratum(&job->strata, rs_segment_stratum(job->stream, i), part->informative);
    }
  }
  return status;
}

static rs_status add_parts(logrank_job *job, rs_mh *mh) {
  size_t n = rs_stream_segments(job->stream), parts = n < ROUND ? n : ROUND;
  rs_status status = RS_OK;
  int linked = is_weighted(job->test) && rs_stream_strata(job->stream) == 1;
  job->part = calloc(parts, sizeof *job->part);
  job->before = linked ? calloc(n, sizeof *job->before) : NULL;
  if (!job->part || (linked && !job->before)) status = RS_NO_MEMORY;
  for (size_t i = 0; i < parts && status == RS_OK; i++) {
    status = rs_mh_open(&job->part[i], job->n_group, 1);
  }
  if (status == RS_OK && linked) status = find_survival(job);
  if (status == RS_OK) status = add_in_parts(job, mh);
  for (size_t i = 0; job->part && i < parts; i++) rs_mh_close(&job->part[i]);
  free(job->part);
  free(job->before);
  return status;
}

rs_status rs_logrank_run(rs_stream *stream, size_t n_group, const rs_run *run,
                         rs_logrank *test) {
  rs_mh mh;
  logrank_job job = {.stream = stream, .run = run, .test = test, .n_group = n_group};
  rs_status status = rs_mh_open(&mh, n_group, 1);
  if (status != RS_OK) return status;
  if (n_group <= MOST_PARTED && rs_stream_segments(stream) > 1) {
    status = add_parts(&job, &mh);
  } else {
    status = add_in_order(&job, &mh);
  }
  if (status == RS_OK) {
    rs_mh_totals(&mh, test->observed, test->expected, test->covariance);
    test->informative_times = mh.informative;
    test->informative_strata = job.strata.informative;
  }
  rs_mh_close(&mh);
  return status;
}
