/* twin.c: the same sums in numbers of 113 bits, at up to 5e7 subjects. Whole-number counts give
 * the same bits whatever the threads, the order of rows and the chunks. */
#include <math.h>
#include <quadmath.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "riskset.h"

typedef __float128 quad;

enum { GROUPS = 2 };

/* What is allowed: of O - E beside sqrt(V), and relative. */
static const double EXACT = 1e-12;

static uint64_t state = 88172645463325252u;
static uint32_t draw(uint32_t bound) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (uint32_t)((state >> 33) % bound);
}

static void *room(size_t n, size_t size) {
  void *memory = calloc(n, size);
  if (!memory) abort();
  return memory;
}

/* ---- Data ------------------------------------------------------------------------------- */

typedef struct {
  size_t n;
  int *day, *status, *group; /* days, or */
  double *time;              /* continuous times */
  double *weight;
} people;

static people make_people(size_t n, int continuous) {
  people p = {n, NULL, room(n, sizeof(int)), room(n, sizeof(int)), NULL, NULL};
  if (continuous) p.time = room(n, sizeof *p.time);
  else p.day = room(n, sizeof *p.day);
  for (size_t i = 0; i < n; i++) {
    double t = -1000 * log((draw(1u << 30) + 0.5) / (1u << 30));
    p.group[i] = 1 + (int)draw(GROUPS);
    if (p.group[i] == 2) t *= 1.01;
    p.status[i] = draw(10) < 6;
    if (continuous) p.time[i] = t;
    else p.day[i] = t < 3650 ? (int)t : 3650;
  }
  return p;
}

static void free_people(people *p) {
  free(p->day);
  free(p->status);
  free(p->group);
  free(p->time);
  free(p->weight);
}

static rs_rows rows_of(const people *p, size_t from, size_t n) {
  rs_rows r = {.n = n, .status = {p->status + from, RS_INT}, .group = {p->group + from, RS_INT},
               .n_group = GROUPS, .n_stratum = 1, .event = NAN};
  if (p->time) r.time = (rs_column){p->time + from, RS_DOUBLE};
  else r.time = (rs_column){p->day + from, RS_INT};
  if (p->weight) r.weight = (rs_column){p->weight + from, RS_DOUBLE};
  return r;
}

/* ---- The twin of the log-rank test and of a curve ----------------------------------------- */

typedef struct {
  double time;
  int event, group;
} person;

static int earlier(const void *a, const void *b) {
  double x = ((const person *)a)->time, y = ((const person *)b)->time;
  return (x > y) - (x < y);
}

/* Counts by distinct time: events and all who leave, of each group. */
typedef struct {
  size_t n_time;
  double *time;
  size_t (*event)[GROUPS], (*leave)[GROUPS];
} counts;

static counts count_days(const people *p) {
  counts c = {3651, room(3651, sizeof(double)), room(3651, sizeof *c.event),
              room(3651, sizeof *c.leave)};
  for (size_t i = 0; i < p->n; i++) {
    c.event[p->day[i]][p->group[i] - 1] += (size_t)p->status[i];
    c.leave[p->day[i]][p->group[i] - 1]++;
  }
  for (size_t t = 0; t < c.n_time; t++) c.time[t] = (double)t;
  return c;
}

static counts count_times(const people *p) {
  person *sorted = room(p->n, sizeof *sorted);
  counts c = {0, room(p->n, sizeof(double)), room(p->n, sizeof *c.event),
              room(p->n, sizeof *c.leave)};
  for (size_t i = 0; i < p->n; i++) {
    sorted[i] = (person){p->time[i], p->status[i], p->group[i] - 1};
  }
  qsort(sorted, p->n, sizeof *sorted, earlier);
  for (size_t i = 0; i < p->n; i++) {
    if (i == 0 || sorted[i].time != sorted[i - 1].time) c.time[c.n_time++] = sorted[i].time;
    c.event[c.n_time - 1][sorted[i].group] += (size_t)sorted[i].event;
    c.leave[c.n_time - 1][sorted[i].group]++;
  }
  free(sorted);
  return c;
}

static void free_counts(counts *c) {
  free(c->time);
  free(c->event);
  free(c->leave);
}

static void check_logrank(const counts *c, const double *got) {
  size_t risk[GROUPS] = {0}, observed = 0;
  quad expected = 0, variance = 0;
  for (size_t t = 0; t < c->n_time; t++) {
    for (int g = 0; g < GROUPS; g++) risk[g] += c->leave[t][g];
  }
  for (size_t t = 0; t < c->n_time; t++) {
    quad n = risk[0] + risk[1], d = c->event[t][0] + c->event[t][1];
    if (d > 0) {
      quad share = risk[0] / n;
      observed += c->event[t][0];
      expected += d * share;
      if (n > 1) variance += d * share * (risk[1] / n) * ((n - d) / (n - 1));
    }
    for (int g = 0; g < GROUPS; g++) risk[g] -= c->leave[t][g];
  }
  quad off = observed - expected;
  CHECK(got[0] == (double)observed);
  CHECK_NEAR(got[0] - got[2], off, EXACT * sqrtq(variance));
  CHECK_CLOSE(got[4], variance, EXACT);
  CHECK_CLOSE(got[7], variance, EXACT);
  CHECK(got[5] == -got[4] && got[6] == -got[4]);
  printf("    O - E off by %.1e sqrt(V), V by %.1e\n",
         (double)(fabsq((got[0] - got[2]) - off) / sqrtq(variance)),
         (double)(fabsq(got[4] - variance) / variance));
}

/* The curve of group g: S and Greenwood's sum, at every time of its rows. */
static void check_curve(const counts *c, int g, const rs_table *t, const rs_curves *k) {
  size_t risk = 0, row = t->start[g];
  quad surv = 1, sum = 0, worst_s = 0, worst_v = 0;
  int ok = 1;
  for (size_t i = 0; i < c->n_time; i++) risk += c->leave[i][g];
  for (size_t i = 0; i < c->n_time; i++) {
    if (c->leave[i][g] == 0) continue;
    quad n = risk, d = c->event[i][g];
    surv *= (n - d) / n;
    if (d < n) sum += d / n / (n - d);
    else sum = INFINITY;
    ok &= t->time[row] == c->time[i] && k->risk[row] == (double)risk;
    quad v = (quad)k->std_err[row] * k->std_err[row];
    if (surv > 0) worst_s = fmaxq(worst_s, fabsq(k->surv[row] - surv) / surv);
    else ok &= k->surv[row] == 0 && isinf(k->std_err[row]);
    if (sum > 0 && d < n) worst_v = fmaxq(worst_v, fabsq(v - sum) / sum);
    risk -= c->leave[i][g];
    row++;
  }
  CHECK(ok && row == t->start[g + 1]);
  CHECK(worst_s <= EXACT);
  CHECK(worst_v <= EXACT);
  printf("    S off by %.1e, Greenwood by %.1e\n", (double)worst_s, (double)worst_v);
}

/* ---- Ours ---------------------------------------------------------------------------------- */

typedef struct {
  rs_table table;
  double *array[RS_ARRAYS];
} owned;

static double *allocate(size_t n, int which, void *user) {
  owned *t = user;
  return t->array[which] = room(n, sizeof(double));
}

static void free_owned(owned *t) {
  for (int a = 0; a < RS_ARRAYS; a++) free(t->array[a]);
  free(t->table.start);
}

/* Observed, expected and covariance into sums (8); the table too when it is wanted. */
static void run(const rs_rows *r, int threads, unsigned paths, double *sums, owned *t) {
  const rs_run how = {threads, NULL, NULL, paths};
  rs_stream *s;
  rs_report report;
  rs_logrank test = {0, 0, sums, sums + 2, sums + 4, 0, 0};
  CHECK(rs_stream_open(r, RS_TIES_EXACT, &how, &s, &report) == RS_OK);
  CHECK(rs_logrank_run(s, GROUPS, &how, &test) == RS_OK);
  if (t) {
    memset(t, 0, sizeof *t);
    t->table.start = room(GROUPS + 1, sizeof(size_t));
    rs_stream_rewind(s);
    CHECK(rs_tabulate(s, &how, allocate, t, &t->table) == RS_OK);
  }
  rs_stream_close(s);
}

static void check_curves(const counts *c, owned *t) {
  const rs_run how = {2, NULL, NULL, RS_PATH_SORT};
  const rs_interval none = {RS_CONF_NONE, 0, NAN, 0};
  double *out = room(5 * t->table.n_row, sizeof *out);
  size_t n = t->table.n_row;
  rs_curves k = {t->table.event, t->table.censor, NULL, NULL, NULL, out, out + n, out + 2 * n,
                 out + 3 * n,    out + 4 * n,     NULL, NULL};
  CHECK(rs_survival(&k, t->table.start, GROUPS, &none, &how) == RS_OK);
  for (int g = 0; g < GROUPS; g++) check_curve(c, g, &t->table, &k);
  free(out);
}

/* The table of two tables: counts of equal times add up. */
static owned merge(const owned *a, const owned *b) {
  const rs_table *from[2] = {&a->table, &b->table};
  size_t most = a->table.n_row + b->table.n_row, row = 0;
  owned m;
  memset(&m, 0, sizeof m);
  m.table.n_block = GROUPS;
  m.table.start = room(GROUPS + 1, sizeof(size_t));
  m.table.time = allocate(most, RS_TIME, &m);
  m.table.event = allocate(most, RS_EVENT, &m);
  m.table.censor = allocate(most, RS_CENSOR, &m);
  for (size_t g = 0; g < GROUPS; g++) {
    size_t at[2] = {from[0]->start[g], from[1]->start[g]};
    for (;;) {
      double next = INFINITY;
      for (int i = 0; i < 2; i++) {
        if (at[i] < from[i]->start[g + 1]) next = fmin(next, from[i]->time[at[i]]);
      }
      if (next == INFINITY) break;
      m.table.time[row] = next;
      for (int i = 0; i < 2; i++) {
        if (at[i] == from[i]->start[g + 1] || from[i]->time[at[i]] != next) continue;
        m.table.event[row] += from[i]->event[at[i]];
        m.table.censor[row] += from[i]->censor[at[i]++];
      }
      row++;
    }
    m.table.start[g + 1] = row;
  }
  m.table.n_row = row;
  return m;
}

static void check_chunks(const people *p, const double *want) {
  owned chunk[3], two, all;
  double sums[8];
  size_t cut = p->n / 3;
  for (size_t i = 0; i < 3; i++) {
    rs_rows r = rows_of(p, i * cut, i < 2 ? cut : p->n - 2 * cut);
    run(&r, 1, RS_PATH_SORT | RS_PATH_COUNT, sums, &chunk[i]);
  }
  two = merge(&chunk[2], &chunk[0]);
  all = merge(&two, &chunk[1]);
  const rs_run how = {2, NULL, NULL, RS_PATH_SORT};
  rs_stream *s;
  rs_logrank test = {0, 0, sums, sums + 2, sums + 4, 0, 0};
  CHECK(rs_stream_table(&all.table, GROUPS, 1, &how, &s) == RS_OK);
  CHECK(rs_logrank_run(s, GROUPS, &how, &test) == RS_OK);
  CHECK(memcmp(sums, want, sizeof sums) == 0);
  rs_stream_close(s);
  for (int i = 0; i < 3; i++) free_owned(&chunk[i]);
  free_owned(&two);
  free_owned(&all);
}

static void swap_rows(people *p, size_t i, size_t j) {
  int s = p->status[i], g = p->group[i];
  p->status[i] = p->status[j], p->status[j] = s;
  p->group[i] = p->group[j], p->group[j] = g;
  if (p->day) s = p->day[i], p->day[i] = p->day[j], p->day[j] = s;
  if (p->time) {
    double t = p->time[i];
    p->time[i] = p->time[j], p->time[j] = t;
  }
  if (p->weight) {
    double w = p->weight[i];
    p->weight[i] = p->weight[j], p->weight[j] = w;
  }
}

static void shuffle(people *p) {
  for (size_t i = p->n - 1; i > 0; i--) swap_rows(p, i, (size_t)draw(1u << 30) % (i + 1));
}

static void check_people(size_t n, int continuous, int everything) {
  people p = make_people(n, continuous);
  counts c = continuous ? count_times(&p) : count_days(&p);
  double sums[8], again[8];
  owned t;
  rs_rows r = rows_of(&p, 0, n);
  printf("  %zu subjects, %s\n", n, continuous ? "continuous times" : "days");
  run(&r, 2, RS_PATH_SORT | RS_PATH_COUNT, sums, &t);
  check_logrank(&c, sums);
  check_curves(&c, &t);
  for (int threads = 1; threads <= 3 && everything; threads += 2) {
    run(&r, threads, RS_PATH_SORT, again, NULL);
    CHECK(memcmp(again, sums, sizeof sums) == 0);
    run(&r, threads, RS_PATH_SORT | RS_PATH_COUNT, again, NULL);
    CHECK(memcmp(again, sums, sizeof sums) == 0);
  }
  if (everything) {
    check_chunks(&p, sums);
    shuffle(&p);
    run(&r, 2, RS_PATH_SORT | RS_PATH_COUNT, again, NULL);
    CHECK(memcmp(again, sums, sizeof sums) == 0);
  }
  free_owned(&t);
  free_counts(&c);
  free_people(&p);
}

/* Sums of tenths, whose order shows. */
static void check_fractions(size_t n) {
  people p = make_people(n, 0);
  double sums[8], again[8];
  owned a, b;
  p.weight = room(n, sizeof *p.weight);
  for (size_t i = 0; i < n; i++) p.weight[i] = (1 + draw(30)) / 10.0;
  rs_rows r = rows_of(&p, 0, n);
  run(&r, 1, RS_PATH_SORT | RS_PATH_COUNT, sums, &a);
  for (int way = 0; way < 3; way++) {
    if (way == 2) shuffle(&p);
    run(&r, 1 + way, way == 1 ? RS_PATH_SORT : RS_PATH_SORT | RS_PATH_COUNT, again, &b);
    int ok = a.table.n_row == b.table.n_row;
    for (size_t i = 0; i < a.table.n_row && ok; i++) {
      ok &= close_to(b.table.event[i], a.table.event[i], 1e-13L);
      ok &= close_to(b.table.censor[i], a.table.censor[i], 1e-13L);
      ok &= close_to(b.table.square_event[i], a.table.square_event[i], 1e-13L);
    }
    CHECK(ok);
    for (int i = 0; i < 8; i++) CHECK_CLOSE(again[i], sums[i], 1e-13L);
    free_owned(&b);
  }
  free_owned(&a);
  free_people(&p);
}

/* ---- Tables in strata ----------------------------------------------------------------------- */

static quad fitted(quad odds, quad row, quad other, quad col) {
  quad a = 1 - odds, b = other - col + odds * (row + col), q = sqrtq(b * b + 4 * a * odds * row * col);
  if (b >= 0) return 2 * odds * row * col / (b + q);
  return (q - b) / (2 * a);
}

static void check_breslow_day(const double *x, size_t strata, double odds) {
  double got, tarone;
  size_t informative;
  quad chi = 0, off = 0, total = 0;
  rs_homogeneity(x, strata, odds, &got, &tarone, &informative);
  for (size_t k = 0; k < strata; k++, x += 4) {
    quad row = (quad)x[0] + x[2], other = (quad)x[1] + x[3], col = (quad)x[0] + x[1];
    if (row == 0 || other == 0 || col == 0 || (quad)x[2] + x[3] == 0) continue;
    quad e = fitted(odds, row, other, col);
    quad v = 1 / (1 / e + 1 / (row - e) + 1 / (col - e) + 1 / (other - col + e));
    chi += (x[0] - e) * (x[0] - e) / v;
    off += x[0] - e;
    total += v;
  }
  CHECK_CLOSE(got, chi, EXACT);
  CHECK_NEAR(tarone, chi - off * off / total, EXACT * chi);
  printf("    Breslow-Day off by %.1e\n", (double)(fabsq(got - chi) / chi));
}

static void check_strata(size_t strata, uint32_t most, const char *what) {
  double *x = room(4 * strata, sizeof *x), sums[10];
  quad observed = 0, expected = 0, variance = 0, r = 0, s = 0;
  const rs_run how = {1, NULL, NULL, RS_PATH_SORT};
  rs_cmh test = {.rows = 2, .cols = 2, .strata = strata, .observed = sums, .expected = sums + 2,
                 .covariance = sums + 4, .work = sums + 8};
  for (size_t i = 0; i < 4 * strata; i++) x[i] = draw(most) + (i % 4 == 0 ? draw(most) / 2 : 0);
  printf("  %zu strata of %s\n", strata, what);
  CHECK(rs_cmh_run(x, &how, &test) == RS_OK);
  for (size_t k = 0; k < strata; k++) {
    const double *c = x + 4 * k;
    quad row = (quad)c[0] + c[2], col = (quad)c[0] + c[1], n = row + c[1] + c[3];
    if (n == 0) continue;
    observed += c[0];
    expected += row * col / n;
    if (n > 1) variance += row * (n - row) * col * (n - col) / (n * n * (n - 1));
    r += (quad)c[0] * c[3] / n;
    s += (quad)c[1] * c[2] / n;
  }
  quad off = observed - expected;
  /* E is returned as a double: above 1e8 subjects its last digit is more than that. */
  quad within = EXACT * sqrtq(variance), last_digit = expected * 0x1p-53;
  CHECK_NEAR(sums[0] - sums[2], off, observed > 1e8 ? last_digit : within);
  CHECK_CLOSE(sums[4], variance, EXACT);
  CHECK_CLOSE(test.odds_ratio, r / s, EXACT);
  printf("    O - E off by %.1e sqrt(V), V by %.1e\n",
         (double)(fabsq((sums[0] - sums[2]) - off) / sqrtq(variance)),
         (double)(fabsq(sums[4] - variance) / variance));
  check_breslow_day(x, strata, test.odds_ratio);
  check_breslow_day(x, strata, 1 + 1e-9);
  check_breslow_day(x, strata, 1e-6);
  free(x);
}

int main(void) {
  check_people(1000, 0, 1);
  check_people(1000, 1, 1);
  check_people(1000000, 1, 1);
  check_people(5000000, 0, 1);
  check_people(5000000, 1, 0);
  check_people(50000000, 0, 0);
  check_fractions(1000000);
  check_strata(3, 10, "few");
  check_strata(1000, 50, "tens");
  check_strata(100000, 5, "a handful");
  check_strata(200, 100000, "up to 1e5");
  check_strata(200, 1000000000, "up to 1e9");
  return check_summary();
}
