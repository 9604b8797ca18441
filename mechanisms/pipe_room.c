/* SPDX-License-Identifier: MIT */
#include "mechanisms/pipe_room.h"

#include "base/process.h"
#include "base/units.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum {
    DEFAULT_MAX_SIZE = 1048576, /* bytes; fs.pipe-max-size when it cannot be read */
    LARGEST_CAPACITY = 1 << 30, /* bytes; the kernel takes no 2^31 */
};

static int64_t slot_bytes(void)
{
    return (int64_t)sysconf(_SC_PAGESIZE);
}

/* Room for @depth messages: whole slots. */
static int64_t wanted_bytes(int64_t depth, int64_t message)
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

static int64_t largest_bytes(void)
{
    char text[32];
    int64_t bytes = DEFAULT_MAX_SIZE;
    if (ipm_read_file("/proc/sys/fs/pipe-max-size", text, sizeof(text)) == 0)
        (void)ipm_parse_integer(text, &bytes, NULL);
    return bytes;
}

int ipm_pipe_set_room(struct ipm_channel *channel, int fd, struct ipm_why *why)
{
    const struct ipm_pipe_options *options = channel->config.options;
    int64_t bytes = options->capacity_bytes;
    if (bytes == 0 && channel->config.depth > 0) {
        int64_t most = largest_bytes();
        bytes = wanted_bytes((int64_t)channel->config.depth,
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
    int64_t one = wanted_bytes(1, (int64_t)channel->config.max_message);
    int64_t per_slot = one == slot_bytes() && channel->config.max_message > 0
                           ? slot_bytes() / (int64_t)channel->config.max_message
                           : 1;
    channel->capacity = (struct ipm_capacity){
        .bytes = granted,
        .messages = granted / one * per_slot,
    };
    return 0;
}

const struct ipm_option ipm_pipe_option_rows[] = {
    {.name = "capacity",
     .type = IPM_OPTION_SIZE,
     .offset = IPM_OPTION_FIELD(struct ipm_pipe_options, capacity_bytes),
     .fallback = "0",
     .min = 0,
     .max = LARGEST_CAPACITY,
     .unit = "bytes",
     .help = "room in the pipe; 0: for depth messages, at most fs.pipe-max-size"},
    {.name = NULL},
};
