/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * compare_words: a comparison's document as text.
 */
#ifndef IPM_ANALYSIS_COMPARE_WORDS_H
#define IPM_ANALYSIS_COMPARE_WORDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* The answer, then what differs, the classes, the places.  Foreign words are escaped. */
void ipm_compare_text(const json_t *document, FILE *out);

/* Whether there is a single ratio in it. */
bool ipm_compare_any(const json_t *document);

enum { IPM_COMPARE_MEAN_TEXT = 80 };

/* "1.31 [1.29, 1.33]"; "-" without a value. */
const char *ipm_compare_mean_text(char text[IPM_COMPARE_MEAN_TEXT], const json_t *mean);

enum { IPM_COMPARE_CLASS_TEXT = 80 };

/* "mechanism pipe"; "all". */
const char *ipm_compare_class_text(char text[IPM_COMPARE_CLASS_TEXT],
                                   const json_t *class);

/* A class of one side over another by one figure, in a document. */
struct ipm_compare_class_row {
    size_t number; /* of the comparison */
    const json_t *comparison;
    const char *by;
    const json_t *pair, *class;
};

typedef void ipm_compare_visit(void *context, const struct ipm_compare_class_row *row);

/* All of them, as they stand in the document. */
void ipm_compare_each_class(const json_t *document, ipm_compare_visit *visit,
                            void *context);

/* The name of a side. */
const char *ipm_compare_side(const json_t *document, const json_t *object,
                             const char *key);

/* "the median", "p99", "a message in a stream", "CPU time", "joules" */
const char *ipm_compare_by_words(const char *by);

#endif
