/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * energy: which meter a run believes, decided once before its first window.
 *
 * The worker examines its meters itself (`ipcmeter-worker meter`, docs/protocol.md); here its
 * verdict is taken or not.  Only a measuring source is ever chosen without being asked for;
 * what hypervisors attribute must be named, what is estimated or simulated must be asked for
 * with its parameters.
 */
#ifndef IPM_HARNESS_ENERGY_H
#define IPM_HARNESS_ENERGY_H

#include "base/json.h"
#include "base/why.h"
#include "harness/describe.h"
#include "harness/spec.h"

#include <signal.h>
#include <stdbool.h>

/* What the config asks for: "auto", "off", a source's name, or an object with the one member
 * "estimated" or "simulated".  The caller's reference. */
json_t *ipm_energy_asked(const struct ipm_spec *spec);

/**
 * ipm_energy_judge() - from what the worker found out about its meters to a verdict
 * @asked: as ipm_energy_asked() gives it, a text
 * @meter: what `ipcmeter-worker meter` printed: {"sources": [{source, accepted, provenance,
 *         reason, ...}]}, best first
 *
 * Returns a new reference to {asked, accepted, source, provenance, reason, parameters,
 * sources}: source, provenance null and a reason ("CLASS: SOURCE: text", then the other
 * sources') unless accepted.
 */
json_t *ipm_energy_judge(const json_t *asked, const json_t *meter);

/**
 * ipm_energy_examine() - the verdict for a run; seconds, and only where there is a meter
 * @interrupted:  see struct ipm_spawn; may be NULL
 * @describe:     the passes energy and idle become unavailable when no meter is accepted
 * @out_verdict:  as ipm_energy_judge() makes it; the caller's reference
 *
 * Return: 0, whatever the verdict; 1 interrupted; -ENOMEM.
 */
int ipm_energy_examine(const struct ipm_worker *worker, const struct ipm_spec *spec,
                       const volatile sig_atomic_t *interrupted, json_t *describe,
                       json_t **out_verdict, struct ipm_why *why);

/* What a point asks of the sensors (its member "sensors") once the meter is chosen: the
 * config's wishes, and the accepted source by its name.  The caller's reference; NULL when
 * there is nothing to say, or no memory. */
json_t *ipm_energy_sensors(const struct ipm_spec *spec, const json_t *verdict);

#endif
