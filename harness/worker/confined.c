/* SPDX-License-Identifier: MIT */
#include "harness/worker/confined.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void close_from(int first)
{
#ifdef SYS_close_range
    if (syscall(SYS_close_range, (unsigned)first, ~0u, 0) == 0)
        return;
#endif
    long most = sysconf(_SC_OPEN_MAX);
    for (int fd = first; fd < (most > 0 ? most : 1024); fd++)
        (void)close(fd);
}

static _Noreturn void become_leader(ipm_confined_main *function, void *context,
                                    struct ipm_sandbox *sandbox, int output,
                                    int64_t begun_ns)
{
    if (ipm_die_with_parent(NULL) != 0)
        _exit(1);
    if (output != IPM_CONFINED_OUTPUT &&
        dup3(output, IPM_CONFINED_OUTPUT, O_CLOEXEC) < 0)
        _exit(1);
    close_from(IPM_CONFINED_OUTPUT + 1);
    ipm_sandbox_settle(sandbox);
    _exit(function(context, sandbox, ipm_now_ns() - begun_ns));
}

int ipm_confined_run(bool wanted, ipm_confined_main *function, void *context,
                     char **out_text, int *out_status, struct ipm_why *why)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return ipm_why_set(why, -errno, "pipe: ");
    ipm_auto_fd int input = ends[0];
    ipm_auto_fd int output = ends[1];

    struct ipm_sandbox sandbox;
    int64_t begun_ns = ipm_now_ns();
    ipm_sandbox_unshare(&sandbox, wanted);
    pid_t leader = fork();
    if (leader < 0)
        return ipm_why_set(why, -errno, "fork: ");
    if (leader == 0)
        become_leader(function, context, &sandbox, output, begun_ns);

    ipm_cleanup_fd(&output);
    size_t length = 0;
    int error = ipm_read_all(input, IPM_CONFINED_LIMIT, out_text, &length);
    ipm_cleanup_fd(&input); /* a leader that still writes meets a closed pipe */
    while (waitpid(leader, out_status, 0) < 0 && errno == EINTR)
        ;
    return error == 0 ? 0 : ipm_why_set(why, error, "read from the leader: ");
}
