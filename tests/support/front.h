/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * front: from config text to a plan, against the describe document of a made-up worker.
 */
#ifndef IPM_TESTS_FRONT_H
#define IPM_TESTS_FRONT_H

#include "harness/describe.h"
#include "harness/plan.h"
#include "harness/spec.h"
#include "harness/topology.h"
#include "tests/support/test.h"

/* Every mechanism and sensor there is, but for the pass counters:tlb. */
static inline json_t *ipm_test_describe(void)
{
    json_error_t problem;
    json_t *describe =
        json_load_file(IPM_SOURCE "/tests/support/describe.json", 0, &problem);
    if (describe == NULL)
        fail_msg("describe.json:%d: %s", problem.line, problem.text);
    struct ipm_why why = {0};
    if (ipm_describe_check(describe, &why) != 0)
        fail_msg("describe.json: %s", why.text);
    return describe;
}

/* A mechanism of the document, to be changed. */
static inline json_t *ipm_test_entry(json_t *describe, const char *kind,
                                     const char *name)
{
    json_t *entry = (json_t *)(uintptr_t)ipm_describe_find(describe, kind, name);
    assert_non_null(entry);
    return entry;
}

/* Two packages of two cores with two CPUs each: 0 and 1 share a core, 0 to 3 a cache. */
static inline void ipm_test_topology(struct ipm_topology *topology)
{
    static const struct ipm_cpu cpus[] = {
        {0, 0, 0, 0, 0}, {1, 0, 0, 0, 0}, {2, 1, 0, 0, 0}, {3, 1, 0, 0, 0},
        {4, 2, 1, 1, 1}, {5, 2, 1, 1, 1}, {6, 3, 1, 1, 1}, {7, 3, 1, 1, 1},
    };
    ipm_topology_init(topology, cpus, IPM_TEST_ROWS(cpus), true);
}

/* What the diagnostics print; the caller frees it. */
static inline char *ipm_test_printed(const struct ipm_diagnostics *diagnostics)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    assert_non_null(out);
    ipm_diagnostics_print(diagnostics, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

/* Loads a config; @out_printed (the caller frees it) are the errors, "" when none. */
static inline int ipm_test_load(const char *text, const char *const *sets,
                                size_t n_sets, const json_t *describe,
                                struct ipm_spec *out_spec, char **out_printed)
{
    struct ipm_diagnostics diagnostics;
    ipm_diagnostics_init(&diagnostics, "test.jsonc", text, strlen(text));
    int error = ipm_spec_load(text, strlen(text), sets, n_sets, describe, &diagnostics,
                              out_spec);
    assert_int_equal(error != 0, diagnostics.count != 0);
    *out_printed = ipm_test_printed(&diagnostics);
    ipm_diagnostics_fini(&diagnostics);
    return error;
}

/* Loads a config that has no errors. */
static inline void ipm_test_spec(const char *text, const json_t *describe,
                                 struct ipm_spec *out_spec)
{
    char *printed = NULL;
    if (ipm_test_load(text, NULL, 0, describe, out_spec, &printed) != 0)
        fail_msg("%s", printed);
    free(printed);
}

#endif
