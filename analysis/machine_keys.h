/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * machine_keys: what a manifest says of its machine, flat, and what each key means for those who
 * put two sessions side by side.
 */
#ifndef IPM_ANALYSIS_MACHINE_KEYS_H
#define IPM_ANALYSIS_MACHINE_KEYS_H

#include "base/json.h"

#include <stdbool.h>

/* What another value does to a gate between sessions. */
enum ipm_machine_weight {
    IPM_MACHINE_SOFT,  /* a setting of the same machine: it warns */
    IPM_MACHINE_HARD,  /* another class of machine: nothing is gated */
    IPM_MACHINE_ASIDE, /* what is under test, or says the same as others: nothing */
};

struct ipm_machine_key {
    const char *name;   /* NULL: of all that have no row */
    bool other_machine; /* a comparison marks it */
    enum ipm_machine_weight weight;
};

/* The row of a flat key, whose name ends at its first dot; never NULL. */
const struct ipm_machine_key *ipm_machine_key(const char *key);

/**
 * ipm_machine_flat() - all that a manifest says of its machine
 *
 * Members of `host`, of objects each member as "mitigations.meltdown"; build, version and quick;
 * and those checks of the doctor before the run that show a setting, as "setting.governor".
 * What the machine was doing is not in it.
 *
 * Return: the caller's; NULL: no memory.
 */
json_t *ipm_machine_flat(const json_t *manifest);

#endif
