/* SPDX-License-Identifier: MIT */
/*
 * fifo: one named pipe, side A writes, side B reads.
 *
 * Behind the name it is a pipe, room and all (pipe_room.h); what differs is how it is come
 * by.  open() of one end waits for the other, for writing without O_NONBLOCK until a reader
 * comes, with it fails with ENXIO; O_RDWR avoids both and hides the end of the stream, for
 * each end then holds the other open.  So the read end is opened first and without waiting,
 * then the write end, and O_NONBLOCK is taken off both.  The name is gone before create()
 * returns.
 */
#include "mechanisms/pipe_room.h"
#include "mechanisms/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* One end, which then waits in read() and write(); -errno. */
static int fifo_open(struct ipm_channel *channel, enum ipm_side side, const char *path,
                     int mode)
{
    int fd = open(path, mode | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ipm_stream_own(channel, side, fd);
    return fcntl(fd, F_SETFL, mode) == 0 ? fd : -errno;
}

static int fifo_create(struct ipm_channel *channel, struct ipm_why *why)
{
    const struct ipm_channel_config *config = &channel->config;
    const char *directory = config->directory[0] != '\0' ? config->directory : "/tmp";
    char path[sizeof(config->directory) + sizeof(config->token) + 16];
    (void)snprintf(path, sizeof(path), "%s/ipm-%s.fifo", directory, config->token);
    if (mkfifo(path, 0600) != 0)
        return ipm_why_set(why, -errno, "mkfifo in %s: ", directory);
    int reader = fifo_open(channel, IPM_SIDE_B, path, O_RDONLY);
    int writer = reader < 0 ? reader : fifo_open(channel, IPM_SIDE_A, path, O_WRONLY);
    (void)unlink(path);
    if (writer < 0)
        return ipm_why_set(why, writer,
                           "open %s: ", reader < 0 ? "to read" : "to write");
    return ipm_pipe_set_room(channel, writer, why);
}

const struct ipm_mechanism ipm_mechanism_fifo = {
    .abi = IPM_PLUGIN_ABI,
    .name = "fifo",
    .version = 1,
    .family = "stream",
    .summary = "named pipe, one way",
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
    .create = fifo_create,
    IPM_STREAM_HOOKS,
};
