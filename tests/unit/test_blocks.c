/* SPDX-License-Identifier: MIT */
#include "base/blocks.h"
#include "tests/support/test.h"

#include <cmocka.h>

static struct ipm_histogram histogram;
static struct ipm_blocks blocks;

static void begin(void)
{
    ipm_histogram_reset(&histogram);
    ipm_blocks_reset(&blocks);
}

static void add(uint64_t value)
{
    ipm_histogram_add(&histogram, value);
    ipm_blocks_follow(&blocks, &histogram);
}

/* Every number of samples gives blocks of one length that hold the first n * length. */
static void blocks_hold_the_samples_in_order(void **state)
{
    (void)state;
    begin();
    for (uint64_t samples = 1; samples <= 5000; samples++) {
        add(samples);
        assert_true(blocks.n < IPM_BLOCKS);
        assert_true(samples < IPM_BLOCKS || blocks.n >= IPM_BLOCKS / 2);
        assert_true(samples - blocks.n * blocks.length < blocks.length);
        uint64_t length = blocks.length;
        for (uint64_t i = 0; i < blocks.n; i++) {
            uint64_t first = i * length + 1;
            assert_int_equal(blocks.sums[i], length * (2 * first + length - 1) / 2);
        }
    }
    assert_int_equal(blocks.length, 32);
    assert_int_equal(blocks.n, 156);
}

static void json_has_rounded_means(void **state)
{
    (void)state;
    begin();
    json_t *json = ipm_blocks_json(&blocks, 7);
    assert_true(json_is_null(json));
    json_decref(json);
    for (int i = 0; i < 300; i++)
        add(i % 2 == 0 ? 10 : 13); /* two to a block: 11.5 */
    json = ipm_blocks_json(&blocks, 7);
    assert_int_equal(json_integer_value(json_object_get(json, "samples")), 2);
    assert_int_equal(json_integer_value(json_object_get(json, "per")), 7);
    json_t *means = json_object_get(json, "means_ns");
    assert_int_equal(json_array_size(means), 150);
    for (size_t i = 0; i < 150; i++)
        assert_int_equal(json_integer_value(json_array_get(means, i)), 12);
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_hold_the_samples_in_order),
        cmocka_unit_test(json_has_rounded_means),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
