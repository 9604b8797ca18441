/* SPDX-License-Identifier: MIT */
/*
 * random: numbers that only depend on a seed, the same on every machine.
 *
 * splitmix64 (Steele, Lea, Flood 2014): a 64-bit counter through a mix that is a
 * bijection.  More than good enough for orders and seeds; not for secrets.
 */
#ifndef IPM_BASE_RANDOM_H
#define IPM_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

static inline uint64_t ipm_random_next(uint64_t *state)
{
    uint64_t mixed = *state += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ mixed >> 31;
}

/* Uniform in [0, bound), bound >= 1: what would favour small numbers is drawn again. */
static inline uint64_t ipm_random_below(uint64_t *state, uint64_t bound)
{
    uint64_t uneven = -bound % bound;
    uint64_t drawn;
    do {
        drawn = ipm_random_next(state);
    } while (drawn < uneven);
    return drawn % bound;
}

/* Puts @order in one of its n! orders, each as likely (Fisher-Yates). */
static inline void ipm_random_shuffle(uint64_t *state, size_t *order, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t other = (size_t)ipm_random_below(state, i);
        size_t kept = order[i - 1];
        order[i - 1] = order[other];
        order[other] = kept;
    }
}

#endif
