/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gate_setup: from the command line of a gate to two arms and a plan. */
#ifndef IPM_HARNESS_GATE_SETUP_H
#define IPM_HARNESS_GATE_SETUP_H

#include "harness/gate.h"
#include "harness/run_words.h"

struct ipm_gate_setup {
    struct ipm_run_words words;
    const char *a, *b; /* of the command line; NULL: our own worker */
    struct ipm_arm arms[2];
    struct ipm_prepared prepared;
};

/**
 * ipm_gate_setup() - parse and describe both arms, prepare the plan by what arm A has
 * @signals: catch them from here on
 *
 * Says on stderr what is wrong.  ipm_gate_setup_fini() ends it, also after an error.
 *
 * Return: 0; IPM_EXIT_NOTHING the arms cannot share a boot; IPM_EXIT_USAGE; IPM_EXIT_INTERNAL;
 *         that of a signal.
 */
int ipm_gate_setup(struct ipm_gate_setup *setup);

void ipm_gate_setup_fini(struct ipm_gate_setup *setup);

#endif
