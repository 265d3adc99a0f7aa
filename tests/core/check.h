/* check.h: counting checks. A program ends with return check_summary(). */
#ifndef CHECK_H
#define CHECK_H

/* Under the fuzzer a failed check aborts, so that its input is kept. */
void check(int ok, const char *file, int line, const char *text);
#define CHECK(ok) check((ok) != 0, __FILE__, __LINE__, #ok)

/* Prints "N passed, N failed"; 0 when none failed. */
int check_summary(void);
int check_failures(void);

/* Equal, both NaN, or no further apart than `within`. */
int near(long double got, long double want, long double within);
/* The same, within `part` of the wanted value. */
int close_to(long double got, long double want, long double part);
#define CHECK_NEAR(got, want, within) check_near(got, want, within, __FILE__, __LINE__, #got)
#define CHECK_CLOSE(got, want, part) \
  check_near(got, want, (part) * fabsl((long double)(want)), __FILE__, __LINE__, #got)
void check_near(long double got, long double want, long double within, const char *file,
                int line, const char *text);

#endif
