/* SPDX-License-Identifier: MIT */
/*
 * wiring: the channels of a workload's edges, and each role's ends of them.
 *
 * An edge that is used both ways takes one channel of a mechanism that is DUPLEX, else a
 * pair, one per direction.  The leader creates and destroys; a role keeps, attaches, joins
 * and detaches.
 */
#ifndef IPM_WORKER_WIRING_H
#define IPM_WORKER_WIRING_H

#include "base/region.h"
#include "harness/worker/point.h"

enum {
    IPM_WIRING_CHANNELS = 64, /* of all pairs */
    IPM_WIRING_EDGES = IPM_WORKLOAD_EDGES - 1 + IPM_FAN_MAX,
    IPM_WIRING_ENDPOINTS = 4 * IPM_WIRING_EDGES, /* of one role */
};

struct ipm_wiring {
    const struct ipm_point *point;
    struct ipm_region states; /* all channel states, shared with the roles */
    struct ipm_region shared; /* what the workload asked for, by pair; NULL: nothing */
    size_t shared_size;       /* of one pair's part */
    int n_channels;
    struct {
        struct ipm_channel channel;
        int edge;
        int seats[IPM_SIDES]; /* who holds side a and side b */
        _Alignas(8) unsigned char options[IPM_OPTIONS_SIZE_MAX];
    } entries[IPM_WIRING_CHANNELS];

    /* A role's own, after fork. */
    int seat;
    int n_endpoints;
    struct ipm_endpoint endpoints[IPM_WIRING_ENDPOINTS];
    struct ipm_port ports[IPM_WIRING_EDGES];
    unsigned char *memory; /* endpoint states and message buffers */
    size_t memory_size;
};

/**
 * ipm_wiring_create() - leader: all channels of the point
 * @token:     for names: [a-z0-9-]+
 * @directory: private directory, or ""
 *
 * On failure call ipm_wiring_destroy() all the same.
 */
int ipm_wiring_create(struct ipm_wiring *wiring, const struct ipm_point *point,
                      const char *token, const char *directory, struct ipm_why *why);
void ipm_wiring_destroy(struct ipm_wiring *wiring);

/* Role: closes every channel descriptor that is not its own. */
void ipm_wiring_keep(struct ipm_wiring *wiring, int seat);

/* Role: memory for endpoints and messages, then attach() of each endpoint. */
int ipm_wiring_attach(struct ipm_wiring *wiring, struct ipm_why *why);
int ipm_wiring_join(struct ipm_wiring *wiring, struct ipm_why *why);
void ipm_wiring_detach(struct ipm_wiring *wiring);

/* The part of the shared memory that is a pair's; NULL: the workload wants none. */
void *ipm_wiring_shared(const struct ipm_wiring *wiring, int pair);

/* Sum over the role's endpoints.  false: at least one keeps no such counts. */
bool ipm_wiring_stats(const struct ipm_wiring *wiring,
                      struct ipm_endpoint_stats *out_stats);

#endif
