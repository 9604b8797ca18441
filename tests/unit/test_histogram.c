/* SPDX-License-Identifier: MIT */
#include "base/base64.h"
#include "base/histogram.h"
#include "tests/support/test.h"

#include <errno.h>
#include <math.h>
#include <sys/mman.h>

/* It lives in shared memory between processes of one build: its layout is part of it. */
_Static_assert(IPM_HISTOGRAM_BUCKETS == 14848, "bucket count");
_Static_assert(sizeof(struct ipm_histogram) == (14848 + 4) * sizeof(uint64_t),
               "layout");

#define RANGE (UINT64_C(1) << IPM_HISTOGRAM_TOP)

static struct ipm_histogram histogram, other, third;
static double midpoints[IPM_HISTOGRAM_BUCKETS];

/* The midpoints as a caller can see them: one count in each bucket, asked for by rank. */
static int learn_midpoints(void **state)
{
    (void)state;
    ipm_histogram_reset(&histogram);
    for (size_t i = 0; i < IPM_HISTOGRAM_BUCKETS; i++)
        histogram.buckets[i] = 1;
    histogram.count = IPM_HISTOGRAM_BUCKETS;
    histogram.min = 0;
    histogram.max = RANGE - 1;
    for (size_t i = 0; i < IPM_HISTOGRAM_BUCKETS; i++) {
        double q = ((double)i + 0.5) / IPM_HISTOGRAM_BUCKETS;
        midpoints[i] = ipm_histogram_quantile(&histogram, q);
    }
    return 0;
}

/* A value that is equally likely in every octave. */
static uint64_t random_value(uint64_t *random)
{
    uint64_t bits = ipm_test_random(random) % (IPM_HISTOGRAM_TOP + 1);
    return bits == 0 ? 0 : ipm_test_random(random) >> (64 - bits);
}

/* From the definition: 2^bits equal buckets per octave, none narrower than 1. */
static uint64_t width_of(uint64_t value, int bits)
{
    uint64_t width = 1;
    while (value >= width << (bits + 1))
        width <<= 1;
    return width;
}

static void empty_has_no_figures(void **state)
{
    (void)state;
    memset(&histogram, 0xa5, sizeof(histogram));
    ipm_histogram_reset(&histogram);
    assert_true(histogram.count == 0 && histogram.sum == 0 && histogram.max == 0);
    assert_true(histogram.min == UINT64_MAX);
    assert_true(isnan(ipm_histogram_quantile(&histogram, 0.5)));
    assert_true(isnan(ipm_histogram_mean(&histogram)));
}

static void check_value(uint64_t value)
{
    size_t index = ipm_histogram_index(value);
    if (index >= IPM_HISTOGRAM_BUCKETS)
        fail_msg("%llu lies outside", (unsigned long long)value);
    double distance = fabs(midpoints[index] - (double)value);
    double allowed = value < 1024 ? 0 : 0.001 * (double)value;
    if (distance > allowed)
        fail_msg("%llu is %g from its bucket's midpoint", (unsigned long long)value,
                 distance);
}

static void every_value_is_near_its_midpoint(void **state)
{
    (void)state;
    for (uint64_t value = 0; value < 1 << 16; value++)
        check_value(value);
    /* 1 ns .. 100 s, 10,000 steps per decade, with both neighbours. */
    for (int step = 0; step <= 110000; step++) {
        uint64_t value = (uint64_t)pow(10, step / 10000.0);
        check_value(value - 1);
        check_value(value);
        check_value(value + 1);
    }
    uint64_t random = 2;
    for (int i = 0; i < 1000000; i++)
        check_value(random_value(&random) % UINT64_C(100000000001));
    check_value(RANGE - 1);
}

static void buckets_are_in_order_and_all_in_use(void **state)
{
    (void)state;
    size_t index = 0;
    for (uint64_t value = 0; value < RANGE;) {
        assert_int_equal(ipm_histogram_index(value), index);
        uint64_t width = width_of(value, IPM_HISTOGRAM_BITS);
        assert_int_equal(ipm_histogram_index(value + width - 1), index);
        value += width;
        index++;
    }
    assert_int_equal(index, IPM_HISTOGRAM_BUCKETS);
}

static void huge_values_share_the_last_bucket(void **state)
{
    static const uint64_t rows[] = {RANGE, RANGE + 1, UINT64_C(1) << 63, UINT64_MAX};
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        ipm_histogram_reset(&histogram);
        ipm_histogram_add(&histogram, 1);
        ipm_histogram_add(&histogram, rows[i]);
        assert_true(histogram.buckets[IPM_HISTOGRAM_BUCKETS - 1] == 1);
        assert_true(histogram.max == rows[i]);
        assert_true(ipm_histogram_quantile(&histogram, 1) == (double)rows[i]);
    }
}

static int compare_values(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static void least_rank_is_one(void **state)
{
    (void)state;
    ipm_histogram_reset(&histogram);
    ipm_histogram_add(&histogram, 1024); /* shares its bucket with 1025 */
    ipm_histogram_add(&histogram, 9000);
    assert_true(ipm_histogram_quantile(&histogram, 0) == 1024.5);
}

/* Against the sorted values: rank ceil(q n), at least 1. */
static void quantiles_are_nearest_rank(void **state)
{
    static const struct {
        double q;
        size_t numerator, denominator;
    } rows[] = {{0, 0, 1},       {0.25, 1, 4},       {0.5, 1, 2}, {0.9, 9, 10},
                {0.99, 99, 100}, {0.999, 999, 1000}, {1, 1, 1}};
    uint64_t random = 3;
    (void)state;
    for (size_t n = 1; n <= 1000; n = n < 30 ? n + 1 : n * 10 / 9) {
        uint64_t values[1000];
        uint64_t sum = 0;
        ipm_histogram_reset(&histogram);
        for (size_t i = 0; i < n; i++) {
            values[i] = random_value(&random);
            sum += values[i];
            ipm_histogram_add(&histogram, values[i]);
        }
        qsort(values, n, sizeof(values[0]), compare_values);
        assert_true(histogram.count == n && histogram.sum == sum);
        assert_true(histogram.min == values[0] && histogram.max == values[n - 1]);
        assert_true(ipm_histogram_mean(&histogram) == (double)sum / (double)n);
        for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
            size_t rank =
                (n * rows[i].numerator + rows[i].denominator - 1) / rows[i].denominator;
            double exact = (double)values[rank == 0 ? 0 : rank - 1];
            double found = ipm_histogram_quantile(&histogram, rows[i].q);
            if (fabs(found - exact) > (exact < 1024 ? 0 : exact / 1023))
                fail_msg("q %g of %zu values: %g, exact %g", rows[i].q, n, found,
                         exact);
            assert_true(found >= (double)values[0] && found <= (double)values[n - 1]);
        }
    }
}

static void merging_equals_adding_everything(void **state)
{
    uint64_t random = 4;
    (void)state;
    for (int round = 0; round < 20; round++) {
        ipm_histogram_reset(&histogram);
        ipm_histogram_reset(&other);
        ipm_histogram_reset(&third);
        /* The first round merges two empty ones, the second an empty one. */
        int n = round < 2 ? 0 : 1000;
        for (int i = 0; i < n; i++) {
            uint64_t value = ipm_test_random(&random) >> ipm_test_random(&random) % 64;
            ipm_histogram_add(i % 3 == 0 ? &histogram : &other, value);
            ipm_histogram_add(&third, value);
        }
        if (round == 1) {
            ipm_histogram_add(&other, 5);
            ipm_histogram_add(&third, 5);
        }
        ipm_histogram_merge(&histogram, &other);
        assert_memory_equal(&histogram, &third, sizeof(third));
    }
}

enum shape { SPARSE, NARROW, FULL_SMALL, FULL_MIXED, FULL_HUGE, ONE, NONE, SHAPES };

static void fill(struct ipm_histogram *into, enum shape shape, uint64_t *random)
{
    ipm_histogram_reset(into);
    if (shape == ONE || shape == SPARSE || shape == NARROW) {
        int n = shape == ONE ? 1 : 2000;
        for (int i = 0; i < n; i++)
            ipm_histogram_add(into, shape == NARROW
                                        ? 900 + ipm_test_random(random) % 300
                                        : random_value(random));
        return;
    }
    for (size_t i = 0; shape != NONE && i < IPM_HISTOGRAM_BUCKETS; i++) {
        uint64_t value = (uint64_t)midpoints[i];
        uint64_t random_count = ipm_test_random(random);
        uint64_t count = shape == FULL_SMALL ? 1 + random_count % 100
                         : shape == FULL_HUGE
                             ? random_count >> 15 | UINT64_C(1) << 48
                             : random_count >> (15 + random_count % 49);
        if (count == 0)
            continue;
        ipm_histogram_add(into, value);
        into->buckets[i] += count - 1;
        into->count += count - 1;
        into->sum += (count - 1) * value;
    }
}

/*
 * What the packed text must hold, from the definition alone: @expected gets the counts at
 * the midpoints of buckets of 2^@bits per octave.  Returns the largest relative distance
 * of a value that may have been counted to the midpoint it went to.
 */
static double merge_by_definition(const struct ipm_histogram *from, int bits,
                                  struct ipm_histogram *expected)
{
    double largest = 0;
    ipm_histogram_reset(expected);
    for (uint64_t first = 0; first < RANGE; first += width_of(first, 9)) {
        uint64_t count = from->buckets[ipm_histogram_index(first)];
        if (count == 0)
            continue;
        uint64_t width = width_of(first, bits);
        double middle = (double)(first - first % width) + (double)(width - 1) / 2;
        expected->buckets[ipm_histogram_index((uint64_t)middle)] += count;
        double last = (double)(first + width_of(first, 9) - 1);
        double low = fmax((double)first, 1);
        largest = fmax(largest, fabs(middle - (double)first) / low);
        largest = fmax(largest, fabs(middle - last) / fmax(last, 1));
    }
    return largest;
}

static void packing_keeps_counts_size_and_the_stated_error(void **state)
{
    static char text[IPM_HISTOGRAM_PACKED + 1 + 64];
    uint64_t random = 5;
    bool coarser_seen = false;
    (void)state;
    for (int round = 0; round < 8 * SHAPES; round++) {
        enum shape shape = (enum shape)(round % SHAPES);
        fill(&histogram, shape, &random);
        memset(text, 0x5a, sizeof(text));
        double error = -1;
        ipm_histogram_pack(&histogram, text, &error);
        size_t length = strnlen(text, sizeof(text));
        assert_true(length <= IPM_HISTOGRAM_PACKED);
        for (size_t i = IPM_HISTOGRAM_PACKED + 1; i < sizeof(text); i++)
            assert_int_equal(text[i], 0x5a);

        struct ipm_why why = {0};
        assert_int_equal(ipm_histogram_unpack(text, &other, &why), 0);
        assert_true(other.count == histogram.count);

        bool coarser = error > 1.0 / 1024;
        if (!coarser) {
            assert_true(error == 1.0 / 1024);
            assert_memory_equal(other.buckets, histogram.buckets,
                                sizeof(other.buckets));
            continue;
        }
        coarser_seen = true;
        double doublings = log2(error * 1024);
        assert_true(doublings == floor(doublings));
        int bits = IPM_HISTOGRAM_BITS - (int)doublings;
        double distance = merge_by_definition(&histogram, bits, &third);
        assert_memory_equal(other.buckets, third.buckets, sizeof(other.buckets));
        /* The largest there is, but for the half nanosecond that integers leave. */
        if (distance > error || distance < error * 0.999)
            fail_msg("stated error %g, true %g", error, distance);
    }
    assert_true(coarser_seen);
}

/* What lies above the range is packed far from where it was: the error must say so. */
static void error_tells_of_values_above_the_range(void **state)
{
    static const uint64_t rows[] = {RANGE, RANGE * 2, UINT64_C(1) << 60, UINT64_MAX};
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        char text[IPM_HISTOGRAM_PACKED + 1];
        double error = -1;
        ipm_histogram_reset(&histogram);
        ipm_histogram_add(&histogram, 100);
        ipm_histogram_add(&histogram, rows[i]);
        ipm_histogram_pack(&histogram, text, &error);
        assert_int_equal(ipm_histogram_unpack(text, &other, NULL), 0);
        /* What is unpacked is a whole number, up to one half below the midpoint. */
        double distance = 1 - ((double)other.max + 1) / (double)rows[i];
        assert_true(error >= distance);
        assert_true(error <= fmax(distance, 1.0 / 1024) + 1e-9);
    }
}

/* The known bytes of a small histogram: the format is read by other programs. */
static void format_is_pinned(void **state)
{
    static const uint8_t expected[] = {9, 5, 2, 0xc3, 0x01, 1, 0xb8, 0x06, 0xc8, 0x01};
    (void)state;
    ipm_histogram_reset(&histogram);
    ipm_histogram_add(&histogram, 5);
    ipm_histogram_add(&histogram, 5);
    ipm_histogram_add(&histogram, 200);
    for (int i = 0; i < 200; i++)
        ipm_histogram_add(&histogram,
                          1024 + (uint64_t)(i % 2)); /* one bucket: index 1024 */
    char text[IPM_HISTOGRAM_PACKED + 1];
    char wanted[32];
    double error;
    ipm_histogram_pack(&histogram, text, &error);
    ipm_base64_encode(expected, sizeof(expected), wanted);
    assert_string_equal(text, wanted);
}

/* A histogram that ends where a page without access begins: a write behind it is fatal in
 * any build. */
static struct ipm_histogram *guarded_histogram(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t room = (sizeof(struct ipm_histogram) + page - 1) / page * page;
    char *start =
        mmap(NULL, room + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(start != MAP_FAILED);
    assert_int_equal(mprotect(start + page, room, PROT_READ | PROT_WRITE), 0);
    return (struct ipm_histogram *)(void *)(start + page + room -
                                            sizeof(struct ipm_histogram));
}

static void check_refused_or_sound(const char *text, struct ipm_histogram *into)
{
    struct ipm_why why = {0};
    memset(into, 0xa5, sizeof(*into));
    int error = ipm_histogram_unpack(text, into, &why);
    if (error != 0) {
        assert_int_equal(error, -EINVAL);
        assert_int_equal(why.error, -EINVAL);
        ipm_histogram_reset(&third);
        assert_memory_equal(into, &third, sizeof(third));
        return;
    }
    uint64_t total = 0;
    for (size_t i = 0; i < IPM_HISTOGRAM_BUCKETS; i++) {
        /* No wrap: a count that overflows would print as a small one. */
        assert_true(total + into->buckets[i] >= total);
        total += into->buckets[i];
    }
    assert_true(total == into->count);
    if (total == 0) {
        assert_true(into->min == UINT64_MAX && into->max == 0);
        return;
    }
    assert_true(into->min <= into->max && into->max < RANGE);
    assert_true(into->buckets[ipm_histogram_index(into->min)] > 0);
    assert_true(into->buckets[ipm_histogram_index(into->max)] > 0);
}

static void hostile_bytes_are_refused(void **state)
{
#define ONES 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff
    static const struct {
        const char *what;
        size_t length;
        uint8_t bytes[24];
    } rows[] = {
        {"nothing", 0, {0}},
        {"bits above ours", 1, {10}},
        {"bits of 64", 1, {64}},
        {"huge bits", 10, {ONES, 1}},
        {"unfinished bits", 1, {0x80}},
        {"gap without count", 2, {9, 1}},
        {"unfinished gap", 2, {9, 0x80}},
        {"unfinished count", 3, {9, 1, 0x80}},
        {"varint of 11 bytes", 13, {9, 1, ONES, 0xff, 1}},
        {"varint above 64 bits", 12, {9, 1, ONES, 2}},
        {"gap of 2^64 - 1", 12, {9, ONES, 1, 1}},
        {"index 14848 of 14848", 4, {9, 0x80, 0x74, 1}},
        {"gaps that add up to 14848", 6, {9, 0xff, 0x73, 1, 1, 1}},
        {"index 38 of 38 at 0 bits", 3, {0, 38, 1}},
        {"index 14847 at 0 bits", 4, {0, 0xff, 0x73, 1}},
        {"index 7424 + 256 at 8 bits", 4, {8, 0x80, 0x3c, 1}},
        {"same bucket twice", 5, {9, 5, 1, 0, 1}},
        {"count of 0", 3, {9, 5, 0}},
        {"counts that wrap", 14, {9, 5, ONES, 1, 1, 1}},
    };
#undef ONES
    (void)state;
    struct ipm_histogram *into = guarded_histogram();
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        char text[64];
        ipm_base64_encode(rows[i].bytes, rows[i].length, text);
        if (ipm_histogram_unpack(text, into, NULL) != -EINVAL)
            fail_msg("accepted: %s", rows[i].what);
        check_refused_or_sound(text, into);
    }
    check_refused_or_sound("not base64!", into);
}

/* The last bucket of every resolution is still taken. */
static void last_bucket_is_accepted(void **state)
{
    (void)state;
    for (uint64_t bits = 0; bits <= IPM_HISTOGRAM_BITS; bits++) {
        uint64_t last = ((IPM_HISTOGRAM_TOP - bits + 1) << bits) - 1;
        uint8_t bytes[] = {(uint8_t)bits, (uint8_t)(last | 0x80), (uint8_t)(last >> 7),
                           1};
        char text[16];
        ipm_base64_encode(bytes, sizeof(bytes), text);
        assert_int_equal(ipm_histogram_unpack(text, &other, NULL), 0);
        assert_true(other.count == 1 && other.max >= RANGE / 2 && other.max < RANGE);
    }
}

static void too_long_text_is_refused(void **state)
{
    (void)state;
    static char text[2 * IPM_HISTOGRAM_PACKED + 1];
    for (size_t length = IPM_HISTOGRAM_PACKED; length < sizeof(text); length += 4) {
        memset(text, 'B', length);
        text[length] = '\0';
        struct ipm_why why = {0};
        assert_int_equal(ipm_histogram_unpack(text, &other, &why), -EINVAL);
    }
}

static void random_and_damaged_text_never_escapes(void **state)
{
    uint64_t random = 6;
    (void)state;
    struct ipm_histogram *into = guarded_histogram();
    for (int i = 0; i < 1000; i++) {
        uint8_t bytes[64];
        char text[100];
        size_t length = ipm_test_random(&random) % sizeof(bytes);
        for (size_t k = 0; k < length; k++)
            bytes[k] =
                (uint8_t)(ipm_test_random(&random) >> ipm_test_random(&random) % 8);
        if (length > 0)
            bytes[0] = (uint8_t)(i % 11);
        ipm_base64_encode(bytes, length, text);
        check_refused_or_sound(text, into);
    }
    for (int i = 0; i < 1000; i++) {
        char text[IPM_HISTOGRAM_PACKED + 1];
        double error;
        fill(&histogram, i % 2 == 0 ? SPARSE : FULL_SMALL, &random);
        ipm_histogram_pack(&histogram, text, &error);
        size_t at = ipm_test_random(&random) % strlen(text);
        text[at] = i % 5 == 0 ? '\0' : (char)(33 + ipm_test_random(&random) % 94);
        check_refused_or_sound(text, into);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_has_no_figures),
        cmocka_unit_test(hostile_bytes_are_refused),
        cmocka_unit_test(too_long_text_is_refused),
        cmocka_unit_test(random_and_damaged_text_never_escapes),
        cmocka_unit_test(last_bucket_is_accepted),
        cmocka_unit_test(huge_values_share_the_last_bucket),
        cmocka_unit_test(every_value_is_near_its_midpoint),
        cmocka_unit_test(buckets_are_in_order_and_all_in_use),
        cmocka_unit_test(least_rank_is_one),
        cmocka_unit_test(quantiles_are_nearest_rank),
        cmocka_unit_test(merging_equals_adding_everything),
        cmocka_unit_test(packing_keeps_counts_size_and_the_stated_error),
        cmocka_unit_test(error_tells_of_values_above_the_range),
        cmocka_unit_test(format_is_pinned),
    };
    return cmocka_run_group_tests_name("histogram", tests, learn_midpoints, NULL);
}
