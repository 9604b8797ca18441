/* SPDX-License-Identifier: MIT */
/*
 * sensor: the contract of what is read around a window.
 *
 * TASK sensors are opened, started, stopped and read by each role for itself, before
 * attach() so that threads a library starts are inherited; SYSTEM sensors by the leader.
 *
 *     open -> { start -> stop -> read } -> close
 *
 * Missing is never 0: what cannot be read is an ipm_metric without a value and with a
 * reason.  A sensor belongs to one pass, or to all, so that none disturbs another.
 */
#ifndef IPM_WORKER_SENSOR_H
#define IPM_WORKER_SENSOR_H

#include "base/metric.h"
#include "base/why.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ipm_scope { IPM_SCOPE_TASK, IPM_SCOPE_SYSTEM };

struct ipm_sensor_context {
    /* Prefix of every sysfs and proc path; "": the machine itself. */
    const char *sysroot;
    const char *pass;  /* "timing", "counters:core", "energy" ... */
    int64_t window_ns; /* as planned */
    /* Pass to the reason why it is not available here, as a probe said before; NULL:
     * nobody said. */
    const json_t *unavailable;
    /* What was asked of the sensors: the point's member "sensors" (docs/protocol.md), in
     * form by ipm_sensing_check(); NULL: nothing, all take their defaults. */
    const json_t *sensing;
    const int *cpus; /* of the roles, @n_cpus of them; NULL: not placed yet */
    int n_cpus;
};

struct ipm_sensor_row {
    const char *name; /* of the metric; NULL ends a table */
    const char *unit;
};

struct ipm_sensor {
    const char *name; /* [a-z0-9_]+, the file's stem */
    int version;
    const char *family;  /* "kernel accounting", "counters", "energy" */
    const char *summary; /* at most 60 characters */
    const char *source;  /* of its metrics: "getrusage", "perf" ... */
    enum ipm_scope scope;
    /* The pass it belongs to; NULL: every pass.  "energy" is "idle" too, whose windows are
     * the baseline of the others. */
    const char *pass;
    /* "perf" or "papi": of the hardware counters, opened only where that one is asked for;
     * NULL: not bound to a back end. */
    const char *back_end;
    int64_t min_window_ns;                /* shorter windows are too_short; 0: none */
    const struct ipm_sensor_row *metrics; /* it reads at the least; NULL with @rows */
    size_t state_size;

    /* Really try it; leave nothing behind.  0, or -errno with the reason in @why. */
    int (*probe)(const struct ipm_sensor_context *context, struct ipm_why *why);
    /* On failure the sensor is left closed. */
    int (*open)(void *state, const struct ipm_sensor_context *context,
                struct ipm_why *why);
    void (*start)(void *state);
    void (*stop)(void *state);
    /* Writes at most @room metrics of the stopped window; returns how many.  Every row of
     * @metrics is among them, as a value or as missing. */
    size_t (*read)(void *state, struct ipm_metric *out_metrics, size_t room);
    void (*close)(void *state);

    /* Optional, both or none: a sensor that reads what it is asked for (context->sensing).
     * @passes: how many passes that takes; they are PASS:1 to PASS:n, and the sensor is
     * opened in each of them.  0: nothing is asked for, and the sensor is left out.
     * @rows: names, units and source of the metrics of context->pass, one of these, at the
     * least; called in every pass, so it looks nothing up. */
    int (*passes)(const struct ipm_sensor_context *context);
    size_t (*rows)(const struct ipm_sensor_context *context,
                   struct ipm_metric *out_metrics, size_t room);
    /* Optional: what a metric counts on this machine, where its name does not say it, as
     * one line.  False: nothing to say. */
    bool (*counts)(const struct ipm_sensor_context *context, const char *metric,
                   char *out_text, size_t room);
};

/* All sensors, in the order of list.def; NULL-terminated. */
extern const struct ipm_sensor *const ipm_sensors[];

/**
 * ipm_sensor_check() - are names, texts, hooks and metrics of a sensor in order?
 *
 * Return: 0; -EINVAL with the first fault in @why.
 */
int ipm_sensor_check(const struct ipm_sensor *sensor, struct ipm_why *why);

enum { IPM_ASKED_EVENTS_MAX = 32 }; /* most events of one point's member "sensors" */

/**
 * ipm_sensing_check() - is what is asked of the sensors (docs/protocol.md) in form?
 * @sensing: NULL is
 *
 * Return: 0; -EINVAL with the first fault in @why.
 */
int ipm_sensing_check(const json_t *sensing, struct ipm_why *why);

/* Why a sensor is not the one that was asked for, "not_chosen: ..."; NULL: it is. */
const char *ipm_sensor_not_chosen(const struct ipm_sensor *sensor,
                                  const json_t *sensing);

enum { IPM_SENSORS_MAX = 64, IPM_METRICS_MAX = 160, IPM_PASS_TEXT = 32 };

/* The name of a sensor's pass number @part, from 1; 0: of a sensor without @passes. */
const char *ipm_sensor_pass(const struct ipm_sensor *sensor, int part,
                            char text[IPM_PASS_TEXT]);

/* The sensors of one scope that one process runs around its window. */
struct ipm_sensor_set {
    struct ipm_sensor_context context;
    int n;
    struct {
        const struct ipm_sensor *sensor;
        int part;    /* which of its passes; 0: it has one, or is in all */
        void *state; /* NULL: not open, and @why and @error say why */
        int error;
        struct ipm_why why;
        const char
            *elsewhere; /* of another pass: the reason its metrics read; or NULL */
    } entries[IPM_SENSORS_MAX];
};

/**
 * ipm_sensor_set_open() - open every sensor of a scope that belongs to the context's pass
 *
 * Never fails as a whole: a sensor that cannot be opened reads as missing, with its reason.
 * One of another pass is not touched at all - having merely tried an event slows the task
 * switches that follow (docs/method.md) - and reads what context->unavailable says of its
 * pass, else "not_in_this_pass: belongs to PASS".  One of the back end that was not asked
 * for is not touched in any pass and reads "not_chosen: ..."; a module's (modules.def) is
 * then not in the set at all.  With {"off": true} in context->sensing none is touched: what
 * sensors cost can be measured.  The texts of the context must outlive the set.
 */
void ipm_sensor_set_open(struct ipm_sensor_set *set, enum ipm_scope scope,
                         const struct ipm_sensor_context *context);
/* Starts in order, stops in reverse order: the last opened is nearest to the window. */
void ipm_sensor_set_start(struct ipm_sensor_set *set);
void ipm_sensor_set_stop(struct ipm_sensor_set *set);
size_t ipm_sensor_set_read(struct ipm_sensor_set *set, struct ipm_metric *out_metrics,
                           size_t room);
void ipm_sensor_set_close(struct ipm_sensor_set *set);

#endif
