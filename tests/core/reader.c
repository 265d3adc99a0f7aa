#include "reader.h"
#include "../../src/core/rows.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

unsigned take(bytes *in, unsigned bound) {
  if (in->left == 0) return 0;
  in->left--;
  return *in->at++ % bound;
}

double take_double(bytes *in) {
  uint64_t bits = 0;
  double x;
  for (int i = 0; i < 8; i++) bits = bits << 8 | take(in, 256);
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* ---- Times ------------------------------------------------------------------------------ */

enum { SMALL, EPOCH, TENTHS, CLUSTERS, HUGE_WHOLE, SUBNORMAL, SECONDS, DAYS, ANY, STYLES };

static double nudge(double x, unsigned ulps) {
  while (ulps-- > 0) x = nextafter(x, INFINITY);
  return x;
}

static double odd_time(bytes *in) {
  static const double odd[] = {0,
                               -0.0,
                               INFINITY,
                               INFINITY,
                               -1,
                               -INFINITY,
                               NAN,
                               1e308,
                               67108863,
                               67108864,
                               4503599627370495,
                               4503599627370496,
                               9007199254740992,
                               2147483647,
                               2147483648,
                               2.2250738585072014e-308};
  unsigned which = take(in, 17);
  return which < 16 ? odd[which] : take_double(in);
}

static double take_time(bytes *in, int style) {
  unsigned x = take(in, 256);
  if (x >= 0xf8) return odd_time(in);
  switch (style) {
    case SMALL:
      return x % 16;
    case EPOCH:
      return 1.7e9 + x;
    case TENTHS:
      return x % 4 ? x / 4 * 0.1 : x / 4 / 10.0;
    case CLUSTERS:
      return nudge((1 + x % 8) * 0.3, x / 8);
    case HUGE_WHOLE:
      return 4503599627370490 + x;
    case SUBNORMAL:
      return x % 2 ? x * 5e-324 : nudge(2.2250738585072014e-308, x / 2);
    case SECONDS:
      return 1 + x / 32 * 1.4e-8 + x % 32;
    case DAYS:
      return x / 30.4375 * (x % 3 ? 1 : 30.4375);
    default:
      return fabs(take_double(in));
  }
}

static int take_int_time(bytes *in, int style) {
  static const int odd[] = {INT_MIN, INT_MAX, INT_MAX - 1, -1, 0, 67108864, 1 << 30, INT_MIN};
  unsigned x = take(in, 256);
  if (x >= 0xf8) return odd[x - 0xf8];
  return style == EPOCH ? 1700000000 + (int)x : (int)(x % 16);
}

/* ---- Columns ---------------------------------------------------------------------------- */

static void *room(size_t n, size_t size) {
  void *memory = malloc(n * size > 0 ? n * size : 1);
  if (!memory) abort();
  return memory;
}

typedef double (*draw)(bytes *in, int style, int whole);

static rs_column fill(bytes *in, size_t n, int is_int, draw next, int style) {
  rs_column column = {NULL, is_int ? RS_INT : RS_DOUBLE};
  if (is_int) {
    int *x = room(n, sizeof *x);
    for (size_t i = 0; i < n; i++) {
      double v = next(in, style, 1);
      x[i] = isnan(v) ? INT_MIN : (int)v;
    }
    column.data = x;
  } else {
    double *x = room(n, sizeof *x);
    for (size_t i = 0; i < n; i++) x[i] = next(in, style, 0);
    column.data = x;
  }
  return column;
}

static double draw_time(bytes *in, int style, int whole) {
  if (!whole) return take_time(in, style);
  int x = take_int_time(in, style);
  return x == INT_MIN ? (double)NAN : x;
}

static double draw_status(bytes *in, int coding, int whole) {
  static const double odd[] = {NAN, 2, 3, -1, 0.5, INFINITY, INT_MAX, 1};
  unsigned x = take(in, 256);
  if (x < 0xf8) return coding + (int)(x % 2);
  double v = odd[x - 0xf8];
  return whole && (v == 0.5 || v == INFINITY) ? (double)NAN : v;
}

/* Styles 0 and 1 are whole, 2 quarters, 3 tenths (whose sums are rounded). */
static double draw_weight(bytes *in, int style, int whole) {
  static const double odd[] = {NAN, -1, 1e15, 0, 1e300, INFINITY, 9007199254740992.0, -INFINITY};
  unsigned x = take(in, 256);
  if (x >= 0xfb && (x == 0xfb || take(in, 2))) {
    double v = odd[take(in, 8)];
    return whole && fabs(v) > 1e9 ? (double)NAN : v;
  }
  if (whole || style < 2) return style ? x % 8 : 1;
  return style == 2 ? x % 32 / 4.0 : x % 32 / 10.0;
}

/* Codes 1..k; strangers are as good as missing. */
static double draw_code(bytes *in, int k, int whole) {
  unsigned x = take(in, 256);
  (void)whole;
  if (x >= 0xfc) return x == 0xfc ? (double)NAN : x == 0xfd ? 0 : k + 1;
  return 1 + (int)(x % (unsigned)k);
}

static double draw_category(bytes *in, int levels, int whole) {
  static const double odd[] = {NAN, 1000000, -1, 0.5, INFINITY, INT_MAX, -3e9, 1e300};
  unsigned x = take(in, 256);
  if (x >= 0xfa) {
    double v = odd[take(in, 8)];
    return whole && (v == 0.5 || fabs(v) > INT_MAX) ? (double)NAN : v;
  }
  return (int)(x % (unsigned)levels) - (levels > 200 ? 100 : 0);
}

rs_column take_column(bytes *in, size_t n, unsigned levels) {
  return fill(in, n, (int)take(in, 2), draw_category, (int)levels);
}

void free_column(rs_column *column) {
  free((void *)column->data);
  column->data = NULL;
}

/* ---- Rows ------------------------------------------------------------------------------- */

static size_t take_levels(bytes *in) {
  unsigned x = take(in, 16);
  return x < 14 ? 1 + x % 5 : x == 14 ? 37 : 1000;
}

static size_t take_size(bytes *in) {
  unsigned x = take(in, 256);
  return x < 0xf0 ? x % 40 : x - 0xf0 + 512 * take(in, 3);
}

void take_rows(bytes *in, unsigned limits, row_case *c) {
  static const double declared[] = {NAN, NAN, NAN, NAN, 0, 1, 2, 1.5};
  unsigned kinds = take(in, 256), more = take(in, 256);
  int style = (int)take(in, STYLES), both = kinds & 1;
  rs_rows *r = &c->rows;
  memset(c, 0, sizeof *c);
  r->n = take_size(in);
  c->ties = (rs_ties)take(in, 3);
  c->run.threads = 1 + (int)take(in, 4);
  c->run.paths = more & 1 ? RS_PATH_SORT : RS_PATH_SORT | RS_PATH_COUNT;
  c->exact_sums = 1;
  r->event = declared[take(in, 8)];
  r->time = fill(in, r->n, both, draw_time, style);
  if ((kinds & 6) != 6) r->status = fill(in, r->n, kinds & 2, draw_status, kinds & 8 ? 1 : 0);
  if (!(limits & ONLY_TIME_STATUS) && (kinds & 0x30) == 0x30) {
    /* Earlier than the times as a rule, so that most rows are good. */
    int early = style == SMALL || style == TENTHS ? SUBNORMAL : style;
    r->entry = fill(in, r->n, (int)(kinds >> 6 & 1), draw_time,
                    kinds & 0x80 ? style : early);
  }
  if (!(limits & ONLY_TIME_STATUS) && (more & 6) == 6) {
    int kind = (int)(more >> 3 & 3);
    if (limits & ONLY_WHOLE_WEIGHTS) kind &= 1;
    r->weight = fill(in, r->n, kind < 2 && (more & 0x20), draw_weight, kind);
    c->exact_sums = kind < 3;
    for (size_t i = 0; i < r->n; i++) {
      double w = rs_number(r->weight, i);
      if (w > 1e9) c->exact_sums = 0;
    }
  }
  r->n_group = r->n_stratum = 1;
  if (more & 0x40) r->n_group = take_levels(in);
  if (more & 0x40) r->group = fill(in, r->n, 1, draw_code, (int)r->n_group);
  if (more & 0x80) r->n_stratum = take_levels(in);
  if (more & 0x80) r->stratum = fill(in, r->n, 1, draw_code, (int)r->n_stratum);
}

void free_rows(row_case *c) {
  free_column(&c->rows.time);
  free_column(&c->rows.entry);
  free_column(&c->rows.status);
  free_column(&c->rows.weight);
  free_column(&c->rows.group);
  free_column(&c->rows.stratum);
}

static rs_column reverse(rs_column from, size_t n) {
  size_t size = from.type == RS_INT ? sizeof(int) : sizeof(double);
  if (from.type == RS_NONE) return from;
  char *x = room(n, size);
  for (size_t i = 0; i < n; i++) {
    memcpy(x + i * size, (const char *)from.data + (n - 1 - i) * size, size);
  }
  return (rs_column){x, from.type};
}

void reverse_rows(const row_case *c, row_case *r) {
  *r = *c;
  r->rows.time = reverse(c->rows.time, c->rows.n);
  r->rows.entry = reverse(c->rows.entry, c->rows.n);
  r->rows.status = reverse(c->rows.status, c->rows.n);
  r->rows.weight = reverse(c->rows.weight, c->rows.n);
  r->rows.group = reverse(c->rows.group, c->rows.n);
  r->rows.stratum = reverse(c->rows.stratum, c->rows.n);
}

double *take_counts(bytes *in, size_t cells) {
  static const double large[] = {1e3, 1e6, 2147483647, 1e9, 1e12, 70000, 100, 255};
  double *x = room(cells, sizeof *x);
  unsigned style = take(in, 4);
  for (size_t i = 0; i < cells; i++) {
    unsigned v = take(in, 256);
    x[i] = style == 0 ? v % 4 : style == 1 ? v : v % 64;
    if (style == 3 && v > 64) x[i] = large[v % 8] + floor(v / 8.0);
  }
  return x;
}
