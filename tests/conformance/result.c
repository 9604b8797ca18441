/* SPDX-License-Identifier: MIT */
#include "tests/conformance/result.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const verdicts[] = {"pass", "fail", "skip"};

static void set(json_t *json, const char *key, json_t *value)
{
    (void)json_object_set_new(json, key, value);
}

static json_t *text_or_null(const char *text)
{
    return text == NULL || text[0] == '\0' ? json_null() : ipm_json_text(text);
}

void ipm_result_begin(struct ipm_result *result, const struct ipm_mechanism *mechanism,
                      bool as_json)
{
    *result = (struct ipm_result){.mechanism = mechanism, .as_json = as_json};
    if (as_json) {
        result->rows = json_array();
        result->cases = json_array();
    } else {
        (void)printf("%s (version %d, %s): %s\n", mechanism->name, mechanism->version,
                     mechanism->family, mechanism->summary);
    }
}

static json_t *document(const struct ipm_result *result, const char *reason)
{
    json_t *json = json_object();
    set(json, "schema", json_integer(1));
    set(json, "mechanism", json_string(result->mechanism->name));
    set(json, "version", json_integer(result->mechanism->version));
    set(json, "available", json_boolean(reason == NULL));
    set(json, "reason", text_or_null(reason));
    set(json, "conforms",
        reason == NULL ? json_boolean(result->failed == 0) : json_null());
    set(json, "rows", json_incref(result->rows));
    set(json, "cases", json_incref(result->cases));
    set(json, "passed", json_integer(result->passed));
    set(json, "failed", json_integer(result->failed));
    set(json, "skipped", json_integer(result->skipped));
    return json;
}

static void print_document(struct ipm_result *result, const char *reason)
{
    ipm_auto_json json_t *json = document(result, reason);
    char *text = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(17));
    (void)puts(text == NULL ? "null" : text);
    free(text);
    json_decref(result->rows);
    json_decref(result->cases);
    result->rows = result->cases = NULL;
}

void ipm_result_unavailable(struct ipm_result *result, const char *reason)
{
    if (result->as_json)
        print_document(result, reason);
    else
        (void)printf("skipped: %s is not available here: %s\n", result->mechanism->name,
                     reason);
}

void ipm_result_row(struct ipm_result *result, const char *options,
                    const struct ipm_survey *survey, const char *reason)
{
    result->n_rows++;
    if (!result->as_json) {
        (void)printf("  %s\n", options);
        if (reason != NULL)
            (void)printf("    skip  all: %s\n", reason);
        char notes[sizeof(survey->notes)];
        char *rest = NULL;
        (void)strcpy(notes, survey->notes);
        for (char *line = strtok_r(notes, "\n", &rest); line != NULL;
             line = strtok_r(NULL, "\n", &rest))
            (void)printf("          %s\n", line);
        return;
    }
    json_t *variants = json_array();
    for (int wait = 0; wait < IPM_WAIT_COUNT; wait++) {
        for (int copies = 0; copies < IPM_MODES; copies++) {
            if (survey->possible[wait][copies])
                (void)json_array_append_new(variants, json_pack("{s:s,s:i}", "wait",
                                                                ipm_wait_names[wait],
                                                                "copies", copies));
        }
    }
    json_t *row = json_object();
    set(row, "options", ipm_json_text(options));
    set(row, "available", json_boolean(reason == NULL));
    set(row, "reason", text_or_null(reason));
    set(row, "variants", variants);
    set(row, "max_message", json_integer((json_int_t)survey->max_message));
    set(row, "notes", text_or_null(survey->notes));
    (void)json_array_append_new(result->rows, row);
}

void ipm_result_case(struct ipm_result *result, const char *name,
                     const struct ipm_outcome *outcome)
{
    result->passed += outcome->verdict == IPM_PASS;
    result->failed += outcome->verdict == IPM_FAIL;
    result->skipped += outcome->verdict == IPM_SKIP;
    const char *verdict = verdicts[outcome->verdict];
    bool passed = outcome->verdict == IPM_PASS;
    if (!result->as_json) {
        (void)printf("    %s  %s%s%s\n", passed ? "pass" : verdict, name,
                     outcome->text[0] != '\0' ? ": " : "", outcome->text);
        (void)fflush(stdout);
        return;
    }
    json_t *row = json_object();
    set(row, "name", json_string(name));
    set(row, "row", json_integer(result->n_rows - 1));
    set(row, "status", json_string(verdict));
    set(row, "reason", passed ? json_null() : text_or_null(outcome->text));
    set(row, "notes", passed ? text_or_null(outcome->text) : json_null());
    set(row, "elapsed_ns", json_integer(outcome->elapsed_ns));
    (void)json_array_append_new(result->cases, row);
}

int ipm_result_end(struct ipm_result *result)
{
    if (result->as_json) {
        print_document(result, NULL);
    } else {
        (void)printf("%s %s: %d passed, %d failed, %d skipped", result->mechanism->name,
                     result->failed == 0 ? "conforms" : "does not conform",
                     result->passed, result->failed, result->skipped);
        if (result->n_rows > 1)
            (void)printf(", over %d combinations of its options", result->n_rows);
        (void)putchar('\n');
    }
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : -EIO;
}
