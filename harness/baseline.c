/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/baseline.h"

#include "analysis/baseline_class.h"
#include "analysis/gate_baseline_json.h"
#include "analysis/gate_text.h"
#include "analysis/manifest.h"
#include "analysis/member.h"
#include "analysis/text.h"
#include "base/cleanup.h"
#include "harness/baseline_suite.h"
#include "harness/commands.h"
#include "harness/diagnostics.h"
#include "harness/gate_calibrate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { TEXT = 600 };

/* What there is once all was read. */
struct work {
    const struct ipm_baseline_request *request;
    struct ipm_baseline_suite suite;
    struct ipm_baseline_result result;
    json_t *class;    /* NULL: not looked at */
    json_t *document; /* owned */
    bool calibrated;
};

static int status_of(int error)
{
    switch (error) {
    case 0:
        return IPM_EXIT_OK;
    case -ENODATA:
    case -EXDEV:
        return IPM_EXIT_NOTHING;
    case -ENOENT:
    case -ENOTDIR:
    case -EEXIST:
    case -EDOM:
        return IPM_EXIT_USAGE;
    case -ENOTSUP:
        return IPM_EXIT_ENVIRONMENT;
    default:
        return IPM_EXIT_INTERNAL;
    }
}

/* "kernel: 6.1 at results/a, 6.2 now" */
static const char *difference_text(char text[TEXT], const json_t *row, const char *verb)
{
    char old[IPM_BASELINE_VALUE];
    char new[IPM_BASELINE_VALUE];
    (void)snprintf(text, TEXT, "%.80s%s: %s at %.100s, %s now",
                   ipm_member_text(row, "key"), verb,
                   ipm_baseline_value(old, json_object_get(row, "baseline")),
                   ipm_member_text(row, "session"),
                   ipm_baseline_value(new, json_object_get(row, "candidate")));
    return text;
}

/* Soft differences and notes, for a reader; hard ones are no warning. */
static void add_warnings(struct work *work)
{
    size_t i;
    const json_t *row;
    json_array_foreach(json_object_get(work->class, "soft"), i, row)
    {
        char text[TEXT];
        (void)json_array_append_new(work->suite.warnings, ipm_json_text(difference_text(
                                                              text, row, " differs")));
    }
    (void)json_array_extend(work->suite.warnings,
                            json_object_get(work->class, "notes"));
}

static int look_at_class(struct work *work, struct ipm_why *why)
{
    work->class = ipm_baseline_class(work->suite.baseline, work->suite.candidate);
    if (work->class == NULL)
        return ipm_why_set(why, -ENOMEM, "no memory");
    const json_t *hard = json_object_get(work->class, "hard");
    const json_t *row = json_array_get(hard, 0);
    if (row == NULL) {
        add_warnings(work);
        return 0;
    }
    char old[IPM_BASELINE_VALUE];
    char new[IPM_BASELINE_VALUE];
    char more[40] = "";
    if (json_array_size(hard) > 1)
        (void)snprintf(more, sizeof(more), ", and %zu more", json_array_size(hard) - 1);
    return ipm_why_set(
        why, -EXDEV, "cannot gate against another machine class: %.40s %.60s / %.60s%s",
        ipm_member_text(row, "key"),
        ipm_baseline_value(old, json_object_get(row, "baseline")),
        ipm_baseline_value(new, json_object_get(row, "candidate")), more);
}

/* Return: 0; -EDOM the file is no calibration. */
static int load_noise(struct work *work, struct ipm_gate_noise *noise,
                      struct ipm_why *why)
{
    char fingerprint[IPM_HASH_TEXT];
    const json_t *manifest =
        json_object_get(json_array_get(work->suite.candidate, 0), "manifest");
    if (work->request->noise == NULL)
        return 0;
    ipm_gate_fingerprint_of(json_object_get(manifest, "host"),
                            ipm_manifest_text(manifest, "version", ""), fingerprint);
    int error = ipm_gate_noise_load(work->request->noise, fingerprint, noise, why);
    work->calibrated = error == 0;
    if (error == 1)
        (void)fprintf(stderr, "ipcmeter gate: not calibrated: %s\n", why->text);
    if (error < 0)
        ipm_why_prefix(why, "--noise: ");
    return error < 0 ? -EDOM : 0;
}

/* Points under test about which something could be said. */
static size_t count_judged(const struct work *work)
{
    size_t judged = 0;
    for (size_t i = 0; i < work->suite.n_points; i++)
        judged += !work->suite.points[i].control &&
                  work->result.gate.findings[i].verdict != IPM_GATE_ERROR;
    return judged;
}

static int judge(struct work *work, struct ipm_why *why)
{
    const struct ipm_baseline_request *request = work->request;
    struct ipm_baseline_suite *suite = &work->suite;
    struct ipm_gate_noise noise = {.n_points = 0};
    int error = ipm_baseline_gather(request->baselines, request->n_baselines,
                                    request->results, request->n_results, suite, why);
    if (error == 0)
        error = look_at_class(work, why);
    if (error == 0)
        error = load_noise(work, &noise, why);
    if (error == 0 &&
        ipm_baseline_match(suite, work->calibrated ? &noise : NULL, why) != 0)
        error = why->error == -EINVAL ? -EDOM : why->error;
    ipm_gate_noise_fini(&noise);
    size_t n = json_array_size(suite->baseline);
    size_t m = json_array_size(suite->candidate);
    if (error == 0) {
        error = ipm_baseline_judge(&suite->params, suite->points, suite->series,
                                   suite->n_points, n, m, &work->result, why);
        error = error == -EINVAL ? -ENODATA : error;
    }
    if (error == 0)
        work->document = ipm_baseline_json(&suite->params, suite->points, suite->series,
                                           n, m, &work->result);
    return error == 0 && work->document == NULL ? ipm_why_set(why, -ENOMEM, "no memory")
                                                : error;
}

static json_t *sessions_json(const json_t *sessions)
{
    static const char *const keys[] = {"directory", "run", "started", "build"};
    json_t *list = json_array();
    size_t i;
    const json_t *session;
    json_array_foreach(sessions, i, session)
    {
        json_t *json = json_object();
        for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
            (void)json_object_set(json, keys[k], json_object_get(session, keys[k]));
        (void)json_array_append_new(list, json);
    }
    return list;
}

static void complete(struct work *work)
{
    json_t *document = work->document;
    (void)json_array_extend(json_object_get(document, "warnings"),
                            work->suite.warnings);
    (void)json_object_set(document, "environment",
                          work->class != NULL ? work->class : json_null());
    (void)json_object_set_new(document, "baseline",
                              sessions_json(work->suite.baseline));
    (void)json_object_set_new(document, "candidate",
                              sessions_json(work->suite.candidate));
    (void)json_object_set(document, "new_points", work->suite.fresh);
    (void)json_object_set_new(document, "calibrated", json_boolean(work->calibrated));
}

static void put_error(const struct work *work, const char *sentence)
{
    size_t i;
    const json_t *row;
    (void)fputs("VERDICT  error\n    ", stdout);
    ipm_text_wrap(stdout, 4, sentence);
    json_array_foreach(json_object_get(work->class, "hard"), i, row)
    {
        char text[TEXT];
        (void)fputs("    ", stdout);
        ipm_text_wrap(stdout, 4, difference_text(text, row, ""));
    }
    if (json_array_size(json_object_get(work->class, "hard")) > 0)
        (void)puts(
            "    `ipcmeter compare` shows both side by side; for a gate, measure "
            "the baseline anew here");
}

static void put_text(const struct work *work)
{
    char method[TEXT];
    const struct ipm_baseline_suite *suite = &work->suite;
    size_t n = json_array_size(suite->baseline);
    size_t m = json_array_size(suite->candidate);
    (void)snprintf(
        method, sizeof(method),
        "%zu kept session%s (%.40s to %.40s) against %zu new one%s; a session's figure "
        "is "
        "the median over its invocations, and the error is the scatter between "
        "sessions; "
        "tested for a regression: %zu points, by Student's t against the margin, after "
        "Holm at %g; intervals of %g %%",
        n, n == 1 ? "" : "s",
        ipm_member_text(json_array_get(suite->baseline, 0), "started"),
        ipm_member_text(json_array_get(suite->baseline, n - 1), "started"), m,
        m == 1 ? "" : "s", work->result.gate.n_family, suite->params.alpha,
        100 * suite->params.level);
    const struct ipm_gate_words words = {.points = suite->points,
                                         .result = &work->result.gate,
                                         .warnings = suite->warnings,
                                         .q = suite->params.q,
                                         .method = method};
    ipm_gate_text_put(&words, work->request->all, stdout);
    size_t i;
    const json_t *name;
    if (json_array_size(suite->fresh) > 0)
        (void)puts("\nNEW POINTS, not judged");
    json_array_foreach(suite->fresh, i, name)
    {
        (void)fputs("  ", stdout);
        ipm_text_put(stdout, json_string_value(name));
        (void)fputc('\n', stdout);
    }
    (void)puts("\nBUILDS");
    const char *last = ipm_member_text(json_array_get(suite->baseline, n - 1), "build");
    json_array_foreach(suite->candidate, i, name)
    {
        (void)printf("  baseline %.12s, new %.12s\n", last,
                     ipm_member_text(name, "build"));
    }
    if (!work->calibrated)
        (void)puts("\n  not calibrated: margins are the declared ones "
                   "(`ipcmeter gate calibrate`)");
}

/* Return: exit status. */
static int put(const struct work *work, const char *sentence)
{
    struct ipm_why why = {0};
    const struct ipm_baseline_request *request = work->request;
    if (request->out != NULL &&
        ipm_json_write_file(work->document, request->out, &why) != 0) {
        ipm_complain("gate", why.text);
        return IPM_EXIT_INTERNAL;
    }
    if (request->json) {
        (void)json_dumpf(work->document, stdout,
                         JSON_INDENT(2) | JSON_REAL_PRECISION(17));
        (void)putchar('\n');
    } else if (sentence != NULL) {
        put_error(work, sentence);
    } else {
        put_text(work);
    }
    if (fflush(stdout) != 0 || ferror(stdout))
        return IPM_EXIT_INTERNAL;
    if (ipm_leave(&request->leave, &ipm_leave_gate, work->document, &why) != 0) {
        ipm_complain("gate", why.text);
        return IPM_EXIT_INTERNAL;
    }
    return IPM_EXIT_OK;
}

int ipm_baseline_gate(const struct ipm_baseline_request *request,
                      enum ipm_gate_verdict *out_verdict)
{
    struct work work = {.request = request};
    struct ipm_why why = {0};
    int status = status_of(judge(&work, &why));
    const char *sentence = NULL;
    if (status == IPM_EXIT_OK) {
        *out_verdict = work.result.gate.verdict;
        if (*out_verdict == IPM_GATE_ERROR && count_judged(&work) == 0)
            status = IPM_EXIT_NOTHING;
    } else {
        sentence = why.text[0] != '\0' ? why.text : "no memory";
        ipm_complain("gate", sentence);
        work.document = ipm_baseline_error_json(sentence);
    }
    complete(&work);
    int written = put(&work, sentence);
    ipm_baseline_result_fini(&work.result);
    ipm_baseline_suite_fini(&work.suite);
    json_decref(work.class);
    json_decref(work.document);
    return written != IPM_EXIT_OK ? written : status;
}
