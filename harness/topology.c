/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/topology.h"

#include "base/cpu_list.h"
#include "harness/sysroot.h"
#include "harness/topology_nodes.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if IPM_HAVE_HWLOC
#include <hwloc.h>
#endif

const char *const ipm_distance_names[] = {
    "same_cpu", "smt_sibling", "same_llc",     "cross_llc",
    "unknown",  "cross_numa",  "cross_socket", NULL,
};

const char *const ipm_placement_words[] = {
    "same_cpu",     "smt_sibling",  "same_llc",  "cross_llc", "cross_numa",
    "cross_socket", "nearest_core", "all_pairs", NULL,
};

static enum ipm_distance distance(const struct ipm_topology *topology,
                                  const struct ipm_cpu *a, const struct ipm_cpu *b)
{
    if (a->number == b->number)
        return IPM_SAME_CPU;
    if (!topology->known)
        return IPM_DISTANCE_UNKNOWN;
    if (a->core == b->core)
        return IPM_SMT_SIBLING;
    if (a->package != b->package)
        return IPM_CROSS_SOCKET;
    if (a->node != b->node)
        return IPM_CROSS_NUMA;
    if (a->cache < 0 || b->cache < 0)
        return IPM_DISTANCE_UNKNOWN;
    return a->cache == b->cache ? IPM_SAME_LLC : IPM_CROSS_LLC;
}

static struct ipm_place pair(const struct ipm_topology *topology,
                             const struct ipm_cpu *a, const struct ipm_cpu *b)
{
    return (struct ipm_place){.cpus = {a->number, b->number},
                              .n_cpus = a->number == b->number ? 1 : 2,
                              .distance = distance(topology, a, b)};
}

/* The core of CPU 0 does the housekeeping of most machines: it is taken last. */
static void sort(struct ipm_topology *topology)
{
    int busy = -1;
    for (size_t i = 0; i < topology->n_cpus; i++) {
        if (topology->cpus[i].number == 0)
            busy = topology->cpus[i].core;
    }
    for (size_t i = 1; i < topology->n_cpus; i++) {
        struct ipm_cpu moved = topology->cpus[i];
        size_t place = i;
        for (; place > 0; place--) {
            const struct ipm_cpu *other = &topology->cpus[place - 1];
            bool moved_last = moved.core == busy;
            bool other_last = other->core == busy;
            if (moved_last != other_last ? moved_last : moved.number > other->number)
                break;
            topology->cpus[place] = *other;
        }
        topology->cpus[place] = moved;
    }
}

void ipm_topology_init(struct ipm_topology *topology, const struct ipm_cpu *cpus,
                       size_t n_cpus, bool known)
{
    *topology = (struct ipm_topology){.n_cpus = n_cpus, .known = known};
    memcpy(topology->cpus, cpus, n_cpus * sizeof(cpus[0]));
    sort(topology);
    for (size_t i = 0; i < n_cpus; i++) {
        for (size_t j = 0; j < n_cpus; j++) {
            struct ipm_place place =
                pair(topology, &topology->cpus[i], &topology->cpus[j]);
            if (topology->nearest[place.distance].n_cpus == 0)
                topology->nearest[place.distance] = place;
        }
    }
}

/* What this process may run on, and what it may if told so by number. */
struct usable {
    cpu_set_t allowed;
    cpu_set_t isolated;
};

/* Behind those that are chosen from: at most IPM_CPUS_MAX in all. */
static void add_isolated(struct ipm_topology *topology, const struct ipm_cpu *isolated,
                         size_t n_isolated)
{
    topology->n_isolated = n_isolated;
    memcpy(topology->cpus + topology->n_cpus, isolated,
           n_isolated * sizeof(isolated[0]));
}

#if IPM_HAVE_HWLOC

static int last_level_cache(hwloc_obj_t unit)
{
    int cache = -1;
    for (hwloc_obj_t at = unit->parent; at != NULL; at = at->parent) {
        if (hwloc_obj_type_is_dcache(at->type))
            cache = (int)at->gp_index;
    }
    return cache;
}

static int ancestor(hwloc_topology_t tree, hwloc_obj_t unit, hwloc_obj_type_t type,
                    int otherwise)
{
    hwloc_obj_t found = hwloc_get_ancestor_obj_by_type(tree, type, unit);
    return found != NULL ? (int)found->logical_index : otherwise;
}

static int numa_node(hwloc_topology_t tree, hwloc_obj_t unit)
{
    hwloc_obj_t node = NULL;
    while ((node = hwloc_get_next_obj_by_type(tree, HWLOC_OBJ_NUMANODE, node)) !=
           NULL) {
        if (hwloc_bitmap_isset(node->cpuset, unit->os_index))
            return (int)node->logical_index;
    }
    return -1;
}

static int read_tree(struct ipm_topology *out_topology, hwloc_topology_t tree,
                     const struct usable *usable, struct ipm_why *why)
{
    static struct ipm_cpu cpus[IPM_CPUS_MAX];
    static struct ipm_cpu isolated[IPM_CPUS_MAX];
    size_t n = 0;
    size_t n_isolated = 0;
    hwloc_obj_t unit = NULL;
    while ((unit = hwloc_get_next_obj_by_type(tree, HWLOC_OBJ_PU, unit)) != NULL) {
        if (unit->os_index >= IPM_CPUS_MAX || n + n_isolated == IPM_CPUS_MAX)
            continue;
        int number = (int)unit->os_index;
        bool chosen = usable == NULL || CPU_ISSET(unit->os_index, &usable->allowed);
        if (!chosen && !CPU_ISSET(unit->os_index, &usable->isolated))
            continue;
        struct ipm_cpu *cpu = chosen ? &cpus[n++] : &isolated[n_isolated++];
        *cpu = (struct ipm_cpu){
            .number = number,
            /* No core object: every unit is one. */
            .core = ancestor(tree, unit, HWLOC_OBJ_CORE, number),
            .cache = last_level_cache(unit),
            .node = numa_node(tree, unit),
            .package = ancestor(tree, unit, HWLOC_OBJ_PACKAGE, 0),
        };
    }
    if (n == 0)
        return ipm_why_set(why, -ENODEV, "hwloc shows none of the CPUs we may use");
    ipm_topology_init(out_topology, cpus, n, true);
    add_isolated(out_topology, isolated, n_isolated);
    ipm_topology_read_nodes(out_topology, tree);
    return 0;
}

static int load(struct ipm_topology *out_topology, const char *synthetic,
                const struct usable *usable, struct ipm_why *why)
{
    hwloc_topology_t tree;
    if (hwloc_topology_init(&tree) != 0)
        return ipm_why_set(why, -ENOMEM, "hwloc_topology_init: ");
    int error = 0;
    if (synthetic != NULL && hwloc_topology_set_synthetic(tree, synthetic) != 0)
        error = ipm_why_set(why, -EINVAL, "hwloc cannot make up '%s'", synthetic);
    if (error == 0 && hwloc_topology_load(tree) != 0)
        error = ipm_why_set(why, -EIO, "hwloc cannot read this machine");
    if (error == 0)
        error = read_tree(out_topology, tree, usable, why);
    hwloc_topology_destroy(tree);
    return error;
}

#else

static int load(struct ipm_topology *out_topology, const char *synthetic,
                const struct usable *usable, struct ipm_why *why)
{
    static struct ipm_cpu cpus[IPM_CPUS_MAX];
    static struct ipm_cpu isolated[IPM_CPUS_MAX];
    size_t n = 0;
    size_t n_isolated = 0;
    if (synthetic != NULL)
        return ipm_why_set(why, -ENOSYS, "this build has no hwloc");
    for (int number = 0; number < IPM_CPUS_MAX; number++) {
        struct ipm_cpu cpu = {number, number, -1, -1, -1};
        if (CPU_ISSET((size_t)number, &usable->allowed))
            cpus[n++] = cpu;
        else if (CPU_ISSET((size_t)number, &usable->isolated))
            isolated[n_isolated++] = cpu;
    }
    ipm_topology_init(out_topology, cpus, n, false);
    add_isolated(out_topology, isolated, n_isolated);
    return 0;
}

#endif

/* A cpuset keeps us from an isolated CPU as from any other, which only trying tells: its own
 * list is not mounted everywhere. */
static void find_isolated(const char *sysroot, struct usable *usable)
{
    char list[512];
    CPU_ZERO(&usable->isolated);
    if (ipm_sysroot_text(sysroot, "sys/devices/system/cpu/isolated", list,
                         sizeof(list)) != 0)
        return;
    for (int cpu = 0; cpu < IPM_CPUS_MAX; cpu++) {
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET((size_t)cpu, &one);
        if (ipm_cpu_list_has(list, cpu) && !CPU_ISSET((size_t)cpu, &usable->allowed) &&
            sched_setaffinity(0, sizeof(one), &one) == 0)
            CPU_SET((size_t)cpu, &usable->isolated);
    }
    (void)sched_setaffinity(0, sizeof(usable->allowed), &usable->allowed);
}

int ipm_topology_read(const char *sysroot, struct ipm_topology *out_topology,
                      struct ipm_why *why)
{
    struct usable usable;
    if (sched_getaffinity(0, sizeof(usable.allowed), &usable.allowed) != 0)
        return ipm_why_set(why, -errno, "sched_getaffinity: ");
    find_isolated(sysroot, &usable);
    return load(out_topology, NULL, &usable, why);
}

static int rising(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

json_t *ipm_topology_pairs(const struct ipm_topology *topology)
{
    int numbers[IPM_CPUS_MAX];
    json_t *pairs = json_array();
    for (size_t i = 0; i < topology->n_cpus; i++)
        numbers[i] = topology->cpus[i].number;
    qsort(numbers, topology->n_cpus, sizeof(numbers[0]), rising);
    for (size_t i = 0; i < topology->n_cpus; i++) {
        for (size_t j = i + 1; j < topology->n_cpus; j++) {
            if (json_array_append_new(
                    pairs, json_sprintf("cpus:%d,%d", numbers[i], numbers[j])) == 0)
                continue;
            json_decref(pairs);
            return NULL;
        }
    }
    return pairs;
}

int ipm_topology_synthetic(struct ipm_topology *out_topology, const char *description,
                           struct ipm_why *why)
{
    return load(out_topology, description, NULL, why);
}

static const struct ipm_cpu *find(const struct ipm_topology *topology, long number)
{
    for (size_t i = 0; i < topology->n_cpus + topology->n_isolated; i++) {
        if (topology->cpus[i].number == number)
            return &topology->cpus[i];
    }
    return NULL;
}

static int place_numbers(const struct ipm_topology *topology, const char *numbers,
                         struct ipm_place *out_place, struct ipm_why *why)
{
    const struct ipm_cpu *cpus[2] = {NULL, NULL};
    const char *at = numbers;
    for (int side = 0; side < 2; side++) {
        char *end = NULL;
        if (*at < '0' || *at > '9')
            return ipm_why_set(why, -EINVAL, "'%s' is not one or two CPU numbers",
                               numbers);
        long number = strtol(at, &end, 10);
        cpus[side] = find(topology, number);
        if (cpus[side] == NULL)
            return ipm_why_set(why, -ENODEV, "CPU %ld is none of the %zu we may use",
                               number, topology->n_cpus);
        if (*end == '\0')
            break;
        if (*end != ',' || side == 1)
            return ipm_why_set(why, -EINVAL, "'%s' is not one or two CPU numbers",
                               numbers);
        at = end + 1;
    }
    *out_place = pair(topology, cpus[0], cpus[1] != NULL ? cpus[1] : cpus[0]);
    return 0;
}

static int missing(const struct ipm_topology *topology, const char *placement,
                   struct ipm_why *why)
{
    static const struct {
        const char *placement, *reason;
    } reasons[] = {
        {"smt_sibling", "no core here has two CPUs that we may use"},
        {"same_llc", "no two cores here share a last-level cache"},
        {"cross_llc", "all cores here share one last-level cache"},
        {"cross_numa", "no package here has two NUMA nodes"},
        {"cross_socket", "there is one package"},
        {"nearest_core", "there is one core that we may use"},
        {"all_pairs", "there is one CPU that we may use"},
    };
    bool by_number =
        strcmp(placement, "nearest_core") == 0 || strcmp(placement, "all_pairs") == 0;
    if (!topology->known && !by_number)
        return ipm_why_set(why, -ENODEV, "this build has no hwloc to tell");
    if (topology->nearest[IPM_DISTANCE_UNKNOWN].n_cpus != 0 &&
        strstr(placement, "llc") != NULL)
        return ipm_why_set(why, -ENODEV, "this machine does not show its caches");
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (strcmp(reasons[i].placement, placement) == 0)
            return ipm_why_set(why, -ENODEV, "%s", reasons[i].reason);
    }
    return ipm_why_set(why, -ENODEV, "there is no CPU that we may use");
}

int ipm_topology_place(const struct ipm_topology *topology, const char *placement,
                       struct ipm_place *out_place, struct ipm_why *why)
{
    static const char numbers[] = "cpus:";
    if (strncmp(placement, numbers, strlen(numbers)) == 0)
        return place_numbers(topology, placement + strlen(numbers), out_place, why);

    bool nearest = strcmp(placement, "nearest_core") == 0;
    for (int distance = IPM_SAME_CPU; distance < IPM_DISTANCES; distance++) {
        const struct ipm_place *found = &topology->nearest[distance];
        bool wanted = nearest
                          ? distance > IPM_SMT_SIBLING
                          : distance != IPM_DISTANCE_UNKNOWN &&
                                strcmp(ipm_distance_names[distance], placement) == 0;
        if (wanted && found->n_cpus != 0) {
            *out_place = *found;
            return 0;
        }
        if (wanted && !nearest)
            return missing(topology, placement, why);
    }
    if (nearest || (strcmp(placement, "all_pairs") == 0 && topology->n_cpus < 2))
        return missing(topology, placement, why);
    return ipm_why_set(why, -EINVAL, "'%s' is not a placement", placement);
}

/* The next pair at that distance whose CPUs are free, if there is one. */
static bool free_pair(const struct ipm_topology *topology, enum ipm_distance wanted,
                      const bool *taken, int out_cpus[2])
{
    for (size_t i = 0; i < topology->n_cpus; i++) {
        for (size_t j = 0; j < topology->n_cpus && !taken[i]; j++) {
            if (taken[j] ||
                distance(topology, &topology->cpus[i], &topology->cpus[j]) != wanted)
                continue;
            out_cpus[0] = topology->cpus[i].number;
            out_cpus[1] = topology->cpus[j].number;
            return true;
        }
    }
    return false;
}

size_t ipm_topology_spread(const struct ipm_topology *topology,
                           const struct ipm_place *first, size_t n_pairs, int *out_cpus)
{
    bool taken[IPM_CPUS_MAX] = {false};
    int cpus[2] = {first->cpus[0], first->cpus[1]};
    size_t n = 0;
    do {
        for (size_t i = 0; i < topology->n_cpus; i++) {
            int number = topology->cpus[i].number;
            taken[i] = taken[i] || number == cpus[0] || number == cpus[1];
        }
        out_cpus[2 * n] = cpus[0];
        out_cpus[2 * n + 1] = cpus[1];
        n++;
    } while (n < n_pairs && free_pair(topology, first->distance, taken, cpus));
    for (size_t i = 2 * n; i < 2 * n_pairs; i++)
        out_cpus[i] = out_cpus[i - 2 * n];
    return n;
}

/* The next CPU that is free and so far from the one; @fresh: on a core of which none is
 * taken. */
static const struct ipm_cpu *free_cpu(const struct ipm_topology *topology,
                                      const struct ipm_cpu *one,
                                      enum ipm_distance wanted, const bool *taken,
                                      bool fresh)
{
    for (size_t i = 0; i < topology->n_cpus; i++) {
        const struct ipm_cpu *cpu = &topology->cpus[i];
        bool used = taken[i];
        for (size_t k = 0; fresh && k < topology->n_cpus; k++)
            used = used || (taken[k] && topology->cpus[k].core == cpu->core);
        if (!used && distance(topology, one, cpu) == wanted)
            return cpu;
    }
    return NULL;
}

size_t ipm_topology_fan(const struct ipm_topology *topology,
                        const struct ipm_place *first, size_t n, int *out_cpus)
{
    bool taken[IPM_CPUS_MAX] = {false};
    const struct ipm_cpu *one = find(topology, first->cpus[0]);
    const struct ipm_cpu *next = find(topology, first->cpus[1]);
    size_t found = 0;
    out_cpus[0] = first->cpus[0];
    while (found < n && next != NULL) {
        taken[next - topology->cpus] = true;
        out_cpus[1 + found++] = next->number;
        next = free_cpu(topology, one, first->distance, taken, true);
        if (next == NULL)
            next = free_cpu(topology, one, first->distance, taken, false);
    }
    for (size_t i = found; i < n; i++)
        out_cpus[1 + i] = out_cpus[1 + i - found];
    return found;
}
