/* SPDX-License-Identifier: MIT */
/*
 * pty: one pseudo terminal in raw mode, side A writes to the slave, side B reads from the
 * master.
 *
 * One way, though a terminal has two.  Closing the master hangs the slave up, and a hang-up
 * throws away what the slave has not read: a last message from master to slave would be
 * lost with its sender.  Closing the slave lets the master read to the end and then says
 * EIO, which is the end of this stream; a writer on the slave is told the same.
 *
 * Costs (Linux 6.18, drivers/tty).  A byte is copied five times: into tty->write_buf, into
 * a flip buffer, by a kworker into the line discipline's read_buf, from there 64 bytes at a
 * time into iterate_tty_read()'s buffer, and into the reader's.  write() hands over 2048
 * bytes at a time.  How often the kworker is woken, and wakes, depends on whether it runs
 * already; and because it delivers, a message is not there yet when write() returns: a
 * reader that does not sleep tries more than once.
 *
 * Nothing sets its room, so depth changes nothing: a flip buffer of 8 KiB before read_buf
 * of 4 KiB.  Rounding lets more pass, 15 to 20 KiB as seen, but only when the kworker has
 * been there meanwhile.
 *
 * Neither end becomes anyone's controlling terminal, so no hang-up sends SIGHUP.  The slave
 * is opened through the master, without its name, and locked again: nobody else can open it.
 */
#include "base/cleanup.h"
#include "mechanisms/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

enum {
    ROOM = 8192 + 4096, /* bytes; pty_common_install() and N_TTY_BUF_SIZE */
    CHUNK = 2048,       /* bytes; iterate_tty_write() */
};

static int pty_open_master(struct ipm_why *why)
{
    int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    return fd >= 0 ? fd : ipm_why_set(why, -errno, "posix_openpt: ");
}

static int pty_open_slave(int master, struct ipm_why *why)
{
    int locked = 0;
    if (ioctl(master, TIOCSPTLCK, &locked) != 0)
        return ipm_why_set(why, -errno, "ioctl(TIOCSPTLCK): ");
    int fd = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return ipm_why_set(why, -errno, "ioctl(TIOCGPTPEER): ");
    locked = 1;
    (void)ioctl(master, TIOCSPTLCK, &locked);
    return fd;
}

static int pty_make_raw(int slave, struct ipm_why *why)
{
    struct termios settings;
    if (tcgetattr(slave, &settings) != 0)
        return ipm_why_set(why, -errno, "tcgetattr: ");
    cfmakeraw(&settings);
    if (tcsetattr(slave, TCSANOW, &settings) != 0)
        return ipm_why_set(why, -errno, "tcsetattr: ");
    return 0;
}

static int pty_probe(struct ipm_why *why)
{
    ipm_auto_fd int master = pty_open_master(why);
    if (master < 0)
        return master;
    ipm_auto_fd int slave = pty_open_slave(master, why);
    return slave < 0 ? slave : pty_make_raw(slave, why);
}

static int pty_create(struct ipm_channel *channel, struct ipm_why *why)
{
    int master = pty_open_master(why);
    if (master < 0)
        return master;
    ipm_stream_own(channel, IPM_SIDE_B, master);
    int slave = pty_open_slave(master, why);
    if (slave < 0)
        return slave;
    ipm_stream_own(channel, IPM_SIDE_A, slave);
    channel->capacity = (struct ipm_capacity){.bytes = ROOM, .messages = IPM_VARIES};
    return pty_make_raw(slave, why);
}

static int pty_attach(struct ipm_endpoint *endpoint, struct ipm_why *why)
{
    struct ipm_stream_endpoint *own = endpoint->state;
    int error = ipm_stream_attach(endpoint, why);
    own->io.hangup = EIO;
    return error;
}

const struct ipm_mechanism ipm_mechanism_pty = {
    .abi = IPM_PLUGIN_ABI,
    .name = "pty",
    .version = 1,
    .family = "stream",
    .summary = "raw pseudo terminal, one way, slave to master",
    .capabilities = IPM_CAP_POLLFD | IPM_CAP_TIMED | IPM_CAP_EOF,
    .waits = IPM_WAIT_BIT(IPM_WAIT_SPIN) | IPM_WAIT_BIT(IPM_WAIT_YIELD) |
             IPM_WAIT_BIT(IPM_WAIT_BLOCK),
    .limits = {.min_length = 1},
    .modes = {[2] = {.supported = true,
                     .facts = {.copies = 5,
                               .syncs = IPM_VARIES,
                               .chunk_bytes = CHUNK,
                               .system_calls = IPM_VARIES,
                               .wakeups = IPM_VARIES}}},
    .default_copies = 2,
    .channel_size = sizeof(struct ipm_stream_channel),
    .endpoint_size = sizeof(struct ipm_stream_endpoint),
    .probe = pty_probe,
    .create = pty_create,
    .destroy = ipm_stream_destroy,
    .attach = pty_attach,
    .detach = ipm_stream_detach,
    .send_n = ipm_stream_send_n,
    .recv_n = ipm_stream_recv_n,
    .wait_fd = ipm_stream_wait_fd,
    .stats = ipm_stream_stats,
};
