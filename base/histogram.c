/* SPDX-License-Identifier: MIT */
#include "base/histogram.h"

#include "base/base64.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { PACKED_BYTES = IPM_HISTOGRAM_PACKED / 4 * 3, VARINT_BYTES = 10 };

/* Same formula as ipm_histogram_index(), for any number of bits per octave. */
static uint64_t index_at(uint64_t value, int bits)
{
    if (value < UINT64_C(2) << bits)
        return value;
    int shift = 63 - __builtin_clzll(value) - bits;
    return ((uint64_t)shift << bits) + (value >> shift);
}

static uint64_t lower_bound_at(uint64_t index, int bits)
{
    if (index < UINT64_C(2) << bits)
        return index;
    uint64_t shift = (index >> bits) - 1;
    return (index - (shift << bits)) << shift;
}

static double midpoint_at(uint64_t index, int bits)
{
    uint64_t lower = lower_bound_at(index, bits);
    uint64_t last = lower_bound_at(index + 1, bits) - 1;
    return ((double)lower + (double)last) / 2;
}

void ipm_histogram_reset(struct ipm_histogram *histogram)
{
    memset(histogram, 0, sizeof(*histogram));
    histogram->min = UINT64_MAX;
}

void ipm_histogram_merge(struct ipm_histogram *into, const struct ipm_histogram *from)
{
    into->count += from->count;
    into->sum += from->sum;
    if (from->min < into->min)
        into->min = from->min;
    if (from->max > into->max)
        into->max = from->max;
    for (size_t i = 0; i < IPM_HISTOGRAM_BUCKETS; i++)
        into->buckets[i] += from->buckets[i];
}

double ipm_histogram_quantile(const struct ipm_histogram *histogram, double q)
{
    if (histogram->count == 0)
        return NAN;
    double exact_rank = ceil(q * (double)histogram->count);
    uint64_t rank = exact_rank < 1 ? 1 : (uint64_t)exact_rank;
    uint64_t seen = 0;
    for (size_t i = 0; i < IPM_HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen < rank)
            continue;
        double value = i == IPM_HISTOGRAM_BUCKETS - 1
                           ? (double)histogram->max
                           : midpoint_at(i, IPM_HISTOGRAM_BITS);
        return fmin(fmax(value, (double)histogram->min), (double)histogram->max);
    }
    return (double)histogram->max;
}

double ipm_histogram_midpoint(size_t index)
{
    return midpoint_at(index, IPM_HISTOGRAM_BITS);
}

double ipm_histogram_mean(const struct ipm_histogram *histogram)
{
    return histogram->count == 0 ? NAN
                                 : (double)histogram->sum / (double)histogram->count;
}

static bool put_varint(uint8_t *bytes, size_t room, size_t *used, uint64_t value)
{
    do {
        if (*used == room)
            return false;
        bytes[(*used)++] = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        value >>= 7;
    } while (value != 0);
    return true;
}

static bool get_varint(const uint8_t *bytes, size_t length, size_t *used,
                       uint64_t *out_value)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && *used < length; shift += 7) {
        uint8_t byte = bytes[(*used)++];
        if (shift == 63 && byte > 1)
            return false;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            *out_value = value;
            return true;
        }
    }
    return false;
}

static bool pack_at(const struct ipm_histogram *histogram, int bits, uint8_t *bytes,
                    size_t *out_used)
{
    size_t used = 0;
    uint64_t previous = 0;
    uint64_t pending = 0;
    uint64_t pending_index = 0;
    if (!put_varint(bytes, PACKED_BYTES, &used, (uint64_t)bits))
        return false;
    for (size_t i = 0; i <= IPM_HISTOGRAM_BUCKETS; i++) {
        bool end = i == IPM_HISTOGRAM_BUCKETS;
        if (!end && histogram->buckets[i] == 0)
            continue;
        uint64_t index =
            end ? UINT64_MAX : index_at(lower_bound_at(i, IPM_HISTOGRAM_BITS), bits);
        if (pending > 0 && index != pending_index) {
            if (!put_varint(bytes, PACKED_BYTES, &used, pending_index - previous) ||
                !put_varint(bytes, PACKED_BYTES, &used, pending))
                return false;
            previous = pending_index;
            pending = 0;
        }
        if (!end) {
            pending_index = index;
            pending += histogram->buckets[i];
        }
    }
    *out_used = used;
    return true;
}

void ipm_histogram_pack(const struct ipm_histogram *histogram,
                        char text[IPM_HISTOGRAM_PACKED + 1], double *out_error)
{
    uint8_t bytes[PACKED_BYTES];
    size_t used = 0;
    int bits = IPM_HISTOGRAM_BITS;
    /* At 3 bits at most 280 buckets are in use: that always fits. */
    while (!pack_at(histogram, bits, bytes, &used) && bits > 3)
        bits--;
    ipm_base64_encode(bytes, used, text);
    double error = 1.0 / (double)(UINT64_C(2) << bits);
    double last =
        midpoint_at(index_at((UINT64_C(1) << IPM_HISTOGRAM_TOP) - 1, bits), bits);
    /* The last bucket also holds what lies above the range, however far. */
    if (histogram->max >= UINT64_C(1) << IPM_HISTOGRAM_TOP)
        error = fmax(error, 1 - last / (double)histogram->max);
    *out_error = error;
}

int ipm_histogram_buckets(const uint8_t *bytes, size_t length,
                          struct ipm_histogram_bucket *out_buckets, size_t *out_n)
{
    size_t used = 0;
    size_t n = 0;
    uint64_t bits = 0;
    uint64_t index = 0;
    uint64_t sum = 0;
    if (!get_varint(bytes, length, &used, &bits) || bits > IPM_HISTOGRAM_BITS)
        return -EINVAL;
    uint64_t end = (uint64_t)(IPM_HISTOGRAM_TOP - (int)bits + 1) << bits;
    while (used < length) {
        uint64_t gap;
        uint64_t count;
        if (!get_varint(bytes, length, &used, &gap) ||
            !get_varint(bytes, length, &used, &count))
            return -EINVAL;
        bool repeated = gap == 0 && n > 0;
        if (repeated || count == 0 || gap >= end - index || n == IPM_HISTOGRAM_PAIRS ||
            __builtin_add_overflow(sum, count, &sum))
            return -EINVAL;
        index += gap;
        out_buckets[n++] = (struct ipm_histogram_bucket){
            .value = (uint64_t)midpoint_at(index, (int)bits), .count = count};
    }
    *out_n = n;
    return 0;
}

int ipm_histogram_unpack(const char *text, struct ipm_histogram *out_histogram,
                         struct ipm_why *why)
{
    uint8_t bytes[PACKED_BYTES];
    struct ipm_histogram_bucket buckets[IPM_HISTOGRAM_PAIRS];
    size_t length = 0;
    size_t n = 0;
    ipm_histogram_reset(out_histogram);
    if (ipm_base64_decode(text, bytes, sizeof(bytes), &length) != 0)
        return ipm_why_set(why, -EINVAL, "not a packed histogram");
    if (ipm_histogram_buckets(bytes, length, buckets, &n) != 0)
        return ipm_why_set(why, -EINVAL, "packed histogram is torn or out of range");
    for (size_t i = 0; i < n; i++) {
        uint64_t value = buckets[i].value;
        out_histogram->count += buckets[i].count;
        out_histogram->sum += buckets[i].count * value;
        if (value < out_histogram->min)
            out_histogram->min = value;
        if (value > out_histogram->max)
            out_histogram->max = value;
        out_histogram->buckets[ipm_histogram_index(value)] += buckets[i].count;
    }
    return 0;
}
