/* SPDX-License-Identifier: MIT */
#include "mechanisms/seccomp_call.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <unistd.h>

#if defined(__x86_64__)
#define OWN_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OWN_ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define OWN_ARCH AUDIT_ARCH_RISCV64
#else
#define OWN_ARCH 0 /* not known here: probe() says so */
#endif

/* Newer than some headers. */
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif
#ifndef SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

enum {
    CALL_NUMBER = 0x7ffe,  /* no kernel has it */
    REQUEST_REGISTERS = 4, /* arguments 1 to 4 */
    REQUEST_INLINE = REQUEST_REGISTERS * 8,
    REPLY_INLINE = 7,
    REPLY_LONG = 8,       /* tag of a reply that lies in memory */
    REPLY_TOO_LONG = 9,   /* tag of a reply that A has no room for */
    REPLY_TAG_SHIFT = 56, /* never negative, so never an error of the kernel */
};

static int seccomp(unsigned operation, unsigned flags, void *argument)
{
    return (int)syscall(SYS_seccomp, operation, flags, argument);
}

int ipm_call_install(struct ipm_why *why)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OWN_ARCH, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CALL_NUMBER, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};
    uint32_t action = SECCOMP_RET_USER_NOTIF;
    if (OWN_ARCH == 0)
        return ipm_why_set(why, -ENOTSUP, "this CPU's filter is not written");
    if (seccomp(SECCOMP_GET_ACTION_AVAIL, 0, &action) != 0)
        return ipm_why_set(why, -errno, "seccomp(SECCOMP_RET_USER_NOTIF): ");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return ipm_why_set(why, -errno, "prctl(PR_SET_NO_NEW_PRIVS): ");
    unsigned flags = SECCOMP_FILTER_FLAG_NEW_LISTENER;
    int fd = seccomp(SECCOMP_SET_MODE_FILTER,
                     flags | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &program);
    if (fd < 0 && errno == EINVAL) /* before Linux 5.19 */
        fd = seccomp(SECCOMP_SET_MODE_FILTER, flags, &program);
    if (fd < 0 && errno == EBUSY)
        return ipm_why_set(why, -EOPNOTSUPP,
                           "this process is the caller of another channel, or has a "
                           "seccomp listener of its own");
    return fd >= 0 ? fd
                   : ipm_why_set(why, -errno, "seccomp(SECCOMP_SET_MODE_FILTER): ");
}

int ipm_call_wake_up_in_sync(int listener)
{
    return ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS,
                 SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP) == 0
               ? 0
               : -errno;
}

int ipm_call_pass(int socket, int fd)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {0};
    char byte = 0;
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control.room)};
    control.header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)),
                                      .cmsg_level = SOL_SOCKET,
                                      .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
    return sendmsg(socket, &message, MSG_NOSIGNAL) == 1 ? 0 : -errno;
}

int ipm_call_take(int socket, int *out_fd)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {0};
    char byte = 0;
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control.room)};
    if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1)
        return errno != 0 ? -errno : -EPROTO;
    if (message.msg_controllen < CMSG_LEN(sizeof(int)) ||
        control.header.cmsg_type != SCM_RIGHTS)
        return -EPROTO;
    memcpy(out_fd, CMSG_DATA(&control.header), sizeof(*out_fd));
    return 0;
}

int ipm_call(const unsigned char *request, size_t length, struct ipm_span *span)
{
    uint64_t registers[REQUEST_REGISTERS] = {0};
    size_t room = span->length < IPM_CALL_LONGEST ? span->length : IPM_CALL_LONGEST;
    if (length <= REQUEST_INLINE)
        memcpy(registers, request, REQUEST_INLINE);
    else
        registers[0] = (uintptr_t)request;
    long answer;
    do {
        answer = syscall(CALL_NUMBER, length | (uint64_t)room << 32, registers[0],
                         registers[1], registers[2], registers[3], span->data);
    } while (answer < 0 && errno == EINTR);
    if (answer < 0)
        return errno == ENOSYS ? IPM_CLOSED : -errno;
    uint64_t tag = (uint64_t)answer >> REPLY_TAG_SHIFT;
    uint64_t rest = (uint64_t)answer & ((UINT64_C(1) << REPLY_TAG_SHIFT) - 1);
    if (tag == REPLY_TOO_LONG || (tag <= REPLY_INLINE && tag > room))
        return -EMSGSIZE;
    if (tag > REPLY_LONG || (tag == REPLY_LONG && rest > room))
        return -EPROTO;
    span->length = tag == REPLY_LONG ? rest : tag;
    if (tag <= REPLY_INLINE)
        memcpy(span->data, &rest, tag);
    return 0;
}

int ipm_call_server_init(struct ipm_call_server *server, size_t max_message,
                         struct ipm_why *why)
{
    struct seccomp_notif_sizes *sizes = &server->sizes;
    struct utsname system;
    int major = 0;
    int minor = 0;
    server->max_message = max_message;
    if (seccomp(SECCOMP_GET_NOTIF_SIZES, 0, sizes) != 0)
        return ipm_why_set(why, -errno, "seccomp(SECCOMP_GET_NOTIF_SIZES): ");
    /* A kernel may write more than we know of, and looks at less than we have. */
    size_t request = sizes->seccomp_notif;
    size_t reply = sizes->seccomp_notif_resp;
    if (request < sizeof(*server->request))
        request = sizeof(*server->request);
    if (reply < sizeof(*server->reply))
        reply = sizeof(*server->reply);
    server->request = calloc(1, request);
    server->reply = calloc(1, reply);
    if (server->request == NULL || server->reply == NULL)
        return ipm_why_set(why, -ENOMEM, "no memory for a notification");
    server->polls = uname(&system) != 0 ||
                    sscanf(system.release, "%d.%d", &major, &minor) != 2 || major < 6 ||
                    (major == 6 && minor < 11);
    return 0;
}

void ipm_call_server_fini(struct ipm_call_server *server)
{
    if (server->listener_plus_one != 0)
        (void)close(server->listener_plus_one - 1);
    server->listener_plus_one = 0;
    free(server->request);
    free(server->reply);
    server->request = NULL;
    server->reply = NULL;
}

/* Moves @length bytes between our memory and A's.  0; IPM_CLOSED; -errno. */
static int move(const struct ipm_call_server *server, bool out, void *data,
                uint64_t address, size_t length)
{
    pid_t pid = (pid_t)server->request->pid;
    struct iovec here = {data, length};
    struct iovec there = {(void *)(uintptr_t)address, length};
    int listener = server->listener_plus_one - 1;
    uint64_t id = server->request->id;
    /* Before a write, so as not to write into a process that got A's number after its
     * death; after a read, so as not to believe one. */
    if (out && ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) != 0)
        return errno == ENOENT ? IPM_CLOSED : -errno;
    ssize_t moved = out ? process_vm_writev(pid, &here, 1, &there, 1, 0)
                        : process_vm_readv(pid, &here, 1, &there, 1, 0);
    int error = moved == (ssize_t)length ? 0 : moved < 0 ? -errno : -EFAULT;
    if ((!out || error != 0) && ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) != 0)
        return errno == ENOENT ? IPM_CLOSED : -errno;
    return error;
}

/* Waits for a call.  0; IPM_AGAIN; IPM_CLOSED; -errno. */
static int listen_for(struct ipm_call_server *server, int64_t deadline_ns)
{
    int listener = server->listener_plus_one - 1;
    for (;;) {
        if (server->polls || deadline_ns != IPM_FOREVER) {
            struct pollfd entry = {.fd = listener, .events = POLLIN};
            int ready = poll(&entry, 1, ipm_poll_timeout_ms(deadline_ns));
            if (ready < 0 && errno != EINTR)
                return -errno;
            if (ready > 0 && (entry.revents & POLLIN) == 0)
                return IPM_CLOSED;
            if (ready <= 0 && ipm_now_ns() >= deadline_ns)
                return IPM_AGAIN;
            if (ready <= 0)
                continue;
        }
        memset(server->request, 0, sizeof(*server->request)); /* or it is EINVAL */
        if (server->sizes.seccomp_notif > sizeof(*server->request))
            memset(server->request, 0, server->sizes.seccomp_notif);
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, server->request) == 0)
            return 0;
        /* ENOENT: A is gone, or was interrupted before we looked and calls again. */
        if (errno == ENOENT) {
            struct pollfd entry = {.fd = listener, .events = POLLIN};
            if (poll(&entry, 1, 0) == 1 && (entry.revents & POLLHUP) != 0)
                return IPM_CLOSED;
        } else if (errno != EINTR) {
            return -errno;
        }
    }
}

int ipm_call_serve(struct ipm_call_server *server, struct ipm_span *span,
                   int64_t deadline_ns)
{
    if (server->called)
        return deadline_ns == IPM_FOREVER ? -EDEADLK : IPM_AGAIN; /* A waits for us */
    int result = listen_for(server, deadline_ns);
    if (result != 0)
        return result;
    server->called = true;
    const __u64 *registers = server->request->data.args;
    size_t length = (size_t)(registers[0] & UINT32_MAX);
    if (server->request->data.nr != CALL_NUMBER || length > server->max_message)
        return -EPROTO;
    if (length > span->length)
        return -EMSGSIZE;
    span->length = length;
    if (length <= REQUEST_INLINE) {
        memcpy(span->data, &registers[1], length);
        return 0;
    }
    return move(server, false, span->data, registers[1], length);
}

int ipm_call_answer(struct ipm_call_server *server, const void *data, size_t length)
{
    const __u64 *registers = server->request->data.args;
    uint64_t value = 0;
    if (!server->called)
        return -EPROTO; /* nobody has called */
    if (length > registers[0] >> 32) {
        value = UINT64_C(1) * REPLY_TOO_LONG << REPLY_TAG_SHIFT;
    } else if (length <= REPLY_INLINE) {
        memcpy(&value, data, length);
        value |= (uint64_t)length << REPLY_TAG_SHIFT;
    } else {
        /* Only read from: move() is one function for both directions. */
        int result = move(server, true, (void *)(uintptr_t)data, registers[5], length);
        if (result != 0)
            return result;
        value = length | UINT64_C(1) * REPLY_LONG << REPLY_TAG_SHIFT;
    }
    *server->reply =
        (struct seccomp_notif_resp){.id = server->request->id, .val = (int64_t)value};
    while (ioctl(server->listener_plus_one - 1, SECCOMP_IOCTL_NOTIF_SEND,
                 server->reply) != 0) {
        if (errno == ENOENT)
            return IPM_CLOSED;
        if (errno != EINTR)
            return -errno;
    }
    server->called = false;
    return 0;
}
