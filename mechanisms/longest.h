/* SPDX-License-Identifier: MIT */
/* longest: the longest message that a machine takes, found by trying; for limits_here(). */
#ifndef IPM_MECHANISMS_LONGEST_H
#define IPM_MECHANISMS_LONGEST_H

#include <stdbool.h>
#include <stdint.h>

/**
 * ipm_longest() - the largest number of bytes that @fits
 * @most: none above it does, >= 1; tried first, because it usually does and trying is dear
 *
 * Return: in [1, @most]; 1 also when nothing fits.
 */
static inline int64_t ipm_longest(int64_t most, bool (*fits)(int64_t bytes))
{
    int64_t good = 1;
    int64_t bad = most + 1;
    for (int64_t bytes = most; bad - good > 1; bytes = good + (bad - good) / 2) {
        if (fits(bytes))
            good = bytes;
        else
            bad = bytes;
    }
    return good;
}

#endif
