/* SPDX-License-Identifier: MIT */
/*
 * powercap_tree: the energy counters under sys/class/powercap, each part of the machine
 * once.
 *
 * The flat folder lists a tree: a package contains core and uncore, dram stands beside
 * them, psys contains everything.  Zones are told by their `name`, never by their number,
 * and the same package may be listed twice, by MSR and by MMIO.
 */
#ifndef IPM_WORKER_POWERCAP_TREE_H
#define IPM_WORKER_POWERCAP_TREE_H

#include "base/why.h"

#include <stdint.h>

enum ipm_zone_kind {
    IPM_ZONE_PACKAGE,
    IPM_ZONE_DRAM,
    IPM_ZONE_CORE,
    IPM_ZONE_UNCORE,
    IPM_ZONE_PSYS,
    IPM_ZONE_KINDS,
};

struct ipm_zone {
    enum ipm_zone_kind kind;
    int rank;         /* of its control type; the lower is preferred */
    char name[32];    /* "package-0", "dram" */
    char key[72];     /* the part of the machine: "package-0", "package-0/dram" */
    int fd;           /* its energy_uj; -1: not open, @error and @why say why */
    int64_t range_uj; /* > 0: the counter starts again at 0 beyond it */
    int error;
    struct ipm_why why;
};

enum { IPM_ZONES = 64 };

struct ipm_powercap_tree {
    int n;
    struct ipm_zone zones[IPM_ZONES];
};

/**
 * ipm_powercap_scan() - find and open every energy counter that is a part of its own
 * @sysroot: prefix of the path; "": the machine itself
 *
 * Zones that cannot be read are in the tree, with their reason: a sum that lacks one of its
 * parts must not look whole.
 *
 * Return: 0, one counter at least is open; -ENOENT no tree or no zone; -ENODATA there are
 *         zones, but a container hides them or they are empty; -EACCES; -E2BIG more than
 *         IPM_ZONES; -errno.  On failure nothing is left open.
 */
int ipm_powercap_scan(struct ipm_powercap_tree *out_tree, const char *sysroot,
                      struct ipm_why *why);

void ipm_powercap_close(struct ipm_powercap_tree *tree);

/* The counter now, in [0, range].  -ENODATA it reads empty; -EPROTO it reads no number;
 * -errno. */
int ipm_powercap_read(int fd, int64_t *out_uj);

#endif
