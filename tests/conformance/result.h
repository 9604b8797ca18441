/* SPDX-License-Identifier: MIT */
/* result: what the suite found out about one mechanism, as text for people or as JSON. */
#ifndef IPM_TESTS_RESULT_H
#define IPM_TESTS_RESULT_H

#include "base/json.h"
#include "tests/conformance/runner.h"
#include "tests/conformance/survey.h"

struct ipm_result {
    const struct ipm_mechanism *mechanism;
    bool as_json;  /* else text is printed as it comes */
    json_t *rows;  /* when as_json */
    json_t *cases; /* when as_json */
    int n_rows;
    int passed, failed, skipped;
};

void ipm_result_begin(struct ipm_result *result, const struct ipm_mechanism *mechanism,
                      bool as_json);

/* It cannot be tested here at all. */
void ipm_result_unavailable(struct ipm_result *result, const char *reason);

/* A row of the cover begins; @reason: why it cannot be here, NULL when it can. */
void ipm_result_row(struct ipm_result *result, const char *options,
                    const struct ipm_survey *survey, const char *reason);

/* A property, in the row that began last. */
void ipm_result_case(struct ipm_result *result, const char *name,
                     const struct ipm_outcome *outcome);

/* Prints the verdict, or the whole as one line of JSON.  -EIO: stdout cannot be written. */
int ipm_result_end(struct ipm_result *result);

#endif
