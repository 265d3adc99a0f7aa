/* shim.h: the core's malloc(), calloc() and free() pass through here (ld --wrap), so that one of
 * them can be made to fail. Allocations of the tests themselves do not count. */
#ifndef SHIM_H
#define SHIM_H

/* From now on: the nth allocation of the core fails (0: none does). */
void shim_start(long nth);
/* Ends that; how many allocations there were, and in *live how many were not freed. */
long shim_stop(long *live);

#endif
