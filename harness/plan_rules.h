/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * plan_rules: what a combination comes down to, and whether it can be measured.
 */
#ifndef IPM_HARNESS_PLAN_RULES_H
#define IPM_HARNESS_PLAN_RULES_H

#include "harness/plan.h"

/* What the rules look at; all borrowed. */
struct ipm_rules {
    const json_t *describe;
    const json_t *workload;
    const json_t *mechanism;
    const struct ipm_topology *topology;
    struct ipm_factors defaults; /* of factors that no axis gives */
    bool oversubscribe;          /* several spinning roles may share a CPU */
};

/* The defaults of this worker on this machine.  Options are none. */
void ipm_rules_defaults(struct ipm_rules *rules);

/**
 * ipm_rules_canonicalise() - fixed values for what does not apply, defaults for the rest
 *
 * Drops options of other plug-ins and those that have their default.
 */
void ipm_rules_canonicalise(const struct ipm_rules *rules, struct ipm_factors *factors);

/**
 * ipm_rules_check() - can canonical factors be measured here?
 *
 * Fills factors->place when the placement exists, how many roles spin on one CPU, and which
 * node their memory is to lie on.
 *
 * Return: 0; 1 no, and @why says why.
 */
int ipm_rules_check(const struct ipm_rules *rules, struct ipm_factors *factors,
                    struct ipm_why *why);

/* Hash of canonical factors: what is not the default of the program (the machine's and the
 * worker's do not count), and the versions of the two plug-ins. */
void ipm_rules_hash(const struct ipm_rules *rules, const struct ipm_factors *factors,
                    char hash[IPM_HASH_TEXT]);

#endif
