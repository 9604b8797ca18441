/* SPDX-License-Identifier: MIT */
/*
 * plugin.cpp: a mechanism in C++17 - one message at a time in shared memory, by spinning.
 * Designated initialisers are C++20; a function that fills the struct serves as well.
 */
#include "base/clock.h"
#include "base/option.h"
#include "base/region.h"
#include "base/why.h"
#include "mechanisms/mechanism.h"
#include "mechanisms/wait.h"

#include <cerrno>
#include <cstdint>
#include <cstring>

namespace
{

constexpr std::size_t largest = 1024;

struct options {
    std::int64_t yields;
};

struct box {
    alignas(128) IPM_ATOMIC(std::uint32_t) full;
    std::uint32_t length;
    unsigned char room[largest];
};

struct channel {
    box boxes[IPM_SIDES];
};

struct endpoint {
    box *out;
    box *in;
    enum ipm_wait wait;
};

int create(ipm_channel *c, ipm_why *why)
{
    if (c->config.max_message > largest)
        return ipm_why_set(why, -EOPNOTSUPP, "a box holds %zu bytes", largest);
    c->capacity = {largest, 1};
    return 0;
}

void destroy(ipm_channel *)
{
}

int attach(ipm_endpoint *e, ipm_why *)
{
    auto *state = static_cast<channel *>(e->channel->state);
    auto *own = static_cast<endpoint *>(e->state);
    auto *chosen = static_cast<const options *>(e->channel->config.options);
    own->out = &state->boxes[e->side];
    own->in = &state->boxes[1 - e->side];
    own->wait = chosen->yields != 0 ? IPM_WAIT_YIELD : e->channel->config.wait;
    return 0;
}

void detach(ipm_endpoint *)
{
}

int wait(const endpoint *own, const box *b, std::uint32_t wanted, std::int64_t deadline)
{
    std::uint32_t turns = 0;
    while (b->full.load(std::memory_order_acquire) != wanted) {
        int result = ipm_wait_turn(own->wait, &turns, deadline);
        if (result != 0)
            return result;
    }
    return 0;
}

int send_n(ipm_endpoint *e, const ipm_span *messages, std::size_t n,
           std::int64_t deadline, std::size_t *out_n)
{
    auto *own = static_cast<endpoint *>(e->state);
    for (*out_n = 0; *out_n < n; ++*out_n) {
        const ipm_span &message = messages[*out_n];
        if (message.length > e->channel->config.max_message)
            return -EMSGSIZE;
        int result = wait(own, own->out, 0, deadline);
        if (result != 0)
            return result;
        std::memcpy(own->out->room, message.data, message.length);
        own->out->length = static_cast<std::uint32_t>(message.length);
        own->out->full.store(1, std::memory_order_release);
    }
    return 0;
}

int recv_n(ipm_endpoint *e, ipm_span *messages, std::size_t, std::int64_t deadline,
           std::size_t *out_n)
{
    auto *own = static_cast<endpoint *>(e->state);
    *out_n = 0;
    int result = wait(own, own->in, 1, deadline);
    if (result != 0)
        return result;
    std::size_t length = *const_cast<const volatile std::uint32_t *>(&own->in->length);
    if (length > largest)
        return -EPROTO;
    if (length > messages[0].length)
        return -EMSGSIZE;
    std::memcpy(messages[0].data, own->in->room, length);
    messages[0].length = length;
    own->in->full.store(0, std::memory_order_release);
    *out_n = 1;
    return 0;
}

ipm_option yields()
{
    ipm_option row{};
    row.name = "yields";
    row.type = IPM_OPTION_FLAG;
    row.offset = IPM_OPTION_FIELD(options, yields);
    row.fallback = "false";
    row.unit = "";
    row.help = "give the CPU away between two looks";
    return row;
}

const ipm_option rows[] = {yields(), ipm_option{}};

ipm_mechanism describe()
{
    ipm_mechanism m{};
    m.abi = IPM_PLUGIN_ABI;
    m.name = "cpp_box";
    m.version = 1;
    m.family = "shared memory";
    m.summary = "plug-in in C++: one message at a time";
    m.options = rows;
    m.options_size = sizeof(options);
    m.capabilities = IPM_CAP_FRAMED | IPM_CAP_DUPLEX;
    m.waits = IPM_WAIT_BIT(IPM_WAIT_SPIN) | IPM_WAIT_BIT(IPM_WAIT_YIELD);
    m.limits.max_length = largest;
    m.limits.in_flight = 1;
    m.modes[2].supported = true;
    m.modes[2].facts.copies = 2;
    m.modes[2].facts.syncs = 2;
    m.modes[2].facts.system_calls = IPM_VARIES; /* sched_yield() while waiting */
    m.default_copies = 2;
    m.channel_size = sizeof(channel);
    m.endpoint_size = sizeof(endpoint);
    m.create = create;
    m.destroy = destroy;
    m.attach = attach;
    m.detach = detach;
    m.send_n = send_n;
    m.recv_n = recv_n;
    return m;
}

const ipm_mechanism mechanism = describe();

} // namespace

const ipm_mechanism *const ipm_plugin_mechanisms[] = {&mechanism, nullptr};
