/* SPDX-License-Identifier: MIT */
/*
 * pipe: one anonymous pipe, side A writes, side B reads.
 *
 * How much it holds, and why that is no plain number of bytes: pipe_room.h.
 */
#include "mechanisms/pipe_room.h"
#include "mechanisms/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int pipe_create(struct ipm_channel *channel, struct ipm_why *why)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0)
        return ipm_why_set(why, -errno, "pipe2: ");
    ipm_stream_own(channel, IPM_SIDE_B, fds[0]);
    ipm_stream_own(channel, IPM_SIDE_A, fds[1]);
    return ipm_pipe_set_room(channel, fds[1], why);
}

const struct ipm_mechanism ipm_mechanism_pipe = {
    .abi = IPM_PLUGIN_ABI,
    .name = "pipe",
    .version = 1,
    .family = "stream",
    .summary = "anonymous pipe, one way",
    .options = ipm_pipe_option_rows,
    .options_size = sizeof(struct ipm_pipe_options),
    .capabilities = IPM_CAP_POLLFD | IPM_CAP_TIMED | IPM_CAP_EOF,
    .waits = IPM_WAIT_BIT(IPM_WAIT_SPIN) | IPM_WAIT_BIT(IPM_WAIT_YIELD) |
             IPM_WAIT_BIT(IPM_WAIT_BLOCK),
    .limits = {.min_length = 1},
    .modes = {[2] = {.supported = true,
                     .facts = {.copies = 2,
                               .syncs = 2,
                               .chunk_bytes = IPM_PIPE_CAPACITY,
                               .system_calls = 2,
                               .wakeups = 1}}},
    .default_copies = 2,
    .channel_size = sizeof(struct ipm_stream_channel),
    .create = pipe_create,
    IPM_STREAM_HOOKS,
};
