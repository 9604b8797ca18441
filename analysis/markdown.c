/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/markdown.h"

#include "analysis/character.h"
#include "base/cleanup.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Characters that mean nothing to Markdown inside a line.  '_' is one between letters and
 * digits alone. */
static bool plain(const char *at, const char *start)
{
    unsigned char character = (unsigned char)*at;
    if (character >= 0x80 || isalnum(character) ||
        strchr(" ,;=+-/%()'\"?", character) != NULL)
        return true;
    bool inside =
        at > start && isalnum((unsigned char)at[-1]) && isalnum((unsigned char)at[1]);
    /* www.x and scheme:/ become links by themselves. */
    return (character == '_' && inside) ||
           (character == '.' && !(at > start && tolower(at[-1]) == 'w')) ||
           (character == ':' && at[1] != '/');
}

void ipm_markdown_text(FILE *out, const char *text, size_t most)
{
    ipm_auto_free char *shown = ipm_character_shown(text);
    size_t n = 0;
    for (const char *at = shown; at != NULL && *at != '\0';) {
        uint32_t point = 0;
        size_t length = ipm_character(at, &point);
        if (n++ == most) {
            (void)fputs("...", out);
            return;
        }
        if (plain(at, shown))
            (void)fwrite(at, 1, length, out);
        else
            (void)fprintf(out, "&#%u;%s", (unsigned)point,
                          *at == '@' || *at == '#' ? "&#8203;" : "");
        at += length;
    }
}

void ipm_markdown_sentence(FILE *out, const char *text)
{
    bool lower = text[0] >= 'a' && text[0] <= 'z';
    if (lower)
        (void)fputc(text[0] - 'a' + 'A', out);
    ipm_markdown_text(out, text + lower, IPM_MARKDOWN_SENTENCE);
    (void)fputs("\n\n", out);
}

void ipm_markdown_put(FILE *out, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    for (const char *at = format; *at != '\0'; at++) {
        if (strncmp(at, "%s", 2) == 0) {
            ipm_markdown_text(out, va_arg(arguments, const char *), IPM_MARKDOWN_CELL);
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

void ipm_markdown_begin(struct ipm_markdown_rows *rows, size_t most)
{
    rows->n = 0;
    rows->left_out = 0;
    rows->most = most;
}

bool ipm_markdown_has_room(struct ipm_markdown_rows *rows)
{
    bool room = rows->n < rows->most && rows->written < IPM_MARKDOWN_ROWS;
    rows->n += room;
    rows->left_out += !room;
    return room;
}

int ipm_markdown_open(struct ipm_markdown_row *row)
{
    *row = (struct ipm_markdown_row){.out = NULL};
    row->out = open_memstream(&row->text, &row->size);
    return row->out == NULL ? -ENOMEM : 0;
}

int ipm_markdown_close(struct ipm_markdown_row *row, struct ipm_markdown_rows *rows)
{
    int error = fclose(row->out) != 0 ? -ENOMEM : 0;
    if (error == 0) {
        (void)fwrite(row->text, 1, row->size, rows->out);
        rows->written += row->size;
    }
    free(row->text);
    *row = (struct ipm_markdown_row){.out = NULL};
    return error;
}

void ipm_markdown_end(struct ipm_markdown_rows *rows, const char *where)
{
    if (rows->left_out > 0)
        ipm_markdown_put(rows->out, "\nand %zu more: %s\n", rows->left_out, where);
    (void)fputc('\n', rows->out);
}

int ipm_markdown_list(struct ipm_markdown_rows *rows, const json_t *texts, size_t most,
                      const char *where)
{
    size_t i;
    json_t *text;
    ipm_markdown_begin(rows, most);
    json_array_foreach(texts, i, text)
    {
        struct ipm_markdown_row line;
        if (!json_is_string(text) || !ipm_markdown_has_room(rows))
            continue;
        if (ipm_markdown_open(&line) != 0)
            return -ENOMEM;
        (void)fputs("- ", line.out);
        ipm_markdown_text(line.out, json_string_value(text), IPM_MARKDOWN_SENTENCE);
        (void)fputc('\n', line.out);
        if (ipm_markdown_close(&line, rows) != 0)
            return -ENOMEM;
    }
    ipm_markdown_end(rows, where);
    return 0;
}
