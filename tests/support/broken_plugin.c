/* SPDX-License-Identifier: MIT */
/*
 * broken_plugin: plug-ins at fault, one per -DFAULT_..., for tests/cli/plugin.sh.
 */
#include "mechanisms/mechanism.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef NAME
#define NAME "broken"
#endif
#ifndef ABI
#define ABI IPM_PLUGIN_ABI
#endif

static int broken_create(struct ipm_channel *channel, struct ipm_why *why)
{
    (void)why;
#ifdef FAULT_HANGS
    for (;;)
        (void)pause();
#endif
#ifdef FAULT_CRASHES
    abort();
#endif
#ifdef FAULT_NOT_HERE
    return ipm_why_set(why, -EOPNOTSUPP, "this kernel has no such thing");
#endif
    channel->capacity = (struct ipm_capacity){IPM_VARIES, IPM_VARIES};
    return 0;
}

static void broken_destroy(struct ipm_channel *channel)
{
    (void)channel;
}

static int broken_attach(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    (void)endpoint;
    (void)why;
    return 0;
}

static void broken_detach(struct ipm_endpoint *endpoint)
{
    (void)endpoint;
}

/* Accepts everything and delivers nothing. */
static int broken_send_n(struct ipm_endpoint *endpoint, const struct ipm_span *messages,
                         size_t n, int64_t deadline_ns, size_t *out_n)
{
    (void)endpoint;
    (void)messages;
    (void)deadline_ns;
    *out_n = n;
    return 0;
}

static int broken_recv_n(struct ipm_endpoint *endpoint, struct ipm_span *messages,
                         size_t n, int64_t deadline_ns, size_t *out_n)
{
    (void)endpoint;
    (void)messages;
    (void)n;
    (void)deadline_ns;
    *out_n = 0;
    return IPM_CLOSED;
}

static const struct ipm_mechanism broken = {
    .abi = ABI,
#ifdef FAULT_GARBAGE
    .name = (const char *)1,
    .summary = (const char *)2,
    .options = (const struct ipm_option *)3,
#else
    .name = NAME,
    .summary = "a plug-in at fault",
#endif
    .version = 1,
    .family = "message",
#ifdef FAULT_CAPABILITIES
    .capabilities = IPM_CAP_POLLFD,
#endif
    .waits = IPM_WAIT_BIT(IPM_WAIT_SPIN),
    .modes = {[2] = {.supported = true, .facts = {.copies = 2}}},
    .default_copies = 2,
    .channel_size = 64,
    .endpoint_size = 64,
    .create = broken_create,
    .destroy = broken_destroy,
    .attach = broken_attach,
    .detach = broken_detach,
    .send_n = broken_send_n,
#ifndef FAULT_NO_HOOK
    .recv_n = broken_recv_n,
#endif
};

const struct ipm_mechanism *const ipm_plugin_mechanisms[] = {&broken, NULL};
