/* unit.c: each status the core can return, each allocation failed in turn, a stop at each poll in
 * turn, its limits, and the corpus of the fuzzer. Usage: unit [folder of the corpus] */
#include <dirent.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/core/mh.h"
#include "../../src/core/rows.h"
#include "check.h"
#include "shim.h"
#include "targets.h"

/* ---- Rows to work on --------------------------------------------------------------------- */

enum { MOST = 2100, GROUPS = 3, STRATA = 4 };

typedef struct {
  double time[MOST], entry[MOST], weight[MOST];
  int status[MOST], group[MOST], stratum[MOST];
} data;

static data d;

static uint32_t random_state;
static uint32_t draw(uint32_t bound) {
  random_state = random_state * 1664525u + 1013904223u;
  return (random_state >> 8) % bound;
}

static void fill_data(int whole) {
  random_state = 7;
  for (size_t i = 0; i < MOST; i++) {
    d.time[i] = whole ? 1 + draw(50) : 1 + draw(1u << 20) / 3000.0;
    d.entry[i] = whole ? d.time[i] - 1 : d.time[i] * 0.5;
    d.weight[i] = whole ? draw(4) : draw(40) / 8.0;
    d.status[i] = draw(2);
    d.group[i] = 1 + (int)draw(GROUPS);
    d.stratum[i] = 1 + (int)draw(STRATA);
  }
}

static rs_column ints(const int *x) { return (rs_column){x, RS_INT}; }
static rs_column doubles(const double *x) { return (rs_column){x, RS_DOUBLE}; }

enum { ENTRY = 1, WEIGHT = 2, STRATUM = 4 };

static rs_rows rows_of(size_t n, int with) {
  rs_rows r = {.n = n, .time = doubles(d.time), .status = ints(d.status), .group = ints(d.group),
               .n_group = GROUPS, .n_stratum = 1, .event = NAN};
  if (with & ENTRY) r.entry = doubles(d.entry);
  if (with & WEIGHT) r.weight = doubles(d.weight);
  if (with & STRATUM) r.stratum = ints(d.stratum);
  if (with & STRATUM) r.n_stratum = STRATA;
  return r;
}

static const rs_run ALONE = {1, NULL, NULL, RS_PATH_COUNT | RS_PATH_SORT};
static const rs_run SORT = {1, NULL, NULL, RS_PATH_SORT};

/* ---- Calls that are failed and stopped ----------------------------------------------------- */

/* Numbers a call leaves, to compare with those of an undisturbed one. */
typedef struct {
  double value[4096];
  size_t n;
} answer;

static void say(answer *a, double x) {
  if (a->n < 4096) a->value[a->n++] = x;
}

static int same(const answer *a, const answer *b) {
  return a->n == b->n && memcmp(a->value, b->value, a->n * sizeof *a->value) == 0;
}

/* A call and what its rows are. */
typedef struct {
  const char *name;
  rs_status (*call)(const rs_run *run, answer *a);
} scenario;

static double *into_room(size_t n, int which, void *user) {
  double(*room)[2 * MOST] = user;
  return n <= 2 * MOST ? room[which] : NULL;
}

static rs_status rows_to_answer(rs_rows *r, rs_ties ties, const rs_run *run, answer *a) {
  static double room[RS_ARRAYS][2 * MOST], curve[5][2 * MOST];
  size_t start[GROUPS * STRATA + 1];
  double sums[2 * GROUPS + GROUPS * GROUPS];
  rs_stream *s, *again = NULL;
  rs_report report;
  rs_table t = {.start = start};
  rs_logrank test = {0, 0, sums, sums + GROUPS, sums + 2 * GROUPS, 0, 0};
  rs_status status = rs_stream_open(r, ties, run, &s, &report);
  if (status == RS_OK) status = rs_tabulate(s, run, into_room, room, &t);
  if (status == RS_OK) {
    rs_curves k = {t.event,  t.censor, t.enter,  t.square_event, t.square_censor, curve[0],
                   curve[1], curve[2], curve[3], curve[4],       NULL,            NULL};
    const rs_interval none = {RS_CONF_NONE, 0, NAN, 0};
    status = rs_survival(&k, start, t.n_block, &none, run);
    for (size_t i = 0; i < t.n_row && status == RS_OK; i += 7) say(a, curve[1][i]);
  }
  if (status == RS_OK) status = rs_stream_table(&t, GROUPS, r->n_stratum, run, &again);
  rs_stream_close(s);
  for (test.gamma = 0; test.gamma < 2 && status == RS_OK; test.gamma++) {
    status = rs_logrank_run(again, GROUPS, run, &test);
    for (size_t g = 0; g < 2 * GROUPS && status == RS_OK; g++) say(a, sums[g]);
  }
  rs_stream_close(again);
  return status;
}

static rs_status data_to_answer(int whole, int columns, rs_ties ties, const rs_run *run, answer *a) {
  fill_data(whole);
  rs_rows r = rows_of(MOST, columns);
  return rows_to_answer(&r, ties, run, a);
}

static rs_status counted_rows(const rs_run *run, answer *a) {
  return data_to_answer(1, ENTRY | STRATUM, RS_TIES_ULP, run, a);
}

static rs_status weighted_counts(const rs_run *run, answer *a) {
  fill_data(1);
  rs_rows r = rows_of(MOST, WEIGHT);
  static double fractions[MOST];
  for (size_t i = 0; i < MOST; i++) fractions[i] = d.weight[i] / 2;
  r.weight = doubles(fractions);
  return rows_to_answer(&r, RS_TIES_ULP, run, a);
}

static void to_months(void) {
  for (size_t i = 0; i < MOST; i++) {
    d.time[i] /= 30.4375;
    d.entry[i] /= 30.4375;
  }
}

static rs_status listed_rows(const rs_run *run, answer *a) {
  fill_data(1);
  to_months();
  rs_rows r = rows_of(MOST, ENTRY | WEIGHT);
  return rows_to_answer(&r, RS_TIES_ULP, run, a);
}

static rs_status sorted_rows(const rs_run *run, answer *a) {
  return data_to_answer(0, STRATUM, RS_TIES_ULP, run, a);
}

static rs_status sorted_weights(const rs_run *run, answer *a) {
  return data_to_answer(0, WEIGHT | STRATUM, RS_TIES_EXACT, run, a);
}

static rs_status sorted_entries(const rs_run *run, answer *a) {
  fill_data(0);
  rs_rows r = rows_of(MOST, ENTRY);
  d.time[0] = 17;
  d.entry[0] = 3;
  d.time[1] = 17 + 1e-9;
  d.entry[1] = 3 - 1e-9;
  return rows_to_answer(&r, RS_TIES_SURVIVAL, run, a);
}

static rs_status many_groups(const rs_run *run, answer *a) {
  enum { MANY = 600 };
  static int code[MOST];
  static double sums[2 * MANY + MANY * MANY];
  rs_stream *s;
  rs_report report;
  rs_logrank test = {0, 0, sums, sums + MANY, sums + 2 * MANY, 0, 0};
  fill_data(0);
  rs_rows r = rows_of(100, 0);
  for (size_t i = 0; i < r.n; i++) code[i] = 1 + (int)(i * 7 % MANY);
  r.group = ints(code);
  r.n_group = MANY;
  rs_status status = rs_stream_open(&r, RS_TIES_ULP, run, &s, &report);
  if (status == RS_OK) status = rs_logrank_run(s, MANY, run, &test);
  rs_stream_close(s);
  for (size_t i = 0; i < 2 * MANY && status == RS_OK; i++) say(a, sums[i]);
  return status;
}

static void say_screened(const rs_screened *s, size_t n, answer *a) {
  for (size_t j = 0; j < n; j++) say(a, s[j].statistic);
}

static rs_status many_columns(const rs_run *run, answer *a) {
  enum { COLUMNS = 40 };
  rs_screened got[COLUMNS];
  rs_column x[COLUMNS];
  rs_report report;
  fill_data(0);
  rs_rows r = rows_of(600, STRATUM);
  for (size_t j = 0; j < COLUMNS; j++) x[j] = ints((j % 2 ? d.group : d.stratum) + j);
  rs_status status = rs_screen_logrank(&r, RS_TIES_ULP, x, COLUMNS, run, got, &report);
  if (status == RS_OK) say_screened(got, COLUMNS, a);
  return status;
}

static rs_status many_trials(const rs_run *run, answer *a) {
  enum { TRIALS = 40 };
  rs_screened got[TRIALS];
  rs_report report;
  size_t trial;
  fill_data(0);
  rs_rows r = rows_of(50, 0);
  rs_status status = rs_screen_trials(&r, TRIALS, 1, RS_TIES_ULP, run, got, &report, &trial);
  if (status == RS_OK) say_screened(got, TRIALS, a);
  return status;
}

static rs_status counted_table(const rs_run *run, answer *a) {
  enum { N = 400000 };
  static int big[N];
  static double weight[N];
  rs_category k[3] = {{ints(big), 0, 5}, {ints(big), 1, 4}, {{NULL, RS_NONE}, 0, 1}};
  double counts[20];
  rs_counted found;
  random_state = 3;
  for (size_t i = 0; i < N; i++) big[i] = (int)draw(6), weight[i] = draw(3);
  rs_status status = rs_count_table(k, doubles(weight), N, run, counts, &found);
  for (size_t i = 0; i < 20 && status == RS_OK; i++) say(a, counts[i]);
  if (status == RS_OK) status = rs_count_table(k, (rs_column){0}, N, run, counts, &found);
  for (size_t i = 0; i < 20 && status == RS_OK; i++) say(a, counts[i]);
  rs_range range;
  if (status == RS_OK) status = rs_column_range(ints(big), N, 100, run, &range);
  if (status == RS_OK) say(a, range.high);
  return status;
}

static rs_status many_tables(const rs_run *run, answer *a) {
  enum { COLUMNS = 100, N = 2000 };
  const double score[2] = {0, 1};
  rs_column x[COLUMNS];
  rs_screen_row got[COLUMNS];
  rs_status status = RS_OK;
  fill_data(1);
  for (size_t j = 0; j < COLUMNS; j++) x[j] = ints((j % 2 ? d.group : d.stratum) + j);
  rs_category y = {ints(d.status), 0, 2}, none = {{NULL, RS_NONE}, 0, 1};
  rs_category strata = {ints(d.stratum), 1, STRATA};
  for (int test = RS_SCREEN_PEARSON; test <= RS_SCREEN_CMH && status == RS_OK; test++) {
    status = rs_screen_crosstab(x, COLUMNS, N, y, test == RS_SCREEN_CMH ? strata : none, score,
                                (rs_screen_test)test, run, got);
    for (size_t j = 0; j < COLUMNS && status == RS_OK; j++) say(a, got[j].statistic);
  }
  return status;
}

static rs_status tables_in_strata(const rs_run *run, answer *a) {
  enum { K = 8200 };
  static double counts[4 * K], density[30000];
  double sums[10], length;
  rs_cmh test = {.rows = 2, .cols = 2, .strata = K, .observed = sums, .expected = sums + 2,
                 .covariance = sums + 4, .work = sums + 8};
  random_state = 5;
  for (size_t i = 0; i < 4 * K; i++) counts[i] = draw(4);
  rs_status status = rs_cmh_run(counts, run, &test);
  if (status != RS_OK) return status;
  say(a, test.odds_ratio);
  for (size_t i = 0; i < 4 * 3; i++) counts[i] = 3000 + draw(1000);
  rs_exact_work(counts, 3, 1.5, &length);
  status = rs_exact_distribution(counts, 3, 1.5, run, (size_t)length, density);
  for (size_t i = 0; i < (size_t)length && status == RS_OK; i += 97) say(a, density[i]);
  return status;
}

static const scenario SCENARIOS[] = {
    {"counted rows", counted_rows},       {"weighted counts", weighted_counts},
    {"listed rows", listed_rows},
    {"sorted rows", sorted_rows},         {"sorted weights", sorted_weights},
    {"sorted entries", sorted_entries},   {"many groups", many_groups},
    {"many columns", many_columns},
    {"many trials", many_trials},         {"counted table", counted_table},
    {"many tables", many_tables},         {"tables in strata", tables_in_strata}};
enum { N_SCENARIOS = sizeof SCENARIOS / sizeof *SCENARIOS };

/* ---- Each allocation fails in turn --------------------------------------------------------- */

static void fail_each_allocation(const scenario *s, int threads) {
  static answer whole, disturbed;
  rs_run run = {threads, NULL, NULL, RS_PATH_COUNT | RS_PATH_SORT};
  long live, asked;
  whole.n = 0;
  shim_start(0);
  CHECK(s->call(&run, &whole) == RS_OK);
  asked = shim_stop(&live);
  CHECK(live == 0 && asked > 0 && whole.n > 0);
  long few = asked < 300 ? 1 : asked / 100;
  for (long nth = 1; nth <= asked; nth += few) {
    disturbed.n = 0;
    shim_start(nth);
    rs_status status = s->call(&run, &disturbed);
    shim_stop(&live);
    /* A thread that found nothing left to do did not need its memory. */
    int fine = status == RS_NO_MEMORY ||
               (threads > 1 && status == RS_OK && same(&whole, &disturbed));
    CHECK(fine);
    CHECK(live == 0);
    if (!fine || live != 0) {
      fprintf(stderr, "  %s, %d threads: allocation %ld of %ld\n", s->name, threads, nth, asked);
    }
  }
  disturbed.n = 0;
  CHECK(s->call(&run, &disturbed) == RS_OK && same(&whole, &disturbed));
}

/* ---- A stop at each poll in turn ----------------------------------------------------------- */

typedef struct {
  long polls, stop_at;
} patience;

static int ask(void *user) {
  patience *p = user;
  return ++p->polls >= p->stop_at;
}

static void stop_at_each_poll(const scenario *s, int threads) {
  static answer whole, disturbed;
  patience p = {0, LONG_MAX};
  rs_run run = {threads, ask, &p, RS_PATH_COUNT | RS_PATH_SORT};
  long live;
  whole.n = 0;
  CHECK(s->call(&run, &whole) == RS_OK);
  CHECK(p.polls > 0 || threads > 1); /* all the work may have gone to the others */
  long polls = p.polls, few = polls < 200 ? 1 : polls / 100;
  for (long stop_at = 1; stop_at <= polls; stop_at += few) {
    p = (patience){0, stop_at};
    disturbed.n = 0;
    shim_start(0);
    rs_status status = s->call(&run, &disturbed);
    shim_stop(&live);
    CHECK(live == 0);
    /* Threads of a loop see the answer of the first a little later, or may be done before. */
    CHECK(status == RS_INTERRUPTED || (threads > 1 && p.polls < stop_at));
    if (status != RS_INTERRUPTED && p.polls >= stop_at) {
      fprintf(stderr, "  %s, %d threads: poll %ld of %ld\n", s->name, threads, stop_at, polls);
    }
  }
  p = (patience){0, LONG_MAX};
  disturbed.n = 0;
  CHECK(s->call(&run, &disturbed) == RS_OK && same(&whole, &disturbed));
}

/* ---- Statuses and problems ------------------------------------------------------------------ */

static rs_status open_close(const rs_rows *r, rs_ties ties, const rs_run *run, rs_report *report) {
  rs_stream *s = NULL;
  rs_status status = rs_stream_open(r, ties, run, &s, report);
  CHECK((s != NULL) == (status == RS_OK && report->used > 0));
  rs_stream_close(s);
  return status;
}

static void check_problem(const rs_rows *r, rs_problem problem, rs_column_name column, size_t row) {
  rs_report report;
  CHECK(open_close(r, RS_TIES_ULP, &ALONE, &report) == RS_BAD_ROW);
  CHECK(report.problem == problem && report.column == column && report.row == row);
}

static void each_problem(void) {
  static const struct {
    double *x;
    double value;
    rs_problem problem;
    rs_column_name column;
  } wrong[] = {{d.time, -1, RS_NEGATIVE, RS_COLUMN_TIME},
               {d.time, -INFINITY, RS_INFINITE, RS_COLUMN_TIME},
               {d.time, INFINITY, RS_EVENT_AT_INFINITY, RS_COLUMN_TIME},
               {d.entry, -1, RS_NEGATIVE, RS_COLUMN_ENTRY},
               {d.entry, INFINITY, RS_INFINITE, RS_COLUMN_ENTRY},
               {d.entry, 1000, RS_ENTRY_NOT_BEFORE_TIME, RS_COLUMN_ENTRY},
               {d.weight, -1, RS_NEGATIVE, RS_COLUMN_WEIGHT},
               {d.weight, INFINITY, RS_INFINITE, RS_COLUMN_WEIGHT},
               {d.weight, NAN, RS_MISSING, RS_COLUMN_WEIGHT}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    fill_data(1);
    rs_rows r = rows_of(MOST, ENTRY | WEIGHT);
    d.status[1234] = d.status[MOST - 1] = 1;
    wrong[i].x[1234] = wrong[i].x[MOST - 1] = wrong[i].value;
    if (wrong[i].x == d.time) r.entry.type = RS_NONE;
    check_problem(&r, wrong[i].problem, wrong[i].column, 1234);
  }
  fill_data(1);
  rs_rows r = rows_of(MOST, 0);
  d.status[77] = 5;
  check_problem(&r, RS_NOT_A_STATUS, RS_COLUMN_STATUS, 77);
  memset(d.weight, 0, sizeof d.weight);
  r.weight = doubles(d.weight);
  d.status[77] = 1;
  check_problem(&r, RS_ALL_ZERO, RS_COLUMN_WEIGHT, 0);
}

static void missing_times(void) {
  const int time[] = {3, INT_MIN, 5};
  const double as_double[] = {3, NAN, 5};
  rs_rows r = {.n = 3, .time = ints(time), .n_group = 1, .n_stratum = 1, .event = NAN};
  rs_report report;
  CHECK(open_close(&r, RS_TIES_ULP, &ALONE, &report) == RS_OK);
  CHECK(report.missing[RS_COLUMN_TIME] == 1 && report.not_a_number == 0);
  r.time = doubles(as_double);
  CHECK(open_close(&r, RS_TIES_ULP, &ALONE, &report) == RS_OK);
  CHECK(report.missing[RS_COLUMN_TIME] == 1 && report.not_a_number == 1);
}

/* Who never leaves may enter after everybody else has left. */
static void late_entry(void) {
  const double time[] = {3, INFINITY}, entry[] = {0, 5}, want[] = {0, 3, 5, INFINITY};
  const int status[] = {1, 0};
  static double room[RS_ARRAYS][2 * MOST];
  rs_rows r = {.n = 2, .time = doubles(time), .entry = doubles(entry), .status = ints(status),
               .n_group = 1, .n_stratum = 1, .event = NAN};
  for (int way = 0; way < 2; way++) {
    size_t start[2];
    rs_table t = {.start = start};
    rs_report report;
    rs_stream *s;
    CHECK(rs_stream_open(&r, RS_TIES_ULP, way ? &SORT : &ALONE, &s, &report) == RS_OK);
    CHECK(report.max_time == 5);
    CHECK(rs_tabulate(s, &ALONE, into_room, room, &t) == RS_OK);
    CHECK(t.n_row == 4 && memcmp(t.time, want, sizeof want) == 0);
    CHECK(t.enter[2] == 1 && t.event[1] == 1 && t.censor[3] == 1);
    rs_stream_close(s);
  }
}

/* The rule of survival would leave the second and the third at risk for no time. */
static void tied_entry(void) {
  const double time[] = {2, 1 + 1e-9, 1 + 2e-9}, entry[] = {0, 1, 1 + 1e-9};
  rs_rows r = {.n = 3, .time = doubles(time), .entry = doubles(entry), .n_group = 1, .n_stratum = 1,
               .event = NAN};
  rs_report report;
  CHECK(open_close(&r, RS_TIES_ULP, &ALONE, &report) == RS_OK);
  CHECK(open_close(&r, RS_TIES_SURVIVAL, &ALONE, &report) == RS_BAD_ROW);
  CHECK(report.problem == RS_ENTRY_TIED_WITH_TIME && report.column == RS_COLUMN_ENTRY);
  CHECK(report.row == 1 && report.rows == 2 && report.value == 1);
}

/* A column of integers that are all missing is no error of a screen. */
static void empty_column(void) {
  const int x[] = {INT_MIN, INT_MIN}, y[] = {0, 1};
  const double score[] = {0, 1};
  const rs_category outcome = {ints(y), 0, 2}, none = {{NULL, RS_NONE}, 0, 1};
  rs_column column = ints(x);
  rs_screen_row row;
  CHECK(rs_screen_crosstab(&column, 1, 2, outcome, none, score, RS_SCREEN_PEARSON, &ALONE, &row) ==
        RS_OK);
  CHECK(row.reason == RS_SCREEN_NO_ROWS && isnan(row.statistic) && row.n == 0);
}

/* One column of 0 and 1 against another: the table a c / b d. */
static void screen_one(int a, int b, int c, int test_kind, rs_screen_row *row) {
  static int x[64], y[64];
  const int counts[4] = {a, b, c, 12};
  const double score[] = {0, 1};
  const rs_category outcome = {ints(y), 0, 2}, none = {{NULL, RS_NONE}, 0, 1};
  rs_column column = ints(x);
  size_t n = 0;
  for (int cell = 0; cell < 4; cell++) {
    for (int i = 0; i < counts[cell]; i++, n++) x[n] = cell % 2, y[n] = cell / 2;
  }
  CHECK(rs_screen_crosstab(&column, 1, n, outcome, none, score, (rs_screen_test)test_kind, &ALONE,
                           row) == RS_OK);
}

static void two_by_two_screens(void) {
  rs_screen_row row;
  double pearson = 29.0 * (10 * 12 - 4 * 3) * (10 * 12 - 4 * 3) / (14.0 * 15 * 13 * 16);
  screen_one(10, 4, 3, RS_SCREEN_PEARSON, &row);
  CHECK_CLOSE(row.statistic, pearson, 1e-14L);
  CHECK_CLOSE(row.odds_ratio, 10, 1e-14L);
  CHECK(row.n == 29 && row.events == 15 && row.df == 1);
  screen_one(10, 4, 3, RS_SCREEN_TREND, &row);
  CHECK_CLOSE(row.statistic, pearson * 28 / 29, 1e-14L);
  screen_one(10, 4, 3, RS_SCREEN_CMH, &row);
  CHECK_CLOSE(row.statistic, pearson * 28 / 29, 1e-14L);
  CHECK_CLOSE(row.odds_ratio, 10, 1e-14L);
  screen_one(10, 0, 3, RS_SCREEN_PEARSON, &row);
  CHECK(row.odds_ratio == INFINITY);
  screen_one(0, 4, 3, RS_SCREEN_PEARSON, &row);
  CHECK(row.odds_ratio == 0);
}

/* S falls from 1 to 0 while its robust standard error stays 0: the limits fall along. */
static void certain_fall(void) {
  const double event[] = {0, 1.5}, censor[] = {2.5, 0}, square_event[] = {0, 2.25},
               square_censor[] = {6.25, 0};
  const size_t start[] = {0, 2};
  double out[7][2];
  const rs_interval plain = {RS_CONF_PLAIN, 1.96, NAN, 1};
  const rs_curves k = {event,  censor, NULL,   square_event, square_censor, out[0],
                       out[1], out[2], out[3], out[4],       out[5],        out[6]};
  CHECK(rs_survival(&k, start, 1, &plain, &ALONE) == RS_OK);
  CHECK(k.surv[0] == 1 && k.lower[0] == 1 && k.upper[0] == 1);
  CHECK(k.surv[1] == 0 && k.std_err[1] == 0 && k.lower[1] == 0 && k.upper[1] == 0);
}

/* A 2 among the statuses makes 2 the event, even where the first rows have none. */
static void late_two(void) {
  rs_report report;
  fill_data(1);
  for (size_t i = 0; i < MOST; i++) d.status[i] = 1;
  d.status[MOST - 1] = 2;
  rs_rows r = rows_of(MOST, 0);
  CHECK(open_close(&r, RS_TIES_ULP, &ALONE, &report) == RS_OK && report.event == 2);
  r.n = MOST - 1;
  CHECK(open_close(&r, RS_TIES_ULP, &ALONE, &report) == RS_OK && report.event == 1);
}

static void too_large(void) {
  rs_report report;
  fill_data(1);
  d.weight[0] = d.weight[1] = 9007199254740992.0;
  rs_rows r = rows_of(MOST, WEIGHT);
  CHECK(open_close(&r, RS_TIES_ULP, &ALONE, &report) == RS_BAD_ROW);
  CHECK(report.problem == RS_SUM_TOO_LARGE && report.column == RS_COLUMN_WEIGHT);
  d.weight[1] = 1; /* a sum that a double rounds to 2^53 */
  CHECK(open_close(&r, RS_TIES_ULP, &ALONE, &report) == RS_BAD_ROW);
  /* Products of sizes that do not fit. */
  r = rows_of(MOST, STRATUM);
  r.n_group = r.n_stratum = SIZE_MAX / 2;
  CHECK(open_close(&r, RS_TIES_ULP, &SORT, &report) == RS_NO_MEMORY);
  rs_category k[3] = {{ints(d.group), 1, 70000}, {ints(d.group), 1, 70000}, {{0}, 0, 1}};
  double counts[1], score[1] = {0};
  rs_counted found;
  rs_screen_row row;
  CHECK(rs_count_table(k, (rs_column){0}, 5, &ALONE, counts, &found) == RS_TOO_LARGE);
  k[0].levels = k[1].levels = SIZE_MAX / 2;
  CHECK(rs_count_table(k, (rs_column){0}, 5, &ALONE, counts, &found) == RS_TOO_LARGE);
  rs_column x = ints(d.group);
  CHECK(rs_screen_crosstab(&x, 1, 5, k[0], k[1], score, RS_SCREEN_CMH, &ALONE, &row) == RS_TOO_LARGE);
  k[0].levels = k[1].levels = 70000;
  CHECK(rs_screen_crosstab(&x, 1, 5, k[0], k[1], score, RS_SCREEN_CMH, &ALONE, &row) == RS_TOO_LARGE);
  rs_mh mh;
  CHECK(rs_mh_open(&mh, SIZE_MAX / 2, 3) == RS_NO_MEMORY);
  CHECK(rs_mh_open(&mh, (size_t)1 << 33, 1) == RS_NO_MEMORY);
  CHECK(rs_mh_open(&mh, (size_t)1 << 31, 1) == RS_NO_MEMORY);
  CHECK(rs_exact_distribution(counts, 1, 1, &ALONE, SIZE_MAX, counts) == RS_NO_MEMORY);
  rs_logrank test = {0, 0, counts, counts, counts, 0, 0};
  CHECK(rs_logrank_run(NULL, SIZE_MAX / 4, &ALONE, &test) == RS_NO_MEMORY);
}

/* ---- Small parts ---------------------------------------------------------------------------- */

static void sizes_multiply(void) {
  size_t product = 5;
  CHECK(rs_mul(SIZE_MAX, 2, &product) == 1 && product == 5);
  CHECK(rs_mul(SIZE_MAX / 2, 2, &product) == 0 && product == SIZE_MAX - 1);
  CHECK(rs_mul(SIZE_MAX, 0, &product) == 0 && product == 0);
  CHECK(rs_part(10, 3, 3) == 10 && rs_part(10, 1, 3) == 3);
  rs_run run = {0, NULL, NULL, RS_PATH_SORT};
  CHECK(rs_threads(&run, SIZE_MAX) == 1);
  run.threads = 1000;
  CHECK(rs_threads(&run, SIZE_MAX) == RS_MOST_THREADS && rs_threads(&run, 1) == 1);
}

/* Sorting is stable, whatever the bits. */
static void sorts(void) {
  enum { N = 5000 };
  static uint64_t key[N], spare[N], before[N];
  static uint32_t carry[N], spare_carry[N];
  for (int bits = 1; bits <= 64; bits += 7) {
    for (size_t n = 1; n <= N; n = 3 * n + 7) {
      random_state = (uint32_t)bits;
      for (size_t i = 0; i < n; i++) {
        key[i] = ((uint64_t)draw(1u << 24) << 40 | (uint64_t)draw(1u << 24) << 16 | draw(1u << 16));
        key[i] >>= 64 - bits;
        if (n % 2) key[i] &= ~(uint64_t)0xfff; /* many equal low bits */
        before[i] = key[i];
        carry[i] = (uint32_t)i;
      }
      rs_sort(key, carry, spare, spare_carry, n, bits);
      int ok = 1;
      for (size_t i = 0; i < n; i++) ok &= key[i] == before[carry[i]];
      for (size_t i = 1; i < n; i++) {
        ok &= key[i - 1] < key[i] || (key[i - 1] == key[i] && carry[i - 1] < carry[i]);
      }
      CHECK(ok);
      memcpy(spare, before, n * sizeof *before);
      rs_sort(before, NULL, spare, NULL, n, bits);
      CHECK(memcmp(before, key, n * sizeof *key) == 0);
    }
  }
}

/* The table of rows whose times use all of a double, with room for k groups and k strata. */
static void wide_table(int with, size_t k, double room[RS_ARRAYS][2 * MOST], rs_table *t) {
  rs_rows r = rows_of(500, with | STRATUM);
  rs_stream *s;
  rs_report report;
  if (k > 0) r.n_group = r.n_stratum = k;
  t->start = malloc((r.n_group * r.n_stratum + 1) * sizeof *t->start);
  CHECK(rs_stream_open(&r, RS_TIES_ULP, &ALONE, &s, &report) == RS_OK);
  CHECK(rs_tabulate(s, &ALONE, into_room, room, t) == RS_OK);
  rs_stream_close(s);
  free(t->start);
}

/* Where group and stratum do not fit beside the time they travel apart from it, or are read from
 * the row again: the same table. */
static void wide_keys(void) {
  static double narrow[RS_ARRAYS][2 * MOST], wide[RS_ARRAYS][2 * MOST];
  rs_table a, b;
  for (int with = 0; with <= (ENTRY | WEIGHT); with++) {
    fill_data(1);
    for (size_t i = 0; i < 500; i++) {
      d.time[i] = ldexp(1 + d.time[i] / 64, (int)draw(2000) - 1000);
      d.entry[i] = d.time[i] / (1 << 20);
    }
    memset(narrow, 0, sizeof narrow);
    memset(wide, 0, sizeof wide);
    wide_table(with, 0, narrow, &a);
    wide_table(with, 700, wide, &b);
    CHECK(a.n_row == b.n_row && a.n_row > 400);
    CHECK(memcmp(narrow, wide, sizeof wide) == 0);
  }
}

/* Both readings of a table are as exact, with 1e9 in a cell too: 11 of 21 in one of two columns,
 * when the other has everybody else. */
static void fisher_of_many(void) {
  long double n = 1000000044.0L, want = 0;
  for (int i = 0; i < 11; i++) want += logl((21 - i) / (n - i));
  CHECK_CLOSE(rs_fisher_log_p(10, 11, 1e9 + 23, 0), want, 1e-14L);
  CHECK_CLOSE(rs_fisher_log_p(10, 1e9 + 23, 11, 0), want, 1e-14L);
}

/* A cell that odds of 1e-6 leave nearly empty beside 1e9 in another. */
static void work_of_many(void) {
  const double x[] = {1000000012, 44, 286, 112};
  double length, work = rs_exact_work(x, 1, 1e-6, &length);
  CHECK(length == 157 && work == 157);
}

/* u' V^-1 u in buffers of exactly their size. */
static double quadratic(const double *u, const double *v, size_t p, size_t *rank) {
  double *copy = malloc((p + p * p) * sizeof *copy), *work = malloc(p * (p + 3) * sizeof *work);
  double *cov = malloc(p * p * sizeof *cov);
  memcpy(copy, u, p * sizeof *u);
  memcpy(cov, v, p * p * sizeof *v);
  for (size_t i = 0; i < p * (p + 3); i++) work[i] = NAN;
  double sum = rs_quadratic(copy, cov, p, work, rank);
  free(copy);
  free(cov);
  free(work);
  return sum;
}

static void quadratic_forms(void) {
  const double u[] = {3, -2, 5};
  const double one[] = {4}, two[] = {4, 1, 1, 3}, none[] = {0, 0, 0, 0};
  /* Its inverse is the matrix 3 2 1 / 2 4 2 / 1 2 3, over 4. */
  const double three[] = {2, -1, 0, -1, 2, -1, 0, -1, 2};
  const double hole[] = {4, 0, 1, 0, 0, 0, 1, 0, 3};
  size_t rank;
  CHECK_CLOSE(quadratic(u, one, 1, &rank), 9.0L / 4, 1e-15L);
  CHECK(rank == 1);
  CHECK_CLOSE(quadratic(u, two, 2, &rank), (3 * 9 + 2 * 6 + 4 * 4) / 11.0L, 1e-14L);
  CHECK(rank == 2);
  /* 27 + 16 + 75 on the diagonal, 2 (-12 + 15 - 20) beside it. */
  CHECK_CLOSE(quadratic(u, three, 3, &rank), (27 + 16 + 75 - 34) / 4.0L, 1e-14L);
  CHECK(rank == 3);
  CHECK_CLOSE(quadratic(u, hole, 3, &rank), (3 * 9 - 2 * 15 + 4 * 25) / 11.0L, 1e-14L);
  CHECK(rank == 2);
  CHECK(quadratic(u, none, 2, &rank) == 0 && rank == 0);
}

/* Tables of two groups, whether added together or one by one: some of a single subject or group,
 * some where all or none have the outcome. */
static void two_groups(void) {
  double sums[2][8];
  rs_two two;
  rs_mh together, apart;
  random_state = 11;
  CHECK(rs_mh_open(&together, 2, 1) == RS_OK && rs_mh_open(&apart, 2, 1) == RS_OK);
  for (size_t tables = 0; tables < 600; tables += tables < 20 ? 1 : 97) {
    rs_mh_clear(&together);
    rs_mh_clear(&apart);
    rs_two_start(&two);
    for (size_t i = 0; i < tables; i++) {
      const double margin[2] = {draw(4), draw(1 + draw(50))};
      const double count[2] = {draw(1 + (uint32_t)margin[0]), draw(1 + (uint32_t)margin[1])};
      rs_two_put(&two, margin, count, 1);
      if (count[0] + count[1] > 0) rs_mh_add(&apart, margin, count, 1);
      if (two.n == RS_SOME_TABLES || (tables % 2 && draw(40) == 0)) rs_two_add_up(&two);
    }
    rs_two_end(&two, &together);
    CHECK(together.informative == apart.informative);
    rs_mh_totals(&together, sums[0], sums[0] + 2, sums[0] + 4);
    rs_mh_totals(&apart, sums[1], sums[1] + 2, sums[1] + 4);
    for (int i = 0; i < 8; i++) CHECK_CLOSE(sums[0][i], sums[1][i], 1e-15);
  }
  rs_mh_close(&together);
  rs_mh_close(&apart);
}

/* The log-rank test of some rows; sums gets O, E and the covariance, k (k + 2) doubles. */
static rs_logrank test_rows(const rs_rows *r, double rho, double gamma, const rs_run *run,
                            double *sums) {
  const size_t k = r->n_group;
  rs_logrank test = {rho, gamma, sums, sums + k, sums + 2 * k, 0, 0};
  rs_stream *s;
  rs_report report;
  CHECK(rs_stream_open(r, RS_TIES_ULP, run, &s, &report) == RS_OK);
  CHECK(r->n_stratum > 1 || RS_LARGE_STRATUM > MOST || rs_stream_segments(s) > 1);
  CHECK(rs_logrank_run(s, k, run, &test) == RS_OK);
  rs_stream_close(s);
  return test;
}

static void an_empty_third_group(void) {
  double with[GROUPS * (GROUPS + 2)], without[2 * 4];
  for (int whole = 0; whole < 2; whole++) {
    fill_data(whole);
    for (size_t i = 0; i < MOST; i++) d.group[i] = 1 + (int)(i % 2);
    rs_rows two = rows_of(MOST, 0), three = rows_of(MOST, 0);
    two.n_group = 2;
    for (int power = 0; power < 4; power++) {
      rs_logrank a = test_rows(&three, power % 2, power / 2, &ALONE, with);
      rs_logrank b = test_rows(&two, power % 2, power / 2, &ALONE, without);
      for (int g = 0; g < 2; g++) {
        CHECK_CLOSE(a.observed[g], b.observed[g], 1e-13);
        CHECK_CLOSE(a.expected[g], b.expected[g], 1e-13);
      }
      CHECK_CLOSE(a.covariance[0], b.covariance[0], 1e-13);
    }
  }
}

/* V = A A' and u = A c: the rank is that of A, some of whose rows are multiples of others, and the
 * form c'c where it is that of its columns. */
static void forms_of_known_rank(void) {
  enum { P = 5 };
  double a[P][P], u[P], v[P * P], c[P] = {1, -2, 3, -1, 2};
  random_state = 13;
  for (int turn = 0; turn < 200; turn++) {
    size_t columns = 1 + draw(P), rows = 0, rank;
    double want = 0;
    for (size_t j = 0; j < columns; j++) want += c[j] * c[j];
    for (size_t i = 0; i < P; i++) {
      int multiple = i > 0 && draw(3) == 0;
      u[i] = 0;
      rows += !multiple;
      for (size_t j = 0; j < columns; j++) {
        a[i][j] = multiple ? a[i - 1][j] * 3 / 7 : draw(1000) / 100.0 - 5;
        u[i] += a[i][j] * c[j];
      }
    }
    for (size_t i = 0; i < P * P; i++) {
      v[i] = 0;
      for (size_t j = 0; j < columns; j++) v[i] += a[i / P][j] * a[i % P][j];
    }
    double got = quadratic(u, v, P, &rank);
    CHECK(rank == (rows < columns ? rows : columns));
    if (rank == columns) CHECK_CLOSE(got, want, 1e-6);
  }
}

/* Strata that inform, of those of some rows: one is counted once, though it is read in parts. */
static size_t informative_strata(const rs_rows *r, double rho, const rs_run *run) {
  double sums[GROUPS * (GROUPS + 2)];
  return test_rows(r, rho, 0, run, sums).informative_strata;
}

static void strata_that_inform(void) {
  fill_data(0);
  for (int rho = 0; rho < 2; rho++) {
    for (size_t k = 2; k <= GROUPS; k++) {
      rs_rows one = rows_of(MOST, 0), some = rows_of(MOST, STRATUM);
      one.n_group = some.n_group = k;
      for (size_t i = 0; i < MOST; i++) {
        d.group[i] = 1 + (int)(i % k);
        d.status[i] = d.time[i] > 4; /* none in the first segments */
      }
      CHECK(informative_strata(&one, rho, &SORT) == 1);
      CHECK(informative_strata(&some, rho, &SORT) == STRATA);
      for (size_t i = 0; i < MOST; i++) {
        if (d.stratum[i] == 1) d.status[i] = 0;
        if (d.stratum[i] == 2) d.group[i] = 1;
      }
      CHECK(informative_strata(&some, rho, &SORT) == STRATA - 2);
      for (size_t i = 0; i < MOST; i++) d.status[i] = 0;
      CHECK(informative_strata(&one, rho, &SORT) == 0);
    }
  }
}

/* The same data by all paths: few times that are not whole are listed, until a thread, or all
 * threads together, find one too many. */
static void few_times(void) {
  const rs_run shared = {3, NULL, NULL, RS_PATH_COUNT | RS_PATH_SORT};
  static answer sorted, counted;
  for (size_t distinct = 1; distinct < 400; distinct += distinct / 2 + 1) {
    for (int with = 0; with <= (ENTRY | WEIGHT | STRATUM); with++) {
      fill_data(1);
      for (size_t i = 0; i < MOST; i++) d.time[i] = 60 + (double)draw((uint32_t)distinct);
      d.time[5] = INFINITY;
      d.time[6] = NAN;
      d.status[5] = 0;
      to_months();
      rs_rows r = rows_of(MOST, with);
      for (int ties = RS_TIES_EXACT; ties <= RS_TIES_SURVIVAL; ties++) {
        sorted.n = counted.n = 0;
        CHECK(rows_to_answer(&r, (rs_ties)ties, &SORT, &sorted) == RS_OK);
        CHECK(rows_to_answer(&r, (rs_ties)ties, &shared, &counted) == RS_OK);
        CHECK(sorted.n > 0 && same(&sorted, &counted));
      }
    }
  }
}

/* Places of the stream of n rows with so many distinct times: cells where they are counted. */
static size_t places(size_t n, size_t distinct) {
  rs_stream *s;
  rs_report report;
  fill_data(1);
  for (size_t i = 0; i < n; i++) { /* not in a rhythm that the sample might have too */
    d.time[i] = (60 + (double)(i < distinct ? i : draw((uint32_t)distinct))) / 30.4375;
  }
  rs_rows r = rows_of(n, 0);
  CHECK(rs_stream_open(&r, RS_TIES_ULP, &ALONE, &s, &report) == RS_OK);
  size_t found = rs_stream_places(s);
  rs_stream_close(s);
  return found;
}

static void few_times_are_counted(void) {
  const size_t most = (size_t)1 << (RS_LIST_BITS - 1);
  if (RS_LISTED_ROWS > MOST) return; /* sizes as shipped: there are too few rows here */
  CHECK(places(MOST, most) == most * GROUPS * 2);
  CHECK(places(MOST, most + 1) == MOST);
  CHECK(places(MOST, 4) == 4 * (size_t)GROUPS * 2);
  CHECK(places(MOST, 3) == MOST); /* three times repeat in the sample, not four */
  CHECK(places(RS_LISTED_ROWS, 6) == 6 * (size_t)GROUPS * 2);
  CHECK(places(RS_LISTED_ROWS - 1, 6) == RS_LISTED_ROWS - 1);
}

static int stop_at_once(void *unused) {
  (void)unused;
  return 1;
}

/* Of many groups a form takes minutes: it asks whether to stop. */
static void a_large_form_stops(void) {
  enum { P = 400 };
  double *v = calloc((size_t)P * P, sizeof *v), *u = calloc(P, sizeof *u);
  double *work = malloc((size_t)P * (P + 3) * sizeof *work), value = -1;
  const rs_run run = {1, stop_at_once, NULL, 0};
  size_t rank;
  for (size_t i = 0; i < P; i++) v[i * P + i] = u[i] = 1;
  CHECK(rs_quadratic(u, v, P, work, &rank) == P && rank == P);
  CHECK(rs_quadratic_run(u, v, P, &run, work, &value, &rank) == RS_INTERRUPTED && value == -1);
  free(v);
  free(u);
  free(work);
}

/* A fraction between two levels is neither. */
static void fractions_are_no_level(void) {
  const double x[] = {1, 1.5, 2, 0.999, NAN, 3, 1, 0x1p-60, -0x1p-60};
  const rs_category k[3] = {{doubles(x), 1, 2}, {{0}, 0, 1}, {{0}, 0, 1}};
  const rs_category below[3] = {{doubles(x), -1, 4}, {{0}, 0, 1}, {{0}, 0, 1}};
  double counts[4];
  rs_counted found;
  CHECK(rs_count_table(k, (rs_column){0}, 9, &ALONE, counts, &found) == RS_OK);
  CHECK(counts[0] == 2 && counts[1] == 1 && found.missing == 6);
  CHECK(rs_count_table(below, (rs_column){0}, 9, &ALONE, counts, &found) == RS_OK);
  CHECK(counts[1] == 0 && counts[2] == 2 && counts[3] == 1 && found.missing == 6);
}

/* A power of 2 in the scores changes no bit of their correlation. */
static void a_trend_in_any_unit(void) {
  static const int powers[] = {1000, 700, 60, -60, -700, -1000};
  const double counts[] = {4, 11, 6, 7, 10, 3}, x[] = {-1, 2}, y[] = {1, 2.5, 7};
  double row[2], col[3], far_x[2], far_y[3];
  rs_crosstab t = {.rows = 2, .cols = 3, .counts = counts, .row = row, .col = col};
  rs_crosstab_run(&t, x, y);
  const double plain = t.linear;
  CHECK(plain > 1 && plain < 40);
  for (size_t p = 0; p < sizeof powers / sizeof *powers; p++) {
    for (size_t i = 0; i < 2; i++) far_x[i] = ldexp(x[i], -powers[p]);
    for (size_t j = 0; j < 3; j++) far_y[j] = ldexp(y[j], powers[p]);
    rs_crosstab_run(&t, far_x, far_y);
    CHECK(t.linear == plain);
  }
}

/* A screen's groups are its columns: that of the rows changes nothing. */
static void a_screen_has_its_own_groups(void) {
  enum { COLUMNS = 6 };
  rs_column x[COLUMNS];
  rs_screened with[COLUMNS], without[COLUMNS];
  rs_report report;
  answer a = {0}, b = {0};
  fill_data(1);
  for (size_t j = 0; j < COLUMNS; j++) x[j] = ints(d.stratum + 7 * j);
  rs_rows r = rows_of(600, STRATUM);
  CHECK(rs_screen_logrank(&r, RS_TIES_ULP, x, COLUMNS, &ALONE, with, &report) == RS_OK);
  r.group.type = RS_NONE;
  r.n_group = 1;
  CHECK(rs_screen_logrank(&r, RS_TIES_ULP, x, COLUMNS, &ALONE, without, &report) == RS_OK);
  say_screened(with, COLUMNS, &a);
  say_screened(without, COLUMNS, &b);
  CHECK(same(&a, &b));
}

/* Of the bad trials the first is reported, whichever thread had it. */
static void the_first_bad_trial(void) {
  enum { N = 20, TRIALS = MOST / N };
  rs_screened got[TRIALS], want;
  rs_report report;
  size_t trial;
  fill_data(1);
  rs_rows r = rows_of(N, 0);
  CHECK(rs_screen_trials(&r, 1, 0, RS_TIES_ULP, &ALONE, &want, &report, &trial) == RS_OK);
  d.time[70 * N + 3] = d.time[71 * N] = d.time[90 * N + 1] = -1;
  for (int threads = 1; threads <= 4; threads++) {
    const rs_run run = {threads, NULL, NULL, RS_PATH_SORT};
    for (int again = 0; again < 20; again++) {
      got[0].statistic = -1;
      CHECK(rs_screen_trials(&r, TRIALS, 0, RS_TIES_ULP, &run, got, &report, &trial) == RS_BAD_ROW);
      CHECK(trial == 70 && report.row == 3 && report.problem == RS_NEGATIVE);
      CHECK(got[0].statistic == want.statistic);
    }
  }
}

/* ---- The corpus ------------------------------------------------------------------------------ */

static const struct {
  const char *name;
  void (*target)(const uint8_t *, size_t);
} TARGETS[] = {{"rows", check_rows},
               {"ties", check_ties},
               {"screen", check_screen},
               {"tables", check_tables},
               {"strata", check_strata}};

static size_t replay(const char *folder, void (*target)(const uint8_t *, size_t)) {
  char path[4096];
  size_t files = 0;
  DIR *entries = opendir(folder);
  if (!entries) return 0;
  for (struct dirent *e; (e = readdir(entries)) != NULL;) {
    snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
    FILE *file = e->d_name[0] == '.' ? NULL : fopen(path, "rb");
    if (!file) continue;
    uint8_t *bytes = malloc(1 << 16);
    size_t n = fread(bytes, 1, 1 << 16, file);
    fclose(file);
    int before = check_failures();
    target(bytes, n);
    if (!before && check_failures()) fprintf(stderr, "  in %s\n", path);
    free(bytes);
    files++;
  }
  closedir(entries);
  return files;
}

static void replay_all(const char *corpus) {
  char folder[1024];
  for (size_t t = 0; t < sizeof TARGETS / sizeof *TARGETS; t++) {
    snprintf(folder, sizeof folder, "%s/%s", corpus, TARGETS[t].name);
    CHECK(replay(folder, TARGETS[t].target) > 0);
    TARGETS[t].target(NULL, 0);
  }
}

int main(int n_arg, char **arg) {
  sizes_multiply();
  sorts();
  wide_keys();
  quadratic_forms();
  forms_of_known_rank();
  two_groups();
  an_empty_third_group();
  strata_that_inform();
  few_times();
  few_times_are_counted();
  a_large_form_stops();
  fractions_are_no_level();
  a_trend_in_any_unit();
  a_screen_has_its_own_groups();
  the_first_bad_trial();
  fisher_of_many();
  work_of_many();
  each_problem();
  missing_times();
  late_entry();
  tied_entry();
  empty_column();
  certain_fall();
  two_by_two_screens();
  late_two();
  too_large();
  for (size_t s = 0; s < N_SCENARIOS; s++) {
    for (int threads = 1; threads <= 3; threads += 2) {
      fail_each_allocation(&SCENARIOS[s], threads);
      stop_at_each_poll(&SCENARIOS[s], threads);
    }
  }
  if (n_arg > 1) replay_all(arg[1]);
  return check_summary();
}
