/* init.c: registers what R calls, and notes a fork. */
#include <R_ext/Rdynload.h>
#include <R_ext/Visibility.h>

#include "r_args.h"

#ifndef _WIN32
#include <pthread.h>
#endif

/* A forked child has none of the OpenMP threads its parent started: it must work alone. */
static int forked = 0;

int r_forked(void) { return forked; }

#ifndef _WIN32
static void note_fork(void) { forked = 1; }
#endif

#define ENTRY(name, arity) {"C_" #name, (DL_FUNC)(void (*)(void))rs_r_##name, arity}

static const R_CallMethodDef ENTRIES[] = {
    ENTRY(tabulate, 2),       ENTRY(missing_rows, 3),   ENTRY(merge_times, 2),
    ENTRY(integer64, 1),      ENTRY(small_codes, 1),    ENTRY(survival, 4),
    ENTRY(leaving_rows, 5),   ENTRY(logrank_rows, 5),   ENTRY(logrank_table, 7),
    ENTRY(screen_logrank, 3), ENTRY(screen_trials, 4),  ENTRY(column_range, 2),
    ENTRY(count_table, 4),    ENTRY(crosstab_tests, 3), ENTRY(screen_crosstab, 5),
    ENTRY(cmh, 1),            ENTRY(homogeneity, 2),    ENTRY(cmh_exact, 2),
    ENTRY(quadratic, 2),      ENTRY(chi_p, 2),          {NULL, NULL, 0}};

void attribute_visible R_init_riskset(DllInfo *dll) {
  R_registerRoutines(dll, NULL, ENTRIES, NULL, NULL);
  R_useDynamicSymbols(dll, FALSE);
  R_forceSymbols(dll, TRUE);
#ifndef _WIN32
  pthread_atfork(NULL, NULL, note_fork);
#endif
}
