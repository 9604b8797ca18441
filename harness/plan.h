/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * plan: which points a spec means on this machine, which it does not and why, and how long
 * measuring them takes.
 *
 * Factors that do not apply to a combination take a fixed value, and combinations that are
 * then equal become one point: a token has no size, one role does not wait.  "all_pairs" is
 * as many points as there are pairs of CPUs, each with the placement "cpus:A,B", as if the
 * config named it: the point's hash holds the two numbers, since they are what is asked.
 */
#ifndef IPM_HARNESS_PLAN_H
#define IPM_HARNESS_PLAN_H

#include "base/json.h"
#include "base/why.h"
#include "harness/spec.h"
#include "harness/topology.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { IPM_PAIRS_MAX = 32 };

/* One combination.  Texts are borrowed from the spec, the describe document or the
 * program. */
struct ipm_factors {
    const char *workload;
    const char *mechanism;
    int64_t size;          /* bytes per message; of a mix, the mean */
    const char *rate;      /* "max" */
    const char *placement; /* the word of the config */
    const char *wait;      /* a wait strategy, or "none" */
    int64_t copies;        /* a mode of the mechanism; -1: not decided */
    const char *touch;
    int64_t depth;
    int64_t batch;
    int64_t reply_size; /* bytes; -1: as size */
    const char *policy;
    json_t *options; /* "plugin.option", or another axis that the worker describes, to
                        value: those that are not the default */
    struct ipm_place place; /* n_cpus 0: not found on this machine */
    int n_pairs;            /* 0: one pair, at its place */
    int n_fan; /* > 0: pair_cpus holds one CPU of side a, then so many of side b */
    int pair_cpus[2 * IPM_PAIRS_MAX];
    int n_background; /* CPUs of the background load; 0: none */
    unsigned char background_cpus[IPM_CPUS_MAX / 8]; /* bit by number; sorted so */
    int spinning;    /* most roles that spin on one CPU */
    int memory_node; /* the number that its axis means here; -1: none is asked for */
};

struct ipm_point {
    struct ipm_factors factors;
    char hash[IPM_HASH_TEXT]; /* of the non-default factors and plug-in versions */
    size_t
        sweep; /* the first that has it; its repeat holds, but for energy where that is 0 */
    struct ipm_repeat repeat;
};

/* A combination that is not measured. */
struct ipm_skip {
    struct ipm_factors factors;
    size_t sweep;
    char reason[248];
};

enum { IPM_PASSES_MAX = 48 };

/* Energy and idle go together: windows under load and at rest, used both or not at all. */
enum ipm_pass_kind {
    IPM_PASS_TIMING,
    IPM_PASS_COUNTERS,
    IPM_PASS_ENERGY,
    IPM_PASS_IDLE,
};

struct ipm_pass {
    const char *name; /* borrowed from the describe document */
    enum ipm_pass_kind kind;
    bool used;
    char reason[160];      /* why it is not used; "" */
    int64_t min_window_ns; /* its windows are at least this long */
};

struct ipm_plan {
    size_t n_points, n_skips, n_dropped, n_passes;
    struct ipm_point *points;
    struct ipm_skip *skips;   /* cannot be, and why */
    struct ipm_skip *dropped; /* could be, but the budget is too short */
    struct ipm_pass passes[IPM_PASSES_MAX];
    size_t n_combinations;    /* asked for */
    size_t n_merged;          /* of them, equal to another one */
    size_t n_excluded;        /* of them, left out by the rows of the config */
    int64_t estimate_ns;      /* of the whole run */
    int64_t budget_ns;        /* 0: none */
    int64_t most_invocations; /* the budget cut points down to so many; 0: it did not */
    json_t *notes;            /* list of texts: what else the user should know */
    json_t
        *pairs; /* the placements that "all_pairs" stands for; NULL: it is not used */
};

/**
 * ipm_plan_build() - spec to plan
 *
 * @spec and @describe must outlive the plan; @topology need not.
 *
 * Return: 0; -ENOMEM; -E2BIG "all_pairs" is more pairs than max_points; -EINVAL
 *         the describe document contradicts itself.
 */
int ipm_plan_build(const struct ipm_spec *spec, const json_t *describe,
                   const struct ipm_topology *topology, struct ipm_plan *out_plan,
                   struct ipm_why *why);

void ipm_plan_fini(struct ipm_plan *plan);

/* Invocations of a point in a pass; 0 when the pass is not used. */
int64_t ipm_plan_invocations(const struct ipm_pass *pass,
                             const struct ipm_point *point);

/* Window of a point in a pass: the point's, or what the pass needs at the least. */
int64_t ipm_plan_window_ns(const struct ipm_pass *pass, const struct ipm_point *point);

/* Time that all invocations of a pass take. */
int64_t ipm_plan_pass_ns(const struct ipm_plan *plan, const struct ipm_pass *pass);

/* Time of one invocation: window, warm-up and 10 ms around them. */
int64_t ipm_plan_invocation_ns(const struct ipm_pass *pass,
                               const struct ipm_point *point);

/**
 * ipm_plan_keep() - leave points out by their label
 * @keep:   false for a point to be left out
 * @reason: becomes the reason of the skip
 *
 * Return: 0; -ENOMEM.
 */
int ipm_plan_keep(struct ipm_plan *plan,
                  bool (*keep)(void *context, const struct ipm_factors *factors,
                               const char *label),
                  void *context, const char *reason);

enum { IPM_LABEL = 256 };

/* One line for people and for --only: "pingpong/pipe/64/nearest_core/block/copies=2", then
 * what is not the default. */
const char *ipm_factors_label(const struct ipm_factors *factors, char label[IPM_LABEL]);

/* The factors as the members of a point (docs/protocol.md), set in @json. */
void ipm_factors_json(const struct ipm_factors *factors, json_t *json);

/* Lists for the manifest: each element the factors, the sweep's name and a reason. */
json_t *ipm_plan_skips_json(const struct ipm_spec *spec, const struct ipm_skip *skips,
                            size_t n_skips);

/* The whole plan as a document. */
json_t *ipm_plan_json(const struct ipm_plan *plan, const struct ipm_spec *spec);

#endif
