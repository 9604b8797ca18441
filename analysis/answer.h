/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * answer: the ladder in three sentences.
 */
#ifndef IPM_ANALYSIS_ANSWER_H
#define IPM_ANALYSIS_ANSWER_H

#include "analysis/ladder.h"
#include "analysis/summary.h"
#include "analysis/table.h"
#include "base/json.h"
#include "base/why.h"

struct ipm_answer {
    char *fastest; /* what is fastest here, and against what */
    char *effect;  /* what placement and waiting do on this machine */
    char *limits;  /* what bounds the reading */
};

/**
 * ipm_answer_make() - put a run into words
 *
 * Return: 0; -ENOMEM.  @out_answer needs fini only after 0.
 */
int ipm_answer_make(const struct ipm_table *table, const struct ipm_summary *summary,
                    const struct ipm_ladder *ladder, const json_t *manifest,
                    struct ipm_answer *out_answer, struct ipm_why *why);

/* Idempotent. */
void ipm_answer_fini(struct ipm_answer *answer);

#endif
