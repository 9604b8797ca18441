/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * compare_parts: the members of the document that are worked out on their own.  Part of
 * compare; docs/compare.schema.json says their forms.
 */
#ifndef IPM_ANALYSIS_COMPARE_PARTS_H
#define IPM_ANALYSIS_COMPARE_PARTS_H

#include "analysis/compare_class.h"

#include <jansson.h>

/* Which versions of plug-ins the sides have, and which plug-ins a point is of.
 * Return: 0; -ENOMEM. */
int ipm_compare_plugins(struct ipm_compare *compare);

/* What was read of each side, and what could not be.  The caller's. */
json_t *ipm_compare_sides(const struct ipm_compare *compare);
json_t *ipm_compare_left_out(const struct ipm_compare *compare);

/* How many points are on all sides; what only some have is counted, and told for the first so
 * many.  The caller's. */
json_t *ipm_compare_matching(const struct ipm_compare *compare);

/* What the sides' machines, kernels, libraries and settings differ in, and how many keys they
 * agree on.  The caller's. */
json_t *ipm_compare_environment(const struct ipm_compare *compare);

/**
 * ipm_compare_ranks() - who costs least by one figure, over the points that all sides have
 *
 * A side's place is one more than the number of sides that cost less beyond an interval whose
 * level is divided among all pairs (Bonferroni) and beyond the margin: those that cannot be told
 * apart share one.  Chances of each place are of 2,000 draws in which each side's clusters
 * are drawn again with replacement, all points of a cluster together.
 *
 * Return: 0, {points, reason, sides} the caller's; -ENOMEM.
 */
int ipm_compare_rank(const struct ipm_compare *compare, enum ipm_by by,
                     json_t **out_ranks);

/**
 * ipm_compare_fronts() - who is not beaten in everything
 *
 * A cell is one size and placement class; its entrants are the sides' mechanisms with their
 * copies, wait and options.  The figures are p99 of ping-pongs, throughput of streams, CPU time
 * and joules of a message there.  One dominates another where it costs less in all of these
 * that both have, two at least, each beyond its interval.
 *
 * Return: 0, a list the caller's; -ENOMEM.
 */
int ipm_compare_fronts(const struct ipm_compare *compare, json_t **out_fronts);

/* What the models found on each side; only those that passed on two have a ratio. */
json_t *ipm_compare_constants(const struct ipm_compare *compare);

/**
 * ipm_compare_points() - each point: figures, ratios to the first side, and how many of the
 *                        machine's own floors it takes
 * @ratios: [by][side][point]; of side 0 none
 *
 * Return: 0, a list the caller's; -ENOMEM.
 */
int ipm_compare_points(const struct ipm_compare *compare,
                       struct ipm_compare_ratio *const *const *ratios,
                       struct ipm_compare_ranks *ranks, json_t **out_points);

/* The short answer: a list of sentences out of the rest of the document. */
json_t *ipm_compare_answer(const json_t *document);

enum { IPM_COMPARE_LABEL = 280 }; /* of a label, with its end */

/* A point in words: "pingpong pipe, 2 copies, 64 B, same_cpu, block". */
const char *ipm_compare_label(const struct ipm_compare_point *point,
                              char text[IPM_COMPARE_LABEL]);

/* {value, low, high} rounded to nine digits, null where NaN. */
json_t *ipm_compare_interval(double value, double low, double high);

#endif
