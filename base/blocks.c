/* SPDX-License-Identifier: MIT */
#include "base/blocks.h"

#include <string.h>

void ipm_blocks_reset(struct ipm_blocks *blocks)
{
    memset(blocks, 0, sizeof(*blocks));
    blocks->length = blocks->end = 1;
}

void ipm_blocks_end(struct ipm_blocks *blocks, uint64_t count, uint64_t sum)
{
    blocks->sums[blocks->n++] = sum - blocks->sum;
    blocks->sum = sum;
    if (blocks->n == IPM_BLOCKS) {
        for (size_t i = 0; i < IPM_BLOCKS / 2; i++)
            blocks->sums[i] = blocks->sums[2 * i] + blocks->sums[2 * i + 1];
        blocks->n = IPM_BLOCKS / 2;
        blocks->length *= 2;
    }
    blocks->end = count + blocks->length;
}

json_t *ipm_blocks_json(const struct ipm_blocks *blocks, uint64_t per)
{
    if (blocks->n == 0)
        return json_null();
    json_t *json = json_object();
    json_t *means = json_array();
    for (size_t i = 0; i < blocks->n; i++) {
        uint64_t mean = (blocks->sums[i] + blocks->length / 2) / blocks->length;
        (void)json_array_append_new(means, json_integer((json_int_t)mean));
    }
    (void)json_object_set_new(json, "samples",
                              json_integer((json_int_t)blocks->length));
    (void)json_object_set_new(json, "per", json_integer((json_int_t)per));
    (void)json_object_set_new(json, "means_ns", means);
    return json;
}
