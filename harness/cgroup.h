/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cgroup: what the control group and the container around this process take away.
 */
#ifndef IPM_HARNESS_CGROUP_H
#define IPM_HARNESS_CGROUP_H

#include <stddef.h>
#include <stdint.h>

/* Version of the hierarchy that rules the CPU: 1 or 2; 0: none is mounted. */
int ipm_cgroup_version(const char *sysroot);

/* CPUs' worth of time of the tightest limit from our own group up to the root, whose groups
 * all apply; 0: no limit; -1: it cannot be told. */
double ipm_cgroup_quota(const char *sysroot);

/* Bytes that the tightest limit of memory leaves us, cached files not counted as used; -1:
 * there is none, or none is told. */
int64_t ipm_cgroup_memory(const char *sysroot);

/* How often our group, or the innermost one around it that tells, was stopped for having
 * used up its quota; -1: not told. */
int64_t ipm_cgroup_throttles(const char *sysroot);

/**
 * ipm_container() - the kind of container around this process
 * @name: written when there is one: "docker", "podman", "kubernetes", "lxc",
 *        "systemd-nspawn", ... or "unknown"
 *
 * Engines leave no common mark: those that leave none are not seen.
 *
 * Return: 0 none that leaves a mark; 1 there is one; -ENODATA no mark can be looked for.
 */
int ipm_container(const char *sysroot, char *name, size_t room);

#endif
