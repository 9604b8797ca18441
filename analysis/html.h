/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * html: writing a page out of words that may hold anything.
 *
 * Everything a result directory says goes through here on its way into a page.  The pages
 * are HTML and well-formed XML at once, so that any XML parser can check them.
 */
#ifndef IPM_ANALYSIS_HTML_H
#define IPM_ANALYSIS_HTML_H

#include "analysis/member.h"
#include "base/json.h"
#include "base/why.h"

#include <stdio.h>

/**
 * ipm_html_text() - text as the content of an element or of a quoted attribute
 *
 * Markup characters become references.  What a reader would not see, or what would turn the
 * text around it (controls, line ends, directional and zero-width characters, what XML does
 * not allow), is shown as \uXXXX; bytes that are no UTF-8 as \xXX.
 */
void ipm_html_text(FILE *out, const char *text);

/* The same with line feeds as they are: for preformatted text. */
void ipm_html_lines(FILE *out, const char *text);

/* A number for a machine: 9 digits; nothing for NaN. */
void ipm_html_number(FILE *out, double value);

/**
 * ipm_html_put() - write markup with escaped text in it
 * @format: our own markup; %s is a text that ipm_html_text() writes, %zu a count; nothing
 *          else may follow a '%'
 */
void ipm_html_put(FILE *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Any JSON value for a reader: words as they are, lists with commas, members of objects as
 * "name value", null as "-". */
void ipm_html_value(FILE *out, const json_t *value);

/**
 * ipm_html_svg() - a picture of gnuplot's as a part of a page
 * @svg:  the whole file
 * @name: [a-z0-9_]+, unique in the page: put before every id, since gnuplot gives the same
 *        ids in every picture
 * @label: what a screen reader says
 *
 * Prolog, comments and the titles that only repeat the name are left out.  Only what a
 * drawing needs passes: an element or an attribute that could run something or that points
 * out of the picture refuses the whole.
 *
 * Return: 0, and the caller frees @out_text; -EINVAL it is not such a picture; -ENOMEM.
 */
int ipm_html_svg(const char *svg, const char *name, const char *label, char **out_text,
                 struct ipm_why *why);

#endif
