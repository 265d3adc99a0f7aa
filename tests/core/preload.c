/* preload.c: preloaded (glibc only), stands between riskset.so and the C library: fails the nth
 * allocation that riskset.so makes, counts what it has not given back, narrows the address space,
 * and gives OpenMP more processors than there are. Loaded only, it sends SIGINT after a while.
 * R steers it by .C(). */
#define _GNU_SOURCE
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void __libc_free(void *);

static size_t from, to;         /* where riskset.so is */
static int seen, failing;       /* allocations so far; number of the one that fails */
static int onwards;             /* whether those after it fail as well */

enum { MOST = 4096 };
static void *held[MOST]; /* what riskset.so has and did not free yet */
static int top, locked;

static int find(struct dl_phdr_info *info, size_t size, void *unused) {
  const char *name = strrchr(info->dlpi_name, '/');
  (void)size;
  (void)unused;
  if (!name || strcmp(name, "/riskset.so") != 0) return 0;
  from = to = info->dlpi_addr;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    size_t end = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz;
    if (end > to) to = end;
  }
  return 1;
}

static int is_ours(const void *caller) { return (size_t)caller >= from && (size_t)caller < to; }

static int refused(void) {
  int n = __atomic_add_fetch(&seen, 1, __ATOMIC_RELAXED);
  if (failing == 0 || (onwards ? n < failing : n != failing)) return 0;
  errno = ENOMEM;
  return 1;
}

/* Puts `now` in the place of `before`, either of which may be NULL. */
static void replace(void *before, void *now) {
  int i = 0;
  while (__atomic_exchange_n(&locked, 1, __ATOMIC_ACQUIRE)) continue;
  while (i < top && held[i] != before) i++;
  if (i == top && !before && top < MOST) top++;
  if (i < top) held[i] = now;
  __atomic_store_n(&locked, 0, __ATOMIC_RELEASE);
}

static void *given(void *memory) {
  if (memory) replace(NULL, memory);
  return memory;
}

void *malloc(size_t size) {
  if (!is_ours(__builtin_return_address(0))) return __libc_malloc(size);
  return refused() ? NULL : given(__libc_malloc(size));
}

void *calloc(size_t n, size_t size) {
  if (!is_ours(__builtin_return_address(0))) return __libc_calloc(n, size);
  return refused() ? NULL : given(__libc_calloc(n, size));
}

void *realloc(void *memory, size_t size) {
  if (!is_ours(__builtin_return_address(0))) return __libc_realloc(memory, size);
  if (refused()) return NULL;
  void *moved = __libc_realloc(memory, size);
  if (moved) replace(memory, moved);
  return moved;
}

void free(void *memory) {
  if (memory && top > 0) replace(memory, NULL);
  __libc_free(memory);
}

/* n > 0: the nth allocation fails; n < 0: the nth and all after it; 0: none. */
void shim_fail(int *n) {
  dl_iterate_phdr(find, NULL);
  seen = 0;
  onwards = *n < 0;
  failing = abs(*n);
}

void shim_counts(int *allocations, int *not_freed) {
  *allocations = seen;
  *not_freed = 0;
  for (int i = 0; i < top; i++) *not_freed += held[i] != NULL;
}

/* Leaves room for this many bytes more than the process has now; < 0: no limit. */
void shim_room(double *bytes) {
  struct rlimit limit;
  long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (!file || fscanf(file, "%ld", &pages) != 1) abort();
  fclose(file);
  getrlimit(RLIMIT_AS, &limit);
  limit.rlim_cur = limit.rlim_max;
  if (*bytes >= 0) limit.rlim_cur = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + (rlim_t)*bytes;
  if (setrlimit(RLIMIT_AS, &limit) != 0) abort();
}

static double after, sent; /* seconds until the signal; when it was sent, since 1970 */

static void *send_later(void *unused) {
  struct timespec wait = {(time_t)after, (long)((after - (double)(time_t)after) * 1e9)}, now;
  nanosleep(&wait, NULL);
  clock_gettime(CLOCK_REALTIME, &now);
  sent = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
  kill(getpid(), SIGINT);
  return unused;
}

void shim_interrupt(double *seconds) {
  pthread_t thread;
  after = *seconds;
  sent = 0;
  if (pthread_create(&thread, NULL, send_later, NULL) != 0) abort();
  pthread_detach(thread);
}

void shim_sent(double *when) { *when = sent; }

int omp_get_num_procs(void) {
  const char *processors = getenv("SHIM_PROCESSORS");
  return processors ? atoi(processors) : (int)sysconf(_SC_NPROCESSORS_ONLN);
}
