/* SPDX-License-Identifier: MIT */
#include "harness/worker/role_settle.h"

#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int ipm_role_set_policy(enum ipm_policy policy, struct ipm_why *why)
{
    static const int policies[] = {SCHED_OTHER, SCHED_BATCH, SCHED_FIFO};
    if (policy == IPM_POLICY_OTHER)
        return 0;
    struct sched_param parameter = {
        .sched_priority = policy == IPM_POLICY_FIFO ? IPM_FIFO_PRIORITY : 0};
    if (sched_setscheduler(0, policies[policy], &parameter) != 0)
        return ipm_why_set(why, -errno, "policy %s: ", ipm_policy_names[policy]);
    return 0;
}

int ipm_role_settle(const struct ipm_point *point, struct ipm_wiring *wiring, int seat,
                    struct ipm_why *why)
{
    int error = ipm_die_with_parent(why);
    if (error != 0)
        return error;
    /* A write to a pipe whose reader is gone is an error to report, not a death. */
    (void)signal(SIGPIPE, SIG_IGN);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0)
        return ipm_why_set(why, -errno, "open the null device: ");
    (void)dup2(null, STDIN_FILENO);
    (void)dup2(null, STDOUT_FILENO);
    (void)close(null);
    ipm_wiring_keep(wiring, seat);
    error = ipm_pin_self(ipm_point_cpu(point, seat), why);
    return error != 0 ? error : ipm_role_set_policy(point->policy, why);
}

/* Every page its own: the zero page would make them all one line. */
int ipm_role_working_set(const struct ipm_point *point, unsigned char **out_set,
                         struct ipm_why *why)
{
    size_t size = (size_t)point->traffic.working_set;
    *out_set = NULL;
    if (size == 0)
        return 0;
    void *memory =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return ipm_why_set(why, -errno, "working set of %zu bytes: ", size);
    (void)madvise(memory, size,
                  MADV_NOHUGEPAGE); /* small pages: as most programs have */
    memset(memory, 1, size);
    *out_set = memory;
    return 0;
}
