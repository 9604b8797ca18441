/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rate_series: the points of an open loop as lines over the offered rate.
 */
#ifndef IPM_ANALYSIS_RATE_SERIES_H
#define IPM_ANALYSIS_RATE_SERIES_H

#include "analysis/summary.h"
#include "base/json.h"
#include "base/why.h"

#include <stdbool.h>
#include <stddef.h>

/* All points that differ in the rate alone, by rising offered rate. */
struct ipm_rate_series {
    const struct ipm_point **points; /* the summary's; offered_per_s is known of each */
    size_t n_points;
    double
        capacity_per_s; /* messages of all senders: what 100 % is; NaN: no rate was a share */
    char label[80];  /* mechanism and copies */
    char detail[96]; /* wait, placement, size, and what else tells it apart */
};

struct ipm_rate_set {
    struct ipm_rate_series *series; /* in the order of the summary */
    size_t n_series;
};

/**
 * ipm_rate_set_make() - collect the series
 * @summary: must outlive the set
 *
 * Points whose invocations all failed, or whose rate is not in the records, are in none.
 *
 * Return: 0, and the caller finishes the set; -ENOMEM.
 */
int ipm_rate_set_make(const struct ipm_summary *summary, struct ipm_rate_set *out_set,
                      struct ipm_why *why);

/* Idempotent. */
void ipm_rate_set_fini(struct ipm_rate_set *set);

#define ipm_auto_rate_set __attribute__((cleanup(ipm_rate_set_fini)))

/* Was what was planned sent, to 99 %, in more than half of the invocations?  One that was kept
 * from its CPU for a while says little of the mechanism. */
bool ipm_rate_kept(const struct ipm_point *point);

/* Member "rates" of report.json; a new reference. */
json_t *ipm_rate_set_json(const struct ipm_rate_set *set);

#endif
