/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/topology_nodes.h"

#include <errno.h>

#if IPM_HAVE_HWLOC
#include <hwloc.h>
#include <hwloc/distances.h>

enum {
    SAME_PACKAGE = 20,
    OTHER_PACKAGE = 30
}; /* as firmware counts: a node's own is 10 */

static int package_of(struct hwloc_topology *tree, hwloc_obj_t node)
{
    hwloc_obj_t package = hwloc_get_ancestor_obj_by_type(tree, HWLOC_OBJ_PACKAGE, node);
    return package != NULL ? (int)package->logical_index : 0;
}

/* The firmware's own table alone: what hwloc can be told besides is no distance. */
static void read_distances(struct ipm_topology *topology, struct hwloc_topology *tree)
{
    struct hwloc_distances_s *table = NULL;
    unsigned n = 1;
    if (hwloc_distances_get_by_type(tree, HWLOC_OBJ_NUMANODE, &n, &table,
                                    HWLOC_DISTANCES_KIND_FROM_OS |
                                        HWLOC_DISTANCES_KIND_MEANS_LATENCY,
                                    0) != 0 ||
        n == 0)
        return;
    for (unsigned i = 0; i < table->nbobjs; i++) {
        for (unsigned j = 0; j < table->nbobjs; j++) {
            if (table->objs[i] == NULL || table->objs[j] == NULL)
                continue;
            unsigned from = table->objs[i]->logical_index;
            unsigned to = table->objs[j]->logical_index;
            if (from < IPM_NODES_MAX && to < IPM_NODES_MAX)
                topology->node_distances[from][to] =
                    (int)table->values[i * table->nbobjs + j];
        }
    }
    hwloc_distances_release(tree, table);
}

void ipm_topology_read_nodes(struct ipm_topology *topology, struct hwloc_topology *tree)
{
    int packages[IPM_NODES_MAX];
    hwloc_obj_t node = NULL;
    size_t n = 0;
    while (n < IPM_NODES_MAX && (node = hwloc_get_next_obj_by_type(
                                     tree, HWLOC_OBJ_NUMANODE, node)) != NULL) {
        packages[n] = package_of(tree, node);
        topology->nodes[n++] = (struct ipm_memory_node){
            .number = (int)node->os_index,
            .has_memory = node->attr->numanode.local_memory > 0};
    }
    topology->n_nodes = n;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++)
            topology->node_distances[i][j] = i == j ? 10
                                             : packages[i] == packages[j]
                                                 ? SAME_PACKAGE
                                                 : OTHER_PACKAGE;
    }
    read_distances(topology, tree);
}
#endif

static int node_of(const struct ipm_topology *topology, int cpu)
{
    for (size_t i = 0; i < topology->n_cpus + topology->n_isolated; i++) {
        if (topology->cpus[i].number == cpu)
            return topology->cpus[i].node;
    }
    return -1;
}

int ipm_topology_remote(const struct ipm_topology *topology, int cpu,
                        bool (*usable)(const void *context, int node),
                        const void *context, struct ipm_why *why)
{
    if (!topology->known)
        return ipm_why_set(why, -ENODEV, "this build has no hwloc to tell");
    int own = node_of(topology, cpu);
    if (own < 0 || (size_t)own >= topology->n_nodes)
        return ipm_why_set(why, -ENODEV, "nobody tells which node is CPU %d's own",
                           cpu);
    const struct ipm_memory_node *found = NULL;
    int farthest = 0;
    for (size_t i = 0; i < topology->n_nodes; i++) {
        const struct ipm_memory_node *node = &topology->nodes[i];
        int distance = topology->node_distances[own][i];
        if (i == (size_t)own || !node->has_memory || !usable(context, node->number))
            continue;
        if (found != NULL && (distance < farthest ||
                              (distance == farthest && node->number > found->number)))
            continue;
        found = node;
        farthest = distance;
    }
    if (found != NULL)
        return found->number;
    return ipm_why_set(why, -ENODEV,
                       topology->n_nodes < 2 ? "this machine has one memory node"
                                             : "no other memory node may be used");
}
