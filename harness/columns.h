/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * columns: a table of text for a terminal, each column as wide as its widest cell.
 */
#ifndef IPM_HARNESS_COLUMNS_H
#define IPM_HARNESS_COLUMNS_H

#include <stddef.h>
#include <stdio.h>

enum { IPM_COLUMNS = 10 };

struct ipm_columns {
    size_t n_columns; /* at most IPM_COLUMNS */
    size_t n_cells;
    char **cells; /* row by row; NULL: no memory was left for it, or a heading's */
};

/* @n_columns in [1, IPM_COLUMNS]. */
void ipm_columns_init(struct ipm_columns *columns, size_t n_columns);
void ipm_columns_fini(struct ipm_columns *columns);

/* The next cell, row by row; a copy is kept. */
void ipm_columns_add(struct ipm_columns *columns, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A line of its own between rows, behind an empty one; to be called at the end of a row, with
 * two columns at least. */
void ipm_columns_heading(struct ipm_columns *columns, const char *text);

/* Prints all, each line behind @indent blanks, control characters escaped. */
void ipm_columns_print(const struct ipm_columns *columns, int indent, FILE *out);

#endif
