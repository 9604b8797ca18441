/* SPDX-License-Identifier: MIT */
#include "mechanisms/probe.h"

#include "base/process.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct answer {
    atomic_bool given;
    int error;
    struct ipm_why why;
    struct ipm_limits limits;
};

static _Noreturn void ask(const struct ipm_mechanism *mechanism, struct answer *answer)
{
    (void)ipm_die_with_parent(NULL);
    (void)signal(SIGALRM, SIG_DFL);
    (void)alarm(IPM_PROBE_SECONDS);
    answer->limits = mechanism->limits;
    answer->error = mechanism->probe == NULL ? 0 : mechanism->probe(&answer->why);
    if (answer->error == 0 && mechanism->limits_here != NULL)
        mechanism->limits_here(&answer->limits);
    atomic_store(&answer->given, true);
    _exit(0);
}

static int judge(const struct answer *answer, int status, struct ipm_limits *out_limits,
                 struct ipm_why *why)
{
    char text[IPM_STATUS_TEXT];
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        return ipm_why_set(why, -ETIMEDOUT, "the probe hung for %d s",
                           IPM_PROBE_SECONDS);
    if (!atomic_load(&answer->given))
        return ipm_why_set(why, -ECHILD, "the probe %s", ipm_status_text(status, text));
    if (answer->error != 0) {
        if (why != NULL)
            *why = answer->why;
        return answer->error;
    }
    if (out_limits != NULL)
        *out_limits = answer->limits;
    return 0;
}

int ipm_probe(const struct ipm_mechanism *mechanism, struct ipm_limits *out_limits,
              struct ipm_why *why)
{
    if (mechanism->probe == NULL && mechanism->limits_here == NULL) {
        if (out_limits != NULL)
            *out_limits = mechanism->limits;
        return 0;
    }
    struct answer *answer = mmap(NULL, sizeof(*answer), PROT_READ | PROT_WRITE,
                                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (answer == MAP_FAILED)
        return ipm_why_set(why, -errno, "mmap: ");
    pid_t pid = fork();
    if (pid == 0)
        ask(mechanism, answer);
    int status = 0;
    int error = pid < 0 ? ipm_why_set(why, -errno, "fork: ") : 0;
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (error == 0)
        error = judge(answer, status, out_limits, why);
    (void)munmap(answer, sizeof(*answer));
    return error;
}
