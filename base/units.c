/* SPDX-License-Identifier: MIT */
#include "base/units.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static int parse_with_units(const char *text, const struct unit *units,
                            const char *expected, int64_t *out_value,
                            struct ipm_why *why)
{
    /* strtod would also take "inf", "nan", hexadecimal and leading blanks. */
    if (strspn(text, "0123456789") == 0) {
        if (text[0] == '-' && strspn(text + 1, "0123456789") > 0)
            return ipm_why_set(why, -ERANGE, "'%s' is negative", text);
        return ipm_why_set(why, -EINVAL, "'%s' is not %s", text, expected);
    }
    size_t digits = strspn(text, "0123456789.");
    char number[64];
    if (digits >= sizeof(number))
        return ipm_why_set(why, -ERANGE, "'%.40s...' is too long", text);
    memcpy(number, text, digits);
    number[digits] = '\0';
    char *end = NULL;
    double value = strtod(number, &end);
    if (*end != '\0')
        return ipm_why_set(why, -EINVAL, "'%s' is not %s", text, expected);

    const char *suffix = text + digits + strspn(text + digits, " ");
    for (const struct unit *unit = units; unit->suffix != NULL; unit++) {
        if (strcmp(suffix, unit->suffix) != 0)
            continue;
        double scaled = value * (double)unit->scale;
        if (scaled > 9.0e18)
            return ipm_why_set(why, -ERANGE, "'%s' is too large", text);
        if (scaled != floor(scaled))
            return ipm_why_set(why, -EINVAL, "'%s' is not a whole number of %s", text,
                               units[0].suffix[0] == '\0' ? "bytes" : "ns");
        *out_value = (int64_t)scaled;
        return 0;
    }
    return ipm_why_set(why, -EINVAL, "'%s' is not %s", text, expected);
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

/* Three significant digits without an exponent: 1.23, 12.3, 123, 1230. */
static void format_digits(char *text, size_t room, double value, const char *unit)
{
    int decimals = fabs(value) < 9.995 ? 2 : fabs(value) < 99.95 ? 1 : 0;
    char number[IPM_UNITS_TEXT];
    (void)snprintf(number, sizeof(number), "%.*f", decimals, value);
    if (strchr(number, '.') != NULL) {
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
