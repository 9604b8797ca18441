/* SPDX-License-Identifier: MIT */
#include "mechanisms/unix_socket.h"

#include "base/cleanup.h"
#include "mechanisms/packet.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    MESSAGE_OVERHEAD = 512, /* bytes asked for beyond the payload, see unix_stream.c */
    LARGEST_BUFFER = 1 << 30, /* bytes; the kernel doubles it into an int */
    /* A datagram may be as long as SO_SNDBUF less this (unix_dgram_sendmsg). */
    PACKET_OVERHEAD = 32,
    BACKLOG = 8, /* strangers that may be before us at an abstract name */
};

int ipm_unix_probe(int type, struct ipm_why *why)
{
    int fds[2];
    if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds) != 0)
        return ipm_why_set(why, -errno, "socketpair(AF_UNIX): ");
    (void)close(fds[0]);
    (void)close(fds[1]);
    return 0;
}

/* --- meeting --------------------------------------------------------------------------- */

struct name {
    struct sockaddr_un address;
    socklen_t length; /* of the part in use, bytes */
};

static bool on_disk(const struct name *name)
{
    return name->address.sun_path[0] != '\0';
}

static int name_make(const struct ipm_channel_config *config, bool abstract,
                     const char *suffix, struct name *out_name, struct ipm_why *why)
{
    *out_name = (struct name){.address = {.sun_family = AF_UNIX}};
    char *path = out_name->address.sun_path;
    size_t room = sizeof(out_name->address.sun_path);
    const char *directory = config->directory[0] != '\0' ? config->directory : "/tmp";
    int used =
        abstract
            ? snprintf(path + 1, room - 1, "ipm-%s%s", config->token, suffix)
            : snprintf(path, room, "%s/ipm-%s%s", directory, config->token, suffix);
    if (used < 0 || (size_t)used + 1 > room - (abstract ? 1 : 0))
        return ipm_why_set(why, -ENAMETOOLONG,
                           "the path of a socket in %s is longer than %zu bytes",
                           directory, room - 1);
    /* A path ends with its zero, an abstract name begins with one. */
    out_name->length =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)used + 1);
    return 0;
}

static const struct sockaddr *generic(const struct name *name)
{
    return (const struct sockaddr *)(const void *)&name->address;
}

static int name_bind(int fd, const struct name *name, struct ipm_why *why)
{
    /* The file takes its mode from the socket: never open to others, whatever the umask. */
    if (fchmod(fd, 0600) != 0)
        return ipm_why_set(why, -errno, "set the mode of a socket: ");
    if (bind(fd, generic(name), name->length) != 0)
        return ipm_why_set(why, -errno, "bind to %s%s: ", on_disk(name) ? "" : "@",
                           name->address.sun_path + (on_disk(name) ? 0 : 1));
    return 0;
}

static void name_remove(const struct name *name)
{
    if (on_disk(name))
        (void)unlink(name->address.sun_path);
}

/* Is the other end of @fd in this very process? */
static bool is_own(int fd)
{
    struct ucred peer = {0};
    socklen_t length = sizeof(peer);
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 &&
           peer.pid == getpid() && peer.uid == geteuid();
}

/* Turns strangers away; both calls return at once. */
static int accept_own(int listener, int *out_fd, struct ipm_why *why)
{
    for (int i = 0; i <= BACKLOG; i++) {
        ipm_auto_fd int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            return ipm_why_set(why, -errno, "accept: ");
        if (is_own(fd)) {
            *out_fd = ipm_steal_fd(&fd);
            return 0;
        }
    }
    return ipm_why_set(why, -EPERM, "strangers connect to our socket's name");
}

static int meet(int listener, int caller, const struct name *name, int *out_accepted,
                struct ipm_why *why)
{
    if (listen(listener, BACKLOG) != 0)
        return ipm_why_set(why, -errno, "listen: ");
    if (connect(caller, generic(name), name->length) != 0)
        return ipm_why_set(why, -errno, "connect: ");
    if (!is_own(caller))
        return ipm_why_set(why, -EPERM, "a stranger holds our socket's name");
    if (fcntl(caller, F_SETFL, 0) != 0)
        return ipm_why_set(why, -errno, "clear O_NONBLOCK: ");
    return accept_own(listener, out_accepted, why);
}

static int connect_by_listening(const struct ipm_channel_config *config, int type,
                                bool abstract, int out_fds[IPM_SIDES],
                                struct ipm_why *why)
{
    struct name name;
    int error = name_make(config, abstract, "", &name, why);
    if (error != 0)
        return error;
    /* Non-blocking, lest a backlog full of strangers make us wait for ever. */
    int flags = SOCK_CLOEXEC | SOCK_NONBLOCK;
    ipm_auto_fd int listener = socket(AF_UNIX, type | flags, 0);
    ipm_auto_fd int caller = socket(AF_UNIX, type | flags, 0);
    if (listener < 0 || caller < 0)
        return ipm_why_set(why, -errno, "socket(AF_UNIX): ");
    error = name_bind(listener, &name, why);
    if (error != 0)
        return error;
    error = meet(listener, caller, &name, &out_fds[IPM_SIDE_B], why);
    name_remove(&name);
    if (error == 0)
        out_fds[IPM_SIDE_A] = ipm_steal_fd(&caller);
    return error;
}

static int meet_datagrams(const int fds[IPM_SIDES], const struct name names[IPM_SIDES],
                          struct ipm_why *why)
{
    for (int side = 0; side < IPM_SIDES; side++) {
        const struct name *peer = &names[IPM_SIDE_B - side];
        if (connect(fds[side], generic(peer), peer->length) != 0)
            return ipm_why_set(why, -errno, "connect: ");
    }
    /* From here on each takes messages from the other only; earlier ones are strangers'. */
    for (int side = 0; side < IPM_SIDES; side++) {
        while (recv(fds[side], NULL, 0, MSG_DONTWAIT) >= 0)
            ;
    }
    return 0;
}

static int connect_datagrams(const struct ipm_channel_config *config, bool abstract,
                             int out_fds[IPM_SIDES], struct ipm_why *why)
{
    struct name names[IPM_SIDES];
    int error = name_make(config, abstract, "-a", &names[IPM_SIDE_A], why);
    if (error == 0)
        error = name_make(config, abstract, "-b", &names[IPM_SIDE_B], why);
    if (error != 0)
        return error;
    ipm_auto_fd int a = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ipm_auto_fd int b = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (a < 0 || b < 0)
        return ipm_why_set(why, -errno, "socket(AF_UNIX): ");
    error = name_bind(a, &names[IPM_SIDE_A], why);
    if (error != 0)
        return error;
    error = name_bind(b, &names[IPM_SIDE_B], why);
    if (error == 0) {
        error = meet_datagrams((int[]){a, b}, names, why);
        name_remove(&names[IPM_SIDE_B]);
    }
    name_remove(&names[IPM_SIDE_A]);
    if (error != 0)
        return error;
    out_fds[IPM_SIDE_A] = ipm_steal_fd(&a);
    out_fds[IPM_SIDE_B] = ipm_steal_fd(&b);
    return 0;
}

int ipm_unix_connect(const struct ipm_channel_config *config, int type,
                     int out_fds[IPM_SIDES], struct ipm_why *why)
{
    const struct ipm_unix_options *options = config->options;
    bool abstract = options->address == IPM_UNIX_ABSTRACT;
    if (options->address == IPM_UNIX_PAIR) {
        if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, out_fds) != 0)
            return ipm_why_set(why, -errno, "socketpair: ");
        return 0;
    }
    if (type == SOCK_DGRAM)
        return connect_datagrams(config, abstract, out_fds, why);
    return connect_by_listening(config, type, abstract, out_fds, why);
}

/* --- room ------------------------------------------------------------------------------ */

static int ask(int fd, int64_t bytes, struct ipm_why *why)
{
    int size = (int)(bytes < LARGEST_BUFFER ? bytes : LARGEST_BUFFER);
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) != 0)
        return ipm_why_set(why, -errno, "set SO_SNDBUF to %d bytes: ", size);
    return 0;
}

static int granted(int fd, int *out_bytes, struct ipm_why *why)
{
    socklen_t length = sizeof(*out_bytes);
    if (getsockopt(fd, SOL_SOCKET, SO_SNDBUF, out_bytes, &length) != 0)
        return ipm_why_set(why, -errno, "read SO_SNDBUF: ");
    return 0;
}

int ipm_unix_set_room(struct ipm_channel *channel, const int fds[IPM_SIDES],
                      int64_t each_bytes, struct ipm_why *why)
{
    const struct ipm_unix_options *options = channel->config.options;
    int64_t depth = (int64_t)channel->config.depth;
    int64_t bytes = options->send_buffer_bytes;
    if (bytes == 0)
        bytes =
            depth < LARGEST_BUFFER / each_bytes ? depth * each_bytes : LARGEST_BUFFER;
    for (int side = 0; side < IPM_SIDES; side++) {
        int size = 0;
        int error = bytes > 0 ? ask(fds[side], bytes, why) : 0;
        if (error == 0)
            error = granted(fds[side], &size, why);
        if (error != 0)
            return error;
        channel->capacity =
            (struct ipm_capacity){.bytes = size, .messages = IPM_VARIES};
    }
    return 0;
}

/* A packet goes whole, so lock-step too must make room for one. */
static int room_for_one(int fd, int64_t least, struct ipm_why *why)
{
    int size = 0;
    int error = granted(fd, &size, why);
    return error == 0 && size < least ? ask(fd, least, why) : error;
}

int ipm_unix_create_packets(struct ipm_channel *channel, int type, struct ipm_why *why)
{
    const struct ipm_channel_config *config = &channel->config;
    int64_t least = (int64_t)config->max_message + PACKET_OVERHEAD;
    int64_t charge = 0;
    int fds[IPM_SIDES];
    int error = ipm_unix_connect(config, type, fds, why);
    if (error != 0)
        return error;
    for (int side = 0; side < IPM_SIDES; side++)
        ipm_packet_own(channel, (enum ipm_side)side, fds[side]);
    for (int side = 0; side < IPM_SIDES && error == 0; side++)
        error = room_for_one(fds[side], least, why);
    if (error == 0)
        error = ipm_packet_charge(fds[IPM_SIDE_A], fds[IPM_SIDE_B], config->max_message,
                                  IPM_PACKET_SENDERS, &charge, why);
    if (error != 0)
        return error;
    /* Half of it: the kernel doubles what it is asked for. */
    int64_t each = charge > 0 ? (charge + 1) / 2
                              : (int64_t)config->max_message + IPM_UNIX_OVERHEAD;
    error = ipm_unix_set_room(channel, fds, each, why);
    if (error != 0)
        return error;
    if (channel->capacity.bytes < least)
        return ipm_why_set(
            why, -EOPNOTSUPP,
            "a message of %zu bytes needs SO_SNDBUF of %lld, granted are "
            "%lld (option send_buffer, net.core.wmem_max)",
            config->max_message, (long long)least, (long long)channel->capacity.bytes);
    /* The sender may begin a message as long as less than SO_SNDBUF is charged to it. */
    if (charge > 0)
        channel->capacity.messages = (channel->capacity.bytes + charge - 1) / charge;
    return 0;
}

void ipm_unix_packet_limits(int type, struct ipm_limits *limits)
{
    int fds[IPM_SIDES];
    if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds) != 0)
        return;
    if (ask(fds[0], IPM_UNIX_LARGEST_PACKET + PACKET_OVERHEAD, NULL) == 0) {
        int64_t longest = ipm_packet_longest(fds[0], fds[1], limits->max_length);
        if (longest > 0)
            limits->max_length = longest;
    }
    (void)close(fds[0]);
    (void)close(fds[1]);
}

static const char *const address_names[] = {"pair", "named", "abstract", NULL};

const struct ipm_option ipm_unix_option_rows[] = {
    {.name = "address",
     .type = IPM_OPTION_CHOICE,
     .offset = IPM_OPTION_FIELD(struct ipm_unix_options, address),
     .fallback = "pair",
     .choices = address_names,
     .unit = "",
     .help =
         "how the two met: socketpair(), a path, or a name in the abstract namespace"},
    {.name = "send_buffer",
     .type = IPM_OPTION_SIZE,
     .offset = IPM_OPTION_FIELD(struct ipm_unix_options, send_buffer_bytes),
     .fallback = "0",
     .min = 0,
     .max = LARGEST_BUFFER,
     .unit = "bytes",
     .help = "SO_SNDBUF to ask for; 0: for depth messages; net.core.wmem_max caps it"},
    {.name = NULL},
};
