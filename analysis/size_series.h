/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * size_series: the points of a report document as lines over the message size.
 */
#ifndef IPM_ANALYSIS_SIZE_SERIES_H
#define IPM_ANALYSIS_SIZE_SERIES_H

#include "base/json.h"
#include "base/why.h"

#include <stdbool.h>
#include <stddef.h>

enum { IPM_SERIES_POINTS = 3 /* fewer show no course */ };

struct ipm_size_point {
    double size;             /* bytes, above 0 */
    double value, low, high; /* of the figure, above 0; low and high may be NaN */
    double p99, p999;        /* ns; NaN: none */
    bool batches;            /* the distribution is one of batch means */
};

struct ipm_size_series {
    const json_t *factors; /* the document's: any of its points */
    struct ipm_size_point *points;
    size_t n_points;
    char label[64];  /* mechanism and copies */
    char detail[73]; /* wait, placement, touch, and what else tells it apart */
};

struct ipm_size_set {
    struct ipm_size_series *series; /* in the order of the document */
    size_t n_series;
    size_t n_short; /* left out: fewer than IPM_SERIES_POINTS sizes */
};

/* Which points of a document, and which of their figures. */
struct ipm_size_choice {
    const char *list; /* "points" or "floors" */
    const char *workload;
    const char *mechanism; /* NULL: any */
    const char *touch;     /* NULL: any */
    const char *figure;
};

/**
 * ipm_size_set_make() - collect the series
 * @document: report.json's content, which must outlive the set
 *
 * A series is all points that differ in the size alone, by rising size.  Points without a
 * value above 0, or without a payload, have no place on logarithmic axes.
 *
 * Return: 0, and the caller finishes the set; -ENOMEM.
 */
int ipm_size_set_make(const json_t *document, const struct ipm_size_choice *choice,
                      struct ipm_size_set *out_set, struct ipm_why *why);

/* Idempotent. */
void ipm_size_set_fini(struct ipm_size_set *set);

#define ipm_auto_size_set __attribute__((cleanup(ipm_size_set_fini)))

#endif
