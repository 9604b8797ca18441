/* SPDX-License-Identifier: MIT */
#include "harness/worker/sensors/event_name.h"

#include "harness/worker/sensors/pfm.h"
#include "harness/worker/sensors/tracefs.h"

#include <ctype.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CACHE(cache, operation, result)                                                \
    ((uint64_t)PERF_COUNT_HW_CACHE_##cache |                                           \
     (uint64_t)PERF_COUNT_HW_CACHE_OP_##operation << 8 |                               \
     (uint64_t)PERF_COUNT_HW_CACHE_RESULT_##result << 16)

static const struct {
    const char *name;
    uint32_t type;
    uint64_t config;
} generic[] = {
    {"cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES},
    {"cpu-cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES},
    {"instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS},
    {"cache-references", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_REFERENCES},
    {"cache-misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES},
    {"branches", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_INSTRUCTIONS},
    {"branch-instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_INSTRUCTIONS},
    {"branch-misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES},
    {"bus-cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BUS_CYCLES},
    {"ref-cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_REF_CPU_CYCLES},
    {"stalled-cycles-frontend", PERF_TYPE_HARDWARE,
     PERF_COUNT_HW_STALLED_CYCLES_FRONTEND},
    {"stalled-cycles-backend", PERF_TYPE_HARDWARE,
     PERF_COUNT_HW_STALLED_CYCLES_BACKEND},
    {"dtlb-loads", PERF_TYPE_HW_CACHE, CACHE(DTLB, READ, ACCESS)},
    {"dtlb-load-misses", PERF_TYPE_HW_CACHE, CACHE(DTLB, READ, MISS)},
    {"dtlb-stores", PERF_TYPE_HW_CACHE, CACHE(DTLB, WRITE, ACCESS)},
    {"dtlb-store-misses", PERF_TYPE_HW_CACHE, CACHE(DTLB, WRITE, MISS)},
    {"itlb-loads", PERF_TYPE_HW_CACHE, CACHE(ITLB, READ, ACCESS)},
    {"itlb-load-misses", PERF_TYPE_HW_CACHE, CACHE(ITLB, READ, MISS)},
    {"l1-dcache-loads", PERF_TYPE_HW_CACHE, CACHE(L1D, READ, ACCESS)},
    {"l1-dcache-load-misses", PERF_TYPE_HW_CACHE, CACHE(L1D, READ, MISS)},
    {"l1-icache-load-misses", PERF_TYPE_HW_CACHE, CACHE(L1I, READ, MISS)},
    {"llc-loads", PERF_TYPE_HW_CACHE, CACHE(LL, READ, ACCESS)},
    {"llc-load-misses", PERF_TYPE_HW_CACHE, CACHE(LL, READ, MISS)},
    {"context-switches", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES},
    {"cpu-migrations", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_MIGRATIONS},
    {"page-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS},
    {"minor-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MIN},
    {"major-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MAJ},
    {"alignment-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_ALIGNMENT_FAULTS},
    {"emulation-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_EMULATION_FAULTS},
};

static bool is_generic(const char *text, struct ipm_event_code *out_code)
{
    for (size_t i = 0; i < sizeof(generic) / sizeof(generic[0]); i++) {
        if (strcasecmp(text, generic[i].name) != 0)
            continue;
        *out_code = (struct ipm_event_code){.type = generic[i].type,
                                            .config = generic[i].config};
        return true;
    }
    return false;
}

static bool is_raw(const char *text, struct ipm_event_code *out_code)
{
    size_t digits = strspn(text + 1, "0123456789abcdefABCDEF");
    if (text[0] != 'r' || digits == 0 || digits > 16 || text[1 + digits] != '\0')
        return false;
    *out_code = (struct ipm_event_code){.type = PERF_TYPE_RAW,
                                        .config = strtoull(text + 1, NULL, 16)};
    return true;
}

/* Splits "subsystem:name"; false: it has not that form. */
static bool split_tracepoint(const char *text, char subsystem[64], char name[64])
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    size_t head = strspn(text, letters);
    size_t tail = text[head] == ':' ? strspn(text + head + 1, letters) : 0;
    if (head == 0 || head >= 64 || tail == 0 || tail >= 64 ||
        text[head + 1 + tail] != '\0')
        return false;
    (void)snprintf(subsystem, 64, "%.*s", (int)head, text);
    (void)snprintf(name, 64, "%s", text + head + 1);
    return true;
}

int ipm_event_name(const char *text, const char *sysroot,
                   struct ipm_event_code *out_code, struct ipm_why *why)
{
    for (const char *at = text; *at != '\0'; at++) {
        if (!isgraph((unsigned char)*at))
            return ipm_why_set(why, -EINVAL,
                               "an event's name has no blanks and control characters");
    }
    if (text[0] == '\0' || strlen(text) > 200)
        return ipm_why_set(why, -EINVAL, "an event's name has 1 to 200 characters");
    if (is_generic(text, out_code) || is_raw(text, out_code))
        return 0;
    if (strchr(text, '/') != NULL)
        return ipm_event_sysfs(text, sysroot, out_code, why);

    /* "EVENT:UMASK" of libpfm4 looks like a tracepoint: the one who knows it has it. */
    char subsystem[64];
    char name[64];
    uint64_t id = 0;
    struct ipm_why trace = {.error = 0};
    struct ipm_why pfm = {.error = 0};
    bool traceable = split_tracepoint(text, subsystem, name);
    if (traceable && ipm_tracefs_id(sysroot, subsystem, name, &id, &trace) == 0) {
        *out_code = (struct ipm_event_code){.type = PERF_TYPE_TRACEPOINT, .config = id};
        return 0;
    }
    int error = ipm_pfm_encode(text, out_code, &pfm);
    if (error == 0)
        return 0;
    if (error == -ENOENT && traceable)
        return ipm_why_set(why, trace.error, "%.110s; %.110s", trace.text, pfm.text);
    return ipm_why_set(why, error, "%s", pfm.text);
}
