/* SPDX-License-Identifier: MIT */
#include "mechanisms/modules/uring.h"

#include "base/process.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    POLL_IDLE_MS = 1000, /* a polling thread sleeps after this long without work */
    CPUS_OF_POLLED = 4,  /* two threads and two sides */
};

const char *const ipm_uring_setups[] = {"deferred", "cooperative", "plain", "polled",
                                        NULL};

/* TASKRUN_FLAG shows in the ring that completions wait to be made: who spins needs to
 * enter the kernel for these only. */
static unsigned setup_flags(enum ipm_uring_setup setup)
{
    const unsigned common =
        IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER;
    switch (setup) {
    case IPM_URING_DEFERRED:
        return common | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
    case IPM_URING_COOPERATIVE:
        return common | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
    case IPM_URING_PLAIN:
        return common;
    case IPM_URING_POLLED:
        return common | IORING_SETUP_SQPOLL;
    }
    return common;
}

static int refused(struct ipm_why *why, int error,
                   const struct ipm_uring_options *options)
{
    const char *setup = ipm_uring_setups[options->setup];
    char disabled[8] = "";
    if (error == -EINVAL && options->setup == IPM_URING_POLLED &&
        options->poll_cpu >= 0)
        return ipm_why_set(why, -EOPNOTSUPP,
                           "io_uring_setup: no CPU %lld for a polling thread: %s",
                           (long long)options->poll_cpu, strerror(-error));
    if (error == -EINVAL)
        return ipm_why_set(why, -EOPNOTSUPP,
                           "io_uring_setup: this kernel knows no setup '%s' "
                           "(before Linux 6.1)",
                           setup);
    if (error != -EPERM && error != -ENOSYS && error != -EACCES)
        return ipm_why_set(why, error, "io_uring_setup: ");
    if (ipm_read_file("/proc/sys/kernel/io_uring_disabled", disabled,
                      sizeof(disabled)) == 0 &&
        strcmp(disabled, "0") != 0)
        return ipm_why_set(why, error,
                           "io_uring_setup: %s (kernel.io_uring_disabled=%s)",
                           strerror(-error), disabled);
    return ipm_why_set(why, error, "io_uring_setup: %s (%s, as container engines have)",
                       strerror(-error),
                       error == -ENOSYS ? "a kernel without it, or a seccomp profile"
                                        : "a seccomp profile");
}

int ipm_uring_suits(const struct ipm_channel_config *config,
                    const struct ipm_uring_options *options, struct ipm_why *why)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    if (options->setup != IPM_URING_POLLED || config->wait != IPM_WAIT_SPIN ||
        cpus >= CPUS_OF_POLLED)
        return 0;
    return ipm_why_set(why, -EOPNOTSUPP,
                       "two polling threads and two sides that spin want %d CPUs, "
                       "there are %ld",
                       CPUS_OF_POLLED, cpus);
}

int ipm_uring_open(struct io_uring *ring, unsigned submissions, unsigned completions,
                   const struct ipm_uring_options *options, struct ipm_why *why)
{
    struct io_uring_params parameters = {
        .flags = setup_flags((enum ipm_uring_setup)options->setup),
        .cq_entries = completions,
    };
    if (options->setup == IPM_URING_POLLED) {
        parameters.sq_thread_idle = POLL_IDLE_MS;
        if (options->poll_cpu >= 0) {
            parameters.flags |= IORING_SETUP_SQ_AFF;
            parameters.sq_thread_cpu = (unsigned)options->poll_cpu;
        }
    }
    int error = io_uring_queue_init_params(submissions, ring, &parameters);
    return error == 0 ? 0 : refused(why, error, options);
}

struct io_uring_sqe *ipm_uring_push(struct io_uring *ring, int *out_error)
{
    struct io_uring_sqe *sqe;
    while ((sqe = io_uring_get_sqe(ring)) == NULL) {
        *out_error = ipm_uring_enter(ring, 0);
        if (*out_error == 0)
            *out_error = io_uring_sqring_wait(ring); /* nothing to do unless polled */
        if (*out_error < 0)
            return NULL;
    }
    *out_error = 0;
    return sqe;
}

int ipm_uring_enter(struct io_uring *ring, unsigned n)
{
    int result = n > 0 ? io_uring_submit_and_wait(ring, n) : io_uring_submit(ring);
    return result >= 0 || result == -EINTR ? 0 : result;
}

/* The one symbol of a module. */
extern const struct ipm_mechanism *const ipm_plugin_mechanisms[];
const struct ipm_mechanism *const ipm_plugin_mechanisms[] = {
    &ipm_uring_pipe, &ipm_uring_unix, &ipm_uring_msgring, NULL};
