/* SPDX-License-Identifier: MIT */
/*
 * papi_check: do PAPI and the kernel count the same?  One loop of a known number of
 * instructions, user side, counted by PAPI_TOT_INS and by a perf event that libpfm4 named,
 * at once, then by each alone.  Prints `papi_check NAME PAPI PERF EXPECTED` per way; the judgement is the reader's.
 */
#include <papi.h>
#include <perfmon/pfmlib_perf_event.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ROUNDS = 1000000 };

static int complain(const char *what, int error)
{
    (void)printf("papi_check failed %s: %s\n", what, PAPI_strerror(error));
    return 1;
}

/* Two instructions a round. */
static void loop(void)
{
    uint64_t left = ROUNDS;
#if defined(__aarch64__)
    __asm__ volatile("1: subs %0, %0, #1\n b.ne 1b" : "+r"(left) : : "cc");
#elif defined(__x86_64__)
    __asm__ volatile("1: sub $1, %0\n jne 1b" : "+r"(left) : : "cc");
#else
#error "a loop of two instructions for this machine"
#endif
}

static int open_perf(void)
{
    struct perf_event_attr attributes;
    pfm_perf_encode_arg_t request;
    memset(&attributes, 0, sizeof(attributes));
    memset(&request, 0, sizeof(request));
    attributes.size = sizeof(attributes);
    request.attr = &attributes;
    request.size = sizeof(request);
    int error = pfm_initialize();
    if (error == PFM_SUCCESS)
        error = pfm_get_os_event_encoding("perf::INSTRUCTIONS", PFM_PLM3,
                                          PFM_OS_PERF_EVENT, &request);
    if (error != PFM_SUCCESS) {
        (void)printf("papi_check failed perf::INSTRUCTIONS: %s\n", pfm_strerror(error));
        return -1;
    }
    attributes.disabled = 1;
    return (int)syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0);
}

static int count(const char *name, int set, int perf)
{
    long long papi = -1;
    int64_t kernel = -1;
    int error = PAPI_OK;
    if (perf >= 0) {
        (void)ioctl(perf, PERF_EVENT_IOC_RESET, 0);
        (void)ioctl(perf, PERF_EVENT_IOC_ENABLE, 0);
    }
    if (set != PAPI_NULL)
        error = PAPI_start(set);
    loop();
    if (set != PAPI_NULL && error == PAPI_OK)
        error = PAPI_stop(set, &papi);
    if (perf >= 0) {
        (void)ioctl(perf, PERF_EVENT_IOC_DISABLE, 0);
        if (read(perf, &kernel, sizeof(kernel)) != (ssize_t)sizeof(kernel))
            kernel = -1;
    }
    if (error != PAPI_OK)
        return complain(name, error);
    (void)printf("papi_check %s %lld %lld %d\n", name, papi, (long long)kernel,
                 2 * ROUNDS);
    return 0;
}

int main(void)
{
    int set = PAPI_NULL;
    int error = PAPI_library_init(PAPI_VER_CURRENT);
    if (error != PAPI_VER_CURRENT)
        return complain("PAPI_library_init", error);
    error = PAPI_create_eventset(&set);
    if (error == PAPI_OK)
        error = PAPI_add_event(set, PAPI_TOT_INS);
    if (error != PAPI_OK)
        return complain("PAPI_TOT_INS", error);
    int perf = open_perf();
    int failed = perf < 0;
    if (failed)
        (void)puts("papi_check failed perf_event_open");
    failed |= count("both", set, perf);
    failed |= count("papi", set, -1);
    failed |= count("perf", PAPI_NULL, perf);
    return failed;
}
