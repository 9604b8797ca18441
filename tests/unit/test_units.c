/* SPDX-License-Identifier: MIT */
#include "base/units.h"
#include "tests/support/test.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>

typedef int parser(const char *text, int64_t *out_value, struct ipm_why *why);

struct parse_row {
    const char *text;
    int error;
    int64_t value;
};

static void check(parser *parse, const struct parse_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct ipm_why why = {0};
        int64_t value = -77;
        int error = parse(rows[i].text, &value, &why);
        int64_t expected = rows[i].error == 0 ? rows[i].value : -77;
        if (error != rows[i].error || value != expected)
            fail_msg("'%s': error %d, value %" PRId64 "; expected %d, %" PRId64,
                     rows[i].text, error, value, rows[i].error, expected);
        assert_int_equal(why.error, error);
        assert_true((why.text[0] != '\0') == (error != 0));
        assert_int_equal(parse(rows[i].text, &value, NULL), error);
    }
}

static const char long_number[] =
    "1111111111111111111111111111111111111111111111111111111111111111111111111111";

static void sizes(void **state)
{
    const struct parse_row rows[] = {
        {"", -EINVAL, 0},
        {" 1", -EINVAL, 0},
        {"1 ", -EINVAL, 0},
        {"x", -EINVAL, 0},
        {"-", -EINVAL, 0},
        {"+1", -EINVAL, 0},
        {".5KiB", -EINVAL, 0},
        {"1.", -EINVAL, 0},
        {"1..5KiB", -EINVAL, 0},
        {"1.5.5KiB", -EINVAL, 0},
        {"1e3", -EINVAL, 0},
        {"0x10", -EINVAL, 0},
        {"inf", -EINVAL, 0},
        {"nan", -EINVAL, 0},
        {"1,5KiB", -EINVAL, 0},
        {"4K", -EINVAL, 0},
        {"4KB", -EINVAL, 0},
        {"4kib", -EINVAL, 0},
        {"4KiBx", -EINVAL, 0},
        {"4KiB ", -EINVAL, 0},
        {"4ns", -EINVAL, 0},
        {"0.3B", -EINVAL, 0},
        {"0.3KiB", -EINVAL, 0},
        {"-1", -ERANGE, 0},
        {"-4KiB", -ERANGE, 0},
        {"9223372036854775808", -ERANGE, 0},
        {"8589934592GiB", -ERANGE, 0},
        {"99999999999999999999999999", -ERANGE, 0},
        {long_number, -ERANGE, 0},
        {"0", 0, 0},
        {"64", 0, 64},
        {"64B", 0, 64},
        {"64 B", 0, 64},
        {"007", 0, 7},
        {"4KiB", 0, 4096},
        {"1.5KiB", 0, 1536},
        {"1.50KiB", 0, 1536},
        {"1MiB", 0, 1 << 20},
        {"2GiB", 0, INT64_C(2) << 30},
        {"8589934591GiB", 0, INT64_C(8589934591) << 30},
        /* Above 2^53, where a double would round. */
        {"9007199254740993", 0, INT64_C(9007199254740993)},
        {"9223372036854775807", 0, INT64_MAX},
    };
    (void)state;
    check(ipm_parse_size, rows, IPM_TEST_ROWS(rows));
}

static void durations(void **state)
{
    const struct parse_row rows[] = {
        {"", -EINVAL, 0},
        {"5", -EINVAL, 0},
        {"0", -EINVAL, 0},
        {"5 ", -EINVAL, 0},
        {"5S", -EINVAL, 0},
        {"5sec", -EINVAL, 0},
        {"5KiB", -EINVAL, 0},
        {"0.5ns", -EINVAL, 0},
        {"1.0001us", -EINVAL, 0},
        {"-1s", -ERANGE, 0},
        {"2562048h", -ERANGE, 0},
        {"0s", 0, 0},
        {"100ns", 0, 100},
        {"20us", 0, 20000},
        {"50ms", 0, 50000000},
        {"50 ms", 0, 50000000},
        {"2s", 0, 2000000000},
        {"3min", 0, INT64_C(180000000000)},
        {"1h", 0, INT64_C(3600000000000)},
        {"2562047h", 0, INT64_C(2562047) * 3600000000000},
        {"0.5s", 0, 500000000},
        {"1.5h", 0, INT64_C(5400000000000)},
        {"100.000ns", 0, 100},
        {"0.000000001s", 0, 1},
        /* Decimal fractions that no double holds exactly. */
        {"1.001us", 0, 1001},
        {"4.35us", 0, 4350},
        {"0.1us", 0, 100},
        {"2.675ms", 0, 2675000},
        {"1.000000001s", 0, 1000000001},
    };
    (void)state;
    check(ipm_parse_duration, rows, IPM_TEST_ROWS(rows));
}

/* Every microsecond fraction of 0 .. 9.999 ms is a whole number of nanoseconds. */
static void every_decimal_fraction(void **state)
{
    (void)state;
    for (int64_t us = 0; us < 10000; us++) {
        char text[32];
        (void)snprintf(text, sizeof(text), "%" PRId64 ".%03" PRId64 "ms", us / 1000,
                       us % 1000);
        int64_t value = -1;
        if (ipm_parse_duration(text, &value, NULL) != 0 || value != us * 1000)
            fail_msg("'%s' gave %" PRId64, text, value);
    }
}

static void integers(void **state)
{
    const struct parse_row rows[] = {
        {"", -EINVAL, 0},
        {"-", -EINVAL, 0},
        {"+", -EINVAL, 0},
        {"--1", -EINVAL, 0},
        {"+-1", -EINVAL, 0},
        {" 1", -EINVAL, 0},
        {"1 ", -EINVAL, 0},
        {"1.0", -EINVAL, 0},
        {"0x1", -EINVAL, 0},
        {"1e3", -EINVAL, 0},
        {"9223372036854775808", -ERANGE, 0},
        {"-9223372036854775809", -ERANGE, 0},
        {"0", 0, 0},
        {"-0", 0, 0},
        {"+5", 0, 5},
        {"-5", 0, -5},
        {"010", 0, 10},
        {"9223372036854775807", 0, INT64_MAX},
        {"-9223372036854775808", 0, INT64_MIN},
    };
    (void)state;
    check(ipm_parse_integer, rows, IPM_TEST_ROWS(rows));
}

static void formatted_sizes(void **state)
{
    static const struct {
        int64_t bytes;
        const char *text;
    } rows[] = {
        {0, "0 B"},
        {1, "1 B"},
        {64, "64 B"},
        {1000, "1000 B"},
        {1023, "1023 B"},
        {1024, "1 KiB"},
        {1025, "1025 B"},
        {4096, "4 KiB"},
        {4097, "4097 B"},
        {1 << 20, "1 MiB"},
        {3 << 19, "1.5 MiB"},
        {INT64_C(1) << 30, "1 GiB"},
        {INT64_C(1) << 40, "1024 GiB"},
        {1000000, "1000000 B"},
        {10000000, "9.54 MiB"},
        {INT64_C(100) << 20, "100 MiB"},
    };
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        char text[IPM_UNITS_TEXT];
        assert_ptr_equal(ipm_format_size(text, rows[i].bytes), text);
        assert_string_equal(text, rows[i].text);
    }
}

typedef const char *formatter(char text[IPM_UNITS_TEXT], double value);

struct format_row {
    double value;
    const char *text;
};

static void check_format(formatter *format, const struct format_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char text[IPM_UNITS_TEXT];
        assert_ptr_equal(format(text, rows[i].value), text);
        if (strcmp(text, rows[i].text) != 0)
            fail_msg("%.17g gave '%s', expected '%s'", rows[i].value, text,
                     rows[i].text);
    }
}

static void formatted_times(void **state)
{
    const struct format_row rows[] = {
        {NAN, "-"},
        {INFINITY, "-"},
        {-INFINITY, "-"},
        {0, "0 ns"},
        {-0.0, "0 ns"},
        {1, "1 ns"},
        {2.345, "2.35 ns"},
        {12.34, "12.3 ns"},
        {9.994, "9.99 ns"},
        {9.996, "10 ns"},
        {99.94, "99.9 ns"},
        {99.96, "100 ns"},
        {999.4, "999 ns"},
        {999.6, "1 us"},
        {1000, "1 us"},
        {4560, "4.56 us"},
        {999400, "999 us"},
        {999600, "1 ms"},
        {5e7, "50 ms"},
        {999.6e6, "1 s"},
        {1.23e9, "1.23 s"},
        {1.23e12, "1230 s"},
        {-12.34, "-12.3 ns"},
        {-4560, "-4.56 us"},
        /* Below one the three digits are still three. */
        {0.1234, "0.123 ns"},
        {0.01234, "0.0123 ns"},
        {0.9996, "1 ns"},
        {0.5, "0.5 ns"},
    };
    (void)state;
    check_format(ipm_format_ns, rows, IPM_TEST_ROWS(rows));
}

static void formatted_counts(void **state)
{
    const struct format_row rows[] = {
        {NAN, "-"},          {0, "0"},           {1, "1"},
        {999.4, "999"},      {999.6, "1 k"},     {1234, "1.23 k"},
        {1234567, "1.23 M"}, {999.6e6, "1 G"},   {1.5e9, "1.5 G"},
        {-1234, "-1.23 k"},  {0.0156, "0.0156"}, {0.00123, "0.00123"},
    };
    (void)state;
    check_format(ipm_format_count, rows, IPM_TEST_ROWS(rows));
}

/* No finite double overruns the room. */
static void extreme_numbers_fit(void **state)
{
    static const double rows[] = {1.7976931348623157e308,
                                  -1.7976931348623157e308,
                                  4.9e-324,
                                  -4.9e-324,
                                  1e18,
                                  1e-9};
    (void)state;
    for (size_t i = 0; i < IPM_TEST_ROWS(rows); i++) {
        char text[IPM_UNITS_TEXT];
        assert_true(strlen(ipm_format_ns(text, rows[i])) < IPM_UNITS_TEXT);
        assert_true(strlen(ipm_format_count(text, rows[i])) < IPM_UNITS_TEXT);
    }
    char text[IPM_UNITS_TEXT];
    assert_true(strlen(ipm_format_size(text, INT64_MAX)) < IPM_UNITS_TEXT);
    assert_true(strlen(ipm_format_size(text, INT64_MIN)) < IPM_UNITS_TEXT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes),
        cmocka_unit_test(durations),
        cmocka_unit_test(every_decimal_fraction),
        cmocka_unit_test(integers),
        cmocka_unit_test(formatted_sizes),
        cmocka_unit_test(formatted_times),
        cmocka_unit_test(formatted_counts),
        cmocka_unit_test(extreme_numbers_fit),
    };
    return cmocka_run_group_tests_name("units", tests, NULL, NULL);
}
