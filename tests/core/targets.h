/* targets.h: what the fuzzer feeds with bytes, and the unit tests with its corpus. */
#ifndef TARGETS_H
#define TARGETS_H

#include <stddef.h>
#include <stdint.h>

void check_rows(const uint8_t *data, size_t size);    /* stream, table, curves, log-rank */
void check_ties(const uint8_t *data, size_t size);    /* rs_merge_times(), codes, ranges */
void check_screen(const uint8_t *data, size_t size);  /* rs_screen_logrank(), _trials() */
void check_tables(const uint8_t *data, size_t size);  /* counting, crosstab, Fisher, their screen */
void check_strata(const uint8_t *data, size_t size);  /* CMH, homogeneity, exact distribution */

#endif
