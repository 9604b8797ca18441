/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/diagnostics.h"
#include "harness/jsonc.h"
#include "tests/support/front.h"

#include <errno.h>

static void blanks(void **state)
{
    static const struct {
        const char *text, *blanked;
    } rows[] = {
        {"", ""},
        {"{} // x", "{}     "},
        {"{} // x\n1", "{}     \n1"},
        {"/* a\nb */1", "    \n    1"},
        {"/**/1", "    1"},
        {"/***/1", "     1"},
        {"[1,]", "[1 ]"},
        {"[1, /* , */ ]", "[1          ]"},
        {"{\"a\":1,}", "{\"a\":1 }"},
        {"[[],]", "[[] ]"},
        {"[{},{},]", "[{},{} ]"},
        {"[,]", "[,]"},
        {"{,}", "{,}"},
        {"[1,,]", "[1,,]"},
        {"[1,2]", "[1,2]"},
        {"\"// no\"", "\"// no\""},
        {"\"/* no */\"", "\"/* no */\""},
        {"\"a\\\"//\" //", "\"a\\\"//\"   "},
        {"[\"a,]\",]", "[\"a,]\" ]"},
        {"\"\\\\\"//x", "\"\\\\\"   "},
        {"/ 1", "/ 1"},
    };
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        char *text = strdup(rows[i].text);
        struct ipm_position at;
        assert_int_equal(ipm_jsonc_blank(text, strlen(text), &at, NULL), 0);
        assert_string_equal(text, rows[i].blanked);
        free(text);
    }
}

/* Where each broken text goes wrong. */
static void broken(void **state)
{
    static const struct {
        const char *text;
        size_t line, column;
        const char *part; /* of the message */
    } rows[] = {
        {"", 1, 1, "nothing"},
        {"  \n // x\n", 1, 1, "nothing"},
        {"{\n /* x", 2, 2, "no end"},
        {"{\"a\": 1\n \"b\": 2}", 2, 2, "'}' expected"},
        {"{\"a\": tru}", 1, 7, "tru"},
        {"{\"a\": 1,, }", 1, 9, ","},
        {"[,]", 1, 2, ","},
        {"{\"a\": [1, 2}", 1, 12, "']' expected"},
        {"{\"a\": 1", 1, 7, "end of file"},
        {"{\"a\": \"x\ny\"}", 1, 7, "newline"},
        {"{\"a\": 1} 2", 1, 10, "end of file expected"},
        {"{\"a\": 1,\n  \"b\": 2,\n  \"a\": 3}", 3, 3, "duplicate"},
        {"{\"\xc3\xa9\": 1, \"\xc3\xa9\": 2}", 1, 10, "duplicate"},
        {"{\"a\": \"\xff\"}", 1, 7, "decode"},
        {"{\"a\" 1}", 1, 6, "':' expected"},
        {"{a: 1}", 1, 2, "string"},
        {"{\"a\": 01}", 1, 7, "0"},
    };
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        struct ipm_position at = {0};
        struct ipm_why why = {0};
        json_t *root = NULL;
        assert_int_equal(
            ipm_jsonc_parse(rows[i].text, strlen(rows[i].text), &root, &at, &why),
            -EINVAL);
        assert_null(root);
        if (at.line != rows[i].line || at.column != rows[i].column ||
            strstr(why.text, rows[i].part) == NULL)
            fail_msg("row %zu: %zu:%zu: %s", i, at.line, at.column, why.text);
    }
}

/* What an editor would call an error of the kind people make most is accepted. */
static void accepted(void **state)
{
    static const char text[] = "// head\n{\n  \"a\": [1, 2, /* two */ ], // list\n"
                               "  \"b\": { \"c/d~\": \"// text\", },\n}\n";
    struct ipm_position at;
    json_t *root = NULL;
    (void)state;
    assert_int_equal(ipm_jsonc_parse(text, strlen(text), &root, &at, NULL), 0);
    assert_int_equal(json_array_size(json_object_get(root, "a")), 2);
    json_decref(root);

    struct ipm_pointer a = {.key = "a"};
    struct ipm_pointer second = {.up = &a, .index = 1};
    struct ipm_pointer b = {.key = "b"};
    struct ipm_pointer odd = {.up = &b, .key = "c/d~"};
    struct ipm_pointer none = {.up = &b, .key = "x"};
    struct ipm_pointer beyond = {.up = &a, .index = 2};
    struct ipm_pointer below = {.up = &odd, .key = "x"};
    static const size_t length = sizeof(text) - 1;
    const struct {
        const struct ipm_pointer *at;
        bool key;
        size_t line, column, bytes;
    } rows[] = {
        {NULL, false, 2, 1, 1},     {&a, true, 3, 3, 3},       {&a, false, 3, 8, 1},
        {&second, false, 3, 12, 1}, {&second, true, 3, 12, 1}, {&odd, true, 4, 10, 6},
        {&odd, false, 4, 18, 9},
    };
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        assert_int_equal(ipm_jsonc_locate(text, length, rows[i].at, rows[i].key, &at),
                         0);
        if (at.line != rows[i].line || at.column != rows[i].column ||
            at.bytes != rows[i].bytes)
            fail_msg("row %zu: %zu:%zu, %zu bytes", i, at.line, at.column, at.bytes);
    }
    assert_int_equal(ipm_jsonc_locate(text, length, &none, true, &at), -ENOENT);
    assert_int_equal(ipm_jsonc_locate(text, length, &beyond, true, &at), -ENOENT);
    assert_int_equal(ipm_jsonc_locate(text, length, &below, true, &at), -ENOENT);
    char *pointer = ipm_pointer_text(&odd);
    assert_string_equal(pointer, "/b/c~1d~0");
    free(pointer);
}

/* Keys written with escapes are found by what they mean. */
static void escapes(void **state)
{
    static const char text[] = "{\"\\u0061\": {\"\\\"\": 7}}";
    struct ipm_pointer a = {.key = "a"};
    struct ipm_pointer quote = {.up = &a, .key = "\""};
    struct ipm_position at;
    (void)state;
    assert_int_equal(ipm_jsonc_locate(text, strlen(text), &quote, false, &at), 0);
    assert_int_equal(at.column, 19);
}

/* No text makes the scanner read outside it or run for ever. */
static void garbage(void **state)
{
    static const char letters[] = "{}[],:\"\\/*\n a1";
    uint64_t seed = 7;
    (void)state;
    for (int round = 0; round < 20000; round++) {
        size_t length = ipm_test_random(&seed) % 24;
        char *text = malloc(length + 1); /* exact: a sanitizer sees one byte beyond */
        assert_non_null(text);
        for (size_t i = 0; i < length; i++)
            text[i] = letters[ipm_test_random(&seed) % (sizeof(letters) - 1)];
        struct ipm_pointer a = {.key = "a"};
        struct ipm_pointer b = {.up = &a, .index = 1};
        struct ipm_position at = {0};
        json_t *root = NULL;
        (void)ipm_jsonc_locate(text, length, &b, true, &at);
        int error = ipm_jsonc_parse(text, length, &root, &at, NULL);
        assert_true((error == 0) == (root != NULL));
        if (error != 0)
            assert_true(at.line >= 1 && at.column >= 1 && at.offset <= length);
        json_decref(root);
        free(text);
    }
}

static void printed(void **state)
{
    static const char text[] = "{\n\t\"b\xc3\xa9\": \"\x1b[31m\"\n}\n";
    struct ipm_pointer key = {.key = "b\xc3\xa9"};
    struct ipm_diagnostics diagnostics;
    (void)state;
    ipm_diagnostics_init(&diagnostics, "a\x07.jsonc", text, strlen(text));
    ipm_diagnostics_error(&diagnostics, &key, false, "mend \xc2\x9b it", "bad '%s'",
                          "\x1b[0m");
    ipm_diagnostics_error(&diagnostics, &key, true, NULL, "first");
    ipm_diagnostics_error(&diagnostics, NULL, false, NULL, "all");
    assert_int_equal(diagnostics.count, 3);
    char *out = ipm_test_printed(&diagnostics);
    assert_string_equal(out, "a\\x07.jsonc:1:1: error: all\n"
                             "    1 | {\n"
                             "      | ^\n"
                             "a\\x07.jsonc:2:2: error: first\n"
                             "    2 |  \"b\xc3\xa9\": \"\\x1b[31m\"\n"
                             "      |  ^~~~\n"
                             "a\\x07.jsonc:2:8: error: bad '\\x1b[0m'\n"
                             "    2 |  \"b\xc3\xa9\": \"\\x1b[31m\"\n"
                             "      |        ^~~~~~~~~~\n"
                             "      = mend \\x9b it\n");
    free(out);
    ipm_diagnostics_fini(&diagnostics);
}

/* A minified config must not flood the terminal. */
static void long_lines(void **state)
{
    char text[4001];
    memset(text, ' ', sizeof(text));
    text[0] = '{';
    memcpy(text + 2000, "\"a\":1", 5);
    text[3999] = '}';
    text[4000] = '\0';
    struct ipm_pointer key = {.key = "a"};
    struct ipm_diagnostics diagnostics;
    (void)state;
    ipm_diagnostics_init(&diagnostics, "x", text, 4000);
    ipm_diagnostics_error(&diagnostics, &key, true, NULL, "m");
    char *out = ipm_test_printed(&diagnostics);
    assert_non_null(strstr(out, "x:1:2001: error: m\n"));
    assert_non_null(strstr(out, "\"a\":1"));
    assert_true(strlen(out) < 400);
    free(out);
    ipm_diagnostics_fini(&diagnostics);
}

static void nearest(void **state)
{
    static const char *const words[] = {"mechanisms", "workloads", "axes", "name",
                                        NULL};
    static const struct {
        const char *word, *nearest;
    } rows[] = {
        {"mechanism", "mechanisms"},
        {"mechansims", "mechanisms"},
        {"exes", "axes"},
        {"nmae", "name"},
        {"mech", NULL},
        {"workload", "workloads"},
        {"", NULL},
        {"zzzz", NULL},
        {"axis", "axes"},
    };
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        const char *found = ipm_nearest_word(rows[i].word, words);
        if (rows[i].nearest == NULL)
            assert_null(found);
        else
            assert_string_equal(found, rows[i].nearest);
    }
    char mend[IPM_MEND];
    assert_string_equal(ipm_mend_word(mend, "zzzz", words),
                        "allowed: mechanisms, workloads, axes, name");
    static const char *const many[] = {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                                       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                                       "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
                                       "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
                                       "ccccccccccccccccccccccccccccccccccccccccccccccc"
                                       "ccccccccccccccccccccccccccccccccc",
                                       "ddddddddddddddddddddddddddddddddddddddddddddddd"
                                       "ddddddddddddddddddddddddddddddddd",
                                       NULL};
    (void)ipm_mend_word(mend, "x", many);
    assert_string_equal(mend + strlen(mend) - 3, "...");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blanks),     cmocka_unit_test(broken),
        cmocka_unit_test(accepted),   cmocka_unit_test(escapes),
        cmocka_unit_test(garbage),    cmocka_unit_test(printed),
        cmocka_unit_test(long_lines), cmocka_unit_test(nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
