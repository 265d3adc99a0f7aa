#include "check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static long passed, failed;

static void count(int ok) {
  if (ok) {
    passed++;
    return;
  }
#ifdef FUZZING
  abort();
#endif
  failed++;
}

void check(int ok, const char *file, int line, const char *text) {
  if (!ok && failed < 50) fprintf(stderr, "%s:%d: %s\n", file, line, text);
  count(ok);
}

int near(long double got, long double want, long double within) {
  if (isnan(got) || isnan(want)) return isnan(got) && isnan(want);
  return got == want || fabsl(got - want) <= within;
}

int close_to(long double got, long double want, long double part) {
  return near(got, want, part * fabsl(want));
}

void check_near(long double got, long double want, long double within, const char *file,
                int line, const char *text) {
  int ok = near(got, want, within);
  if (!ok && failed < 50) {
    fprintf(stderr, "%s:%d: %s is %.21Lg, not %.21Lg (off by %.3Lg, may be %.3Lg)\n", file, line,
            text, got, want, got - want, within);
  }
  count(ok);
}

int check_failures(void) { return failed > 0; }

int check_summary(void) {
  printf("%ld passed, %ld failed\n", passed, failed);
  return failed > 0;
}
