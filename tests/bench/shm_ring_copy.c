/* SPDX-License-Identifier: MIT */
/*
 * shm_ring_copy: shm_ring as a plug-in, from the same sources under another name, so that
 * floors.sh can say what being a plug-in costs.  Its helpers are linked in and hidden: a
 * call would else end in the worker's own.
 */
#define ipm_mechanism_shm_ring copied_mechanism
#include "mechanisms/shm_ring.c"

static struct ipm_mechanism shm_ring_copy;

/* A name inside a constant cannot be had otherwise without repeating the constant. */
static __attribute__((constructor)) void rename_copy(void)
{
    shm_ring_copy = copied_mechanism;
    shm_ring_copy.name = "shm_ring_copy";
}

const struct ipm_mechanism *const ipm_plugin_mechanisms[] = {&shm_ring_copy, NULL};
