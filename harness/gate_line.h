/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gate_line: the command line of `ipcmeter gate`. */
#ifndef IPM_HARNESS_GATE_LINE_H
#define IPM_HARNESS_GATE_LINE_H

#include "harness/gate_setup.h"
#include "harness/leave.h"

#include <stdbool.h>
#include <stdint.h>

/* What was asked for; texts are the command line's. */
struct ipm_gate_line {
    struct ipm_gate_setup setup; /* of a gate that measures: its words */
    struct ipm_leave leave;
    const char *noise; /* NULL: none */
    bool bisect, all, json, help, calibrate, inconclusive_passes;
    int64_t sessions;
    const char **baselines; /* the caller frees it; none: it measures */
    size_t n_baselines;
    char **results; /* operands of --baseline */
    int n_results;
    const char *measures; /* the first option that means nothing to --baseline */
};

/* Return: 0; else the exit status, and the mistake was said. */
int ipm_gate_line_parse(int argc, char **argv, struct ipm_gate_line *line);

#endif
