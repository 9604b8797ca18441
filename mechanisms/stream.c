/* SPDX-License-Identifier: MIT */
#include "mechanisms/stream.h"

void ipm_stream_own(struct ipm_channel *channel, enum ipm_side side, int fd)
{
    struct ipm_stream_channel *state = channel->state;
    ipm_channel_own(channel, fd, IPM_OWNER(side));
    state->fds_plus_one[side] = fd + 1;
}

void ipm_stream_destroy(struct ipm_channel *channel)
{
    ipm_channel_close(channel);
}

int ipm_stream_attach(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    const struct ipm_stream_channel *state = endpoint->channel->state;
    struct ipm_stream_endpoint *own = endpoint->state;
    (void)why;
    ipm_fdio_init(&own->io, state->fds_plus_one[endpoint->side] - 1, state->socket,
                  &endpoint->channel->config);
    return 0;
}

void ipm_stream_detach(struct ipm_endpoint *endpoint)
{
    struct ipm_stream_endpoint *own = endpoint->state;
    ipm_fdio_fini(&own->io, endpoint->channel);
}

int ipm_stream_send_n(struct ipm_endpoint *endpoint, const struct ipm_span *messages,
                      size_t n, int64_t deadline_ns, size_t *out_n)
{
    struct ipm_stream_endpoint *own = endpoint->state;
    return ipm_fdio_send_n(&own->io, messages, n, deadline_ns, out_n);
}

int ipm_stream_recv_n(struct ipm_endpoint *endpoint, struct ipm_span *messages,
                      size_t n, int64_t deadline_ns, size_t *out_n)
{
    struct ipm_stream_endpoint *own = endpoint->state;
    return ipm_fdio_recv_n(&own->io, messages, n, deadline_ns, out_n);
}

int ipm_stream_wait_fd(const struct ipm_endpoint *endpoint)
{
    const struct ipm_stream_endpoint *own = endpoint->state;
    return own->io.fd_plus_one - 1;
}

void ipm_stream_stats(const struct ipm_endpoint *endpoint,
                      struct ipm_endpoint_stats *out_stats)
{
    const struct ipm_stream_endpoint *own = endpoint->state;
    *out_stats = own->io.stats;
}
