/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/gate_value.h"

#include "harness/describe.h"

#include <errno.h>
#include <math.h>
#include <string.h>

const char *const ipm_gate_metric_names[IPM_GATE_METRICS] = {
    "response_p50_ns", "operation_p50_ns", "message_ns"};

static double number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

double ipm_gate_value(const json_t *record, enum ipm_gate_metric metric)
{
    double value = NAN;
    if (metric == IPM_GATE_RESPONSE)
        value = number(json_object_get(record, "response_ns"), "p50");
    else if (metric == IPM_GATE_OPERATION)
        value = number(json_object_get(record, "latency_ns"), "p50");
    else if (metric == IPM_GATE_MESSAGE)
        value = number(record, "elapsed_ns") / number(record, "messages");
    return value > 0 && isfinite(value) ? value : NAN;
}

enum ipm_gate_metric ipm_gate_metric_of(const json_t *record)
{
    for (int metric = 0; metric < IPM_GATE_METRICS; metric++) {
        if (!isnan(ipm_gate_value(record, (enum ipm_gate_metric)metric)))
            return (enum ipm_gate_metric)metric;
    }
    return IPM_GATE_METRICS;
}

/* A record echoes its point (docs/record.md): these name what was measured. */
static int compare_point(const json_t *record, const json_t *point, struct ipm_why *why)
{
    static const char *const keys[] = {"run",  "point",    "pass",      "invocation",
                                       "seed", "workload", "mechanism", "size",
                                       "cpus", "wait",     "window_ns"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const json_t *asked = json_object_get(point, keys[i]);
        const json_t *given = json_object_get(record, keys[i]);
        if (asked != NULL && !json_equal(asked, given))
            return ipm_why_set(why, -EBADMSG,
                               "the record is of another %s than was asked for",
                               keys[i]);
    }
    return 0;
}

int ipm_gate_usable(const json_t *record, const json_t *point, const char *build,
                    struct ipm_why *why)
{
    const char *status = ipm_describe_text(record, "status", "");
    const char *reason = ipm_describe_text(record, "reason", "it does not say why");
    if (strcmp(status, "skipped") == 0) {
        (void)ipm_why_set(why, -ENODEV, "skipped: %.200s", reason);
        return 1;
    }
    const char *phase = ipm_describe_text(record, "phase", "failed");
    /* Those that the driver wrote itself name the worker already. */
    if (strcmp(status, "ok") != 0 && strcmp(phase, "worker") == 0)
        return ipm_why_set(why, -EIO, "%.200s", reason);
    if (strcmp(status, "ok") != 0)
        return ipm_why_set(why, -EIO, "%.30s: %.200s", phase, reason);
    int error = compare_point(record, point, why);
    if (error != 0)
        return error;
    const char *built = ipm_describe_text(record, "build", build);
    if (strcmp(build, "unknown") != 0 && strcmp(built, build) != 0)
        return ipm_why_set(why, -EBADMSG,
                           "the record is of build %.40s, the worker was %.40s", built,
                           build);
    if (ipm_gate_metric_of(record) == IPM_GATE_METRICS)
        return ipm_why_set(why, -ENODATA, "nothing was measured");
    return 0;
}
