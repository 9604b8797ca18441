/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/spawn.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

static int input_file(const struct ipm_spawn *spawn, struct ipm_why *why)
{
    ipm_auto_fd int fd =
        memfd_create("ipcmeter-input", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return ipm_why_set(why, -errno, "memfd_create: ");
    int error = ipm_write_all(fd, spawn->input, spawn->input_length);
    if (error != 0)
        return ipm_why_set(why, error, "write the input: ");
    int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
    if (lseek(fd, 0, SEEK_SET) != 0 || fcntl(fd, F_ADD_SEALS, seals) != 0)
        return ipm_why_set(why, -errno, "seal the input: ");
    return ipm_steal_fd(&fd);
}

/* In the child: never returns.  What went wrong before exec goes up the @failure pipe. */
__attribute__((noreturn)) static void child(const struct ipm_spawn *spawn, pid_t parent,
                                            const sigset_t *mask, int input, int output,
                                            int failure)
{
    int error = ipm_die_with_parent(NULL);
    if (error == 0 && getppid() != parent)
        _exit(1); /* it died before we asked to die with it */
    if (error == 0 &&
        (setpgid(0, 0) != 0 || dup2(input, STDIN_FILENO) < 0 ||
         dup2(output, STDOUT_FILENO) < 0 || sigprocmask(SIG_SETMASK, mask, NULL) != 0))
        error = -errno;
    if (error == 0) {
        (void)execv(spawn->argv[0], (char *const *)spawn->argv);
        error = -errno;
    }
    (void)ipm_write_all(failure, &error, sizeof(error));
    _exit(127);
}

struct output {
    char *text;
    size_t length, room;
};

/* Takes what is there now.  Return: 0 more may come; 1 the end; -errno. */
static int drain(int fd, size_t limit, struct output *output)
{
    for (;;) {
        if (output->length + 1 >= output->room) {
            if (output->length > limit)
                return -EFBIG;
            size_t room = output->room == 0 ? 16384 : output->room * 2;
            char *larger = realloc(output->text, room);
            if (larger == NULL)
                return -ENOMEM;
            output->text = larger;
            output->room = room;
        }
        ssize_t got =
            read(fd, output->text + output->length, output->room - output->length - 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return errno == EAGAIN ? 0 : -errno;
        output->length += (size_t)got;
        output->text[output->length] = '\0';
        if (output->length > limit)
            return -EFBIG;
        if (got == 0)
            return 1;
    }
}

/* Sleeps until stdout has ended and the child too. */
static int collect(const struct ipm_spawn *spawn, int fd, int pidfd,
                   const sigset_t *mask, struct output *output)
{
    bool ended = false;
    bool open = true;
    while (!ended || open) {
        if (spawn->interrupted != NULL && *spawn->interrupted != 0)
            return IPM_SPAWN_INTERRUPTED;
        struct pollfd entries[] = {{.fd = open ? fd : -1, .events = POLLIN},
                                   {.fd = ended ? -1 : pidfd, .events = POLLIN}};
        struct timespec left = {0};
        bool forever = spawn->deadline_ns == IPM_FOREVER;
        if (!forever) {
            int64_t left_ns = spawn->deadline_ns - ipm_now_ns();
            if (left_ns <= 0)
                return IPM_SPAWN_TIMED_OUT;
            left = ipm_timespec(left_ns);
        }
        if (ppoll(entries, 2, forever ? NULL : &left, mask) < 0) {
            if (errno == EINTR)
                continue;
            return -errno;
        }
        ended = ended || entries[1].revents != 0;
        int state = open ? drain(fd, spawn->output_limit, output) : 1;
        if (state < 0)
            return state;
        /* A process left behind may hold the pipe for ever: it has nothing to say. */
        open = state == 0 && !ended;
    }
    return 0;
}

static int start(const struct ipm_spawn *spawn, const sigset_t *mask, pid_t *out_pid,
                 int *out_fd, struct ipm_why *why)
{
    int output[2];
    int failure[2];
    ipm_auto_fd int input = input_file(spawn, why);
    if (input < 0)
        return input;
    if (pipe2(output, O_CLOEXEC) != 0)
        return ipm_why_set(why, -errno, "pipe: ");
    ipm_auto_fd int output_read = output[0];
    ipm_auto_fd int output_write = output[1];
    if (pipe2(failure, O_CLOEXEC) != 0)
        return ipm_why_set(why, -errno, "pipe: ");
    ipm_auto_fd int failure_read = failure[0];
    ipm_auto_fd int failure_write = failure[1];

    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid < 0)
        return ipm_why_set(why, -errno, "fork: ");
    if (pid == 0)
        child(spawn, parent, mask, input, output_write, failure_write);
    /* Both sides set the group: whoever comes first, it is there before anybody kills. */
    (void)setpgid(pid, pid);
    (void)close(ipm_steal_fd(&failure_write));

    int error = 0;
    ssize_t got;
    do {
        got = read(failure_read, &error, sizeof(error));
    } while (got < 0 && errno == EINTR);
    if (got == (ssize_t)sizeof(error)) {
        (void)waitpid(pid, NULL, 0);
        return ipm_why_set(why, error, "execute %s: ", spawn->argv[0]);
    }
    if (fcntl(output_read, F_SETFL, O_NONBLOCK) != 0)
        error = ipm_why_set(why, -errno, "fcntl: ");
    *out_pid = pid;
    *out_fd = ipm_steal_fd(&output_read);
    return error;
}

static int run(const struct ipm_spawn *spawn, const sigset_t *mask,
               struct output *output, int *out_status, struct ipm_why *why)
{
    pid_t pid = -1;
    ipm_auto_fd int fd = -1;
    int result = start(spawn, mask, &pid, &fd, why);
    if (pid < 0)
        return result;
    ipm_auto_fd int pidfd = result == 0 ? ipm_pidfd_open(pid, why) : -1;
    if (result == 0)
        result = pidfd < 0 ? pidfd : collect(spawn, fd, pidfd, mask, output);
    if (result == -EFBIG)
        (void)ipm_why_set(why, result, "%s wrote more than %zu bytes", spawn->argv[0],
                          spawn->output_limit);
    else if (result < 0 && pidfd >= 0)
        (void)ipm_why_set(why, result, "wait for %s: ", spawn->argv[0]);
    /* Not reaped yet, so that the number is still the group's. */
    (void)kill(-pid, SIGKILL);
    int status = 0;
    pid_t reaped;
    do {
        reaped = waitpid(pid, &status, 0);
    } while (reaped < 0 && errno == EINTR);
    *out_status = status;
    return result;
}

int ipm_spawn_worker(const struct ipm_spawn *spawn, char **out_text, size_t *out_length,
                     int *out_status, struct ipm_why *why)
{
    sigset_t blocked;
    sigset_t mask;
    (void)sigemptyset(&blocked);
    (void)sigaddset(&blocked, SIGINT);
    (void)sigaddset(&blocked, SIGTERM);
    (void)sigaddset(&blocked, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &blocked, &mask) != 0)
        return ipm_why_set(why, -errno, "sigprocmask: ");
    struct output output = {0};
    int status = 0;
    int result = run(spawn, &mask, &output, &status, why);
    (void)sigprocmask(SIG_SETMASK, &mask, NULL);
    if (result != 0) {
        free(output.text);
        return result;
    }
    *out_text = output.text;
    *out_length = output.length;
    *out_status = status;
    return 0;
}
