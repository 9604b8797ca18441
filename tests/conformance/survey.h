/* SPDX-License-Identifier: MIT */
/* survey: which variants of a mechanism this machine has, before its cases run. */
#ifndef IPM_TESTS_SURVEY_H
#define IPM_TESTS_SURVEY_H

#include "tests/conformance/harness.h"

struct ipm_survey {
    bool possible[IPM_WAIT_COUNT][IPM_MODES];
    int n_possible;
    size_t max_message; /* longest that create() accepts here, at most 1 MiB */
    char notes[1024];   /* what is left out and why, one line each */
    struct ipm_why why; /* of the last variant that is not possible */
};

/**
 * ipm_survey_make() - create and attach every variant once
 * @options: the mechanism's option struct, NULL for its defaults
 *
 * A variant whose create() or attach() says -EOPNOTSUPP is not possible here; one that fails
 * in another way counts as possible, so that the cases find it.
 */
void ipm_survey_make(struct ipm_survey *out_survey,
                     const struct ipm_mechanism *mechanism, const void *options);

#endif
