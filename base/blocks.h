/* SPDX-License-Identifier: MIT */
/*
 * blocks: the samples of a window in order, as at most 256 sums of consecutive ones.
 *
 * A histogram forgets when a sample came.  What tells a window that warms up, drifts or jumps
 * from a steady one is kept here: block i holds the sum of samples i * length + 1 to
 * (i + 1) * length.  When all blocks are full, neighbours are added and the length doubles, so
 * that any number of samples fits, with 128 to 256 blocks once there are that many.
 *
 * The hot path compares the histogram's count with the end of the block at hand; the sum of a
 * block is the growth of the histogram's sum, so that nothing else is added up.  No allocation,
 * no pointers: the struct may live in shared memory.
 */
#ifndef IPM_BASE_BLOCKS_H
#define IPM_BASE_BLOCKS_H

#include "base/histogram.h"
#include "base/json.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { IPM_BLOCKS = 256 };

struct ipm_blocks {
    uint64_t end;    /* the histogram's count at which the block at hand is full */
    uint64_t length; /* samples per block; a power of two */
    uint64_t sum;    /* the histogram's when the last block ended */
    uint64_t n;      /* full blocks */
    uint64_t sums[IPM_BLOCKS];
};

/* Starts anew beside an empty histogram.  Writes every page of the struct. */
void ipm_blocks_reset(struct ipm_blocks *blocks);

/* Ends the block at hand: for ipm_blocks_follow(). */
void ipm_blocks_end(struct ipm_blocks *blocks, uint64_t count, uint64_t sum);

/* After each ipm_histogram_add() to the histogram that these blocks stand beside. */
static inline void ipm_blocks_follow(struct ipm_blocks *blocks,
                                     const struct ipm_histogram *histogram)
{
    if (__builtin_expect(histogram->count == blocks->end, 0))
        ipm_blocks_end(blocks, histogram->count, histogram->sum);
}

/**
 * ipm_blocks_json() - as in a record
 * @per: operations per sample, >= 1
 *
 * {samples, per, means_ns}: samples per block, and the mean sample of each block in order,
 * rounded to a nanosecond.  Samples behind the last full block are not in it.  Null without a
 * full block.
 */
json_t *ipm_blocks_json(const struct ipm_blocks *blocks, uint64_t per);

#ifdef __cplusplus
}
#endif

#endif
