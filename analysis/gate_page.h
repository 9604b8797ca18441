/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * gate_page: the document of a gate (analysis/gate_json.h), read for those who show it to others.
 *
 * The document may come from a file, and hold anything: what is missing is NaN and "", and a
 * verdict that is none of ours is an error, so that nothing becomes a pass by being unreadable.
 */
#ifndef IPM_ANALYSIS_GATE_PAGE_H
#define IPM_ANALYSIS_GATE_PAGE_H

#include "analysis/gate.h"
#include "base/json.h"

struct ipm_gate_page_point {
    const json_t *json; /* the document's */
    const char *label, *metric;
    char *name;   /* the label; with /point=HASH where another point has the same */
    char *reason; /* says, too, when the verdict does not count */
    enum ipm_gate_verdict verdict; /* its own */
    /* What it counts for in the whole: where that is environment, there is no verdict on any
     * point; where it is inconclusive, no regression. */
    enum ipm_gate_verdict counts;
    bool control, better;     /* better: it was found to cost less */
    double effect, low, high; /* logarithms of the cost of B over that of A */
    double margin;            /* as well */
    double seconds;           /* in measured windows */
};

/* Life cycle: make -> use -> fini; the document must outlive it. */
struct ipm_gate_page {
    const json_t *document;
    enum ipm_gate_verdict verdict;
    const char *sentence;
    /* Those under test first, the worst first: error, environment, regression, inconclusive,
     * pass, by what they count; among these by size of the effect. */
    struct ipm_gate_page_point *points;
    size_t n_points, n_tested;
};

/**
 * ipm_gate_page_make()
 *
 * Return: 0; -EINVAL it is no document of a gate, or of another schema; -ENOMEM.
 */
int ipm_gate_page_make(const json_t *document, struct ipm_gate_page *out_page,
                       struct ipm_why *why);

/* Idempotent. */
void ipm_gate_page_fini(struct ipm_gate_page *page);

#define ipm_auto_gate_page __attribute__((cleanup(ipm_gate_page_fini)))

#endif
