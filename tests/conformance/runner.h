/* SPDX-License-Identifier: MIT */
/*
 * runner: runs a body in a process of its own and takes home what it says and how it ends,
 * so that a plug-in that crashes or hangs costs one case and not the suite.
 */
#ifndef IPM_TESTS_RUNNER_H
#define IPM_TESTS_RUNNER_H

#include <stdint.h>

enum ipm_verdict { IPM_PASS, IPM_FAIL, IPM_SKIP };

enum { IPM_BODY_FAILED = 1, IPM_BODY_SKIPPED = 77 };

struct ipm_outcome {
    enum ipm_verdict verdict;
    char text[1200]; /* why it failed or was skipped; notes where it passed; one line */
    int64_t elapsed_ns;
};

/**
 * ipm_run_body() - fork, run, wait
 * @body:          its return value: 0, IPM_BODY_FAILED or IPM_BODY_SKIPPED; what it prints
 *                 to stdout and stderr becomes the outcome's text
 * @limit_seconds: it and its children are killed then, and it has failed
 *
 * Aborts when the machine has no process or pipe left.
 */
void ipm_run_body(int (*body)(void *context), void *context, int limit_seconds,
                  struct ipm_outcome *out_outcome);

#endif
