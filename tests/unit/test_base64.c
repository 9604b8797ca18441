/* SPDX-License-Identifier: MIT */
#include "base/base64.h"
#include "tests/support/test.h"

#include <errno.h>

static void hostile_text_is_refused(void **state)
{
    static const char *const rows[] = {
        "A",
        "AA",
        "AAA",
        "=",
        "====",
        "A===",
        "=AAA",
        "A=AA",
        "AA=A",
        "AAAA=",
        "AA==AAAA",
        "AAA=AAAA",
        "AA A",
        "AAA\n",
        "AA-_",
        "\x80/AA",
        "\xff\xff\xff\xff",
        "AAA ",
        "!AAA",
        "AAAAA===",
    };
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        uint8_t bytes[16];
        size_t length = 99;
        if (ipm_base64_decode(rows[i], bytes, sizeof(bytes), &length) != -EINVAL)
            fail_msg("'%s' was accepted", rows[i]);
        assert_int_equal(length, 99);
    }
}

/* Room is exact: one byte less is refused and no byte behind it is written. */
static void small_room_is_refused(void **state)
{
    static const char *const rows[] = {"QQ==", "QUI=", "QUJD", "QUJDRA==", "QUJDREVG"};
    static const size_t lengths[] = {1, 2, 3, 4, 6};
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        for (size_t room = 0; room <= lengths[i]; room++) {
            uint8_t *bytes = malloc(room + 1);
            assert_non_null(bytes);
            bytes[room] = 0xa5;
            size_t length = 99;
            int error = ipm_base64_decode(rows[i], bytes, room, &length);
            assert_int_equal(error, room < lengths[i] ? -ENOSPC : 0);
            assert_int_equal(length, room < lengths[i] ? 99 : lengths[i]);
            assert_int_equal(bytes[room], 0xa5);
            if (error == 0)
                assert_memory_equal(bytes, "ABCDEF", length);
            free(bytes);
        }
    }
}

/* The vectors of RFC 4648 section 10. */
static void rfc_vectors(void **state)
{
    static const struct {
        const char *bytes;
        const char *text;
    } rows[] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    };
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        char text[16];
        size_t length = strlen(rows[i].bytes);
        ipm_base64_encode((const uint8_t *)rows[i].bytes, length, text);
        assert_string_equal(text, rows[i].text);
        uint8_t bytes[16];
        size_t decoded = 99;
        assert_int_equal(ipm_base64_decode(text, bytes, sizeof(bytes), &decoded), 0);
        assert_int_equal(decoded, length);
        assert_memory_equal(bytes, rows[i].bytes, length);
    }
}

static void every_length_comes_back(void **state)
{
    (void)state;
    uint64_t random = 1;
    for (size_t length = 0; length < 300; length++) {
        uint8_t *bytes = malloc(length + 1);
        size_t room = (length + 2) / 3 * 4 + 1;
        char *text = malloc(room); /* exactly what the header asks for */
        uint8_t *back = malloc(length + 1);
        assert_true(bytes != NULL && text != NULL && back != NULL);
        for (size_t i = 0; i < length; i++)
            bytes[i] = (uint8_t)ipm_test_random(&random);
        ipm_base64_encode(bytes, length, text);
        assert_int_equal(strlen(text), room - 1);
        size_t decoded = 99;
        assert_int_equal(ipm_base64_decode(text, back, length, &decoded), 0);
        assert_int_equal(decoded, length);
        assert_memory_equal(back, bytes, length);
        free(bytes);
        free(text);
        free(back);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_text_is_refused),
        cmocka_unit_test(small_room_is_refused),
        cmocka_unit_test(rfc_vectors),
        cmocka_unit_test(every_length_comes_back),
    };
    return cmocka_run_group_tests_name("base64", tests, NULL, NULL);
}
