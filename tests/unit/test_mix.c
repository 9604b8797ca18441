/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mix.h"
#include "tests/support/test.h"

#include <math.h>
#include <string.h>

#define ROWS(array) (sizeof(array) / sizeof((array)[0]))

static void texts(void **state)
{
    static const struct {
        const char *text, *canonical;
        int n;
        int64_t size;
    } rows[] = {
        {"fixed", "fixed", 0, 0},
        {"bimodal", "bimodal", 2, 466},
        {"imix", "imix", 3, 340},
        {"spread", "spread", 6, 3627},
        {"4KiB:0.1,64:0.9", "64:0.9,4096:0.1", 2, 466},
        {"1MiB:7,0:9", "0:9,1048576:7", 2, 458752},
        {"64B:1.500000,128:00.25", "64:1.5,128:0.25", 2, 73},
        {"1GiB:1000000000,1:999999999", "1:999999999,1073741824:1000000000", 2,
         536870913},
        {"1:0.000001,2:0.000002", "1:0.000001,2:0.000002", 2, 2},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct ipm_mix mix;
        struct ipm_mix again;
        struct ipm_why why = {0};
        char text[IPM_MIX_TEXT];
        char twice[IPM_MIX_TEXT];
        if (ipm_mix_parse(rows[i].text, &mix, &why) != 0)
            fail_msg("%s: %s", rows[i].text, why.text);
        assert_int_equal(mix.n, rows[i].n);
        assert_string_equal(ipm_mix_format(&mix, text), rows[i].canonical);
        assert_int_equal(ipm_mix_parse(text, &again, &why), 0);
        assert_string_equal(ipm_mix_format(&again, twice), text);
        if (mix.n == 0)
            continue;
        assert_int_equal(ipm_mix_size(&mix), rows[i].size);
        assert_true(fabs(ipm_mix_mean(&mix) - (double)rows[i].size) <= 0.5);
        assert_memory_equal(mix.entries, again.entries, sizeof(mix.entries));
    }
}

static void refusals(void **state)
{
    static const struct {
        const char *text, *reason;
    } rows[] = {
        {"", "is not SIZE:WEIGHT"},
        {"bimodel", "is not SIZE:WEIGHT"},
        {"64:1", "one size alone"},
        {"64:1,", "is not SIZE:WEIGHT"},
        {",64:1", "is not SIZE:WEIGHT"},
        {"64:1,64B:2", "stands there twice"},
        {"64:0,128:1", "is not above 0"},
        {"64:1000000001,128:1", "at most 1000000000"},
        {"64:99999999999999999999999999,128:1", "at most 1000000000"},
        {"64:1,128:-1", "is not a weight"},
        {"64:1,128:+1", "is not a weight"},
        {"64:1,128:1e3", "is not a weight"},
        {"64:1,128:0x1", "is not a weight"},
        {"64:1,128:nan", "is not a weight"},
        {"64:1,128:.5", "is not a weight"},
        {"64:1,128:5.", "is not a weight"},
        {"64:1,128:", "is not a weight"},
        {"64:1,128:0.1234567", "is not a weight"},
        {"64:1,128:1:1", "is not a weight"},
        {"64:1, 128:1", "is not a size"},
        {"64:1,-128:1", "is negative"},
        {"64:1,4K:1", "is not a size"},
        {"64:1,2GiB:1", "is more than"},
        {"64:1024,128:1", "a share below 1 in 1024"},
        {"64:1,0000000000000000000000000000000000000000000128:1", "is not SIZE:WEIGHT"},
        {"64:1,128:"
         "10000000000000000000000000000000000000000000000000000000000000000000",
         "is not SIZE:WEIGHT"},
        {"1:1,2:1,3:1,4:1,5:1,6:1,7:1,8:1,9:1,10:1,11:1,12:1,13:1,14:1,15:1,16:1,17:1",
         "at most 16 sizes"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct ipm_mix mix;
        struct ipm_why why = {0};
        if (ipm_mix_parse(rows[i].text, &mix, &why) >= 0 ||
            strstr(why.text, rows[i].reason) == NULL)
            fail_msg("'%s': %s", rows[i].text, why.text);
    }
}

static uint64_t count(const struct ipm_mix_table *table, uint32_t length)
{
    uint64_t n = 0;
    for (size_t i = 0; i < IPM_MIX_ENTRIES; i++)
        n += table->lengths[i] == length;
    return n;
}

/* Shares are exact, whatever the seed; the order is the seed's. */
static void tables(void **state)
{
    struct ipm_mix mix;
    struct ipm_mix_table first;
    struct ipm_mix_table other;
    (void)state;
    assert_int_equal(ipm_mix_parse("40:7,576:4,1500:1", &mix, NULL), 0);
    ipm_mix_draw(&mix, 1, &first);
    ipm_mix_draw(&mix, 1, &other);
    assert_memory_equal(first.lengths, other.lengths, sizeof(first.lengths));
    ipm_mix_draw(&mix, 2, &other);
    assert_memory_not_equal(first.lengths, other.lengths, sizeof(first.lengths));
    /* 1024 x 7/12, 4/12, 1/12 are 597.33, 341.33, 85.33: one is left over, and all are as
     * near; it goes to the first. */
    const uint64_t counts[] = {598, 341, 85};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(mix.entries[i], counts[i]);
        assert_int_equal(count(&first, (uint32_t)mix.sizes[i]), counts[i]);
        assert_int_equal(count(&other, (uint32_t)mix.sizes[i]), counts[i]);
    }
    assert_int_equal(first.total, 598 * 40 + 341 * 576 + 85 * 1500);
    assert_int_equal(ipm_mix_shortest(&mix), 40);
    assert_int_equal(ipm_mix_longest(&mix), 1500);
    /* Not sorted: of 1024 in random order, the first 64 are not all of one size.  All seeds
     * are given, so this holds or never does. */
    assert_true(first.lengths[0] != first.lengths[1] ||
                memcmp(first.lengths, first.lengths + 1, 63 * sizeof(uint32_t)) != 0);
}

static void sums(void **state)
{
    struct ipm_mix mix;
    struct ipm_mix_table table;
    uint64_t bytes = 0;
    (void)state;
    assert_int_equal(ipm_mix_parse("0:1,7:3,1000:2", &mix, NULL), 0);
    ipm_mix_draw(&mix, 7, &table);
    for (uint64_t n = 0; n < 3 * IPM_MIX_ENTRIES; n++) {
        assert_int_equal(ipm_mix_bytes(&table, n), bytes);
        bytes += ipm_mix_length(&table, n);
    }
    assert_int_equal(ipm_mix_bytes(&table, 3 * IPM_MIX_ENTRIES), 3 * table.total);
    assert_int_equal(ipm_mix_bytes(&table, UINT64_C(1) << 40),
                     (UINT64_C(1) << 30) * table.total);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),
        cmocka_unit_test(refusals),
        cmocka_unit_test(tables),
        cmocka_unit_test(sums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
