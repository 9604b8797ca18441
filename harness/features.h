/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * features: what the CPU, the kernel's boot and the build bring along that does not change
 * while the machine is up.
 */
#ifndef IPM_HARNESS_FEATURES_H
#define IPM_HARNESS_FEATURES_H

#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>

/* Is @flag among the flags (x86) or features (Arm) of proc/cpuinfo?  1 it is; 0 it is not;
 * -ENODATA there are none to look at. */
int ipm_cpu_flag(const char *sysroot, const char *flag);

/* CPU lists of the kinds of core, "" where there is one kind alone. */
struct ipm_core_kinds {
    char fast[128];
    char small[128]; /* of all slower kinds */
};

/* True: there are several kinds.  By Intel's hybrid PMUs, else by cpu_capacity. */
bool ipm_core_kinds(const char *sysroot, struct ipm_core_kinds *out_kinds);

/**
 * ipm_boot_options() - the boot options that change what IPC costs
 *
 * From a list of our own: the command line as a whole names disks, hosts and users.
 *
 * Return: array of texts, as given at boot; null when it cannot be read; a new reference.
 */
json_t *ipm_boot_options(const char *sysroot);

/* Is this very word on the kernel's command line? */
bool ipm_boot_option(const char *sysroot, const char *word);

/* Mitigation text of one issue ("meltdown").  0; -errno. */
int ipm_mitigation(const char *sysroot, const char *issue, char *text, size_t room);

/* Page table isolation: 1 on, 0 off, -ENODATA not told. */
int ipm_page_table_isolation(const char *sysroot);

/* {NAME: version or null} of the libraries that this program was built with. */
json_t *ipm_library_versions(void);

#endif
