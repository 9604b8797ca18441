/* SPDX-License-Identifier: MIT */
/*
 * histogram: log-linear counts of non-negative integers, meant for nanoseconds.
 *
 * Values below 1024 have a bucket of their own; above, every octave has 512 equal
 * buckets, so a bucket's midpoint is within 1/1024 (0.098 %) of any value in it.  Values
 * up to 2^37 - 1 (137 s) are told apart; larger ones are counted in the last bucket,
 * while min, max and mean stay exact.  No allocation, no pointers: the struct may live in
 * shared memory.  Two histograms merge without loss.
 *
 * The idea is HdrHistogram's; the code and the layout are our own.
 */
#ifndef IPM_BASE_HISTOGRAM_H
#define IPM_BASE_HISTOGRAM_H

#include "base/why.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    IPM_HISTOGRAM_BITS = 9, /* log2 of the buckets per octave */
    IPM_HISTOGRAM_TOP = 37, /* values of 2^37 and more share the last bucket */
    IPM_HISTOGRAM_BUCKETS = (IPM_HISTOGRAM_TOP - IPM_HISTOGRAM_BITS + 1)
                            << IPM_HISTOGRAM_BITS,
    IPM_HISTOGRAM_PACKED = 8192, /* longest packed text, bytes, without the NUL */
};

struct ipm_histogram {
    uint64_t count; /* values added */
    uint64_t sum;   /* their exact sum; wraps after 584 years of nanoseconds */
    uint64_t min;   /* exact; UINT64_MAX while count is 0 */
    uint64_t max;   /* exact; 0 while count is 0 */
    uint64_t buckets[IPM_HISTOGRAM_BUCKETS];
};

void ipm_histogram_reset(struct ipm_histogram *histogram);

static inline size_t ipm_histogram_index(uint64_t value)
{
    if (value >= UINT64_C(1) << IPM_HISTOGRAM_TOP)
        return IPM_HISTOGRAM_BUCKETS - 1;
    if (value < UINT64_C(2) << IPM_HISTOGRAM_BITS)
        return (size_t)value;
    int shift = 63 - __builtin_clzll(value) - IPM_HISTOGRAM_BITS;
    return ((size_t)shift << IPM_HISTOGRAM_BITS) + (size_t)(value >> shift);
}

/* Counts one value.  Hot: no call, two cache lines. */
static inline void ipm_histogram_add(struct ipm_histogram *histogram, uint64_t value)
{
    histogram->count++;
    histogram->sum += value;
    if (value < histogram->min)
        histogram->min = value;
    if (value > histogram->max)
        histogram->max = value;
    histogram->buckets[ipm_histogram_index(value)]++;
}

/* Adds the counts of @from to @into. */
void ipm_histogram_merge(struct ipm_histogram *into, const struct ipm_histogram *from);

/**
 * ipm_histogram_quantile() - the value below or at which a share of the counts lies
 * @q: in [0, 1]
 *
 * Nearest rank (rank ceil(q n), at least 1); the bucket's midpoint, clamped to
 * [min, max].  NaN when the histogram is empty.
 */
double ipm_histogram_quantile(const struct ipm_histogram *histogram, double q);

/* The middle of a bucket, which stands for what is counted in it.  @index below
 * IPM_HISTOGRAM_BUCKETS. */
double ipm_histogram_midpoint(size_t index);

/* Exact arithmetic mean; NaN when empty. */
double ipm_histogram_mean(const struct ipm_histogram *histogram);

/**
 * ipm_histogram_pack() - the counts as printable text
 * @text:      room for IPM_HISTOGRAM_PACKED + 1 bytes
 * @out_error: largest relative distance between a value and the midpoint of the bucket it
 *             is packed into: 2^-10, doubled as often as neighbours had to be merged to
 *             keep the text within IPM_HISTOGRAM_PACKED; that of max when it lies above the
 *             range and is farther off
 *
 * Base64 of LEB128 varints: the bucket bits, then (gap to the previous bucket used, count)
 * pairs, the first gap counted from bucket 0.  No other gap is 0, and no count.
 */
void ipm_histogram_pack(const struct ipm_histogram *histogram,
                        char text[IPM_HISTOGRAM_PACKED + 1], double *out_error);

enum {
    IPM_HISTOGRAM_PAIRS = IPM_HISTOGRAM_PACKED / 4 * 3 / 2 /* most that is packed */
};

struct ipm_histogram_bucket {
    uint64_t value; /* its middle, rounded down */
    uint64_t count; /* > 0 */
};

/**
 * ipm_histogram_buckets() - those in use, without the 116 KiB of the others
 * @bytes:       the packed text out of its Base64
 * @out_buckets: room for IPM_HISTOGRAM_PAIRS; ascending, different
 *
 * Return: 0; -EINVAL when it is not a packed histogram.
 */
int ipm_histogram_buckets(const uint8_t *bytes, size_t length,
                          struct ipm_histogram_bucket *out_buckets, size_t *out_n);

/**
 * ipm_histogram_unpack() - packed text into a histogram
 *
 * min, max and sum are those of the bucket midpoints: the exact ones are not packed.
 *
 * Return: 0; -EINVAL when @text is not a packed histogram (@out_histogram is then reset).
 */
int ipm_histogram_unpack(const char *text, struct ipm_histogram *out_histogram,
                         struct ipm_why *why);

#ifdef __cplusplus
}
#endif

#endif
