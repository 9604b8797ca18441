/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rate_words: response against rate, for a reader of text.
 */
#ifndef IPM_ANALYSIS_RATE_WORDS_H
#define IPM_ANALYSIS_RATE_WORDS_H

#include "analysis/rate_series.h"

#include <stdio.h>

enum { IPM_TEXT_RATES = 4 /* series in the text; the others are in report.json */ };

/**
 * ipm_rate_sentence() - who answers soonest at which rate, and which rates nobody keeps
 * @out_text: the caller frees it; NULL when the set is empty
 *
 * Series are compared at a rate that all of them were offered and kept.
 *
 * Return: 0; -ENOMEM.
 */
int ipm_rate_sentence(const struct ipm_rate_set *set, char **out_text,
                      struct ipm_why *why);

/* The table, and what it means; nothing for an empty set. */
void ipm_rate_text(const struct ipm_rate_set *set, FILE *out);

#endif
