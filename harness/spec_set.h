/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * spec_set: the --set of the command line, put into a config before it is checked, so that
 * one set of rules holds for both.
 *
 *     mechanisms=pipe,shm_ring    workloads=pingpong    of every sweep
 *     size=64,4096   shm_ring.backing=memfd             an axis of every sweep
 *     repeat.window=20ms   sensors.energy=off   name=x  a key of the top; for repeat, of
 *                                                       every sweep that overrides it too
 *
 * A value is JSON where it starts like a list, an object or a quoted text; else commas
 * part it into words and numbers.  Of a mix of sizes neighbours with colons stay together:
 * size_mix=imix,64:9,4096:1 is two values, and where all of them bring sizes, those that
 * sweeps list are dropped.
 */
#ifndef IPM_HARNESS_SPEC_SET_H
#define IPM_HARNESS_SPEC_SET_H

#include "harness/diagnostics.h"

#include <jansson.h>
#include <stddef.h>

/* Changes @root, an object; what it puts there becomes an overlay of the diagnostics. */
void ipm_spec_set(json_t *root, const char *const *sets, size_t n_sets,
                  const json_t *describe, struct ipm_diagnostics *diagnostics);

#endif
