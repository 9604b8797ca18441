/* SPDX-License-Identifier: MIT */
#include "base/json.h"
#include "tests/support/test.h"

#include <dirent.h>
#include <errno.h>
#include <float.h>
#include <math.h>
#include <sys/resource.h>

static void jansson_itself_refuses_nan(void **state)
{
    (void)state;
    assert_null(json_real(NAN));
    assert_null(json_real(INFINITY));
    assert_null(json_loads("[NaN]", 0, NULL));
    assert_null(json_loads("[1e999]", 0, NULL));
    /* This is what we guard against: a member that is lost without a word. */
    ipm_auto_json json_t *object = json_object();
    assert_int_equal(json_object_set_new(object, "x", json_real(NAN)), -1);
    assert_null(json_object_get(object, "x"));
}

static void numbers(void **state)
{
    static const struct {
        double value;
        const char *text;
    } rows[] = {
        {NAN, "null"},
        {-NAN, "null"},
        {INFINITY, "null"},
        {-INFINITY, "null"},
        {0, "0"},
        {-0.0, "0"},
        {3, "3"},
        {-3, "-3"},
        {0.5, "0.5"},
        {9007199254740991.0, "9007199254740991"},
        {-9007199254740991.0, "-9007199254740991"},
        {9007199254740992.0, "9007199254740992.0"},
        {1e300, "1.0000000000000001e300"},
        {DBL_MIN, "2.2250738585072014e-308"},
        {0.1, "0.10000000000000001"},
    };
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        ipm_auto_json json_t *number = ipm_json_number(rows[i].value);
        assert_non_null(number);
        char *text = ipm_json_canonical(number);
        assert_string_equal(text, rows[i].text);
        ipm_auto_json json_t *back = json_loads(text, JSON_DECODE_ANY, NULL);
        assert_non_null(back);
        if (isfinite(rows[i].value))
            assert_true(json_number_value(back) == rows[i].value);
        free(text);
    }
}

/* Bytes that are not UTF-8 must not lose the member they stand in. */
static void text_of_any_bytes_is_kept(void **state)
{
    static const struct {
        const char *bytes;
        const char *text;
    } rows[] = {
        {"", ""},
        {"plain", "plain"},
        {"\xc3\xa9t\xc3\xa9", "\xc3\xa9t\xc3\xa9"},
        {"\xe2\x82\xac \xf0\x9f\x98\x80", "\xe2\x82\xac \xf0\x9f\x98\x80"},
        {"cut \xe2\x82", "cut ??"},
        {"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \x80",
         "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 ?"},
        {"\xff"
         "a",
         "?a"},
        {"\xc3(", "?("},
        {"\xc0\x80", "??"},           /* overlong NUL */
        {"\xe0\x80\xaf", "???"},      /* overlong slash */
        {"\xed\xa0\x80", "???"},      /* surrogate */
        {"\xf4\x90\x80\x80", "????"}, /* above U+10FFFF */
        {"\xf8\x88\x80\x80\x80", "?????"},
        {"line\nand \"quote\"", "line\nand \"quote\""},
    };
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        ipm_auto_json json_t *text = ipm_json_text(rows[i].bytes);
        assert_non_null(text);
        assert_string_equal(json_string_value(text), rows[i].text);
    }
}

static void look_ups_refuse_other_types(void **state)
{
    (void)state;
    ipm_auto_json json_t *object =
        json_loads("{\"i\": 5, \"r\": 5.5, \"t\": \"5\", \"b\": true, \"n\": null, "
                   "\"l\": [1], \"o\": {}}",
                   0, NULL);
    assert_non_null(object);
    static const struct {
        const char *key;
        int integer, number, flag, text;
    } rows[] = {
        {"i", 0, 0, -EINVAL, -EINVAL},
        {"r", -EINVAL, 0, -EINVAL, -EINVAL},
        {"t", -EINVAL, -EINVAL, -EINVAL, 0},
        {"b", -EINVAL, -EINVAL, 0, -EINVAL},
        {"n", 1, 1, 1, 1},
        {"l", -EINVAL, -EINVAL, -EINVAL, -EINVAL},
        {"o", -EINVAL, -EINVAL, -EINVAL, -EINVAL},
        {"absent", 1, 1, 1, 1},
    };
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        const char *key = rows[i].key;
        int64_t integer = -77;
        double number = -77;
        bool flag = false;
        const char *text = "untouched";
        struct ipm_why whys[4] = {0};
        int results[4] = {ipm_json_get_integer(object, key, &integer, &whys[0]),
                          ipm_json_get_number(object, key, &number, &whys[1]),
                          ipm_json_get_flag(object, key, &flag, &whys[2]),
                          ipm_json_get_text(object, key, &text, &whys[3])};
        int expected[4] = {rows[i].integer, rows[i].number, rows[i].flag, rows[i].text};
        for (int k = 0; k < 4; k++) {
            if (results[k] != expected[k])
                fail_msg("'%s', look-up %d: %d", key, k, results[k]);
            /* The reason names the key, and is there only on failure. */
            assert_true((whys[k].error != 0) == (results[k] < 0));
            assert_true(results[k] >= 0 || strstr(whys[k].text, key) != NULL);
        }
        assert_true(integer == (results[0] == 0 ? 5 : -77));
        assert_true(number == (results[1] != 0 ? -77 : key[0] == 'i' ? 5 : 5.5));
        assert_true(flag == (results[2] == 0));
        assert_string_equal(text, results[3] == 0 ? "5" : "untouched");
    }
    int64_t integer = -77;
    assert_int_equal(ipm_json_get_integer(NULL, "i", &integer, NULL), 1);
    assert_int_equal(ipm_json_get_integer(object, "t", &integer, NULL), -EINVAL);
}

static void equal_documents_have_equal_text_and_hash(void **state)
{
    static const struct {
        const char *left, *right;
        bool equal;
    } rows[] = {
        {"{\"a\":1,\"b\":[1,2]}", "{ \"b\" : [1, 2], \"a\" : 1 }", true},
        {"{\"x\":{\"d\":1,\"c\":2}}", "{\"x\":{\"c\":2,\"d\":1}}", true},
        {"[0.1]", "[0.10000000000000001]", true},
        {"[\"\\u00e9\"]", "[\"\xc3\xa9\"]", true},
        {"[0.1]", "[0.10000000000000002]", false},
        {"{\"a\":1}", "{\"a\":2}", false},
        {"{\"a\":1}", "{\"b\":1}", false},
        {"{\"a\":\"1\"}", "{\"a\":1}", false},
        {"[1,2]", "[2,1]", false},
        {"{}", "[]", false},
        {"{\"a\":null}", "{}", false},
    };
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        ipm_auto_json json_t *left = json_loads(rows[i].left, 0, NULL);
        ipm_auto_json json_t *right = json_loads(rows[i].right, 0, NULL);
        assert_true(left != NULL && right != NULL);
        char *left_text = ipm_json_canonical(left);
        char *right_text = ipm_json_canonical(right);
        char left_hash[IPM_HASH_TEXT];
        char right_hash[IPM_HASH_TEXT];
        ipm_json_hash(left, left_hash);
        ipm_json_hash(right, right_hash);
        if ((strcmp(left_text, right_text) == 0) != rows[i].equal ||
            (strcmp(left_hash, right_hash) == 0) != rows[i].equal)
            fail_msg("%s against %s", rows[i].left, rows[i].right);
        assert_int_equal(strspn(left_hash, "0123456789abcdef"), 16);
        free(left_text);
        free(right_text);
    }
}

/* What is hashed, byte by byte: points are named by it in result files. */
static void canonical_text_is_pinned(void **state)
{
    (void)state;
    ipm_auto_json json_t *json = json_loads(
        "{\"b\": [1, 0.1, null, true], \"a\": {\"d\": \"\\u00e9\\n\"}}", 0, NULL);
    char *text = ipm_json_canonical(json);
    assert_string_equal(text, "{\"a\":{\"d\":\"\xc3\xa9\\n\"},"
                              "\"b\":[1,0.10000000000000001,null,true]}");
    free(text);
}

/* The same for the hash: it must never change. */
static void hash_is_pinned(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
        const char *text;
    } rows[] = {{"", 0, "f52a15e9a9b5e89b"},
                {"a", 1, "02c0bdbf481420f8"},
                {"a\0b", 3, "eb38c838c62d597e"}};
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        char text[IPM_HASH_TEXT];
        ipm_hash_text(rows[i].bytes, rows[i].length, text);
        assert_string_equal(text, rows[i].text);
    }
}

static int entries(void **state)
{
    DIR *directory = opendir(*state);
    assert_non_null(directory);
    int n = 0;
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;)
        n += entry->d_name[0] != '.';
    (void)closedir(directory);
    return n;
}

static void failed_replacement_leaves_nothing_behind(void **state)
{
    char path[256];
    char inner[300];
    char long_path[5000];
    ipm_auto_json json_t *json = json_pack("{s:i}", "a", 1);
    memset(long_path, 'x', sizeof(long_path) - 1);
    long_path[sizeof(long_path) - 1] = '\0';
    (void)ipm_test_path(state, "folder", path);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(inner, sizeof(inner), "%s/absent/file", path);
    const struct {
        const char *path;
        int error;
    } rows[] = {{path, -EISDIR}, {inner, -ENOENT}, {long_path, -ENAMETOOLONG}};
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        struct ipm_why why = {0};
        assert_int_equal(ipm_json_write_file(json, rows[i].path, &why), rows[i].error);
        assert_int_equal(why.error, rows[i].error);
        assert_int_equal(entries(state), 1);
    }
    /* Jansson prints no bare number unless it is asked to: an error, not an empty file. */
    ipm_auto_json json_t *bare = json_integer(1);
    (void)ipm_test_path(state, "file", path);
    assert_true(ipm_json_write_file(bare, path, NULL) < 0);
    assert_int_equal(entries(state), 1);
}

static int write_beyond_the_limit(void *context)
{
    struct rlimit limit = {.rlim_cur = 10, .rlim_max = 10};
    if (signal(SIGXFSZ, SIG_IGN) == SIG_ERR || setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return 1;
    ipm_auto_json json_t *json = json_pack("{s:s}", "key", "longer than ten bytes");
    struct ipm_why why = {0};
    return ipm_json_write_file(json, context, &why) == -EFBIG && why.error == -EFBIG
               ? 0
               : 2;
}

static void old_document_outlives_a_failed_write(void **state)
{
    char path[256];
    ipm_auto_json json_t *json = json_pack("{s:i}", "a", 1);
    assert_int_equal(ipm_json_write_file(json, ipm_test_path(state, "f", path), NULL),
                     0);
    assert_int_equal(ipm_test_in_child(write_beyond_the_limit, path), 0);
    size_t length = 0;
    char *text = ipm_test_read(path, &length);
    assert_string_equal(text, "{\n  \"a\": 1\n}\n");
    free(text);
    assert_int_equal(entries(state), 1);
}

static void document_is_replaced_in_place(void **state)
{
    char path[256];
    (void)ipm_test_path(state, "file.json", path);
    static const char *const documents[] = {
        "{\n  \"z\": 1,\n  \"a\": [\n    0.10000000000000001,\n    null\n  ]\n}\n",
        "[]\n",
    };
    for (size_t i = 0; i < 6; i++) {
        ipm_auto_json json_t *json = json_loads(documents[i % 2], 0, NULL);
        assert_int_equal(ipm_json_write_file(json, path, NULL), 0);
        size_t length = 0;
        char *text = ipm_test_read(path, &length);
        assert_string_equal(text, documents[i % 2]);
        free(text);
        assert_int_equal(entries(state), 1);
    }
    assert_int_equal(ipm_text_write_file("a\0b", 3, path, NULL), 0);
    size_t length = 0;
    char *text = ipm_test_read(path, &length);
    assert_int_equal(length, 3);
    assert_memory_equal(text, "a\0b", 3);
    free(text);
    assert_int_equal(ipm_text_write_file("", 0, path, NULL), 0);
    text = ipm_test_read(path, &length);
    assert_int_equal(length, 0);
    free(text);
    assert_int_equal(entries(state), 1);
}

static int replace_often(void *context)
{
    ipm_auto_json json_t *small = json_pack("{s:i}", "n", 1);
    ipm_auto_json json_t *large = json_pack("{s:i, s:o}", "n", 2, "l", json_array());
    for (int i = 0; i < 5000; i++)
        (void)json_array_append_new(json_object_get(large, "l"), json_integer(i));
    for (int i = 0; i < 100; i++) {
        if (ipm_json_write_file(i % 2 == 0 ? small : large, context, NULL) != 0)
            return 1;
    }
    return 0;
}

/* A reader at any moment sees one document or the other, whole. */
static void reader_never_sees_half_a_document(void **state)
{
    char path[256];
    (void)ipm_test_path(state, "file.json", path);
    assert_int_equal(ipm_text_write_file("{\"n\": 1}", 8, path, NULL), 0);
    (void)fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(replace_often(path));
    int status = -1;
    do {
        ipm_auto_json json_t *json = json_load_file(path, 0, NULL);
        assert_non_null(json);
        int64_t n = 0;
        assert_int_equal(ipm_json_get_integer(json, "n", &n, NULL), 0);
        assert_int_equal(json_array_size(json_object_get(json, "l")),
                         n == 2 ? 5000 : 0);
    } while (waitpid(pid, &status, WNOHANG) == 0);
    assert_int_equal(status, 0);
    assert_int_equal(entries(state), 1);
}

int main(void)
{
#define IN_DIRECTORY(test)                                                             \
    cmocka_unit_test_setup_teardown(test, ipm_test_directory, ipm_test_directory_remove)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jansson_itself_refuses_nan),
        cmocka_unit_test(look_ups_refuse_other_types),
        IN_DIRECTORY(failed_replacement_leaves_nothing_behind),
        IN_DIRECTORY(old_document_outlives_a_failed_write),
        cmocka_unit_test(numbers),
        cmocka_unit_test(text_of_any_bytes_is_kept),
        cmocka_unit_test(equal_documents_have_equal_text_and_hash),
        cmocka_unit_test(canonical_text_is_pinned),
        cmocka_unit_test(hash_is_pinned),
        IN_DIRECTORY(document_is_replaced_in_place),
        IN_DIRECTORY(reader_never_sees_half_a_document),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
