/* SPDX-License-Identifier: MIT */
#include "base/units.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS "0123456789"

struct unit {
    const char *suffix;
    int64_t scale;
};

static const struct unit size_units[] = {
    {"", 1}, {"B", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {NULL, 0},
};

static const struct unit duration_units[] = {
    {"ns", 1},
    {"us", 1000},
    {"ms", 1000000},
    {"s", 1000000000},
    {"min", INT64_C(60000000000)},
    {"h", INT64_C(3600000000000)},
    {NULL, 0},
};

/*
 * The number of @whole digits at @text, a point and @fraction digits, times @scale.  In
 * integers: 1.001 us in floating point is not 1001 ns, nor is any size above 2^53 exact.
 *
 * Return: 0; -ERANGE above INT64_MAX; -EINVAL when something is left below 1.
 */
static int scale_number(const char *text, size_t whole, size_t fraction, int64_t scale,
                        int64_t *out_value)
{
    int64_t value = 0;
    for (size_t i = 0; i < whole; i++) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, text[i] - '0', &value))
            return -ERANGE;
    }
    if (__builtin_mul_overflow(value, scale, &value))
        return -ERANGE;
    /* @scale is at most 3.6e12, so each product is far below INT64_MAX. */
    int64_t part = 0;
    const char *digits = text + whole + 1;
    for (size_t i = fraction; i > 0; i--) {
        part += (digits[i - 1] - '0') * scale;
        if (part % 10 != 0)
            return -EINVAL;
        part /= 10;
    }
    return __builtin_add_overflow(value, part, out_value) ? -ERANGE : 0;
}

static int parse_with_units(const char *text, const struct unit *units,
                            const char *expected, int64_t *out_value,
                            struct ipm_why *why)
{
    if (text[0] == '-' && strspn(text + 1, DIGITS) > 0)
        return ipm_why_set(why, -ERANGE, "'%s' is negative", text);
    size_t whole = strspn(text, DIGITS);
    size_t fraction = text[whole] == '.' ? strspn(text + whole + 1, DIGITS) : 0;
    const char *end = text + whole + (text[whole] == '.' ? 1 + fraction : 0);
    if (whole == 0 || end[-1] == '.')
        return ipm_why_set(why, -EINVAL, "'%s' is not %s", text, expected);

    const char *suffix = end + strspn(end, " ");
    const struct unit *unit = units;
    while (unit->suffix != NULL && strcmp(suffix, unit->suffix) != 0)
        unit++;
    if (unit->suffix == NULL || (*suffix == '\0' && suffix != end))
        return ipm_why_set(why, -EINVAL, "'%s' is not %s", text, expected);
    int error = scale_number(text, whole, fraction, unit->scale, out_value);
    if (error == -ERANGE)
        return ipm_why_set(why, error, "'%s' is too large", text);
    if (error != 0)
        return ipm_why_set(why, error, "'%s' is not a whole number of %s", text,
                           units[0].suffix[0] == '\0' ? "bytes" : "ns");
    return 0;
}

int ipm_parse_size(const char *text, int64_t *out_bytes, struct ipm_why *why)
{
    return parse_with_units(text, size_units,
                            "a size (a number of bytes, or with B, KiB, MiB, GiB)",
                            out_bytes, why);
}

int ipm_parse_duration(const char *text, int64_t *out_ns, struct ipm_why *why)
{
    return parse_with_units(text, duration_units,
                            "a duration (a number with ns, us, ms, s, min or h)",
                            out_ns, why);
}

int ipm_parse_integer(const char *text, int64_t *out_value, struct ipm_why *why)
{
    const char *digits = text + (text[0] == '-' || text[0] == '+');
    if (digits[0] == '\0' || strspn(digits, "0123456789") != strlen(digits))
        return ipm_why_set(why, -EINVAL, "'%s' is not a whole number", text);
    errno = 0;
    long long value = strtoll(text, NULL, 10);
    if (errno == ERANGE)
        return ipm_why_set(why, -ERANGE, "'%s' is too large", text);
    *out_value = value;
    return 0;
}

/* Three significant digits: 0.0123, 1.23, 12.3, 123, 1230; an exponent only where that
 * would take more than 15 digits. */
static void format_digits(char *text, size_t room, double value, const char *unit)
{
    double size = fabs(value);
    int decimals = size < 9.995 ? 2 : size < 99.95 ? 1 : 0;
    for (double limit = 0.9995; size < limit && decimals < 15; limit /= 10)
        decimals++;
    char number[IPM_UNITS_TEXT];
    if (size == 0 || (size >= 1e-13 && size < 1e15))
        (void)snprintf(number, sizeof(number), "%.*f", decimals, size == 0 ? 0 : value);
    else
        (void)snprintf(number, sizeof(number), "%.2e", value);
    if (strchr(number, '.') != NULL && strchr(number, 'e') == NULL) {
        size_t length = strlen(number);
        while (number[length - 1] == '0')
            number[--length] = '\0';
        if (number[length - 1] == '.')
            number[length - 1] = '\0';
    }
    (void)snprintf(text, room, "%.20s%s", number, unit);
}

const char *ipm_format_size(char text[IPM_UNITS_TEXT], int64_t bytes)
{
    static const char *const names[] = {" B", " KiB", " MiB", " GiB"};
    double value = (double)bytes;
    size_t name = 0;
    while (value >= 1024 && name + 1 < sizeof(names) / sizeof(names[0])) {
        value /= 1024;
        name++;
    }
    /* A size that no unit divides stays in bytes up to 1 MiB: 4097 B, never 4 KiB. */
    if (value != floor(value) && bytes < (1 << 20))
        (void)snprintf(text, IPM_UNITS_TEXT, "%lld B", (long long)bytes);
    else
        format_digits(text, IPM_UNITS_TEXT, value, names[name]);
    return text;
}

const char *ipm_format_ns(char text[IPM_UNITS_TEXT], double ns)
{
    if (!isfinite(ns))
        (void)snprintf(text, IPM_UNITS_TEXT, "-");
    else if (fabs(ns) < 999.5)
        format_digits(text, IPM_UNITS_TEXT, ns, " ns");
    else if (fabs(ns) < 999.5e3)
        format_digits(text, IPM_UNITS_TEXT, ns / 1e3, " us");
    else if (fabs(ns) < 999.5e6)
        format_digits(text, IPM_UNITS_TEXT, ns / 1e6, " ms");
    else
        format_digits(text, IPM_UNITS_TEXT, ns / 1e9, " s");
    return text;
}

const char *ipm_format_count(char text[IPM_UNITS_TEXT], double value)
{
    if (!isfinite(value))
        (void)snprintf(text, IPM_UNITS_TEXT, "-");
    else if (fabs(value) < 999.5)
        format_digits(text, IPM_UNITS_TEXT, value, "");
    else if (fabs(value) < 999.5e3)
        format_digits(text, IPM_UNITS_TEXT, value / 1e3, " k");
    else if (fabs(value) < 999.5e6)
        format_digits(text, IPM_UNITS_TEXT, value / 1e6, " M");
    else
        format_digits(text, IPM_UNITS_TEXT, value / 1e9, " G");
    return text;
}
