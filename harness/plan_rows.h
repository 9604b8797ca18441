/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * plan_rows: which combinations of a sweep its rows of "exclude" leave out.
 */
#ifndef IPM_HARNESS_PLAN_ROWS_H
#define IPM_HARNESS_PLAN_ROWS_H

#include "harness/plan_rules.h"

/**
 * ipm_rows_exclude() - is a combination left out?
 * @rows:    canonical rows (spec_rows.h)
 * @factors: canonical
 * @hits:    a list; element i becomes true when row i matches.  Every row is tried.
 */
bool ipm_rows_exclude(const json_t *rows, const struct ipm_rules *rules,
                      const struct ipm_factors *factors, json_t *hits);

/* A note in @notes for every row that has matched nothing: it may be a slip. */
void ipm_rows_tell(const struct ipm_sweep *sweep, const json_t *hits, json_t *notes);

#endif
