#include "shim.h"

#include <stddef.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *memory, size_t size);
void __real_free(void *memory);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void __wrap_free(void *memory);

static int on;
static long asked, fails, held;

/* Whether this allocation may succeed. Threads of the core ask at the same time. */
static int may(void) {
  return !on || __atomic_add_fetch(&asked, 1, __ATOMIC_SEQ_CST) != fails;
}

static void *given(void *memory) {
  if (on && memory) __atomic_add_fetch(&held, 1, __ATOMIC_SEQ_CST);
  return memory;
}

void *__wrap_malloc(size_t size) { return may() ? given(__real_malloc(size)) : NULL; }
void *__wrap_calloc(size_t n, size_t size) { return may() ? given(__real_calloc(n, size)) : NULL; }

/* One that is held already and grows is held as before. */
void *__wrap_realloc(void *memory, size_t size) {
  if (!may()) return NULL;
  return memory ? __real_realloc(memory, size) : given(__real_realloc(memory, size));
}

void __wrap_free(void *memory) {
  if (on && memory) __atomic_sub_fetch(&held, 1, __ATOMIC_SEQ_CST);
  __real_free(memory);
}

void shim_start(long nth) {
  asked = held = 0;
  fails = nth;
  on = 1;
}

long shim_stop(long *live) {
  on = 0;
  *live = held;
  return asked;
}
