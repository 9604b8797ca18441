/* SPDX-License-Identifier: MIT */
#include "base/cleanup.h"
#include "base/json.h"
#include "base/skim.h"
#include "tests/support/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const unread[] = {"roles", "per", NULL};

/* What is left of a line, in a buffer of exactly its length so that a sanitizer sees a step
 * beyond; NULL when it is no JSON. */
static char *skim(const char *text, struct ipm_skimmed *skimmed)
{
    size_t length = strlen(text);
    char *left = malloc(length + 1);
    char *exact = malloc(length == 0 ? 1 : length);
    assert_non_null(left);
    assert_non_null(exact);
    int error = ipm_skim(text, length, unread, exact, skimmed);
    assert_true(error == 0 || error == -EINVAL);
    if (error == 0) {
        assert_true(skimmed->length <= length);
        memcpy(left, exact, skimmed->length);
        left[skimmed->length] = '\0';
    }
    free(exact);
    if (error == 0)
        return left;
    free(left);
    return NULL;
}

static void what_is_not_wanted_is_null(void **state)
{
    (void)state;
    static const struct {
        const char *text, *left;
    } rows[] = {
        {"{}", "{}"},
        {"", ""},
        {"{\"a\":1,\"roles\":[{\"x\":\"]}\\\"\"}],\"b\":2}\n",
         "{\"a\":1,\"roles\":null,\"b\":2}\n"},
        {"{\"roles\":{\"a\":[1,2]}}", "{\"roles\":null}"},
        {"{\"roles\":\"text\",\"per\":12345}", "{\"roles\":null,\"per\":null}"},
        {"{\"roles\":[],\"per\":1}", "{\"roles\":[],\"per\":1}"}, /* no shorter */
        {"{\"a\":{\"roles\":[1,2,3]}}", "{\"a\":{\"roles\":[1,2,3]}}"},
        {"{\"a\":\"roles\",\"b\":[\"roles\"]}", "{\"a\":\"roles\",\"b\":[\"roles\"]}"},
        {"{\"roles\" : [1,2,3]}", "{\"roles\" : [1,2,3]}"}, /* nobody writes it so */
        {"{\"a\":{\"histogram\":\"CdwQHwEq\"}}", "{\"a\":{\"histogram\":null}}"},
        {"{\"a\":{\"histogram\":\"Cd\\/Q\"}}", "{\"a\":{\"histogram\":\"Cd\\/Q\"}}"},
        {"{\"a\":{\"histogram\":\"\"}}", "{\"a\":{\"histogram\":\"\"}}"},
        {"{\"a\":{\"histogram\":[1,2]}}", "{\"a\":{\"histogram\":[1,2]}}"},
        {"{\"histogram\":\"CdwQHwEq\"}", "{\"histogram\":\"CdwQHwEq\"}"},
        {"[\"roles\":[1,2,3]]", "[\"roles\":null]"}, /* for the parser to refuse */
        {"}", NULL},
        {"{\"a\":[}", NULL},
        {"{\"roles\":[1,2", NULL},
        {"{\"roles\":\"", NULL},
        {"{\"a\":{\"histogram\":\"CdwQ", NULL},
        {"{\"a\\", NULL},
    };
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        struct ipm_skimmed skimmed;
        ipm_auto_free char *left = skim(rows[i].text, &skimmed);
        if (rows[i].left == NULL)
            assert_null(left);
        else
            assert_string_equal(left, rows[i].left);
    }
}

/* Parsed by way of the skimmer or not: the same but for what was not wanted. */
static void histograms_come_back(void **state)
{
    (void)state;
    static const char line[] =
        "{\"a\":{\"n\":1,\"histogram\":\"CdwQ+/E=\",\"z\":2},\"roles\":[1,2,3],"
        "\"b\":{\"histogram\":\"AAAA\"},\"histogram\":\"BBBB\","
        "\"a member of more than 31 characters\":{\"histogram\":\"CCCC\"}}";
    struct ipm_skimmed skimmed;
    ipm_auto_free char *left = skim(line, &skimmed);
    assert_non_null(left);
    assert_int_equal(skimmed.n_packed, 2);
    assert_null(strstr(left, "CdwQ"));
    ipm_auto_json json_t *read = json_loads(left, JSON_REJECT_DUPLICATES, NULL);
    ipm_auto_json json_t *whole = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(read);
    assert_int_equal(ipm_skim_restore(&skimmed, read), 0);
    assert_int_equal(json_object_set_new(whole, "roles", json_null()), 0);
    assert_true(json_equal(read, whole));
}

/* More of them than there is room for stay where they are. */
static void the_ninth_histogram_is_left_in(void **state)
{
    (void)state;
    char line[1024] = "{";
    for (int i = 0; i < 9; i++) {
        size_t used = strlen(line);
        (void)snprintf(line + used, sizeof(line) - used,
                       "%s\"d%d\":{\"histogram\":\"AAA%d\"}", i == 0 ? "" : ",", i, i);
    }
    (void)strcat(line, "}");
    struct ipm_skimmed skimmed;
    ipm_auto_free char *left = skim(line, &skimmed);
    assert_int_equal(skimmed.n_packed, IPM_SKIM_PACKED);
    assert_non_null(strstr(left, "AAA8"));
    ipm_auto_json json_t *read = json_loads(left, 0, NULL);
    ipm_auto_json json_t *whole = json_loads(line, 0, NULL);
    assert_int_equal(ipm_skim_restore(&skimmed, read), 0);
    assert_true(json_equal(read, whole));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_wanted_is_null),
        cmocka_unit_test(histograms_come_back),
        cmocka_unit_test(the_ninth_histogram_is_left_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
