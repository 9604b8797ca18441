/* SPDX-License-Identifier: MIT */
/*
 * registry: the mechanisms that this worker has - those of list.def and those of plug-ins.
 */
#ifndef IPM_MECHANISMS_REGISTRY_H
#define IPM_MECHANISMS_REGISTRY_H

#include "mechanisms/mechanism.h"

enum { IPM_MECHANISMS_MAX = 128 };

/* The built-in mechanisms and floors, then those of plug-ins in the order of loading;
 * NULL-terminated. */
const struct ipm_mechanism *const *ipm_mechanisms(void);

/* Those of plug-ins alone; NULL-terminated. */
const struct ipm_mechanism *const *ipm_mechanisms_of_plugins(void);

/* By name; NULL when there is none. */
const struct ipm_mechanism *ipm_mechanism_find(const char *name);

/* Puts @by, of the same name, in the place of @mechanism, which the registry has. */
void ipm_mechanism_replace(const struct ipm_mechanism *mechanism,
                           const struct ipm_mechanism *by);

/**
 * ipm_mechanism_check() - do hooks, capabilities, limits and names agree?
 *
 * Nothing behind a wrong ABI number is read; of the rest no pointer is trusted to be there.
 *
 * Return: 0; -EPROTO another ABI; -EINVAL with the first contradiction in @why.
 */
int ipm_mechanism_check(const struct ipm_mechanism *mechanism, struct ipm_why *why);

/**
 * ipm_plugin_load() - add the mechanisms of a shared object, all or none
 * @path: holds a symbol `ipm_plugin_mechanisms`, a NULL-terminated array of
 *        `const struct ipm_mechanism *const`
 *
 * Return: 0; -ENOEXEC not a plug-in; -EPROTO built for another ABI; -EEXIST a name is
 *         taken; -ENOSPC; -EINVAL a mechanism contradicts itself.
 */
int ipm_plugin_load(const char *path, struct ipm_why *why);

#endif
