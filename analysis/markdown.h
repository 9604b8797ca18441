/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * markdown: pages in GitHub's Markdown out of words that may hold anything.
 *
 * A job's page takes 1 MiB and drops the whole above it: what is of any number goes through
 * struct ipm_markdown_rows, which ends at IPM_MARKDOWN_ROWS bytes and counts what it left out.
 */
#ifndef IPM_ANALYSIS_MARKDOWN_H
#define IPM_ANALYSIS_MARKDOWN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum {
    IPM_MARKDOWN_ROWS = 640 * 1024, /* bytes of all rows of a page */
    IPM_MARKDOWN_CELL = 200,        /* characters of a foreign text in a table */
    IPM_MARKDOWN_SENTENCE = 2000,   /* and of one outside of tables */
};

/**
 * ipm_markdown_text() - foreign text, at most @most characters of it
 *
 * References to characters are never markup; behind @ and # stands a zero-width space, since
 * names of people and numbers of issues are looked for in the text that is shown.  What a
 * reader would not see is shown as \uXXXX.
 */
void ipm_markdown_text(FILE *out, const char *text, size_t most);

/* A sentence that stands alone: its first letter large, a blank line behind it. */
void ipm_markdown_sentence(FILE *out, const char *text);

/* Our own markup; %s is a foreign text of IPM_MARKDOWN_CELL, %zu a count; nothing else may
 * follow a '%'. */
void ipm_markdown_put(FILE *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Rows of the tables of a page, as long as there is room.
 *
 *     rows.out = out -> { begin -> { has_room -> open -> close }* -> end }*
 */
struct ipm_markdown_rows {
    FILE *out;
    size_t written; /* bytes, of all tables */
    size_t n, most; /* rows of this table */
    size_t left_out;
};

void ipm_markdown_begin(struct ipm_markdown_rows *rows, size_t most);

/* Whether one more may be written; counts it as left out otherwise. */
bool ipm_markdown_has_room(struct ipm_markdown_rows *rows);

/* A row in the making. */
struct ipm_markdown_row {
    FILE *out;
    char *text; /* these two are the row's own */
    size_t size;
};

/* Return: 0; -ENOMEM. */
int ipm_markdown_open(struct ipm_markdown_row *row);

/* Writes it and ends it.  Return: 0; -ENOMEM. */
int ipm_markdown_close(struct ipm_markdown_row *row, struct ipm_markdown_rows *rows);

/* A blank line; before it, where rows were left out, how many and @where they are. */
void ipm_markdown_end(struct ipm_markdown_rows *rows, const char *where);

/**
 * ipm_markdown_list() - the texts of an array as a list, at most @most of them
 *
 * What is no text is left out, uncounted.
 *
 * Return: 0; -ENOMEM.
 */
int ipm_markdown_list(struct ipm_markdown_rows *rows, const json_t *texts, size_t most,
                      const char *where);

#endif
