/* SPDX-License-Identifier: MIT */
#include "base/why.h"
#include "tests/support/test.h"

#include <errno.h>

static void null_why_is_accepted(void **state)
{
    (void)state;
    assert_int_equal(ipm_why_set(NULL, -EIO, "open %s: ", "x"), -EIO);
    ipm_why_prefix(NULL, "%s: ", "context");
}

static void text_is_formatted(void **state)
{
    static const struct {
        int error;
        const char *format;
        const char *argument;
        const char *text;
    } rows[] = {
        {-ENOENT, "open %s: ", "a/b", "open a/b: No such file or directory"},
        {-EINVAL, "no option '%s'", "x", "no option 'x'"},
        {-EINVAL, "%s:", "colon alone", "colon alone:"},
        {-EINVAL, "%s ", "blank alone", "blank alone "},
        /* The errno's text follows the format's tail, not the argument's. */
        {-EINVAL, "%s", "ends in: ", "ends in: "},
    };
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        struct ipm_why why = {.error = 1, .text = "stale"};
        const char *format = rows[i].format;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
        int error = ipm_why_set(&why, rows[i].error, format, rows[i].argument);
#pragma GCC diagnostic pop
        assert_int_equal(error, rows[i].error);
        assert_int_equal(why.error, rows[i].error);
        assert_string_equal(why.text, rows[i].text);
    }
}

/* Whatever the lengths, the text is terminated inside its array and nothing behind it is
 * written. */
static void long_text_is_cut_at_its_end(void **state)
{
    struct {
        struct ipm_why why;
        unsigned char guard[16];
    } box;
    char argument[512];
    (void)state;
    for (size_t length = 200; length < sizeof(argument); length++) {
        memset(argument, 'x', length);
        argument[length] = '\0';
        memset(&box, 0xa5, sizeof(box));
        assert_int_equal(ipm_why_set(&box.why, -EIO, "%s: ", argument), -EIO);
        size_t used = strnlen(box.why.text, sizeof(box.why.text));
        assert_true(used < sizeof(box.why.text));
        assert_int_equal(strspn(box.why.text, "x"), length < sizeof(box.why.text) - 1
                                                        ? length
                                                        : sizeof(box.why.text) - 1);
        for (size_t i = 0; i < sizeof(box.guard); i++)
            assert_int_equal(box.guard[i], 0xa5);
    }
}

static void prefix_goes_in_front(void **state)
{
    (void)state;
    struct ipm_why why = {0};
    (void)ipm_why_set(&why, -EACCES, "open %s: ", "x");
    ipm_why_prefix(&why, "%s:%d: ", "file", 7);
    ipm_why_prefix(&why, "outer: ");
    assert_string_equal(why.text, "outer: file:7: open x: Permission denied");
    assert_int_equal(why.error, -EACCES);
}

static void long_prefix_cuts_the_tail(void **state)
{
    char prefix[512];
    (void)state;
    for (size_t length = 0; length < sizeof(prefix); length++) {
        memset(prefix, 'p', length);
        prefix[length] = '\0';
        struct ipm_why why = {.error = -EIO, .text = "tail"};
        ipm_why_prefix(&why, "%s", prefix);
        size_t room = sizeof(why.text) - 1;
        size_t kept = length < room ? length : room;
        size_t tail = room - kept < 4 ? room - kept : 4;
        assert_int_equal(strnlen(why.text, sizeof(why.text)), kept + tail);
        assert_memory_equal(why.text, prefix, kept);
        assert_memory_equal(why.text + kept, "tail", tail);
    }
}

static void classes_are_told_apart(void **state)
{
    static const struct {
        int error;
        const char *name;
    } rows[] = {
        {-ENOENT, "absent"},       {-ENODEV, "absent"},
        {-ENXIO, "absent"},        {-ENOSYS, "absent"},
        {-EOPNOTSUPP, "absent"},   {-EPROTONOSUPPORT, "absent"},
        {-EAFNOSUPPORT, "absent"}, {-EACCES, "denied"},
        {-EPERM, "denied"},        {-EROFS, "denied"},
        {-EMFILE, "exhausted"},    {-ENFILE, "exhausted"},
        {-ENOMEM, "exhausted"},    {-ENOSPC, "exhausted"},
        {-EAGAIN, "exhausted"},    {-EIO, "failed"},
        {-EINVAL, "failed"},       {0, "failed"},
        {-99999, "failed"},
    };
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++)
        assert_string_equal(ipm_why_class(rows[i].error), rows[i].name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_why_is_accepted),
        cmocka_unit_test(text_is_formatted),
        cmocka_unit_test(long_text_is_cut_at_its_end),
        cmocka_unit_test(prefix_goes_in_front),
        cmocka_unit_test(long_prefix_cuts_the_tail),
        cmocka_unit_test(classes_are_told_apart),
    };
    return cmocka_run_group_tests_name("why", tests, NULL, NULL);
}
