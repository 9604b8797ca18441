/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/text.h"

#include "base/units.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* Bytes of the control character at @at; 0: it is none. */
static size_t control_length(const char *at)
{
    unsigned char first = (unsigned char)at[0];
    unsigned char second = first == 0 ? 0 : (unsigned char)at[1];
    if (first == 0xc2 && second >= 0x80 && second <= 0x9f)
        return 2;
    return first < ' ' || first == 0x7f ? 1 : 0;
}

static void put_part(FILE *out, const char *text, size_t length)
{
    const char *end = text + length;
    while (text < end) {
        size_t control = control_length(text);
        (void)fputc(control == 0 ? *text : '?', out);
        text += control == 0 ? 1 : control;
    }
}

void ipm_text_put(FILE *out, const char *text)
{
    put_part(out, text, strlen(text));
}

/* UTF-8 characters in @length bytes: all bytes but continuations. */
static int columns(const char *text, size_t length)
{
    int n = 0;
    for (size_t i = 0; i < length; i++)
        n += ((unsigned char)text[i] & 0xc0) != 0x80;
    return n;
}

void ipm_text_wrap(FILE *out, int indent, const char *text)
{
    int column = indent;
    bool first = true;
    while (*text != '\0') {
        text += strspn(text, " ");
        size_t length = strcspn(text, " ");
        int width = columns(text, length);
        if (!first && column + 1 + width > IPM_TEXT_WIDTH) {
            (void)fprintf(out, "\n%*s", indent, "");
            column = indent;
            first = true;
        }
        if (!first)
            (void)fputc(' ', out);
        put_part(out, text, length);
        column += width + !first;
        first = false;
        text += length;
    }
    (void)fputc('\n', out);
}

const char *ipm_estimate_text(char text[IPM_ESTIMATE_TEXT],
                              const struct ipm_estimate *estimate)
{
    static const double units[] = {1, 1e3, 1e6, 1e9};
    char value[IPM_UNITS_TEXT];
    (void)ipm_format_ns(value, estimate->value);
    if (isnan(estimate->low)) {
        (void)snprintf(text, IPM_ESTIMATE_TEXT, "%s%s", value,
                       isnan(estimate->value) ? "" : " [?]");
        return text;
    }
    /* The unit that the value took, so that three numbers are read in one. */
    size_t unit = 0;
    while (unit < 3 && estimate->value >= 999.5 * units[unit])
        unit++;
    char low[IPM_UNITS_TEXT];
    char high[IPM_UNITS_TEXT];
    (void)ipm_format_count(low, estimate->low / units[unit]);
    (void)ipm_format_count(high, estimate->high / units[unit]);
    (void)snprintf(text, IPM_ESTIMATE_TEXT, "%s [%s, %s]", value, low, high);
    return text;
}

const char *ipm_text_count(char text[IPM_TEXT_COUNT], double n, const char *one,
                           const char *many)
{
    (void)snprintf(text, IPM_TEXT_COUNT, "%.0f %s", n, n == 1 ? one : many);
    return text;
}
