/* SPDX-License-Identifier: GPL-3.0-or-later */
/* advise_words: paragraphs of an advice, and the one of who was left out.  Part of advise_text. */
#ifndef IPM_ANALYSIS_ADVISE_WORDS_H
#define IPM_ANALYSIS_ADVISE_WORDS_H

#include <jansson.h>
#include <stdio.h>

enum {
    IPM_ADVISE_INDENT = 12,
    IPM_ADVISE_NAMED = 8 /* of a list; the document has all */
};

/* What one paragraph is written with. */
struct ipm_paragraph {
    FILE *out;
    const char *unit;
    char *text;
    size_t length;
    FILE *line;
};

/* Between these two is what the paragraph says; nothing is printed without memory,
 * or where @heading is NULL. */
void ipm_paragraph_begin(struct ipm_paragraph *words);
void ipm_paragraph_end(struct ipm_paragraph *words, const char *heading);

__attribute__((format(printf, 2, 3))) void
ipm_paragraph_say(struct ipm_paragraph *words, const char *format, ...);

/* An entrant by mechanism, copies, wait and options. */
void ipm_paragraph_name(struct ipm_paragraph *words, const json_t *entrant);

/* Paragraphs of an answer's `left_out`: once for each class of reason, with all its names. */
void ipm_advise_left_out(struct ipm_paragraph *words, const json_t *list);

#endif
