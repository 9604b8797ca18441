/* SPDX-License-Identifier: MIT */
/*
 * scripted: a mechanism whose messages take as long as a script says, as a plug-in.
 *
 * One role sends to itself.  97 of 100 messages take 19 to 21 us, 3 take 40 to 120 us, evenly
 * spread and in random order.  Each delay is taken by the plug-in's own clock and, at detach,
 * written to a file of the directory IPM_SCRIPTED, one number a line: what a measurement of it
 * must find again, whatever else the machine did to both.  IPM_SCRIPTED_PERCENT makes all of them
 * so many hundredths as long.
 */
#include "base/clock.h"
#include "mechanisms/mechanism.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LONGEST = 4096, DELAYS = 1 << 20 };

struct scripted_channel {
    unsigned char message[LONGEST];
    size_t length;
};

static int64_t *delays_ns; /* of this process */
static size_t n_delays;
static uint64_t state;
static int64_t percent = 100;

static int scripted_create(struct ipm_channel *channel, struct ipm_why *why)
{
    (void)why;
    channel->capacity = (struct ipm_capacity){.bytes = LONGEST, .messages = 1};
    return 0;
}

static void scripted_destroy(struct ipm_channel *channel)
{
    (void)channel;
}

static int scripted_attach(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    (void)endpoint;
    if (delays_ns != NULL)
        return 0;
    delays_ns = malloc(DELAYS * sizeof(*delays_ns));
    if (delays_ns == NULL)
        return ipm_why_set(why, -ENOMEM, "delays: ");
    memset(delays_ns, 1, DELAYS * sizeof(*delays_ns));
    state = (uint64_t)ipm_now_ns();
    const char *planted = getenv("IPM_SCRIPTED_PERCENT");
    if (planted != NULL)
        percent = strtol(planted, NULL, 10);
    return 0;
}

static void scripted_detach(struct ipm_endpoint *endpoint)
{
    const char *directory = getenv("IPM_SCRIPTED");
    char path[256];
    (void)endpoint;
    if (delays_ns == NULL || directory == NULL)
        return;
    (void)snprintf(path, sizeof(path), "%s/%lld", directory, (long long)ipm_now_ns());
    FILE *file = fopen(path, "we");
    for (size_t i = 0; file != NULL && i < n_delays; i++)
        (void)fprintf(file, "%lld\n", (long long)delays_ns[i]);
    if (file != NULL)
        (void)fclose(file);
    free(delays_ns);
    delays_ns = NULL;
}

static int64_t next_delay_ns(void)
{
    state = state * UINT64_C(6364136223846793005) + 1442695040888963407U;
    int64_t share = (int64_t)(state >> 33) % 100000;
    if (share < 97000)
        return 19000 + 2000 * share / 97000;
    return 40000 + 80000 * (share - 97000) / 3000;
}

static int scripted_send_n(struct ipm_endpoint *endpoint,
                           const struct ipm_span *messages, size_t n,
                           int64_t deadline_ns, size_t *out_n)
{
    struct scripted_channel *channel = endpoint->channel->state;
    (void)n;
    (void)deadline_ns;
    *out_n = 0;
    if (channel->length > 0)
        return IPM_AGAIN;
    int64_t start_ns = ipm_now_ns();
    int64_t end_ns = start_ns + next_delay_ns() * percent / 100;
    memcpy(channel->message, messages[0].data, messages[0].length);
    channel->length = messages[0].length;
    int64_t now_ns;
    do {
        now_ns = ipm_now_ns();
    } while (now_ns < end_ns);
    if (n_delays < DELAYS)
        delays_ns[n_delays++] = now_ns - start_ns;
    *out_n = 1;
    return 0;
}

static int scripted_recv_n(struct ipm_endpoint *endpoint, struct ipm_span *messages,
                           size_t n, int64_t deadline_ns, size_t *out_n)
{
    struct scripted_channel *channel = endpoint->channel->state;
    (void)n;
    (void)deadline_ns;
    *out_n = 0;
    if (channel->length == 0)
        return IPM_AGAIN;
    memcpy(messages[0].data, channel->message, channel->length);
    messages[0].length = channel->length;
    channel->length = 0;
    *out_n = 1;
    return 0;
}

static const struct ipm_mechanism scripted = {
    .abi = IPM_PLUGIN_ABI,
    .name = "scripted",
    .version = 1,
    .family = "test",
    .summary = "takes as long as a script says",
    .capabilities = IPM_CAP_FRAMED,
    .waits = IPM_WAIT_BIT(IPM_WAIT_BLOCK),
    .limits = {.min_length = 1, .max_length = LONGEST},
    .modes = {[2] = {.supported = true, .facts = {.copies = 2}}},
    .default_copies = 2,
    .channel_size = sizeof(struct scripted_channel),
    .create = scripted_create,
    .destroy = scripted_destroy,
    .attach = scripted_attach,
    .detach = scripted_detach,
    .send_n = scripted_send_n,
    .recv_n = scripted_recv_n,
};

const struct ipm_mechanism *const ipm_plugin_mechanisms[] = {&scripted, NULL};
