/* SPDX-License-Identifier: MIT */
/*
 * modules: sensors that need a library, in shared objects of our own.
 *
 * An object holds a symbol `ipm_module_sensors`, a NULL-terminated array of
 * `const struct ipm_sensor *const`, and uses base/ and the sensors' helpers (exercise.h,
 * perf.h) of the worker that loads it.  What is not loaded, or cannot be, is stood for by a sensor of the same name, pass and metrics
 * that says why.
 */
#ifndef IPM_WORKER_SENSOR_MODULES_H
#define IPM_WORKER_SENSOR_MODULES_H

#include "harness/worker/sensors/sensor.h"

#include <stdbool.h>

enum {
#define IPM_SENSOR_MODULE(object, name, ...) IPM_SENSOR_MODULE_##name,
#include "harness/worker/sensors/modules.def"
#undef IPM_SENSOR_MODULE
    IPM_SENSOR_MODULES,
};

/* The sensor of line @index of modules.def as it stands; @wanted: its object is tried first,
 * once in a process.  NULL: there are no more lines. */
const struct ipm_sensor *ipm_sensor_module(size_t index, bool wanted);

#endif
