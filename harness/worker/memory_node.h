/* SPDX-License-Identifier: MIT */
/*
 * memory_node: on which memory node the memory of an invocation lies: asked for by a policy
 * of the task, which every child and thread inherits, and seen page by page.
 *
 * Life cycle: bind (leader, before it makes the channels) -> mark (leader) -> fork -> count
 * (role, all attached and touched).  What is counted are the pages of mappings that are
 * younger than the mark: shared memory of channels, message buffers, working sets, and what
 * a library allocated.  Buffers inside the kernel follow the same policy where the kernel
 * lets it, but nothing shows where they are.
 */
#ifndef IPM_WORKER_MEMORY_NODE_H
#define IPM_WORKER_MEMORY_NODE_H

#include "base/json.h"
#include "base/why.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    IPM_NODE_NUMBERS = 1024, /* as many as the kernel's masks may hold */
    IPM_NODE_LOCAL = -1,     /* no node asked for: who touches a page first decides */
    IPM_NODES_SEEN = 16,     /* different nodes that one role's pages may lie on */
};

struct ipm_memory_pages {
    int n; /* nodes seen; 0: nothing was counted, and @why says why */
    struct {
        int node;
        uint64_t pages; /* of the system's page size, > 0 */
    } nodes[IPM_NODES_SEEN];
    struct ipm_why why;
};

/**
 * ipm_memory_bind() - all memory that this task and its children come to touch first
 * @node: >= 0; or IPM_NODE_LOCAL: the policy stays what it was inherited as
 *
 * Return: 0; -EOPNOTSUPP this machine has no such node, or none with memory that this process
 *         may use, or its kernel knows no nodes; -EPERM a filter forbids it.
 */
int ipm_memory_bind(int node, struct ipm_why *why);

/**
 * ipm_memory_nodes() - the nodes that a bind would be granted for, by trying each
 * @out_nodes: bit by number
 *
 * The calling task is left without a policy.
 *
 * Return: how many there are, > 0; -EPERM a filter forbids to bind, or to ask where pages
 *         lie; -ENOSYS the kernel knows no nodes; another -errno.
 */
int ipm_memory_nodes(unsigned char out_nodes[IPM_NODE_NUMBERS / 8],
                     struct ipm_why *why);

/* What is mapped from here on counts.  Where the mappings cannot be read, counting says so. */
void ipm_memory_mark(void);

/* Pages of this process in mappings made after the mark, by node; those that are not present
 * are not counted, what several processes map is counted by each of them. */
void ipm_memory_count(struct ipm_memory_pages *out_pages);

/**
 * ipm_memory_prove() - do all pages lie where they should?
 * @node: IPM_NODE_LOCAL: anywhere
 *
 * Return: 0; -EREMOTEIO some lie elsewhere; -errno they could not be counted.
 */
int ipm_memory_prove(const struct ipm_memory_pages *pages, int node,
                     struct ipm_why *why);

/* Adds @pages to @sum.  A side that was not counted makes the sum so. */
void ipm_memory_add(struct ipm_memory_pages *sum, const struct ipm_memory_pages *pages);

/* {"NODE": pages}; null where nothing was counted. */
json_t *ipm_memory_json(const struct ipm_memory_pages *pages);

#endif
