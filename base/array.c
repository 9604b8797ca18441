/* SPDX-License-Identifier: MIT */
#include "base/array.h"

#include <stdlib.h>

void *ipm_array_grow(void *entries, size_t n, size_t *room, size_t size)
{
    if (n < *room)
        return entries;
    size_t wanted = *room == 0 ? 64 : *room * 2;
    void *larger = reallocarray(entries, wanted, size);
    if (larger != NULL)
        *room = wanted;
    return larger;
}
