/* SPDX-License-Identifier: MIT */
#include "base/payload.h"

#include <string.h>

const char *const ipm_touch_names[] = {"none", "sample", "full", NULL};

static uint64_t pattern(uint64_t seed, size_t word)
{
    uint64_t value =
        (seed + 1) * UINT64_C(0x9e3779b97f4a7c15) + word * UINT64_C(0xd1b54a32d192ed03);
    return value ^ value >> 29;
}

void ipm_payload_produce(enum ipm_touch touch, void *data, size_t length, uint64_t seed)
{
    unsigned char *bytes = data;
    if (touch == IPM_TOUCH_SAMPLE) {
        size_t at = 0;
        for (; at + sizeof(seed) <= length; at += 64)
            memcpy(bytes + at, &seed, sizeof(seed));
        if (at < length)
            bytes[at] = (unsigned char)seed;
    } else if (touch == IPM_TOUCH_FULL) {
        size_t at = 0;
        for (; at + sizeof(seed) <= length; at += sizeof(seed)) {
            uint64_t word = seed + at;
            memcpy(bytes + at, &word, sizeof(word));
        }
        for (; at < length; at++)
            bytes[at] = (unsigned char)(seed + at);
    }
}

uint64_t ipm_payload_consume(enum ipm_touch touch, const void *data, size_t length)
{
    const unsigned char *bytes = data;
    uint64_t sum = 0;
    uint64_t word;
    if (touch == IPM_TOUCH_SAMPLE) {
        size_t at = 0;
        for (; at + sizeof(word) <= length; at += 64) {
            memcpy(&word, bytes + at, sizeof(word));
            sum += word;
        }
        if (at < length)
            sum += bytes[at];
    } else if (touch == IPM_TOUCH_FULL) {
        size_t at = 0;
        for (; at + sizeof(word) <= length; at += sizeof(word)) {
            memcpy(&word, bytes + at, sizeof(word));
            sum += word;
        }
        for (; at < length; at++)
            sum += bytes[at];
    }
    __asm__ volatile("" : : "r"(sum) : "memory");
    return sum;
}

void ipm_payload_fill(void *data, size_t length, uint64_t seed)
{
    unsigned char *bytes = data;
    for (size_t at = 0; at < length; at += sizeof(uint64_t)) {
        uint64_t word = pattern(seed, at);
        size_t left = length - at;
        memcpy(bytes + at, &word, left < sizeof(word) ? left : sizeof(word));
    }
}

bool ipm_payload_verify(const void *data, size_t length, uint64_t seed, size_t *out_at)
{
    const unsigned char *bytes = data;
    for (size_t at = 0; at < length; at += sizeof(uint64_t)) {
        uint64_t word = pattern(seed, at);
        size_t left = length - at;
        size_t span = left < sizeof(word) ? left : sizeof(word);
        if (memcmp(bytes + at, &word, span) == 0)
            continue;
        const unsigned char *expected = (const unsigned char *)&word;
        while (bytes[at] == *expected) {
            at++;
            expected++;
        }
        if (out_at != NULL)
            *out_at = at;
        return false;
    }
    return true;
}
