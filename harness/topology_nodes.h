/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * topology_nodes: the memory nodes of a machine, and how far they are apart.
 */
#ifndef IPM_HARNESS_TOPOLOGY_NODES_H
#define IPM_HARNESS_TOPOLOGY_NODES_H

#include "harness/topology.h"

struct hwloc_topology;

/* Fills the nodes of @topology from a loaded tree of hwloc's.  Distances are the firmware's
 * where it tells them; else 20 to a node of the same package and 30 to one of another. */
void ipm_topology_read_nodes(struct ipm_topology *topology,
                             struct hwloc_topology *tree);

/**
 * ipm_topology_remote() - the number of the memory node farthest from a CPU's own
 * @cpu:    a CPU of the topology
 * @usable: may that node be used?  of nodes without memory nobody is asked
 *
 * Of several as far the one with the lowest number.
 *
 * Return: >= 0; -ENODEV there is no other, or nobody tells which is the CPU's own, and @why
 *         says so.
 */
int ipm_topology_remote(const struct ipm_topology *topology, int cpu,
                        bool (*usable)(const void *context, int node),
                        const void *context, struct ipm_why *why);

#endif
