/* SPDX-License-Identifier: MIT */
#include "base/process.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int ipm_pin_self(int cpu, struct ipm_why *why)
{
    cpu_set_t set;
    if (cpu < 0 || cpu >= CPU_SETSIZE)
        return ipm_why_set(why, -EINVAL, "CPU %d is outside 0 .. %d", cpu,
                           CPU_SETSIZE - 1);
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    if (sched_setaffinity(0, sizeof(set), &set) != 0)
        return ipm_why_set(why, -errno, "pin to CPU %d: ", cpu);
    return 0;
}

int ipm_die_with_parent(struct ipm_why *why)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        return ipm_why_set(why, -errno, "prctl(PR_SET_PDEATHSIG): ");
    return 0;
}

int ipm_pidfd_open(pid_t pid, struct ipm_why *why)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd < 0)
        return ipm_why_set(why, -errno, "pidfd_open(%d): ", (int)pid);
    return fd;
}

int ipm_wait_until(pid_t pid, int pidfd, int64_t deadline_ns, int *out_status)
{
    for (;;) {
        struct pollfd entry = {.fd = pidfd, .events = POLLIN};
        int ready = poll(&entry, 1, ipm_poll_timeout_ms(deadline_ns));
        if (ready < 0 && errno != EINTR)
            return -errno;
        if (ready == 0)
            return 1;
        /* A descriptor that is not open is "ready" too, and waitpid() would not return. */
        if (ready > 0 && (entry.revents & POLLNVAL) != 0)
            return -EBADF;
        if (ready > 0)
            break;
    }
    pid_t reaped;
    do {
        reaped = waitpid(pid, out_status, 0);
    } while (reaped < 0 && errno == EINTR);
    return reaped < 0 ? -errno : 0;
}

const char *ipm_status_text(int status, char text[IPM_STATUS_TEXT])
{
    /* Real-time signals have no name. */
    const char *name = WIFSIGNALED(status) ? sigabbrev_np(WTERMSIG(status)) : NULL;
    if (name != NULL)
        (void)snprintf(text, IPM_STATUS_TEXT, "killed by signal %d (SIG%s)",
                       WTERMSIG(status), name);
    else if (WIFSIGNALED(status))
        (void)snprintf(text, IPM_STATUS_TEXT, "killed by signal %d", WTERMSIG(status));
    else
        (void)snprintf(text, IPM_STATUS_TEXT, "exited with status %d",
                       WEXITSTATUS(status));
    return text;
}

int ipm_write_all(int fd, const void *bytes, size_t length)
{
    const char *at = bytes;
    while (length > 0) {
        ssize_t written = write(fd, at, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -errno;
        at += written;
        length -= (size_t)written;
    }
    return 0;
}

int ipm_read_all(int fd, size_t limit, char **out_text, size_t *out_length)
{
    size_t room = 4096;
    size_t length = 0;
    ipm_auto_free char *text = malloc(room);
    if (text == NULL)
        return -ENOMEM;
    for (;;) {
        if (length > limit)
            return -EFBIG;
        if (length + 1 == room) {
            char *larger = realloc(text, room * 2);
            if (larger == NULL)
                return -ENOMEM;
            text = larger;
            room *= 2;
        }
        ssize_t got = read(fd, text + length, room - length - 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            break;
        length += (size_t)got;
    }
    text[length] = '\0';
    *out_length = length;
    *out_text = ipm_steal(&text);
    return 0;
}

int ipm_read_file(const char *path, char *text, size_t room)
{
    return ipm_read_file_at(AT_FDCWD, path, text, room);
}

int ipm_read_file_at(int directory, const char *path, char *text, size_t room)
{
    ipm_auto_fd int fd = openat(directory, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t got = read(fd, text, room - 1);
    if (got < 0)
        return -errno;
    while (got > 0 && text[got - 1] == '\n')
        got--;
    text[got] = '\0';
    return 0;
}
