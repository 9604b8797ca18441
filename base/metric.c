/* SPDX-License-Identifier: MIT */
#include "base/metric.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void name_metric(struct ipm_metric *metric, const char *name, const char *unit,
                        const char *source)
{
    memset(metric, 0, sizeof(*metric));
    (void)snprintf(metric->name, sizeof(metric->name), "%s", name);
    (void)snprintf(metric->unit, sizeof(metric->unit), "%s", unit);
    (void)snprintf(metric->source, sizeof(metric->source), "%s", source);
}

struct ipm_metric ipm_metric_value(const char *name, const char *unit,
                                   const char *source, double value)
{
    if (!isfinite(value))
        return ipm_metric_missing(name, unit, source, "failed: not a finite number");
    struct ipm_metric metric;
    name_metric(&metric, name, unit, source);
    metric.value = value;
    metric.status = IPM_METRIC_OK;
    return metric;
}

struct ipm_metric ipm_metric_missing(const char *name, const char *unit,
                                     const char *source, const char *format, ...)
{
    struct ipm_metric metric;
    name_metric(&metric, name, unit, source);
    metric.status = IPM_METRIC_UNAVAILABLE;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(metric.reason, sizeof(metric.reason), format, arguments);
    va_end(arguments);
    return metric;
}

struct ipm_metric ipm_metric_failed(const char *name, const char *unit,
                                    const char *source, int error,
                                    const struct ipm_why *why)
{
    return ipm_metric_missing(name, unit, source, "%s: %s", ipm_why_class(error),
                              why->text);
}

void ipm_metric_add(struct ipm_metric *into, const struct ipm_metric *from)
{
    if (into->status != IPM_METRIC_OK)
        return;
    if (from->status == IPM_METRIC_OK) {
        into->value += from->value;
        return;
    }
    into->status = IPM_METRIC_UNAVAILABLE;
    memcpy(into->reason, from->reason, sizeof(into->reason));
}

json_t *ipm_metric_json(const struct ipm_metric *metric)
{
    bool ok = metric->status == IPM_METRIC_OK;
    json_t *json = json_object();
    (void)json_object_set_new(json, "value",
                              ok ? ipm_json_number(metric->value) : json_null());
    (void)json_object_set_new(json, "unit", ipm_json_text(metric->unit));
    (void)json_object_set_new(json, "status", json_string(ok ? "ok" : "unavailable"));
    (void)json_object_set_new(json, "source", ipm_json_text(metric->source));
    if (metric->provenance[0] != '\0')
        (void)json_object_set_new(json, "provenance",
                                  ipm_json_text(metric->provenance));
    (void)json_object_set_new(json, "reason",
                              ok ? json_null() : ipm_json_text(metric->reason));
    return json;
}
