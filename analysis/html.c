/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/html.h"

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* The code point at @at and its bytes; 0 bytes: no UTF-8. */
static size_t decode(const char *at, uint32_t *out_point)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *bytes = (const unsigned char *)at;
    size_t length = bytes[0] < 0x80           ? 1
                    : (bytes[0] >> 5) == 0x06 ? 2
                    : (bytes[0] >> 4) == 0x0e ? 3
                    : (bytes[0] >> 3) == 0x1e ? 4
                                              : 0;
    uint32_t point = length < 2 ? bytes[0] : bytes[0] & (0x7fU >> length);
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xc0) !=
            0x80) /* the end of the text is no continuation either */
            return 0;
        point = point << 6 | (bytes[i] & 0x3f);
    }
    if (length == 0 || point < least[length] || point > 0x10ffff ||
        (point >= 0xd800 && point <= 0xdfff))
        return 0;
    *out_point = point;
    return length;
}

static bool hidden(uint32_t point)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0x00, 0x1f},        {0x7f, 0x9f},     {0xad, 0xad},       {0x034f, 0x034f},
        {0x061c, 0x061c},    {0x115f, 0x1160}, {0x180b, 0x180f},   {0x200b, 0x200f},
        {0x2028, 0x202e},    {0x2060, 0x206f}, {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},
        {0xfff0, 0xfffb},    {0xfffe, 0xffff}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
        {0xf0000, 0x10ffff},
    };
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        if (point >= ranges[i].first && point <= ranges[i].last)
            return true;
    }
    return (point & 0xfffe) == 0xfffe;
}

static const char *reference(char character)
{
    switch (character) {
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '&':
        return "&amp;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

static void put_text(FILE *out, const char *text, bool lines)
{
    while (*text != '\0') {
        uint32_t point = 0;
        size_t length = decode(text, &point);
        const char *safe = reference(*text);
        if (length == 0)
            (void)fprintf(out, "\\x%02X", (unsigned char)*text);
        else if (safe != NULL)
            (void)fputs(safe, out);
        else if (hidden(point) && !(lines && point == '\n'))
            (void)fprintf(out, "\\u%04X", (unsigned)point);
        else
            (void)fwrite(text, 1, length, out);
        text += length == 0 ? 1 : length;
    }
}

void ipm_html_text(FILE *out, const char *text)
{
    put_text(out, text, false);
}

void ipm_html_lines(FILE *out, const char *text)
{
    put_text(out, text, true);
}

void ipm_html_number(FILE *out, double value)
{
    if (!isnan(value))
        (void)fprintf(out, "%.9g", value);
}

void ipm_html_put(FILE *out, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    for (const char *at = format; *at != '\0'; at++) {
        if (strncmp(at, "%s", 2) == 0) {
            ipm_html_text(out, va_arg(arguments, const char *));
            at += 1;
        } else if (strncmp(at, "%zu", 3) == 0) {
            (void)fprintf(out, "%zu", va_arg(arguments, size_t));
            at += 2;
        } else {
            (void)fputc(*at, out);
        }
    }
    va_end(arguments);
}

void ipm_html_value(FILE *out, const json_t *value)
{
    size_t i = 0;
    const char *key;
    json_t *member;
    switch (value == NULL ? JSON_NULL : json_typeof(value)) {
    case JSON_OBJECT:
        json_object_foreach((json_t *)value, key, member)
        {
            ipm_html_put(out, "%s%s ", i++ == 0 ? "" : ", ", key);
            ipm_html_value(out, member);
        }
        break;
    case JSON_ARRAY:
        json_array_foreach(value, i, member)
        {
            (void)fputs(i == 0 ? "" : ", ", out);
            ipm_html_value(out, member);
        }
        break;
    case JSON_STRING:
        ipm_html_text(out, json_string_value(value));
        break;
    case JSON_INTEGER:
        (void)fprintf(out, "%lld", (long long)json_integer_value(value));
        break;
    case JSON_REAL:
        (void)fprintf(out, "%.6g", json_real_value(value));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        (void)fputs(json_is_true(value) ? "yes" : "no", out);
        break;
    case JSON_NULL:
        (void)fputc('-', out);
        break;
    }
}
