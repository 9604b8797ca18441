/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/gate_controls.h"

#include "harness/describe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char workload[] = "self_loop";
static const char *const floors[] = {"floor_syscall", "floor_memcpy"};

enum { FLOORS = sizeof(floors) / sizeof(floors[0]), SIZE = 4096 };

static bool has_floor(const struct ipm_sweep *sweep, const json_t *describe)
{
    size_t i;
    const json_t *name;
    json_array_foreach(sweep->mechanisms, i, name)
    {
        const json_t *mechanism =
            ipm_describe_find(describe, "mechanisms", json_string_value(name) ?: "");
        if (mechanism != NULL && ipm_describe_is_floor(mechanism))
            return true;
    }
    return false;
}

int ipm_gate_controls_add(struct ipm_spec *spec, const json_t *describe)
{
    bool there = ipm_describe_find(describe, "workloads", workload) != NULL;
    for (size_t i = 0; i < FLOORS; i++)
        there = there && ipm_describe_find(describe, "mechanisms", floors[i]) != NULL;
    for (size_t i = 0; there && i < spec->n_sweeps; i++)
        there = !has_floor(&spec->sweeps[i], describe);
    if (!there)
        return 1;
    struct ipm_sweep *larger =
        reallocarray(spec->sweeps, spec->n_sweeps + 1, sizeof(*larger));
    if (larger == NULL)
        return -ENOMEM;
    spec->sweeps = larger;
    struct ipm_sweep *sweep = &larger[spec->n_sweeps++];
    *sweep = (struct ipm_sweep){
        .name = "controls",
        .workloads = json_pack("[s]", workload),
        .mechanisms = json_pack("[s, s]", floors[0], floors[1]),
        .axes = json_pack("{s:[i]}", "size", SIZE),
        .exclude = json_array(),
        .include = json_array(),
        .repeat = spec->repeat,
    };
    return sweep->workloads == NULL || sweep->mechanisms == NULL || sweep->axes == NULL
               ? -ENOMEM
               : 0;
}
