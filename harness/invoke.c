/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/invoke.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/process.h"
#include "base/record.h"
#include "harness/spawn.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Beyond the worker's own limits, which are 10 windows and 10 s for each other phase. */
static const int64_t patience_ns = 60 * IPM_NS_PER_SECOND;

static const char killed[] = "hung: the worker had to be killed";

/* A worker that died or babbled is a failed invocation, said in the driver's words. */
static json_t *no_record(const char *build, const json_t *point, const char *reason)
{
    json_t *record = json_deep_copy(point);
    (void)json_object_del(record, "sysroot");
    (void)json_object_del(record, "sandbox");
    (void)json_object_del(record, "unavailable");
    (void)json_object_set_new(record, "build", json_string(build));
    (void)json_object_set_new(record, "status", json_string("failed"));
    (void)json_object_set_new(record, "phase", json_string("worker"));
    (void)json_object_set_new(record, "reason", json_string(reason));
    (void)json_object_set_new(record, "flags", json_array());
    return record;
}

int ipm_invoke(const struct ipm_worker *worker, const char *build, const json_t *point,
               const volatile sig_atomic_t *interrupted, json_t **out_record,
               struct ipm_why *why)
{
    const char *argv[IPM_WORKER_ARGUMENTS];
    (void)ipm_worker_arguments(worker, argv);
    ipm_auto_free char *input =
        json_dumps(point, JSON_COMPACT | JSON_REAL_PRECISION(17));
    if (input == NULL)
        return ipm_why_set(why, -ENOMEM, "no memory");
    int64_t window_ns = json_integer_value(json_object_get(point, "window_ns"));
    int64_t warmup_ns = json_integer_value(json_object_get(point, "warmup_ns"));
    struct ipm_spawn spawn = {
        .argv = argv,
        .input = input,
        .input_length = strlen(input),
        .output_limit = IPM_RECORD_LIMIT,
        .deadline_ns = ipm_now_ns() + 10 * (window_ns + warmup_ns) + patience_ns,
        .interrupted = interrupted,
    };
    char *said = NULL;
    size_t length = 0;
    int status = 0;
    int result = ipm_spawn_worker(&spawn, &said, &length, &status, why);
    ipm_auto_free char *text = said;
    if (result == IPM_SPAWN_INTERRUPTED)
        return 1;
    if (result == IPM_SPAWN_TIMED_OUT) {
        *out_record = no_record(build, point, killed);
        return 0;
    }
    if (result == -EFBIG) {
        *out_record = no_record(build, point, "the worker's record is too long");
        return 0;
    }
    if (result < 0)
        return result;
    json_error_t problem;
    ipm_auto_json json_t *record =
        status == 0 ? json_loadb(text, length, JSON_REJECT_DUPLICATES, &problem) : NULL;
    struct ipm_why flaw = {.error = 0, .text = ""};
    if (record != NULL && ipm_record_check(record, &flaw) == 0) {
        *out_record = ipm_steal(&record);
        return 0;
    }
    if (status == 0 && record == NULL)
        (void)ipm_why_set(&flaw, -EBADMSG, "%s",
                          length == 0 ? "it wrote no record" : problem.text);
    char reason[IPM_STATUS_TEXT + sizeof(flaw.text) + 16];
    char ending[IPM_STATUS_TEXT];
    (void)snprintf(reason, sizeof(reason), "worker %s%s%s",
                   ipm_status_text(status, ending), flaw.text[0] == '\0' ? "" : ": ",
                   flaw.text);
    *out_record = no_record(build, point, reason);
    return 0;
}

bool ipm_invoke_killed(const json_t *record)
{
    return strcmp(ipm_describe_text(record, "phase", ""), "worker") == 0 &&
           strcmp(ipm_describe_text(record, "reason", ""), killed) == 0;
}
