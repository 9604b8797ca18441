/* SPDX-License-Identifier: MIT */
#include "harness/worker/memory_node.h"

#include "base/cleanup.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/mempolicy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    BITS = 8 * sizeof(unsigned long),
    WORDS = IPM_NODE_NUMBERS / BITS + 1,
    MASK_BITS = IPM_NODE_NUMBERS + 1, /* the kernel takes one off */
    RANGES = 4096,                    /* mappings at the mark */
    CHUNK = 1024,                     /* pages asked about by one call */
};

struct range {
    uintptr_t start, end;
};

/* Made by the leader, read by the roles that it forks. */
static struct {
    int error; /* 0: @n ranges, rising */
    size_t n;
    struct range ranges[RANGES];
} mark = {.error = -ENODATA};

static int set_policy(int mode, const unsigned long *mask)
{
    long result =
        syscall(SYS_set_mempolicy, mode, mask, mask == NULL ? 0UL : (long)MASK_BITS);
    return result == 0 ? 0 : -errno;
}

static int bind_to(int node)
{
    unsigned long mask[WORDS] = {0};
    mask[(size_t)node / BITS] |= 1UL << (size_t)node % BITS;
    return set_policy(MPOL_BIND, mask);
}

int ipm_memory_bind(int node, struct ipm_why *why)
{
    if (node == IPM_NODE_LOCAL)
        return 0;
    int error = node >= 0 && node < IPM_NODE_NUMBERS ? bind_to(node) : -EINVAL;
    if (error == -EINVAL)
        return ipm_why_set(why, -EOPNOTSUPP,
                           "memory node %d: there is none that we may use memory of",
                           node);
    if (error == -ENOSYS)
        return ipm_why_set(why, -EOPNOTSUPP,
                           "memory node %d: this kernel knows no memory nodes", node);
    return error == 0 ? 0 : ipm_why_set(why, error, "memory node %d: ", node);
}

static int ask(void **pages, size_t n, int *out_status)
{
    long result = syscall(SYS_move_pages, 0, n, pages, NULL, out_status, 0);
    return result >= 0 ? 0 : -errno;
}

int ipm_memory_nodes(unsigned char out_nodes[IPM_NODE_NUMBERS / 8], struct ipm_why *why)
{
    unsigned long allowed[WORDS] = {0};
    memset(out_nodes, 0, IPM_NODE_NUMBERS / 8);
    if (syscall(SYS_get_mempolicy, NULL, allowed, (long)MASK_BITS, NULL,
                MPOL_F_MEMS_ALLOWED) != 0)
        return ipm_why_set(why, -errno, "get_mempolicy: ");
    int status = 0;
    void *page = &status;
    int error = ask(&page, 1, &status);
    if (error != 0)
        return ipm_why_set(why, error, "move_pages, which tells where pages lie: ");
    int n = 0;
    for (int node = 0; node < IPM_NODE_NUMBERS; node++) {
        if ((allowed[(size_t)node / BITS] >> (size_t)node % BITS & 1) == 0)
            continue;
        /* A kernel without cpusets allows nodes that have no memory, and then refuses. */
        int refused = bind_to(node);
        error = refused != 0 && error == 0 ? refused : error;
        if (refused != 0)
            continue;
        out_nodes[node / 8] |= (unsigned char)(1u << node % 8);
        n++;
    }
    (void)set_policy(MPOL_DEFAULT, NULL);
    if (n == 0)
        return ipm_why_set(why, error != 0 ? error : -ENODEV, "set_mempolicy: ");
    return n;
}

/* Does a line of the maps describe memory, and not a file, the stack, or what the kernel puts
 * into every process? */
static bool counts(const char perms[5], unsigned long inode, const char *name)
{
    if (perms[0] != 'r')
        return false;
    if (inode == 0)
        return strncmp(name, "[v", 2) != 0 && strncmp(name, "[stack", 6) != 0;
    /* Of files, shared memory alone; a sensor's ring is no channel's. */
    return perms[1] == 'w' && perms[3] == 's' && strstr(name, "perf_event") == NULL;
}

static int each_mapping(int (*take)(void *context, struct range range), void *context,
                        bool all)
{
    ipm_auto_file FILE *maps = fopen("/proc/self/maps", "re");
    if (maps == NULL)
        return -errno;
    ipm_auto_free char *line = NULL;
    size_t room = 0;
    int error = 0;
    while (error == 0 && getline(&line, &room, maps) > 0) {
        struct range range;
        char perms[5] = "";
        unsigned long inode = 0;
        int name = 0;
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s %*x %*x:%*x %lu %n",
                   &range.start, &range.end, perms, &inode, &name) < 4)
            return -EBADMSG;
        if (all || counts(perms, inode, line + name))
            error = take(context, range);
    }
    return error;
}

static int keep(void *context, struct range range)
{
    (void)context;
    if (mark.n == RANGES)
        return -E2BIG;
    mark.ranges[mark.n++] = range;
    return 0;
}

void ipm_memory_mark(void)
{
    mark.n = 0;
    mark.error = each_mapping(keep, NULL, true);
}

static int add_pages(struct ipm_memory_pages *sum, int node, uint64_t pages)
{
    int i = 0;
    while (i < sum->n && sum->nodes[i].node != node)
        i++;
    if (i == IPM_NODES_SEEN)
        return -E2BIG;
    if (i == sum->n) {
        sum->nodes[sum->n].node = node;
        sum->nodes[sum->n++].pages = 0;
    }
    sum->nodes[i].pages += pages;
    return 0;
}

static int count_range(struct ipm_memory_pages *pages, struct range range)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    void *addresses[CHUNK];
    int status[CHUNK];
    for (uintptr_t at = range.start; at < range.end;) {
        size_t n = 0;
        for (; n < CHUNK && at < range.end; at += page)
            addresses[n++] = (void *)at;
        int error = ask(addresses, n, status);
        /* A status below 0: not present, or no memory of the system's. */
        for (size_t i = 0; i < n && error == 0; i++)
            error = status[i] < 0 ? 0 : add_pages(pages, status[i], 1);
        if (error != 0)
            return error;
    }
    return 0;
}

/* What of a mapping was not there at the mark: the kernel joins neighbours into one. */
static int count_new(void *context, struct range range)
{
    int error = 0;
    for (size_t i = 0; i < mark.n && error == 0 && range.start < range.end; i++) {
        struct range old = mark.ranges[i];
        if (old.end <= range.start || old.start >= range.end)
            continue;
        if (old.start > range.start)
            error = count_range(context, (struct range){range.start, old.start});
        range.start = old.end;
    }
    return error == 0 && range.start < range.end ? count_range(context, range) : error;
}

void ipm_memory_count(struct ipm_memory_pages *out_pages)
{
    *out_pages = (struct ipm_memory_pages){.n = 0};
    int error =
        mark.error != 0 ? mark.error : each_mapping(count_new, out_pages, false);
    if (error == 0 && out_pages->n == 0)
        error = -ENODATA;
    if (error == 0)
        return;
    out_pages->n = 0;
    (void)ipm_why_set(&out_pages->why, error, "where pages lie: ");
}

int ipm_memory_prove(const struct ipm_memory_pages *pages, int node,
                     struct ipm_why *why)
{
    uint64_t all = 0;
    uint64_t elsewhere = 0;
    int other = 0;
    if (node == IPM_NODE_LOCAL)
        return 0;
    if (pages->n == 0) {
        *why = pages->why;
        return why->error;
    }
    for (int i = 0; i < pages->n; i++) {
        all += pages->nodes[i].pages;
        if (pages->nodes[i].node == node)
            continue;
        elsewhere += pages->nodes[i].pages;
        other = pages->nodes[i].node;
    }
    if (elsewhere == 0)
        return 0;
    return ipm_why_set(why, -EREMOTEIO,
                       "memory node %d: %" PRIu64 " of %" PRIu64
                       " pages lie elsewhere, on node %d%s",
                       node, elsewhere, all, other, pages->n > 2 ? " and others" : "");
}

void ipm_memory_add(struct ipm_memory_pages *sum, const struct ipm_memory_pages *pages)
{
    int error = pages->n == 0 ? pages->why.error : 0;
    if (sum->why.error != 0)
        return;
    for (int i = 0; i < pages->n && error == 0; i++)
        error = add_pages(sum, pages->nodes[i].node, pages->nodes[i].pages);
    if (error == 0)
        return;
    if (pages->n == 0)
        sum->why = pages->why;
    else
        (void)ipm_why_set(&sum->why, error, "where pages lie: ");
    sum->n = 0;
}

json_t *ipm_memory_json(const struct ipm_memory_pages *pages)
{
    if (pages->n == 0)
        return json_null();
    json_t *json = json_object();
    for (int i = 0; i < pages->n; i++) {
        char key[16];
        (void)snprintf(key, sizeof(key), "%d", pages->nodes[i].node);
        (void)json_object_set_new(json, key,
                                  json_integer((json_int_t)pages->nodes[i].pages));
    }
    return json;
}
