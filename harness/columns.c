/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/columns.h"

#include "base/cleanup.h"
#include "harness/diagnostics.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

void ipm_columns_init(struct ipm_columns *columns, size_t n_columns)
{
    *columns = (struct ipm_columns){.n_columns = n_columns};
}

void ipm_columns_fini(struct ipm_columns *columns)
{
    for (size_t i = 0; i < columns->n_cells; i++)
        free(columns->cells[i]);
    free(columns->cells);
    ipm_columns_init(columns, columns->n_columns);
}

static void add_cell(struct ipm_columns *columns, char *cell)
{
    char **larger = realloc(columns->cells, (columns->n_cells + 1) * sizeof(*larger));
    if (larger == NULL) {
        free(cell);
        return;
    }
    columns->cells = larger;
    larger[columns->n_cells++] = cell;
}

void ipm_columns_add(struct ipm_columns *columns, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *cell = NULL;
    if (vasprintf(&cell, format, arguments) < 0)
        cell = NULL;
    va_end(arguments);
    add_cell(columns, cell);
}

void ipm_columns_heading(struct ipm_columns *columns, const char *text)
{
    add_cell(columns, strdup(text));
    for (size_t i = 1; i < columns->n_columns; i++)
        add_cell(columns, NULL);
}

/* Only a heading has nothing in its second column. */
static bool is_heading(const struct ipm_columns *columns, size_t cell)
{
    size_t second = cell - cell % columns->n_columns + 1;
    return columns->n_columns > 1 && second < columns->n_cells &&
           columns->cells[second] == NULL;
}

static void print_heading(const struct ipm_columns *columns, size_t cell, FILE *out)
{
    const char *text = columns->cells[cell];
    if (cell % columns->n_columns != 0 || text == NULL)
        return;
    (void)fputc('\n', out);
    (void)ipm_print_escaped(out, text, strlen(text));
    (void)fputc('\n', out);
}

/* Columns on a terminal: characters, not bytes; an escape counts as it prints. */
static size_t width(const char *cell)
{
    size_t columns = 0;
    for (; cell != NULL && *cell != '\0'; cell++) {
        unsigned char byte = (unsigned char)*cell;
        if (byte != '\t' && (byte < 0x20 || byte == 0x7f))
            columns += strlen("\\x00");
        else
            columns += (byte & 0xc0) != 0x80;
    }
    return columns;
}

void ipm_columns_print(const struct ipm_columns *columns, int indent, FILE *out)
{
    size_t widths[IPM_COLUMNS] = {0};
    for (size_t i = 0; i < columns->n_cells; i++) {
        size_t wide = is_heading(columns, i) ? 0 : width(columns->cells[i]);
        if (wide > widths[i % columns->n_columns])
            widths[i % columns->n_columns] = wide;
    }
    for (size_t i = 0; i < columns->n_cells; i++) {
        const char *cell = columns->cells[i] != NULL ? columns->cells[i] : "?";
        size_t column = i % columns->n_columns;
        if (is_heading(columns, i)) {
            print_heading(columns, i, out);
            continue;
        }
        if (column == 0)
            (void)fprintf(out, "%*s", indent, "");
        (void)ipm_print_escaped(out, cell, strlen(cell));
        if (column + 1 == columns->n_columns)
            (void)fputc('\n', out);
        else
            (void)fprintf(out, "%*s", (int)(widths[column] - width(cell) + 2), "");
    }
}
