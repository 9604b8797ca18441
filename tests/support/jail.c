/* SPDX-License-Identifier: MIT */
/*
 * jail: run a program as container engines do - unshare, mount, perf_event_open and
 * io_uring_setup are refused with EPERM, clone3 with ENOSYS, and clone may not make
 * namespaces.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#define LOAD(field)                                                                    \
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define REFUSE(error) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error))
/* When the loaded word is @value go on, else skip the next @n instructions. */
#define UNLESS(value, n) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (n))

int main(int argc, char **argv)
{
    if (argc < 2) {
        (void)fprintf(stderr, "usage: jail PROGRAM [ARGUMENTS]\n");
        return 2;
    }
#ifdef ARCHITECTURE
    struct sock_filter rules[] = {
        LOAD(arch),
        UNLESS(ARCHITECTURE, 15),
        LOAD(nr),
        UNLESS(SYS_unshare, 1),
        REFUSE(EPERM),
        UNLESS(SYS_mount, 1),
        REFUSE(EPERM),
        UNLESS(SYS_perf_event_open, 1),
        REFUSE(EPERM),
        UNLESS(SYS_io_uring_setup, 1),
        REFUSE(EPERM),
        UNLESS(SYS_clone3, 1),
        REFUSE(ENOSYS),
        UNLESS(SYS_clone, 3),
        LOAD(args[0]),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K,
                 (unsigned)(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWNS |
                            CLONE_NEWIPC),
                 0, 1),
        REFUSE(EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof(rules) / sizeof(rules[0]),
                                 .filter = rules};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        (void)fprintf(stderr, "jail: %s\n", strerror(errno));
        return 77;
    }
    (void)execvp(argv[1], argv + 1);
    (void)fprintf(stderr, "jail: %s: %s\n", argv[1], strerror(errno));
    return 127;
#else
    (void)fprintf(stderr, "jail: no filter is written for this architecture\n");
    return 77;
#endif
}
