/* fuzz.c: one target (-DTARGET=check_rows) for libFuzzer. */
#include "targets.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  TARGET(data, size);
  return 0;
}
