/* SPDX-License-Identifier: MIT */
/*
 * meter: is a source of energy fit to be used?  Looked into once before a run, by reading
 * it at rest and beside one spinning core (`ipcmeter-worker meter`, docs/protocol.md).
 *
 * A counter that can be opened proves nothing: hypervisors answer 0 or once a second, two
 * zones can be one, and a filter may stand before the meter.
 */
#ifndef IPM_WORKER_METER_H
#define IPM_WORKER_METER_H

#include "base/json.h"
#include "harness/worker/sensors/energy_zones.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    IPM_METER_LOOKS = 3, /* 50 ms apart */
    IPM_METER_IDLE = 8,  /* windows of 110 ms asleep */
    IPM_METER_SPIN = 9,  /* windows of 110 ms with one core busy */
    IPM_METER_WINDOWS = IPM_METER_IDLE + IPM_METER_SPIN,
};

/* What was seen of one zone. */
struct ipm_meter_zone {
    int error; /* of a read; 0: none */
    uint64_t looks[IPM_METER_LOOKS];
    uint64_t ends[2];                    /* before the first window, after the last */
    double energy_uj[IPM_METER_WINDOWS]; /* 0: it stood still; -1: it was reset */
};

/* What was seen of one source. */
struct ipm_meter_source {
    const struct ipm_energy_source *source;
    int error; /* of the scan; 0: it is open */
    struct ipm_why why;
    struct ipm_zones zones;
    struct ipm_meter_zone seen[IPM_ZONES];
    int64_t elapsed_ns[IPM_METER_WINDOWS];
    int64_t period_ns; /* between two updates; 0: it never moved */
};

enum ipm_filtering {
    IPM_FILTERING_NONE, /* not a CPU that has such a thing */
    IPM_FILTERING_OFF,
    IPM_FILTERING_ON,
    IPM_FILTERING_UNKNOWN,
};

/**
 * ipm_energy_filtering() - does the CPU blur its energy counters?
 * @text: why we think so
 *
 * On Intel CPUs energy filtering (INTEL-SA-00389) is on where SGX is, or by bit 0 of MSR
 * 0xBC; readings may then be off by half.
 */
enum ipm_filtering ipm_energy_filtering(const char *sysroot, char *text, size_t room);

/**
 * ipm_meter_verdict() - from what was seen to accepted or not, with each test and its text
 * @named:     the user asked for this very source: what hypervisors attribute, slow meters
 *             and filters are then his own decision, and a missing value still is none
 *
 * Return: the source's object of docs/protocol.md; the caller owns it.
 */
json_t *ipm_meter_verdict(const struct ipm_meter_source *meter,
                          const struct ipm_sensor_context *context, bool named);

/**
 * ipm_meter_examine() - look into every source, or the one that @sensing names
 *
 * Takes about 2.1 s where there is a meter, and no time where there is none.  Uses one CPU
 * for 1 s of it.
 *
 * Return: the document of docs/protocol.md; the caller owns it.  NULL: out of memory.
 */
json_t *ipm_meter_examine(const char *sysroot, const json_t *sensing);

#endif
