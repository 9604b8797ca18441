/* SPDX-License-Identifier: MIT */
#include "tests/conformance/syscalls.h"

#include <errno.h>
#include <linux/ptrace.h> /* the kernel's, for PTRACE_GET_SYSCALL_INFO; see below */
#include <signal.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* No kernel has this call; it fails and is seen. */
static const long mark = 0x7fff;

/* glibc's sys/ptrace.h and the kernel's header cannot be included together. */
static long trace(long request, pid_t pid, long address, void *data)
{
    return syscall(SYS_ptrace, request, (long)pid, address, data);
}

void ipm_syscalls_mark(void)
{
    (void)syscall(mark);
}

int ipm_syscalls_offer(struct ipm_why *why)
{
    if (trace(PTRACE_TRACEME, 0, 0, NULL) != 0)
        return ipm_why_set(why, -errno, "ptrace(PTRACE_TRACEME): ");
    (void)raise(SIGSTOP);
    return 0;
}

int ipm_syscalls_count(pid_t pid, uint64_t *out_calls, int *out_status,
                       struct ipm_why *why)
{
    uint64_t calls = 0;
    int marks = 0;
    bool ready = false; /* the first stop is the child's own */
    for (;;) {
        int status = 0;
        if (waitpid(pid, &status, 0) < 0) {
            if (errno == EINTR)
                continue;
            return ipm_why_set(why, -errno, "waitpid: ");
        }
        if (!WIFSTOPPED(status)) {
            if (marks < 2)
                return ipm_why_set(why, -EPROTO, "ended before its second mark");
            *out_calls = calls;
            *out_status = status;
            return 0;
        }
        int forward = WSTOPSIG(status);
        struct ptrace_syscall_info info = {0};
        if (!ready) {
            if (trace(PTRACE_SETOPTIONS, pid, 0, (void *)PTRACE_O_TRACESYSGOOD) != 0)
                return ipm_why_set(why, -errno, "ptrace(PTRACE_SETOPTIONS): ");
            ready = true;
            forward = 0;
        } else if (forward == (SIGTRAP | 0x80)) {
            forward = 0;
            if (trace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) < 0)
                return ipm_why_set(why, -errno, "ptrace(PTRACE_GET_SYSCALL_INFO): ");
            bool enters = info.op == PTRACE_SYSCALL_INFO_ENTRY;
            if (enters && info.entry.nr == (uint64_t)mark)
                marks++;
            else if (enters && marks == 1)
                calls++;
        }
        /* After the second mark nothing is of interest any more. */
        long request = marks < 2 ? PTRACE_SYSCALL : PTRACE_CONT;
        if (trace(request, pid, 0, (void *)(long)forward) != 0)
            return ipm_why_set(why, -errno, "ptrace(continue): ");
    }
}
