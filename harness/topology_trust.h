/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * topology_trust: whether the CPUs, cores and caches that the kernel shows are the machine's.
 *
 * The rule: under a hypervisor they are what it chose to show, and never proof.  It may run
 * any virtual CPU on any CPU of the host, two of them on the threads of one core, and move
 * them at any time; pinning is not visible from inside, and CPUID leaves 4, 0xB and 0x1F,
 * which the kernel builds sysfs from on x86, are answered by the hypervisor (Intel SDM vol. 3C,
 * "Instructions That Cause VM Exits Unconditionally"; KVM API, KVM_SET_CPUID2).  What looks made up in addition is told as
 * a reason: sockets of one CPU each, no cache that two CPUs share, a processor with threads
 * that shows none.
 */
#ifndef IPM_HARNESS_TOPOLOGY_TRUST_H
#define IPM_HARNESS_TOPOLOGY_TRUST_H

#include <stddef.h>

/**
 * ipm_topology_trust() - whose topology this is
 * @sysroot:    "" is this machine
 * @out_reason: why it is not trusted, or not known to be; "" for "hardware"
 *
 * Return: "hardware" no hypervisor; "hypervisor" it is one's; NULL nobody tells.
 */
const char *ipm_topology_trust(const char *sysroot, char *out_reason, size_t room);

#endif
