/* SPDX-License-Identifier: MIT */
/*
 * pipe: one anonymous pipe, side A writes, side B reads.
 *
 * A pipe's room is counted in page-sized slots, not in bytes: a write joins the last slot
 * only when its odd part fits there whole.  So 64 messages of 64 bytes share one slot, and
 * 64 messages of 3000 bytes need 64.  Capacity from depth is reckoned in slots for this
 * reason; a longer message still passes, in parts, while the reader drains.
 */
#include "base/process.h"
#include "base/units.h"
#include "mechanisms/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum {
    DEFAULT_CAPACITY = 65536,   /* bytes; what a new pipe has */
    DEFAULT_MAX_SIZE = 1048576, /* bytes; fs.pipe-max-size when it cannot be read */
    LARGEST_CAPACITY = 1 << 30, /* bytes; the kernel takes no 2^31 */
};

struct pipe_options {
    int64_t capacity_bytes; /* 0: from depth */
};

static int64_t slot_bytes(void)
{
    return (int64_t)sysconf(_SC_PAGESIZE);
}

/* Room for @depth messages: whole slots. */
static int64_t pipe_wanted(int64_t depth, int64_t message)
{
    int64_t slot = slot_bytes();
    if (message <= slot) {
        int64_t per_slot = slot / (message > 0 ? message : 1);
        return (depth + per_slot - 1) / per_slot * slot;
    }
    int64_t slots = (message + slot - 1) / slot;
    return depth < LARGEST_CAPACITY / slot / slots ? depth * slots * slot
                                                   : LARGEST_CAPACITY;
}

static int64_t pipe_max_size(void)
{
    char text[32];
    int64_t bytes = DEFAULT_MAX_SIZE;
    if (ipm_read_file("/proc/sys/fs/pipe-max-size", text, sizeof(text)) == 0)
        (void)ipm_parse_integer(text, &bytes, NULL);
    return bytes;
}

static int pipe_set_capacity(struct ipm_channel *channel, int fd, struct ipm_why *why)
{
    const struct pipe_options *options = channel->config.options;
    int64_t bytes = options->capacity_bytes;
    if (bytes == 0 && channel->config.depth > 0) {
        int64_t most = pipe_max_size();
        bytes = pipe_wanted((int64_t)channel->config.depth,
                            (int64_t)channel->config.max_message);
        bytes = bytes < most ? bytes : most;
    }
    /* EPERM: above a limit of the user's.  Only a size asked for by name insists; one from
     * depth leaves the pipe as it is, and the record says how large that is. */
    if (bytes > 0 && fcntl(fd, F_SETPIPE_SZ, (int)bytes) < 0 &&
        (options->capacity_bytes > 0 || errno != EPERM))
        return ipm_why_set(why, -errno,
                           "set the pipe's capacity to %lld bytes: ", (long long)bytes);
    int granted = fcntl(fd, F_GETPIPE_SZ);
    if (granted < 0)
        return ipm_why_set(why, -errno, "read the pipe's capacity: ");
    int64_t one = pipe_wanted(1, (int64_t)channel->config.max_message);
    int64_t per_slot = one == slot_bytes() && channel->config.max_message > 0
                           ? slot_bytes() / (int64_t)channel->config.max_message
                           : 1;
    channel->capacity = (struct ipm_capacity){
        .bytes = granted,
        .messages = granted / one * per_slot,
    };
    return 0;
}

static int pipe_create(struct ipm_channel *channel, struct ipm_why *why)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0)
        return ipm_why_set(why, -errno, "pipe2: ");
    ipm_stream_own(channel, IPM_SIDE_B, fds[0]);
    ipm_stream_own(channel, IPM_SIDE_A, fds[1]);
    return pipe_set_capacity(channel, fds[1], why);
}

static const struct ipm_option pipe_option_rows[] = {
    {.name = "capacity",
     .type = IPM_OPTION_SIZE,
     .offset = IPM_OPTION_FIELD(struct pipe_options, capacity_bytes),
     .fallback = "0",
     .min = 0,
     .max = LARGEST_CAPACITY,
     .unit = "bytes",
     .help = "room in the pipe; 0: for depth messages, at most fs.pipe-max-size"},
    {.name = NULL},
};

const struct ipm_mechanism ipm_mechanism_pipe = {
    .abi = IPM_PLUGIN_ABI,
    .name = "pipe",
    .version = 1,
    .family = "stream",
    .summary = "anonymous pipe, one way",
    .options = pipe_option_rows,
    .options_size = sizeof(struct pipe_options),
    .capabilities = IPM_CAP_POLLFD | IPM_CAP_TIMED | IPM_CAP_EOF,
    .waits = IPM_WAIT_BIT(IPM_WAIT_SPIN) | IPM_WAIT_BIT(IPM_WAIT_YIELD) |
             IPM_WAIT_BIT(IPM_WAIT_BLOCK),
    .limits = {.min_length = 1},
    .modes = {[2] = {.supported = true,
                     .facts = {.copies = 2,
                               .syncs = 2,
                               .chunk_bytes = DEFAULT_CAPACITY,
                               .system_calls = 2,
                               .wakeups = 1}}},
    .default_copies = 2,
    .channel_size = sizeof(struct ipm_stream_channel),
    .create = pipe_create,
    IPM_STREAM_HOOKS,
};
