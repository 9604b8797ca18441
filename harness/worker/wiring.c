/* SPDX-License-Identifier: MIT */
#include "harness/worker/wiring.h"

#include "mechanisms/registry.h"
#include "workloads/port.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

static const uint64_t shared_magic = UINT64_C(0x6572616873737069); /* "ipsshare" */
static const uint64_t states_magic = UINT64_C(0x7365746174737069); /* "ipstates" */

static size_t round_up(size_t size, size_t multiple)
{
    return (size + multiple - 1) / multiple * multiple;
}

/* The role at one end of an edge's instance. */
static int role_of(const struct ipm_workload *workload, int row, int instance)
{
    return row == workload->n_roles - 1 ? row + instance : row;
}

static int plan_channel(struct ipm_wiring *wiring, int pair, int edge_index,
                        bool reverse, struct ipm_why *why)
{
    const struct ipm_point *point = wiring->point;
    const struct ipm_workload *workload = point->workload;
    int row = edge_index < workload->n_edges ? edge_index : workload->n_edges - 1;
    const struct ipm_edge *edge = &workload->edges[row];
    const int ends[] = {role_of(workload, edge->from, edge_index - row),
                        role_of(workload, edge->to, edge_index - row)};
    const struct ipm_mechanism *mechanism = edge->mechanism == NULL
                                                ? point->mechanism
                                                : ipm_mechanism_find(edge->mechanism);
    if (mechanism == NULL)
        return ipm_why_set(why, -ENOENT, "workload %s needs mechanism '%s'",
                           point->workload->name, edge->mechanism);

    if (wiring->n_channels == IPM_WIRING_CHANNELS)
        return ipm_why_set(why, -EOPNOTSUPP, "more than %d channels",
                           IPM_WIRING_CHANNELS);
    size_t i = (size_t)wiring->n_channels++;
    memset(&wiring->entries[i], 0, sizeof(wiring->entries[i]));
    struct ipm_channel *channel = &wiring->entries[i].channel;
    const struct ipm_traffic *traffic = &point->traffic;
    bool both_ways = edge->duplex && (mechanism->capabilities & IPM_CAP_DUPLEX) != 0;
    wiring->entries[i].edge = edge_index;
    int first = pair * ipm_point_roles(point);
    wiring->entries[i].seats[IPM_SIDE_A] = first + ends[reverse ? 1 : 0];
    wiring->entries[i].seats[IPM_SIDE_B] = first + ends[reverse ? 0 : 1];
    if (edge->mechanism == NULL)
        memcpy(wiring->entries[i].options, point->options, sizeof(point->options));
    else
        ipm_option_defaults(mechanism->options, wiring->entries[i].options);

    channel->mechanism = mechanism;
    channel->config = (struct ipm_channel_config){
        .max_message = (size_t)ipm_point_longest(point),
        .depth = point->workload->lock_step ? 0 : (size_t)traffic->depth,
        .batch = (size_t)traffic->batch,
        .wait = point->wait,
        .copies = edge->mechanism == NULL ? point->copies : mechanism->default_copies,
        .duplex = both_ways,
        .options = wiring->entries[i].options,
    };
    if (edge->duplex && !both_ways && !reverse)
        return plan_channel(wiring, pair, edge_index, true, why);
    return 0;
}

static int allot_states(struct ipm_wiring *wiring, struct ipm_why *why)
{
    size_t size = IPM_LINE_PAIR;
    for (int i = 0; i < wiring->n_channels; i++)
        size +=
            round_up(wiring->entries[i].channel.mechanism->channel_size, IPM_LINE_PAIR);
    int error = ipm_region_create(&wiring->states, states_magic, 1, size, why);
    if (error != 0)
        return error;
    unsigned char *at = wiring->states.base;
    for (int i = 0; i < wiring->n_channels; i++) {
        struct ipm_channel *channel = &wiring->entries[i].channel;
        channel->state = at;
        at += round_up(channel->mechanism->channel_size, IPM_LINE_PAIR);
    }
    return 0;
}

void *ipm_wiring_shared(const struct ipm_wiring *wiring, int pair)
{
    if (wiring->shared.base == NULL)
        return NULL;
    return (unsigned char *)wiring->shared.base + (size_t)pair * wiring->shared_size;
}

/* The memory that the roles of a pair share, made ready. */
static int share(struct ipm_wiring *wiring, struct ipm_why *why)
{
    const struct ipm_point *point = wiring->point;
    const struct ipm_workload *workload = point->workload;
    if (workload->shared_size == NULL)
        return 0;
    int64_t longest_ns = ipm_point_longest_round_ns(point);
    wiring->shared_size =
        round_up(workload->shared_size(&point->traffic, longest_ns), IPM_LINE_PAIR);
    int error =
        ipm_region_create(&wiring->shared, shared_magic, 1,
                          wiring->shared_size * (size_t)point->traffic.pairs, why);
    if (error != 0)
        return error;
    ipm_region_prefault(&wiring->shared);
    for (int pair = 0; pair < point->traffic.pairs; pair++)
        workload->prepare(ipm_wiring_shared(wiring, pair), &point->traffic, longest_ns,
                          point->seed + (uint64_t)pair);
    return 0;
}

int ipm_wiring_create(struct ipm_wiring *wiring, const struct ipm_point *point,
                      const char *token, const char *directory, struct ipm_why *why)
{
    int error = 0;
    wiring->point = point;
    wiring->states = wiring->shared = IPM_REGION_NONE;
    wiring->n_channels = wiring->n_endpoints = 0;
    wiring->memory = NULL;
    memset(wiring->ports, 0, sizeof(wiring->ports));
    for (int pair = 0; pair < point->traffic.pairs; pair++) {
        for (int edge = 0; edge < ipm_point_edges(point) && error == 0; edge++)
            error = plan_channel(wiring, pair, edge, false, why);
    }
    if (error == 0)
        error = share(wiring, why);
    if (error == 0)
        error = allot_states(wiring, why);
    if (error != 0) {
        wiring->n_channels = 0; /* none has state: none may be destroyed */
        return error;
    }
    for (int i = 0; i < wiring->n_channels; i++) {
        struct ipm_channel *channel = &wiring->entries[i].channel;
        (void)snprintf(channel->config.token, sizeof(channel->config.token), "%.24s-%d",
                       token, i);
        (void)snprintf(channel->config.directory, sizeof(channel->config.directory),
                       "%s", directory);
        error = channel->mechanism->create(channel, why);
        if (error != 0)
            return error;
    }
    return 0;
}

void ipm_wiring_destroy(struct ipm_wiring *wiring)
{
    for (int i = 0; i < wiring->n_channels; i++) {
        struct ipm_channel *channel = &wiring->entries[i].channel;
        channel->mechanism->destroy(channel);
    }
    wiring->n_channels = 0;
    ipm_region_fini(&wiring->states);
    ipm_region_fini(&wiring->shared);
}

void ipm_wiring_keep(struct ipm_wiring *wiring, int seat)
{
    wiring->seat = seat;
    for (int i = 0; i < wiring->n_channels; i++) {
        struct ipm_channel *channel = &wiring->entries[i].channel;
        const int *seats = wiring->entries[i].seats;
        bool holds_a = seats[IPM_SIDE_A] == seat;
        bool holds_b = seats[IPM_SIDE_B] == seat;
        if (!holds_a && !holds_b)
            ipm_channel_close(channel);
        else if (holds_a != holds_b)
            ipm_channel_keep(channel, holds_a ? IPM_SIDE_A : IPM_SIDE_B);
    }
}

/* A call may begin with any entry of the table, and take a batch. */
static size_t mixed_spans(size_t batch)
{
    return round_up(IPM_MIX_ENTRIES + batch, IPM_LINE_PAIR);
}

/* Any batch of them in a row has places of its own. */
static void lay_mixed(const struct ipm_point *point, struct ipm_port *port)
{
    size_t batch = (size_t)point->traffic.batch;
    for (size_t i = 0; i < IPM_MIX_ENTRIES + batch; i++) {
        size_t length = ipm_mix_length(&point->mix_table, i);
        size_t at = i % batch * port->stride;
        port->out_mixed[i] = (struct ipm_span){port->out + at, length};
        port->in_mixed[i] = (struct ipm_span){port->in + at, length};
    }
}

/* Where each endpoint and buffer of this role lies; with @memory NULL only the size. */
static size_t lay_out(struct ipm_wiring *wiring, unsigned char *memory)
{
    const struct ipm_point *point = wiring->point;
    size_t stride = round_up((size_t)ipm_point_longest(point) + 1, IPM_CACHE_LINE);
    size_t buffer = stride * (size_t)point->traffic.batch;
    /* What is small shares a page: after a switch to this role each further page costs a
     * walk of the page tables, and they are as deep as the virtual machine's. */
    size_t unit = buffer < 4096 ? IPM_LINE_PAIR : 4096;
    buffer = round_up(buffer, unit);
    size_t spans =
        round_up(sizeof(struct ipm_span) * (size_t)point->traffic.batch, IPM_LINE_PAIR);
    size_t mixed = point->mix.n == 0 ? 0
                                     : sizeof(struct ipm_span) *
                                           mixed_spans((size_t)point->traffic.batch);
    size_t used = 0;
    int n = 0;
    for (int i = 0; i < wiring->n_channels; i++) {
        struct ipm_channel *channel = &wiring->entries[i].channel;
        struct ipm_port *port = &wiring->ports[wiring->entries[i].edge];
        const struct ipm_mode *mode =
            &channel->mechanism->modes[channel->config.copies];
        for (int side = 0; side < IPM_SIDES; side++) {
            if (wiring->entries[i].seats[side] != wiring->seat)
                continue;
            struct ipm_endpoint *endpoint = &wiring->endpoints[n++];
            *endpoint = (struct ipm_endpoint){
                .channel = channel,
                .side = (enum ipm_side)side,
                .sends = side == IPM_SIDE_A || channel->config.duplex,
                .receives = side == IPM_SIDE_B || channel->config.duplex,
                .state = memory == NULL ? NULL : memory + used,
            };
            used += round_up(channel->mechanism->endpoint_size, IPM_LINE_PAIR);
            if (endpoint->sends)
                port->send = endpoint;
            if (endpoint->receives)
                port->recv = endpoint;
            port->mechanism = channel->mechanism;
            port->send_in_place = mode->send_in_place;
            port->receive_in_place = mode->receive_in_place;
        }
    }
    wiring->n_endpoints = n;
    for (int edge = 0; edge < ipm_point_edges(point); edge++) {
        struct ipm_port *port = &wiring->ports[edge];
        if (port->send == NULL && port->recv == NULL)
            continue;
        used = round_up(used, unit);
        port->touch = (enum ipm_touch)point->traffic.touch;
        port->stride = stride;
        port->salt = (uint64_t)edge << 40;
        port->out = memory == NULL ? NULL : memory + used;
        port->in = memory == NULL ? NULL : memory + used + buffer;
        used += 2 * buffer;
        port->out_spans = memory == NULL ? NULL : (void *)(memory + used);
        port->in_spans = memory == NULL ? NULL : (void *)(memory + used + spans);
        port->out_length = port->in_length = SIZE_MAX; /* no message has it */
        used += 2 * spans;
        if (mixed > 0 && memory != NULL) {
            port->out_mixed = (void *)(memory + used);
            port->in_mixed = (void *)(memory + used + mixed);
            lay_mixed(point, port);
        }
        used += 2 * mixed;
    }
    return used;
}

int ipm_wiring_attach(struct ipm_wiring *wiring, struct ipm_why *why)
{
    wiring->memory_size = lay_out(wiring, NULL);
    void *memory = mmap(NULL, wiring->memory_size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return ipm_why_set(why, -errno, "mmap %zu bytes: ", wiring->memory_size);
    wiring->memory = memory;
    ipm_prefault(memory, wiring->memory_size);
    (void)lay_out(wiring, memory);

    for (int i = 0; i < wiring->n_endpoints; i++) {
        struct ipm_endpoint *endpoint = &wiring->endpoints[i];
        int error = endpoint->channel->mechanism->attach(endpoint, why);
        if (error != 0)
            return error;
    }
    return 0;
}

int ipm_wiring_join(struct ipm_wiring *wiring, struct ipm_why *why)
{
    for (int i = 0; i < wiring->n_endpoints; i++) {
        struct ipm_endpoint *endpoint = &wiring->endpoints[i];
        const struct ipm_mechanism *mechanism = endpoint->channel->mechanism;
        int error = mechanism->join == NULL ? 0 : mechanism->join(endpoint, why);
        if (error != 0)
            return error;
    }
    return 0;
}

void ipm_wiring_detach(struct ipm_wiring *wiring)
{
    if (wiring->memory == NULL)
        return;
    for (int i = 0; i < wiring->n_endpoints; i++) {
        struct ipm_endpoint *endpoint = &wiring->endpoints[i];
        endpoint->channel->mechanism->detach(endpoint);
    }
    (void)munmap(wiring->memory, wiring->memory_size);
    wiring->memory = NULL;
    wiring->n_endpoints = 0;
}

bool ipm_wiring_stats(const struct ipm_wiring *wiring,
                      struct ipm_endpoint_stats *out_stats)
{
    bool all = wiring->n_endpoints > 0;
    *out_stats = (struct ipm_endpoint_stats){0};
    for (int i = 0; i < wiring->n_endpoints; i++) {
        const struct ipm_endpoint *endpoint = &wiring->endpoints[i];
        const struct ipm_mechanism *mechanism = endpoint->channel->mechanism;
        struct ipm_endpoint_stats stats = {0};
        all = all && mechanism->stats != NULL;
        if (mechanism->stats != NULL)
            mechanism->stats(endpoint, &stats);
        out_stats->sleeps += stats.sleeps;
        out_stats->wakes += stats.wakes;
        out_stats->partial += stats.partial;
        out_stats->missed += stats.missed;
        if (stats.dispatch[0] != '\0')
            memcpy(out_stats->dispatch, stats.dispatch, sizeof(stats.dispatch));
    }
    return all;
}
