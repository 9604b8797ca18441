/* SPDX-License-Identifier: MIT */
#include "mechanisms/loopback.h"

#include "base/cleanup.h"

#include <errno.h>
#include <linux/sock_diag.h> /* for SO_MEMINFO */
#include <poll.h>
#include <sys/socket.h>

enum { ARRIVAL_MS = 1000 }; /* for a datagram to go round */

int ipm_loopback_bind(int type, struct ipm_why *why)
{
    const struct sockaddr_in any_port = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    ipm_auto_fd int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return ipm_why_set(why, -errno, "socket(AF_INET): ");
    if (bind(fd, (const struct sockaddr *)&any_port, sizeof(any_port)) != 0)
        return ipm_why_set(why, -errno, "bind to 127.0.0.1: ");
    return ipm_steal_fd(&fd);
}

int ipm_loopback_name(int fd, struct sockaddr_in *out_name, struct ipm_why *why)
{
    socklen_t length = sizeof(*out_name);
    if (getsockname(fd, (struct sockaddr *)out_name, &length) != 0)
        return ipm_why_set(why, -errno, "getsockname: ");
    return 0;
}

int ipm_loopback_peer(int fd, struct sockaddr_in *out_name, struct ipm_why *why)
{
    socklen_t length = sizeof(*out_name);
    if (getpeername(fd, (struct sockaddr *)out_name, &length) != 0)
        return ipm_why_set(why, -errno, "getpeername: ");
    return 0;
}

bool ipm_loopback_same(const struct sockaddr_in *left, const struct sockaddr_in *right)
{
    return left->sin_family == right->sin_family && left->sin_port == right->sin_port &&
           left->sin_addr.s_addr == right->sin_addr.s_addr;
}

int ipm_loopback_pair(struct ipm_channel *channel, int fds_plus_one[IPM_SIDES],
                      struct ipm_why *why)
{
    struct sockaddr_in names[IPM_SIDES];
    for (int side = 0; side < IPM_SIDES; side++) {
        int fd = ipm_loopback_bind(SOCK_DGRAM, why);
        if (fd < 0)
            return fd;
        ipm_channel_own(channel, fd, IPM_OWNER(side));
        fds_plus_one[side] = fd + 1;
        int error = ipm_loopback_name(fd, &names[side], why);
        if (error != 0)
            return error;
    }
    for (int side = 0; side < IPM_SIDES; side++) {
        const struct sockaddr_in *peer = &names[1 - side];
        int fd = fds_plus_one[side] - 1;
        char byte;
        if (connect(fd, (const struct sockaddr *)peer, sizeof(*peer)) != 0)
            return ipm_why_set(why, -errno, "connect to 127.0.0.1: ");
        while (recv(fd, &byte, sizeof(byte), MSG_DONTWAIT) >= 0)
            continue;
    }
    return 0;
}

int64_t ipm_loopback_charge(const int fds_plus_one[IPM_SIDES], size_t bytes,
                            struct ipm_why *why)
{
    struct pollfd to = {.fd = fds_plus_one[IPM_SIDE_B] - 1, .events = POLLIN};
    uint32_t info[SK_MEMINFO_VARS] = {0};
    socklen_t length = sizeof(info);
    ipm_auto_free unsigned char *datagram = calloc(1, bytes);
    if (datagram == NULL)
        return ipm_why_set(why, -ENOMEM, "no memory for one datagram");
    if (send(fds_plus_one[IPM_SIDE_A] - 1, datagram, bytes, 0) < 0)
        return ipm_why_set(why, -errno, "send %zu bytes to ourselves: ", bytes);
    int ready = poll(&to, 1, ARRIVAL_MS);
    if (ready < 0)
        return ipm_why_set(why, -errno, "poll: ");
    if (ready == 0)
        return ipm_why_set(why, -EOPNOTSUPP, "a datagram of %zu bytes does not arrive",
                           bytes);
    if (getsockopt(to.fd, SOL_SOCKET, SO_MEMINFO, info, &length) != 0)
        return ipm_why_set(why, -errno, "getsockopt(SO_MEMINFO): ");
    if (recv(to.fd, datagram, bytes, MSG_DONTWAIT) < 0)
        return ipm_why_set(why, -errno, "receive %zu bytes from ourselves: ", bytes);
    return info[SK_MEMINFO_RMEM_ALLOC];
}

int64_t ipm_socket_room(int fd, int option, int64_t bytes, struct ipm_why *why)
{
    const char *name = option == SO_SNDBUF ? "SO_SNDBUF" : "SO_RCVBUF";
    int size = (int)bytes;
    socklen_t length = sizeof(size);
    if (size > 0 && setsockopt(fd, SOL_SOCKET, option, &size, sizeof(size)) != 0)
        return ipm_why_set(why, -errno, "set %s to %d bytes: ", name, size);
    if (getsockopt(fd, SOL_SOCKET, option, &size, &length) != 0)
        return ipm_why_set(why, -errno, "read %s: ", name);
    return size;
}
