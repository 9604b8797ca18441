/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * host: what machine this is, as far as a result may tell it.
 *
 * Results are made to be shared: no host name, user, serial number, machine id, command
 * line or path is read, let alone written.
 */
#ifndef IPM_HARNESS_HOST_H
#define IPM_HARNESS_HOST_H

#include "base/json.h"

#include <stddef.h>

/**
 * ipm_host_json() - the machine as an object; a new reference
 *
 * {class, architecture, cpu_model, vendor, family, model, stepping, microcode, packages,
 * cores, threads, caches: [{level, type, bytes}], numa_nodes, memory_gib, hypervisor,
 * topology: "hardware" or "hypervisor", topology_reason (harness/topology_trust.h),
 * kernel, clocksource, mitigations: {name: text}, pcid, invpcid, page_table_isolation,
 * core_kinds: {fast, slow}, boot_options: [text], container, libc, compiler, libraries:
 * {name: version}}.  What cannot be told is null; hypervisor is false when the CPU says
 * that there is none, container when none left a mark; core_kinds is null where there is
 * one kind.
 *
 * `class` is a hash of what stays the same over reboots and updates: architecture, CPU
 * identity, counts, caches, memory and hypervisor.  Equal classes may be compared; clocks,
 * which differ from boot to boot, are not in it.
 */
json_t *ipm_host_json(const char *sysroot);

/**
 * ipm_hypervisor() - what hypervisor this machine runs under
 * @name: written when there is one: "kvm", "vmware" ..., or "unknown"
 *
 * Return: 0 none; 1 there is one; -ENODATA it cannot be told here.
 */
int ipm_hypervisor(const char *sysroot, char *name, size_t room);

#endif
