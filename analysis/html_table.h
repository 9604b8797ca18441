/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * html_table: points of a report as a table that sorts and, if wanted, can be searched.
 */
#ifndef IPM_ANALYSIS_HTML_TABLE_H
#define IPM_ANALYSIS_HTML_TABLE_H

#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum ipm_html_kind { IPM_HTML_TIME, IPM_HTML_RATE, IPM_HTML_BYTE_RATE, IPM_HTML_COUNT };

enum { IPM_HTML_COLUMNS = 24 /* at most: the rest is not shown */ };

/* A figure that has a column, where any of the table's points has it. */
struct ipm_html_column {
    const char *figure, *head;
    enum ipm_html_kind kind;
    bool interval; /* shown, not only known */
};

struct ipm_html_table {
    const char *label; /* what a screen reader says */
    bool searched;
    const struct ipm_html_column *columns;
    size_t n_columns;
};

/* @points: a list, not empty, as report.json's "points". */
void ipm_html_points_table(FILE *out, const json_t *points,
                           const struct ipm_html_table *table);

#endif
