/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/plan_when.h"

#include <stdio.h>

static const struct ipm_pass *energy_pass(const struct ipm_plan *plan)
{
    for (size_t i = 0; i < plan->n_passes; i++) {
        if (plan->passes[i].kind == IPM_PASS_ENERGY)
            return &plan->passes[i];
    }
    return NULL;
}

bool ipm_plan_left_out(const struct ipm_plan *plan, const struct ipm_sweep *sweep,
                       char reason[IPM_WHEN_REASON])
{
    const struct ipm_pass *pass = energy_pass(plan);
    bool measured = pass != NULL && pass->used;
    if (sweep->when == IPM_WHEN_ENERGY && !measured)
        (void)snprintf(reason, IPM_WHEN_REASON,
                       "this sweep is for runs that measure energy: %s",
                       pass != NULL ? pass->reason : "absent: no such pass");
    else if (sweep->when == IPM_WHEN_NO_ENERGY && measured)
        (void)snprintf(reason, IPM_WHEN_REASON,
                       "this sweep is for runs that do not measure energy");
    else
        return false;
    return true;
}

const char *ipm_plan_when_note(const struct ipm_plan *plan, const struct ipm_spec *spec)
{
    const struct ipm_pass *pass = energy_pass(plan);
    bool any = false;
    for (size_t i = 0; i < spec->n_sweeps; i++)
        any = any || spec->sweeps[i].when != IPM_WHEN_ALWAYS;
    if (!any || pass == NULL || !pass->used || ipm_spec_simulated(spec) != NULL)
        return NULL;
    return "run examines the energy meter before it begins: when it is not believed, "
           "the "
           "sweeps for runs without energy stand in for those with it";
}
