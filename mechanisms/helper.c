/* SPDX-License-Identifier: MIT */
#include "mechanisms/helper.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINE = 512 };

static const int64_t farewell_ns = IPM_NS_PER_SECOND; /* between SIGTERM and SIGKILL */

int ipm_helper_find(const char *program, const char *package, struct ipm_why *why)
{
    const char *path = getenv("PATH");
    while (path != NULL && *path != '\0') {
        char file[PATH_MAX];
        size_t length = strcspn(path, ":");
        (void)snprintf(file, sizeof(file), "%.*s/%s", (int)length, path, program);
        if (access(file, X_OK) == 0)
            return 0;
        path += length + (path[length] == ':');
    }
    return ipm_why_set(why, -EOPNOTSUPP, "install %s: no %s in PATH", package, program);
}

/* In the child.  What fails is told by @report, which exec() closes. */
static _Noreturn void become(const struct ipm_helper *helper, const cpu_set_t *cpus,
                             pid_t parent, int output, int report)
{
    /* execvp() takes pointers to characters that nobody changes. */
    char *argv[IPM_HELPER_ARGUMENTS];
    memcpy(argv, helper->argv, sizeof(argv));
    argv[IPM_HELPER_ARGUMENTS - 1] = NULL;
    int input = open("/dev/null", O_RDONLY | O_CLOEXEC);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)signal(SIGPIPE, SIG_DFL);
    /* A parent that died before prctl() sends nothing any more. */
    if (getppid() == parent && input >= 0 && dup2(input, STDIN_FILENO) >= 0 &&
        dup2(output, STDOUT_FILENO) >= 0 && dup2(output, STDERR_FILENO) >= 0 &&
        (cpus == NULL || sched_setaffinity(0, sizeof(*cpus), cpus) == 0))
        (void)execvp(argv[0], argv);
    int error = errno;
    (void)!write(report, &error, sizeof(error));
    _exit(1);
}

/* Forks and executes.  0 with a live @process. */
static int launch(struct ipm_helper_process *process, const struct ipm_helper *helper,
                  const cpu_set_t *cpus, struct ipm_why *why)
{
    int output[2];
    int report[2];
    if (pipe2(output, O_CLOEXEC) != 0)
        return ipm_why_set(why, -errno, "pipe: ");
    process->output_plus_one = output[0] + 1;
    ipm_auto_fd int written = output[1];
    if (pipe2(report, O_CLOEXEC) != 0)
        return ipm_why_set(why, -errno, "pipe: ");
    ipm_auto_fd int told = report[0];
    ipm_auto_fd int telling = report[1];
    pid_t parent = getpid();
    process->pid = fork();
    if (process->pid < 0) {
        process->pid = 0;
        return ipm_why_set(why, -errno, "fork: ");
    }
    if (process->pid == 0)
        become(helper, cpus, parent, written, telling);
    ipm_cleanup_fd(&telling);
    int error = 0;
    ssize_t got;
    do {
        got = read(told, &error, sizeof(error));
    } while (got < 0 && errno == EINTR);
    if (got == (ssize_t)sizeof(error) && error == ENOENT)
        return ipm_why_set(why, -EOPNOTSUPP, "%s is not installed", process->name);
    if (got == (ssize_t)sizeof(error))
        return ipm_why_set(why, -error, "start %s: ", process->name);
    int pidfd = ipm_pidfd_open(process->pid, why);
    if (pidfd < 0)
        return pidfd;
    process->pidfd_plus_one = pidfd + 1;
    return 0;
}

/* Its output has ended: so has it, or it will at once. */
static int ended_early(struct ipm_helper_process *process, const char *last_words,
                       int64_t deadline_ns, struct ipm_why *why)
{
    int status = 0;
    int error =
        ipm_wait_until(process->pid, process->pidfd_plus_one - 1, deadline_ns, &status);
    if (error != 0)
        return ipm_why_set(why, -ECHILD, "%s closed its output", process->name);
    char text[IPM_STATUS_TEXT];
    process->pid = 0;
    return ipm_why_set(why, -ECHILD, "%s %s%s%.120s", process->name,
                       ipm_status_text(status, text), last_words[0] == '\0' ? "" : ": ",
                       last_words);
}

/* Reads lines until one says that it is ready. */
static int await(struct ipm_helper_process *process, const char *ready,
                 int64_t deadline_ns, struct ipm_why *why)
{
    int fd = process->output_plus_one - 1;
    char line[LINE] = "";
    char last_words[LINE] = "";
    size_t used = 0;
    for (;;) {
        struct pollfd entry = {.fd = fd, .events = POLLIN};
        int n = poll(&entry, 1, ipm_poll_timeout_ms(deadline_ns));
        if (n < 0 && errno != EINTR)
            return ipm_why_set(why, -errno, "poll: ");
        if (n == 0)
            return ipm_why_set(why, -ETIMEDOUT, "%s was not ready in time%s%.120s",
                               process->name, last_words[0] == '\0' ? "" : ": ",
                               last_words);
        /* Byte by byte: what follows the line is not ours to take, and nobody waits. */
        ssize_t got = n < 0 ? -1 : read(fd, &line[used], 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            line[used] = '\0';
            return ended_early(process, used > 0 ? line : last_words, deadline_ns, why);
        }
        if (line[used] != '\n') {
            used += used < LINE - 1; /* of a longer line the end is lost */
            continue;
        }
        line[used] = '\0';
        if (strstr(line, ready) != NULL)
            return 0;
        memcpy(last_words, line, used + 1);
        used = 0;
    }
}

int ipm_helper_start(struct ipm_helper_process *process,
                     const struct ipm_channel *channel, const cpu_set_t *cpus,
                     int64_t deadline_ns, struct ipm_why *why)
{
    *process = (struct ipm_helper_process){.pid = 0};
    if (channel->mechanism->helper == NULL)
        return 0;
    struct ipm_helper helper = {.ready = ""};
    int error = channel->mechanism->helper(channel, &helper, why);
    if (error != 0)
        return error;
    const char *slash = strrchr(helper.argv[0], '/');
    (void)snprintf(process->name, sizeof(process->name), "%s",
                   slash == NULL ? helper.argv[0] : slash + 1);
    error = launch(process, &helper, cpus, why);
    if (error == 0)
        error = await(process, helper.ready, deadline_ns, why);
    if (error != 0) {
        ipm_why_prefix(why, "helper ");
        ipm_helper_stop(process);
    }
    return error;
}

void ipm_helper_stop(struct ipm_helper_process *process)
{
    int status;
    int left = 1;
    if (process->pid != 0 && process->pidfd_plus_one != 0) {
        (void)kill(process->pid, SIGTERM);
        left = ipm_wait_until(process->pid, process->pidfd_plus_one - 1,
                              ipm_now_ns() + farewell_ns, &status);
    }
    if (process->pid != 0 && left != 0) {
        (void)kill(process->pid, SIGKILL);
        while (waitpid(process->pid, &status, 0) < 0 && errno == EINTR)
            ;
    }
    process->pid = 0;
    ipm_helper_forget(process);
}

void ipm_helper_forget(struct ipm_helper_process *process)
{
    if (process->pidfd_plus_one != 0)
        (void)close(process->pidfd_plus_one - 1);
    if (process->output_plus_one != 0)
        (void)close(process->output_plus_one - 1);
    process->pidfd_plus_one = process->output_plus_one = 0;
}
