/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * topology: from a placement word to CPU numbers, among the CPUs this process may use.
 *
 * In a guest of a hypervisor the classes are those that the guest is shown
 * (harness/topology_trust.h).
 */
#ifndef IPM_HARNESS_TOPOLOGY_H
#define IPM_HARNESS_TOPOLOGY_H

#include "base/json.h"
#include "base/why.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    IPM_CPUS_MAX = 1024, /* as many as a cpu_set_t holds */
    IPM_NODES_MAX = 64,  /* memory nodes whose distances are known */
};

/* How far two CPUs are apart, nearest first. */
enum ipm_distance {
    IPM_SAME_CPU,
    IPM_SMT_SIBLING,
    IPM_SAME_LLC,
    IPM_CROSS_LLC,
    IPM_DISTANCE_UNKNOWN, /* another core, and nobody says which caches it shares */
    IPM_CROSS_NUMA,
    IPM_CROSS_SOCKET,
    IPM_DISTANCES,
};

extern const char *const ipm_distance_names[]; /* the classes of a record */

/* Words that a config may use for a placement; NULL-terminated. */
extern const char *const ipm_placement_words[];

/* Where one CPU is; equal numbers mean the same unit.  -1: unknown. */
struct ipm_cpu {
    int number; /* as the kernel counts */
    int core;
    int cache; /* last-level */
    int node;  /* index of its memory node */
    int package;
};

struct ipm_memory_node {
    int number; /* as the kernel counts */
    bool has_memory;
};

struct ipm_place {
    int cpus[2]; /* of side a and side b */
    int n_cpus;  /* 1 when both are the same */
    enum ipm_distance distance;
};

struct ipm_topology {
    size_t n_cpus;
    size_t n_isolated; /* behind them: never chosen, but they may be named */
    struct ipm_cpu cpus[IPM_CPUS_MAX]; /* in the order in which they are taken */
    bool known;                        /* false: nothing but the numbers is known */
    struct ipm_place
        nearest[IPM_DISTANCES]; /* a pair of each distance; n_cpus 0: none */
    size_t n_nodes;
    struct ipm_memory_node nodes[IPM_NODES_MAX];
    int node_distances[IPM_NODES_MAX][IPM_NODES_MAX]; /* from, to; a node's own: 10 */
};

/**
 * ipm_topology_read() - of this machine, as far as this process may use it
 *
 * CPUs outside the affinity mask, by a cpuset or by taskset, do not count.  Those isolated at
 * boot (sys/devices/system/cpu/isolated) are outside it too, but may be named where the
 * kernel lets this process run on them, which is tried.  Without hwloc only the numbers are
 * known.
 * @sysroot: what the list of isolated CPUs is read under; "" is this machine
 *
 * Return: 0; -errno.
 */
int ipm_topology_read(const char *sysroot, struct ipm_topology *out_topology,
                      struct ipm_why *why);

/**
 * ipm_topology_synthetic() - of a machine that hwloc makes up, for tests
 * @description: hwloc's synthetic format, "pack:2 l3:1 core:4 pu:2"
 *
 * Return: 0; -EINVAL; -ENOSYS built without hwloc.
 */
int ipm_topology_synthetic(struct ipm_topology *out_topology, const char *description,
                           struct ipm_why *why);

/* Fills @topology from a list of CPUs; @cpus at most IPM_CPUS_MAX. */
void ipm_topology_init(struct ipm_topology *topology, const struct ipm_cpu *cpus,
                       size_t n_cpus, bool known);

/**
 * ipm_topology_pairs() - all pairs of two CPUs that may be chosen
 *
 * Unordered: the smaller number is side a.  One that each is: whoever wants the other
 * direction names it.
 *
 * Return: a list of "cpus:A,B", rising, the caller's reference; empty with one CPU; NULL no
 *         memory.
 */
json_t *ipm_topology_pairs(const struct ipm_topology *topology);

/**
 * ipm_topology_place() - the CPUs that a placement means here
 * @placement: a placement word but for "all_pairs", which is many; or "cpus:A,B" or "cpus:A"
 *             with CPU numbers
 *
 * Return: 0; -ENODEV there is no such pair here, and @why says what is missing; -EINVAL
 *         not a placement.
 */
int ipm_topology_place(const struct ipm_topology *topology, const char *placement,
                       struct ipm_place *out_place, struct ipm_why *why);

/**
 * ipm_topology_spread() - CPUs for several pairs at once, each as far apart as the first
 * @first:    the first pair's place
 * @n_pairs:  >= 1
 * @out_cpus: two numbers per pair, side a and side b
 *
 * Pairs share no CPU as long as the machine has such; then they start again from the first.
 *
 * Return: how many pairs share none.
 */
size_t ipm_topology_spread(const struct ipm_topology *topology,
                           const struct ipm_place *first, size_t n_pairs,
                           int *out_cpus);

/**
 * ipm_topology_fan() - CPUs for one role on side a and many on side b
 * @first:    the place of the one and of the first of the many
 * @n:        how many the many are, >= 1
 * @out_cpus: 1 + @n numbers: of the one, then of each of the many
 *
 * Each of the many gets a CPU of its own, as far from the one as the first is, on a core of
 * its own as long as there are such; then they start again from the first.
 *
 * Return: on how many CPUs the many are.
 */
size_t ipm_topology_fan(const struct ipm_topology *topology,
                        const struct ipm_place *first, size_t n, int *out_cpus);

#endif
