/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * figures: from the invocations of one point to its figures.  Part of summary.
 */
#ifndef IPM_ANALYSIS_FIGURES_H
#define IPM_ANALYSIS_FIGURES_H

#include "analysis/summary.h"

/**
 * ipm_figures_make() - the figures of one point
 * @rows: its ok invocations, of all passes, sorted by the pass's name; @n may be 0
 *
 * The fixed figures, pooled percentiles among them, come from the timing pass alone.  Every other metric comes from the
 * timing pass when that has it, else from the first pass that does; it is per message where
 * the record divides it, else of the whole window.  One whose invocations differ in
 * provenance has no value: what is measured is not averaged with what is simulated.
 *
 * Return: 0, and the caller frees @out_figures; -ENOMEM.
 */
int ipm_figures_make(const struct ipm_row *const *rows, size_t n,
                     struct ipm_figure **out_figures, size_t *out_n);

/**
 * ipm_metric_names() - the names of all metrics of some rows, sorted, each once
 *
 * Return: 0, and the caller frees @out_names; -ENOMEM.
 */
int ipm_metric_names(const struct ipm_row *const *rows, size_t n,
                     const char ***out_names, size_t *out_n);

/* Why none of the rows has a value for that metric: a reason about the machine rather than
 * one about the pass, if there is one.  "" when one has a value, or none names it. */
const char *ipm_metric_absence(const struct ipm_row *const *rows, size_t n,
                               const char *name);

#endif
