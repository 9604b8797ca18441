/* SPDX-License-Identifier: MIT */
#include "base/option.h"
#include "tests/support/test.h"

#include <errno.h>
#include <inttypes.h>

struct settings {
    char before[3];
    int64_t count;
    int64_t room;
    int64_t pause_ns;
    int64_t loud;
    int64_t backing;
    int64_t free;
    char after[3];
};

enum { COUNT, ROOM, PAUSE, LOUD, BACKING, FREE };

static const char *const backings[] = {"memfd", "shm", "huge", NULL};

#define FIELD(field) IPM_OPTION_FIELD(struct settings, field)

static const struct ipm_option options[] = {
    {"count", IPM_OPTION_INTEGER, FIELD(count), "-3", -10, 10, NULL, "messages", "a"},
    {"room", IPM_OPTION_SIZE, FIELD(room), "4KiB", 0, 1 << 20, NULL, "bytes", "b"},
    {"pause", IPM_OPTION_DURATION, FIELD(pause_ns), "20us", 1, 1000000, NULL, "ns",
     "c"},
    {"loud", IPM_OPTION_FLAG, FIELD(loud), "true", 0, 0, NULL, "", "d"},
    {"backing", IPM_OPTION_CHOICE, FIELD(backing), "shm", 0, 0, backings, "", "e"},
    {"free", IPM_OPTION_INTEGER, FIELD(free), "0", 0, 0, NULL, "", "f"},
    {.name = NULL},
};

static void bad_text_is_refused_with_what_is_allowed(void **state)
{
    static const struct {
        int option;
        const char *text;
        int error;
        const char *said; /* part of the reason */
    } rows[] = {
        {COUNT, "", -EINVAL, "whole number"},
        {COUNT, "3x", -EINVAL, "whole number"},
        {COUNT, "11", -ERANGE, "11 is outside -10 .. 10"},
        {COUNT, "-11", -ERANGE, "-11 is outside -10 .. 10"},
        {COUNT, "99999999999999999999", -ERANGE, "too large"},
        {ROOM, "4KB", -EINVAL, "KiB"},
        {ROOM, "-1", -ERANGE, "negative"},
        {ROOM, "1048577", -ERANGE, "outside 0 .. 1048576"},
        {PAUSE, "20", -EINVAL, "duration"},
        {PAUSE, "0ns", -ERANGE, "outside 1 .. 1000000"},
        {LOUD, "", -EINVAL, "true or false"},
        {LOUD, "yes", -EINVAL, "true or false"},
        {LOUD, "True", -EINVAL, "true or false"},
        {LOUD, "1", -EINVAL, "true or false"},
        {BACKING, "", -EINVAL, "memfd, shm, huge"},
        {BACKING, "mem", -EINVAL, "memfd, shm, huge"},
        {BACKING, "memfd ", -EINVAL, "memfd, shm, huge"},
        {BACKING, "0", -EINVAL, "memfd, shm, huge"},
    };
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        const struct ipm_option *option = &options[rows[i].option];
        struct ipm_why why = {0};
        int64_t value = -77;
        int error = ipm_option_parse(option, rows[i].text, &value, &why);
        if (error != rows[i].error || strstr(why.text, rows[i].said) == NULL)
            fail_msg("%s='%s': error %d '%s', expected %d '%s'", option->name,
                     rows[i].text, error, why.text, rows[i].error, rows[i].said);
        assert_true(value == -77);
    }
}

static void long_choice_lists_are_cut(void **state)
{
    enum { CHOICES = 40 };
    static char names[CHOICES][20];
    static const char *choices[CHOICES + 1];
    (void)state;
    for (int i = 0; i < CHOICES; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "choice_%02d", i);
        choices[i] = names[i];
    }
    const struct ipm_option option = {
        .name = "x", .type = IPM_OPTION_CHOICE, .choices = choices};
    struct ipm_why why = {0};
    int64_t value = -77;
    assert_int_equal(ipm_option_parse(&option, "nothing", &value, &why), -EINVAL);
    assert_non_null(strstr(why.text, "choice_00, choice_01"));
    assert_int_equal(ipm_option_parse(&option, "choice_39", &value, &why), 0);
    assert_true(value == 39);
}

static void failed_set_changes_nothing(void **state)
{
    (void)state;
    struct settings settings;
    struct settings copy;
    memset(&settings, 0x5a, sizeof(settings));
    copy = settings;
    static const struct {
        const char *name;
        const char *text;
        int error;
        const char *said;
    } rows[] = {
        {"none", "1", -EINVAL, "no option 'none'"},
        {"", "1", -EINVAL, "no option ''"},
        {"coun", "1", -EINVAL, "no option 'coun'"},
        {"count", "11", -ERANGE, "count: 11 is outside"},
        {"backing", "x", -EINVAL, "backing: 'x' is not one of"},
    };
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        struct ipm_why why = {0};
        assert_int_equal(
            ipm_option_set(options, &settings, rows[i].name, rows[i].text, &why),
            rows[i].error);
        assert_non_null(strstr(why.text, rows[i].said));
        assert_int_equal(
            ipm_option_set(options, &settings, rows[i].name, rows[i].text, NULL),
            rows[i].error);
        assert_memory_equal(&settings, &copy, sizeof(copy));
    }
    assert_int_equal(ipm_option_set(NULL, &settings, "count", "1", NULL), -EINVAL);
}

static int bad_default(void *context)
{
    int64_t value = 0;
    (void)freopen("/dev/null", "w", stderr); /* the assertion's text is expected */
    ipm_option_defaults(context, &value);
    return 0;
}

/* In every build, NDEBUG or not. */
static void bad_default_aborts(void **state)
{
    static const char *const fallbacks[] = {"", "x", "11"};
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(fallbacks); i++) {
        struct ipm_option table[] = {
            {.name = "bad",
             .type = IPM_OPTION_INTEGER,
             .fallback = fallbacks[i],
             .min = 1,
             .max = 10},
            {.name = NULL},
        };
        int status = ipm_test_in_child(bad_default, table);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    }
}

static void defaults_fill_the_fields_and_no_more(void **state)
{
    (void)state;
    struct settings settings;
    memset(&settings, 0x5a, sizeof(settings));
    ipm_option_defaults(options, &settings);
    assert_true(settings.count == -3);
    assert_true(settings.room == 4096);
    assert_true(settings.pause_ns == 20000);
    assert_true(settings.loud == 1);
    assert_true(settings.backing == 1);
    assert_true(settings.free == 0);
    for (size_t i = 0; i < sizeof(settings.before); i++)
        assert_true(settings.before[i] == 0x5a && settings.after[i] == 0x5a);
    ipm_option_defaults(NULL, &settings); /* a plug-in without options */
    assert_true(settings.count == -3);
}

static void set_stores_at_its_place(void **state)
{
    static const struct {
        const char *name;
        const char *text;
        size_t offset;
        int64_t value;
    } rows[] = {
        {"count", "-10", offsetof(struct settings, count), -10},
        {"count", "10", offsetof(struct settings, count), 10},
        {"room", "0", offsetof(struct settings, room), 0},
        {"room", "1MiB", offsetof(struct settings, room), 1 << 20},
        {"pause", "1ms", offsetof(struct settings, pause_ns), 1000000},
        {"loud", "false", offsetof(struct settings, loud), 0},
        {"loud", "true", offsetof(struct settings, loud), 1},
        {"backing", "memfd", offsetof(struct settings, backing), 0},
        {"backing", "huge", offsetof(struct settings, backing), 2},
        /* min and max both 0: no bound. */
        {"free", "-9223372036854775808", offsetof(struct settings, free), INT64_MIN},
        {"free", "9223372036854775807", offsetof(struct settings, free), INT64_MAX},
    };
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        struct settings settings;
        struct settings expected;
        memset(&settings, 0x5a, sizeof(settings));
        expected = settings;
        memcpy((char *)&expected + rows[i].offset, &rows[i].value, sizeof(int64_t));
        assert_int_equal(
            ipm_option_set(options, &settings, rows[i].name, rows[i].text, NULL), 0);
        assert_memory_equal(&settings, &expected, sizeof(expected));
    }
}

static void format_is_what_parse_reads(void **state)
{
    static const struct {
        int option;
        int64_t value;
        const char *text;
    } rows[] = {
        {COUNT, -10, "-10"},
        {ROOM, 4096, "4096"},
        {PAUSE, 20000, "20000ns"},
        {LOUD, 0, "false"},
        {LOUD, 1, "true"},
        {BACKING, 2, "huge"},
        {FREE, INT64_MIN, "-9223372036854775808"},
        {FREE, INT64_MAX, "9223372036854775807"},
    };
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        const struct ipm_option *option = &options[rows[i].option];
        char text[32];
        assert_ptr_equal(ipm_option_format(option, rows[i].value, text), text);
        assert_string_equal(text, rows[i].text);
        int64_t value = -77;
        assert_int_equal(ipm_option_parse(option, text, &value, NULL), 0);
        assert_true(value == rows[i].value);
    }
    const struct ipm_option unbounded = {.name = "size", .type = IPM_OPTION_SIZE};
    char text[32];
    int64_t value = 0;
    (void)ipm_option_format(&unbounded, INT64_C(9007199254740993), text);
    assert_int_equal(ipm_option_parse(&unbounded, text, &value, NULL), 0);
    assert_true(value == INT64_C(9007199254740993));
}

static void find_wants_the_whole_name(void **state)
{
    (void)state;
    assert_null(ipm_option_find(NULL, "count"));
    assert_null(ipm_option_find(options, "counts"));
    assert_null(ipm_option_find(options, ""));
    for (size_t i = 0; options[i].name != NULL; i++)
        assert_ptr_equal(ipm_option_find(options, options[i].name), &options[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_text_is_refused_with_what_is_allowed),
        cmocka_unit_test(long_choice_lists_are_cut),
        cmocka_unit_test(failed_set_changes_nothing),
        cmocka_unit_test(bad_default_aborts),
        cmocka_unit_test(defaults_fill_the_fields_and_no_more),
        cmocka_unit_test(set_stores_at_its_place),
        cmocka_unit_test(format_is_what_parse_reads),
        cmocka_unit_test(find_wants_the_whole_name),
    };
    return cmocka_run_group_tests_name("option", tests, NULL, NULL);
}
