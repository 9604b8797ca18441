/* SPDX-License-Identifier: MIT */
/*
 * sandbox: private namespaces for one invocation.
 *
 * Two steps, because a PID namespace begins with the next child:
 *     ipm_sandbox_unshare()   the outer process: user (only when not root), IPC, network,
 *                             mount and PID namespaces
 *     ipm_sandbox_settle()    its child, the leader and pid 1 inside: private tmpfs with
 *                             huge pages, loopback up, queue limits raised
 * Nothing fails: what could not be had is a loss, by name, in the record.
 */
#ifndef IPM_WORKER_SANDBOX_H
#define IPM_WORKER_SANDBOX_H

#include "base/json.h"

#include <stdbool.h>
#include <stdint.h>

enum { IPM_SANDBOX_LOSSES = 16, IPM_SANDBOX_LIMITS = 8 };

struct ipm_sandbox {
    bool user, ipc, net, mount, pid; /* namespaces that are private now */
    const char *tmpfs;               /* "huge", "plain" or NULL: none */
    char directory[96];              /* private directory; "": none */
    int n_limits;
    struct {
        const char *name; /* sysctl */
        int64_t value;    /* as read back */
    } limits[IPM_SANDBOX_LIMITS];
    int n_losses;
    char losses[IPM_SANDBOX_LOSSES][160];
};

/* @wanted false: nothing is unshared, and that is the one loss. */
void ipm_sandbox_unshare(struct ipm_sandbox *sandbox, bool wanted);
void ipm_sandbox_settle(struct ipm_sandbox *sandbox);

/* {namespaces, tmpfs, limits, losses} as docs/record.md has it. */
json_t *ipm_sandbox_json(const struct ipm_sandbox *sandbox);

#endif
