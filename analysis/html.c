/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/html.h"

#include "analysis/character.h"
#include "analysis/fill.h"

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

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
        size_t length = ipm_character(text, &point);
        const char *safe = reference(*text);
        if (length == 0)
            (void)fprintf(out, "\\x%02X", (unsigned char)*text);
        else if (safe != NULL)
            (void)fputs(safe, out);
        else if (ipm_character_hidden(point) && !(lines && point == '\n'))
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
    ipm_fill(out, ipm_html_text, format, arguments);
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
