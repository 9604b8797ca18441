/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/plan_passes.h"

#include "base/clock.h"
#include "harness/describe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Energy meters tick about once a millisecond: over 2 s that is an error of 0.1 %. */
#define ENERGY_WINDOW_NS (2 * IPM_NS_PER_SECOND)

static enum ipm_pass_kind kind_of(const char *name)
{
    return strcmp(name, "timing") == 0   ? IPM_PASS_TIMING
           : strcmp(name, "energy") == 0 ? IPM_PASS_ENERGY
           : strcmp(name, "idle") == 0   ? IPM_PASS_IDLE
                                         : IPM_PASS_COUNTERS;
}

static bool is_energy(const struct ipm_pass *pass)
{
    return pass->kind == IPM_PASS_ENERGY || pass->kind == IPM_PASS_IDLE;
}

/* Energy without its baseline would be that of the whole machine. */
static void join_energy(struct ipm_plan *plan)
{
    struct ipm_pass *energy = NULL;
    struct ipm_pass *idle = NULL;
    for (size_t i = 0; i < plan->n_passes; i++) {
        struct ipm_pass *pass = &plan->passes[i];
        energy = pass->kind == IPM_PASS_ENERGY ? pass : energy;
        idle = pass->kind == IPM_PASS_IDLE ? pass : idle;
    }
    struct ipm_pass *pair[] = {energy, idle};
    for (size_t i = 0; i < 2; i++) {
        struct ipm_pass *pass = pair[i];
        const struct ipm_pass *other = pair[1 - i];
        if (pass == NULL || !pass->used || (other != NULL && other->used))
            continue;
        pass->used = false;
        (void)snprintf(pass->reason, sizeof(pass->reason), "%s",
                       other != NULL ? other->reason
                                     : "absent: the worker has only one of the passes "
                                       "energy and idle");
    }
}

int ipm_plan_passes(struct ipm_plan *plan, const struct ipm_spec *spec,
                    const json_t *describe, struct ipm_why *why)
{
    static const char counters[] = "counters:";
    size_t index;
    const json_t *described;
    json_array_foreach(json_object_get(describe, "passes"), index, described)
    {
        if (plan->n_passes == IPM_PASSES_MAX)
            return ipm_why_set(why, -EINVAL, "the worker has more than %d passes",
                               IPM_PASSES_MAX);
        struct ipm_pass *pass = &plan->passes[plan->n_passes++];
        pass->name = ipm_describe_text(described, "name", "");
        pass->kind = kind_of(pass->name);
        pass->min_window_ns = ipm_describe_integer(described, "min_window_ns", 0);
        if (is_energy(pass) && pass->min_window_ns < ENERGY_WINDOW_NS)
            pass->min_window_ns = ENERGY_WINDOW_NS;
        bool off =
            (is_energy(pass) && spec->energy == IPM_SENSING_OFF) ||
            (pass->kind == IPM_PASS_COUNTERS && spec->counters == IPM_SENSING_OFF);
        bool known = pass->kind != IPM_PASS_COUNTERS ||
                     strncmp(pass->name, counters, strlen(counters)) == 0;
        bool available = json_is_true(json_object_get(described, "available")) ||
                         (is_energy(pass) && ipm_spec_simulated(spec) != NULL);
        pass->used = !off && known && available;
        if (pass->used)
            continue;
        (void)snprintf(pass->reason, sizeof(pass->reason), "%s",
                       off ? "off: in the config"
                       : !known
                           ? "this driver does not know such a pass"
                           : ipm_describe_text(described, "reason", "no reason given"));
    }
    join_energy(plan);
    if (plan->n_passes == 0 || !plan->passes[0].used ||
        plan->passes[0].kind != IPM_PASS_TIMING)
        return ipm_why_set(why, -EINVAL,
                           "the worker has no pass 'timing' in first place");
    return 0;
}
