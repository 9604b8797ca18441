/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/plan_place.h"

#include "harness/describe.h"

#include <string.h>

static bool same(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/* Several pairs at once: as many CPUs as the machine has such pairs of.  CPUs that the
 * config names are those that it means. */
static int place_pairs(const struct ipm_rules *rules, struct ipm_factors *factors,
                       struct ipm_why *why)
{
    int64_t pairs = ipm_describe_integer(factors->options, "pairs", 1);
    if (pairs > IPM_PAIRS_MAX)
        return ipm_rules_refuse(why, "at most %d pairs", IPM_PAIRS_MAX);
    bool named = strncmp(factors->placement, "cpus:", strlen("cpus:")) == 0;
    if (pairs == 1 || named)
        return 0;
    factors->n_pairs = (int)pairs;
    (void)ipm_topology_spread(rules->topology, &factors->place, (size_t)pairs,
                              factors->pair_cpus);
    return 0;
}

/* Every CPU that we may use and no role does. */
static int place_background(const struct ipm_rules *rules, struct ipm_factors *factors,
                            struct ipm_why *why)
{
    const char *load = ipm_describe_text(factors->options, "background", "none");
    const struct ipm_topology *topology = rules->topology;
    if (same(load, "none"))
        return 0;
    for (size_t i = 0; i < topology->n_cpus; i++) {
        int cpu = topology->cpus[i].number;
        bool taken = cpu < 0 || cpu >= IPM_CPUS_MAX;
        for (int k = 0; k < 2 * factors->n_pairs; k++)
            taken = taken || factors->pair_cpus[k] == cpu;
        for (int k = 0; k < factors->n_fan; k++)
            taken = taken || factors->pair_cpus[k] == cpu;
        for (int k = 0; k < factors->place.n_cpus && factors->n_pairs == 0; k++)
            taken = taken || factors->place.cpus[k] == cpu;
        if (taken)
            continue;
        factors->background_cpus[cpu / 8] |= (unsigned char)(1u << cpu % 8);
        factors->n_background++;
    }
    if (factors->n_background == 0)
        return ipm_rules_refuse(
            why,
            "background %s: none of the %zu CPUs that we may use is left "
            "beside those of the roles",
            load, topology->n_cpus);
    return 0;
}

/* One role and many: a CPU for each of them as far as there are any. */
static void place_fan(const struct ipm_rules *rules, struct ipm_factors *factors)
{
    bool named = strncmp(factors->placement, "cpus:", strlen("cpus:")) == 0;
    if (!ipm_rules_has_axis(rules, "fan") || named || factors->place.n_cpus < 2)
        return;
    int64_t otherwise = ipm_rules_axis_integer(rules->describe, "fan", 1);
    int64_t fan = ipm_describe_integer(factors->options, "fan", otherwise);
    if (fan < 1 || fan >= 2 * IPM_PAIRS_MAX)
        return; /* more than a worker takes */
    factors->n_fan = (int)fan;
    (void)ipm_topology_fan(rules->topology, &factors->place, (size_t)fan,
                           factors->pair_cpus);
}

/*
 * A CPU runs one role at a time: of two that spin on it, one waits for the other's time slice
 * to end, and the scheduler is what is measured.  Who yields or sleeps lets the other on.
 */
static int check_spinning(const struct ipm_rules *rules, struct ipm_factors *factors,
                          struct ipm_why *why)
{
    int spinning[IPM_CPUS_MAX] = {0};
    int worst = 0;
    int64_t otherwise = ipm_rules_axis_integer(rules->describe, "fan", 1);
    int64_t fan = ipm_describe_integer(factors->options, "fan", otherwise);
    int64_t pairs = ipm_describe_integer(factors->options, "pairs", 1);
    for (int64_t pair = 0; pair < pairs; pair++) {
        const int *cpus = factors->n_pairs > 0 || factors->n_fan > 0
                              ? &factors->pair_cpus[2 * pair]
                              : factors->place.cpus;
        size_t index;
        const json_t *role;
        json_array_foreach(json_object_get(rules->workload, "roles"), index, role)
        {
            if (!same(factors->wait, "spin") &&
                !json_is_true(json_object_get(role, "spins")))
                continue;
            int side = same(ipm_describe_text(role, "side", "a"), "b") ? 1 : 0;
            int64_t n = json_is_true(json_object_get(role, "many")) ? fan : 1;
            for (int64_t k = 0; k < n; k++) {
                int cpu = cpus[factors->n_fan > 0 ? side + k : side];
                spinning[cpu]++;
                worst = spinning[cpu] > spinning[worst] ? cpu : worst;
            }
        }
    }
    factors->spinning = spinning[worst];
    if (spinning[worst] <= 1 || rules->oversubscribe)
        return 0;
    return ipm_rules_refuse(why,
                            "%d roles would spin on CPU %d, which runs one at a time "
                            "(\"oversubscribe\": \"allow\" measures that)",
                            spinning[worst], worst);
}

int ipm_rules_place(const struct ipm_rules *rules, struct ipm_factors *factors,
                    struct ipm_why *why)
{
    struct ipm_why reason = {0};
    if (ipm_topology_place(rules->topology, factors->placement, &factors->place,
                           &reason) != 0)
        return ipm_rules_refuse(why, "placement %s: %s", factors->placement,
                                reason.text);
    place_fan(rules, factors);
    return place_pairs(rules, factors, why) != 0 ||
           place_background(rules, factors, why) != 0 ||
           check_spinning(rules, factors, why) != 0;
}
