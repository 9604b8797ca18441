/* SPDX-License-Identifier: MIT */
#include "base/payload.h"
#include "tests/support/test.h"

enum { LARGEST = 70000 };

static unsigned char box[LARGEST + 256];
static unsigned char copy[LARGEST + 256];

/* From 8 bytes on: of shorter payloads two may be equal by chance. */
static const size_t lengths[] = {8,   9,    15,   16,   63,    64,     65,
                                 100, 4095, 4096, 4097, 65536, LARGEST};

static const uint64_t seeds[] = {
    0, 1, 2, 7, 255, 256, 65535, UINT64_C(1) << 32, UINT64_MAX - 1, UINT64_MAX};

static void check_refused(size_t length, uint64_t seed, const char *what)
{
    size_t at = SIZE_MAX;
    if (ipm_payload_verify(box, length, seed, &at))
        fail_msg("%zu bytes, seed %llu: %s not seen", length, (unsigned long long)seed,
                 what);
    /* The place named is the first that differs. */
    ipm_payload_fill(copy, length, seed);
    assert_true(at < length);
    assert_memory_equal(box, copy, at);
    assert_int_not_equal(box[at], copy[at]);
    assert_false(ipm_payload_verify(box, length, seed, NULL));
}

static void every_changed_byte_is_seen(void **state)
{
    (void)state;
    for (size_t length = 1; length <= 300; length++) {
        ipm_payload_fill(box, length, 11);
        for (size_t i = 0; i < length; i++) {
            for (unsigned bit = 1; bit < 256; bit <<= 1) {
                box[i] ^= (unsigned char)bit;
                size_t at = SIZE_MAX;
                assert_false(ipm_payload_verify(box, length, 11, &at));
                assert_int_equal(at, i);
                box[i] ^= (unsigned char)bit;
            }
        }
        assert_true(ipm_payload_verify(box, length, 11, NULL));
    }
}

/* Another message than the one that is due: swapped, repeated, skipped, of another run. */
static void another_message_is_seen(void **state)
{
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(lengths); i++) {
        for (size_t k = 0; k < IPM_TEST_ROWS(seeds); k++) {
            for (uint64_t other = 1; other <= 64; other++) {
                ipm_payload_fill(box, lengths[i], seeds[k]);
                check_refused(lengths[i], seeds[k] + other, "a repeated message");
                check_refused(lengths[i], seeds[k] - other, "a skipped message");
                check_refused(lengths[i], seeds[k] + (other << 32), "a far one");
                if (lengths[i] > 4096)
                    break;
            }
        }
    }
}

/* The same bytes, found too early or too late. */
static void shifted_bytes_are_seen(void **state)
{
    static const size_t shifts[] = {1, 2, 3, 4, 7, 8, 16, 63, 64, 128, 256};
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(lengths); i++) {
        for (size_t k = 0; k < IPM_TEST_ROWS(shifts); k++) {
            size_t length = lengths[i];
            size_t shift = shifts[k];
            ipm_payload_fill(box, length + shift, 5);
            memmove(box, box + shift, length);
            check_refused(length, 5, "a shift to the front");
            if (shift >= length)
                continue;
            ipm_payload_fill(box, length, 5);
            memmove(box + shift, box, length - shift);
            check_refused(length, 5, "a shift to the back");
        }
    }
    /* A page, a cache line or a word in another's place. */
    static const size_t pieces[] = {8, 64, 4096};
    for (size_t i = 0; i < IPM_TEST_ROWS(pieces); i++) {
        size_t piece = pieces[i];
        for (size_t from = 0; from + piece <= 65536; from += 4096) {
            for (size_t to = 0; to + piece <= 65536; to += 4096) {
                if (from == to)
                    continue;
                ipm_payload_fill(box, 65536, 5);
                memcpy(box + to, box + from, piece);
                check_refused(65536, 5, "a piece in another's place");
            }
        }
    }
}

/* One part of this message, the rest of the one before or behind it. */
static void torn_messages_are_seen(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 20; seed++) {
        for (size_t cut = 8; cut <= 504; cut += 8) {
            ipm_payload_fill(box, 512, seed);
            ipm_payload_fill(copy, 512, seed + (cut % 16 == 0 ? 1 : UINT64_MAX));
            memcpy(box + cut, copy + cut, 512 - cut);
            check_refused(512, seed, "a torn end");
            ipm_payload_fill(box, 512, seed);
            ipm_payload_fill(copy, 512, seed + 1);
            memcpy(box, copy, cut);
            check_refused(512, seed, "a torn front");
        }
        /* Zeroes: memory that nobody has written. */
        ipm_payload_fill(box, 512, seed);
        memset(box + 504, 0, 8);
        check_refused(512, seed, "an unwritten end");
    }
}

/*
 * Every byte depends on the seed and on its place: over 256 seeds, or 256 places 8 apart,
 * random bytes take about 162 values; fewer than 100 is not chance.
 */
static void every_byte_varies(void **state)
{
    (void)state;
    for (size_t at = 0; at < 128; at++) {
        bool by_seed[256] = {false};
        bool by_place[256] = {false};
        int n_by_seed = 0;
        int n_by_place = 0;
        for (uint64_t i = 0; i < 256; i++) {
            ipm_payload_fill(box, at + 1, i);
            n_by_seed += !by_seed[box[at]];
            by_seed[box[at]] = true;
        }
        ipm_payload_fill(box, at + 1 + 255 * 8, 1);
        for (size_t i = 0; i < 256; i++) {
            unsigned char byte = box[at + i * 8];
            n_by_place += !by_place[byte];
            by_place[byte] = true;
        }
        if (n_by_seed < 100 || n_by_place < 100)
            fail_msg("byte %zu takes %d values by seed, %d by place", at, n_by_seed,
                     n_by_place);
    }
}

static void fill_stays_inside_at_any_alignment(void **state)
{
    (void)state;
    for (size_t start = 0; start < 16; start++) {
        for (size_t length = 0; length < 100; length++) {
            memset(box, 0xa5, 256);
            ipm_payload_fill(box + 16 + start, length, 3);
            for (size_t i = 0; i < 16 + start; i++)
                assert_int_equal(box[i], 0xa5);
            for (size_t i = 16 + start + length; i < 256; i++)
                assert_int_equal(box[i], 0xa5);
            assert_true(ipm_payload_verify(box + 16 + start, length, 3, NULL));
        }
    }
}

/* Which bytes produce() writes, found by writing over two different grounds. */
static bool is_written(enum ipm_touch touch, size_t length, size_t at)
{
    memset(box, 0x00, length + 64);
    memset(copy, 0xff, length + 64);
    ipm_payload_produce(touch, box, length, UINT64_C(0x1122334455667788));
    ipm_payload_produce(touch, copy, length, UINT64_C(0x1122334455667788));
    return box[at] == copy[at];
}

/* Whether consume()'s sum depends on a byte. */
static bool is_read(enum ipm_touch touch, size_t length, size_t at)
{
    ipm_payload_fill(box, length + 64, 9);
    uint64_t before = ipm_payload_consume(touch, box, length);
    box[at] ^= 0x10;
    return ipm_payload_consume(touch, box, length) != before;
}

static void touch_does_what_it_says(void **state)
{
    (void)state;
    for (size_t length = 0; length <= 200; length++) {
        for (size_t at = 0; at < length + 64; at++) {
            bool inside = at < length;
            assert_false(is_written(IPM_TOUCH_NONE, length, at));
            assert_false(is_read(IPM_TOUCH_NONE, length, at));
            assert_true(is_written(IPM_TOUCH_FULL, length, at) == inside);
            assert_true(is_read(IPM_TOUCH_FULL, length, at) == inside);
            /* One word of each line, or one byte where no word fits. */
            size_t line = at / 64 * 64;
            size_t word = line + 8 <= length ? 8 : 1;
            bool sampled = inside && at < line + word;
            assert_true(is_written(IPM_TOUCH_SAMPLE, length, at) == sampled);
            assert_true(is_read(IPM_TOUCH_SAMPLE, length, at) == sampled);
        }
    }
}

static void values_are_made_from_the_seed(void **state)
{
    (void)state;
    for (int touch = IPM_TOUCH_SAMPLE; touch <= IPM_TOUCH_FULL; touch++) {
        for (size_t length = 1; length <= 100; length++) {
            ipm_payload_produce((enum ipm_touch)touch, box, length, 1);
            uint64_t one = ipm_payload_consume((enum ipm_touch)touch, box, length);
            ipm_payload_produce((enum ipm_touch)touch, box, length, 2);
            assert_true(ipm_payload_consume((enum ipm_touch)touch, box, length) != one);
        }
    }
}

static void names_follow_the_enumeration(void **state)
{
    (void)state;
    assert_string_equal(ipm_touch_names[IPM_TOUCH_NONE], "none");
    assert_string_equal(ipm_touch_names[IPM_TOUCH_SAMPLE], "sample");
    assert_string_equal(ipm_touch_names[IPM_TOUCH_FULL], "full");
    assert_null(ipm_touch_names[IPM_TOUCH_COUNT]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_changed_byte_is_seen),
        cmocka_unit_test(another_message_is_seen),
        cmocka_unit_test(shifted_bytes_are_seen),
        cmocka_unit_test(torn_messages_are_seen),
        cmocka_unit_test(every_byte_varies),
        cmocka_unit_test(fill_stays_inside_at_any_alignment),
        cmocka_unit_test(touch_does_what_it_says),
        cmocka_unit_test(values_are_made_from_the_seed),
        cmocka_unit_test(names_follow_the_enumeration),
    };
    return cmocka_run_group_tests_name("payload", tests, NULL, NULL);
}
