/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * compare_class: what one side costs over another, by classes of points.  Part of compare.
 *
 * Points are counted once into the finest classes there are (workload, mechanism, size,
 * placement); every coarser one is a sum of these.  That keeps the work in proportion to the
 * points, however many ways they are looked at.
 */
#ifndef IPM_ANALYSIS_COMPARE_CLASS_H
#define IPM_ANALYSIS_COMPARE_CLASS_H

#include "analysis/compare_ratio.h"

/* By what points are put together. */
enum ipm_compare_kind {
    IPM_COMPARE_ALL,
    IPM_COMPARE_BY_WORKLOAD,
    IPM_COMPARE_BY_SIZE, /* "small", "large" */
    IPM_COMPARE_BY_PLACEMENT,
    IPM_COMPARE_BY_MECHANISM,
    IPM_COMPARE_KINDS,
};

/* "all", "workload", "size", "placement", "mechanism" */
extern const char *const ipm_compare_kind_names[IPM_COMPARE_KINDS];

/* The class of that kind that a point is in. */
const char *ipm_compare_class_of(const struct ipm_compare_point *point,
                                 enum ipm_compare_kind kind);

struct ipm_compare_atom {
    const char *names[IPM_COMPARE_KINDS];
    size_t n; /* points with two values and more a side */
    size_t counts[IPM_COMPARE_STANDINGS];
    double sum; /* of the differences of mean logarithms */
    double least, most;
    const struct ipm_compare_point *least_at, *most_at;
    /* What each cluster adds to the sum; those of side a, then those of side b.  Joules have
     * two entries that are variances. */
    double *parts;
    unsigned char *present;
};

/* One side over another by one figure. */
struct ipm_compare_pair {
    size_t a, b;
    enum ipm_by by;
    bool between;
    size_t n_a, n_b; /* clusters */
    struct ipm_compare_atom *atoms;
    size_t n_atoms, room;
    size_t n_refused; /* points; @refusal is one of the reasons */
    char refusal[IPM_COMPARE_REASON];
};

/* A mean over points with its interval, as a ratio. */
struct ipm_compare_mean {
    double value, low, high;
    const char *reason; /* without an interval: why; else "" */
};

/**
 * ipm_compare_pair_make() - compare all points that both have
 * @ratios: by point, filled; NULL: not kept
 *
 * Return: 0, and the caller finishes it; -ENOMEM.
 */
int ipm_compare_pair_make(const struct ipm_compare *compare, size_t a, size_t b,
                          enum ipm_by by, struct ipm_compare_ranks *ranks,
                          struct ipm_compare_ratio *ratios,
                          struct ipm_compare_pair *out_pair);

void ipm_compare_pair_fini(struct ipm_compare_pair *pair);

/* Which atoms: those of one class, and of those the ones of one mechanism.  NULL: all. */
struct ipm_compare_choice {
    enum ipm_compare_kind kind;
    const char *name, *mechanism;
};

/* Sums counts and extremes; @out_atom borrows, and has no parts. */
void ipm_compare_sum(const struct ipm_compare_pair *pair,
                     const struct ipm_compare_choice *choice,
                     struct ipm_compare_atom *out_atom);

/**
 * ipm_compare_mean() - the geometric mean of the ratios of a class
 * @rest:  this class over that one instead: how far apart the two are; NULL: none
 * @level: of the interval
 *
 * Return: 0; -ENOMEM.
 */
int ipm_compare_mean(const struct ipm_compare_pair *pair,
                     const struct ipm_compare_choice *choice,
                     const struct ipm_compare_choice *rest, double level,
                     struct ipm_compare_mean *out_mean);

/* The names that a kind's classes have, sorted; the caller frees the list.  NULL: no
 * memory. */
const char **ipm_compare_names(const struct ipm_compare_pair *pair,
                               const struct ipm_compare_choice *within,
                               enum ipm_compare_kind kind, size_t *out_n);

#endif
