/* SPDX-License-Identifier: MIT */
/*
 * Sources: Intel SDM volume 3 and perfmon event lists, AMD's PPRs, Arm's technical reference
 * manuals; the names are libpfm4's.
 *
 * "Walks" are begun ones where the part counts those, else completed ones: a walk that a
 * fault or a flush ended is missing from the second.
 */
#include "harness/worker/sensors/cpu_events.h"

#include "base/cleanup.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODELS(...) ((const uint16_t[]){__VA_ARGS__, 1, 0})

#define ZEN_DTLB                                                                       \
    {                                                                                  \
        0xf045,                                                                        \
            "L1_DTLB_MISS:TLB_RELOAD_1G_L2_MISS:TLB_RELOAD_2M_L2_MISS:"                \
            "TLB_RELOAD_COALESCED_PAGE_MISS:TLB_RELOAD_4K_L2_MISS",                    \
            "misses of both levels of the data TLB, loads and stores"                  \
    }
#define ZEN_NO_CYCLES                                                                  \
    {                                                                                  \
        .scope = "AMD's Zen parts have no event for the cycles of page walks"          \
    }
#define ARM_NO_CYCLES                                                                  \
    {                                                                                  \
        .scope = "this Arm part has no event for the cycles of page walks"             \
    }
#define INTEL_LLC                                                                      \
    {                                                                                  \
        0x412e, "LONGEST_LAT_CACHE:MISS", "misses of the last level of cache"          \
    }

const struct ipm_cpu ipm_cpus[] = {
    {.title = "Intel Haswell, Broadwell",
     .vendor = "GenuineIntel",
     .family = 6,
     .models = MODELS(0x3c, 0x3d, 0x3f, 0x3f, 0x45, 0x47, 0x4f, 0x4f, 0x56, 0x56),
     .pfm = "hsw",
     .events = {{0x0108, "DTLB_LOAD_MISSES:MISS_CAUSES_A_WALK",
                 "page walks begun, for loads"},
                {0x1008, "DTLB_LOAD_MISSES:WALK_DURATION",
                 "cycles of page walks, for loads"},
                {0x0185, "ITLB_MISSES:MISS_CAUSES_A_WALK",
                 "page walks begun, for instructions"},
                INTEL_LLC}},
    {.title = "Intel Skylake to Cascade Lake",
     .vendor = "GenuineIntel",
     .family = 6,
     .models = MODELS(0x4e, 0x4e, 0x55, 0x55, 0x5e, 0x5e, 0x66, 0x66, 0x8e, 0x8e, 0x9e,
                      0x9e, 0xa5, 0xa6),
     .pfm = "skl",
     .events = {{0x0108, "DTLB_LOAD_MISSES:MISS_CAUSES_A_WALK",
                 "page walks begun, for loads"},
                {0x1001008, "DTLB_LOAD_MISSES:WALK_ACTIVE",
                 "cycles with at least one page walk, for loads"},
                {0x0185, "ITLB_MISSES:MISS_CAUSES_A_WALK",
                 "page walks begun, for instructions"},
                INTEL_LLC}},
    {.title = "Intel Ice Lake to Rocket Lake",
     .vendor = "GenuineIntel",
     .family = 6,
     .models = MODELS(0x6a, 0x6a, 0x6c, 0x6c, 0x7d, 0x7e, 0x8c, 0x8d, 0xa7, 0xa7),
     .pfm = "icl",
     .events = {{0x0e08, "DTLB_LOAD_MISSES:WALK_COMPLETED",
                 "page walks completed, for loads"},
                {0x1001008, "DTLB_LOAD_MISSES:WALK_ACTIVE",
                 "cycles with at least one page walk, for loads"},
                {0x0e85, "ITLB_MISSES:WALK_COMPLETED",
                 "page walks completed, for instructions"},
                INTEL_LLC}},
    {.title = "Intel Sapphire Rapids to Granite Rapids",
     .vendor = "GenuineIntel",
     .family = 6,
     .models = MODELS(0x8f, 0x8f, 0xad, 0xae, 0xcf, 0xcf),
     .pfm = "spr",
     .events = {{0x0e12, "DTLB_LOAD_MISSES:WALK_COMPLETED",
                 "page walks completed, for loads"},
                {0x1001012, "DTLB_LOAD_MISSES:WALK_ACTIVE",
                 "cycles with at least one page walk, for loads"},
                {0x0e11, "ITLB_MISSES:WALK_COMPLETED",
                 "page walks completed, for instructions"},
                INTEL_LLC}},
    /* A task that visits an efficient core is not counted there: its counters did not run
     * all the time, and say so. */
    {.title = "Intel Alder Lake to Meteor Lake, performance cores",
     .vendor = "GenuineIntel",
     .family = 6,
     .models = MODELS(0x97, 0x97, 0x9a, 0x9a, 0xaa, 0xaa, 0xac, 0xac, 0xb7, 0xb7, 0xba,
                      0xba, 0xbf, 0xbf),
     .pfm = "spr",
     .pmu = "cpu_core",
     .events = {{0x0e12, "DTLB_LOAD_MISSES:WALK_COMPLETED",
                 "page walks completed, for loads"},
                {0x1001012, "DTLB_LOAD_MISSES:WALK_ACTIVE",
                 "cycles with at least one page walk, for loads"},
                {0x0e11, "ITLB_MISSES:WALK_COMPLETED",
                 "page walks completed, for instructions"},
                INTEL_LLC}},
    {.title = "AMD Zen",
     .vendor = "AuthenticAMD",
     .family = 0x17,
     .models = MODELS(0x00, 0x2f, 0x50, 0x5f),
     .pfm = "amd64_fam17h_zen1",
     .events = {ZEN_DTLB,
                ZEN_NO_CYCLES,
                {0x0785, "L1_ITLB_MISS_L2_ITLB_MISS:IF4K:IF2M:IF1G",
                 "misses of both levels of the instruction TLB"},
                {.scope = "AMD's L3 has a PMU of its own, which cannot count for a "
                          "task"}}},
    {.title = "AMD Zen 2",
     .vendor = "AuthenticAMD",
     .family = 0x17,
     .models = MODELS(0x30, 0x4f, 0x60, 0x7f, 0x84, 0x84, 0x90, 0x9f, 0xa0, 0xaf),
     .pfm = "amd64_fam17h_zen2",
     .events = {ZEN_DTLB,
                ZEN_NO_CYCLES,
                {0x0785, "L1_ITLB_MISS_L2_ITLB_MISS:IF4K:IF2M:IF1G",
                 "misses of both levels of the instruction TLB"},
                {0x5843,
                 "DATA_CACHE_REFILLS_FROM_SYSTEM:LS_MABRESP_LCL_DRAM:"
                 "LS_MABRESP_RMT_CACHE:LS_MABRESP_RMT_DRAM",
                 "data fills from beyond the own L3, on demand"}}},
    {.title = "AMD Zen 3",
     .vendor = "AuthenticAMD",
     .family = 0x19,
     .models = MODELS(0x00, 0x0f, 0x20, 0x2f, 0x40, 0x5f),
     .pfm = "amd64_fam19h_zen3",
     .events = {ZEN_DTLB,
                ZEN_NO_CYCLES,
                {0x0f85, "L1_ITLB_MISS_L2_ITLB_MISS:COALESCED4K:IF4K:IF2M:IF1G",
                 "misses of both levels of the instruction TLB"},
                {0x5c43,
                 "DEMAND_DATA_CACHE_FILLS_FROM_SYSTEM:EXT_CACHE_LCL:MEM_IO_LCL:"
                 "EXT_CACHE_RMT:MEM_IO_RMT",
                 "data fills from beyond the own L3, on demand"}}},
    {.title = "AMD Zen 4",
     .vendor = "AuthenticAMD",
     .family = 0x19,
     .models = MODELS(0x10, 0x1f, 0x60, 0xaf),
     .pfm = "amd64_fam19h_zen4",
     .events = {ZEN_DTLB,
                ZEN_NO_CYCLES,
                {0x0f85, "L1_ITLB_MISS_L2_ITLB_MISS:COALESCED4K:IF4K:IF2M:IF1G",
                 "misses of both levels of the instruction TLB"},
                {0xdc43,
                 "DEMAND_DATA_CACHE_FILLS_FROM_SYSTEM:NEAR_CACHE_NEAR_FAR:"
                 "DRAM_IO_NEAR:FAR_CACHE_NEAR_FAR:DRAM_IO_FAR:ALT_MEM_NEAR_FAR",
                 "data fills from beyond the own L3, on demand"}}},
    {.title = "AMD Zen 5",
     .vendor = "AuthenticAMD",
     .family = 0x1a,
     .models = MODELS(0x00, 0x2f, 0x40, 0x4f, 0x60, 0x7f),
     .pfm = "amd64_fam19h_zen4",
     .events = {ZEN_DTLB,
                ZEN_NO_CYCLES,
                {0x0f85, "L1_ITLB_MISS_L2_ITLB_MISS:COALESCED4K:IF4K:IF2M:IF1G",
                 "misses of both levels of the instruction TLB"},
                {0xdc43,
                 "DEMAND_DATA_CACHE_FILLS_FROM_SYSTEM:NEAR_CACHE_NEAR_FAR:"
                 "DRAM_IO_NEAR:FAR_CACHE_NEAR_FAR:DRAM_IO_FAR:ALT_MEM_NEAR_FAR",
                 "data fills from beyond the own L3, on demand"}}},
    {.title = "Arm Neoverse N1, N2, V1, V2; Cortex-A76 to A78, X1",
     .vendor = "0x41",
     .family = -1,
     .models =
         MODELS(0xd0b, 0xd0d, 0xd40, 0xd41, 0xd44, 0xd44, 0xd49, 0xd49, 0xd4f, 0xd4f),
     .pfm = "arm_n1",
     .events = {{0x34, "DTLB_WALK", "page walks, for loads and stores"},
                ARM_NO_CYCLES,
                {0x35, "ITLB_WALK", "page walks, for instructions"},
                {0x37, "LL_CACHE_MISS_RD", "reads that miss the last level of cache"}}},
    {.title = "Arm Cortex-A57, A72",
     .vendor = "0x41",
     .family = -1,
     .models = MODELS(0xd07, 0xd08),
     .pfm = "arm_ac57",
     .events = {{.scope =
                     "this Arm part counts refills of the first TLB level only, no "
                     "walks"},
                ARM_NO_CYCLES,
                {0x02, "L1I_TLB_REFILL",
                 "refills of the first level of the instruction TLB"},
                {0x17, "L2D_CACHE_REFILL", "refills of the L2, the last level"}}},
    {.title = NULL},
};

/* Of the first processor: vendor, family and model; Arm's implementer and part. */
struct identity {
    char vendor[32];
    long family, model;
};

static void take_line(struct identity *identity, char *line)
{
    char *colon = strchr(line, ':');
    if (colon == NULL)
        return;
    char *value = colon + 1 + strspn(colon + 1, " \t");
    value[strcspn(value, "\n")] = '\0';
    while (colon > line && (colon[-1] == ' ' || colon[-1] == '\t'))
        colon--;
    *colon = '\0';
    bool vendor =
        strcmp(line, "vendor_id") == 0 || strcmp(line, "CPU implementer") == 0;
    if (vendor && identity->vendor[0] == '\0')
        (void)snprintf(identity->vendor, sizeof(identity->vendor), "%s", value);
    else if (strcmp(line, "cpu family") == 0 && identity->family < 0)
        identity->family = strtol(value, NULL, 10);
    else if ((strcmp(line, "model") == 0 || strcmp(line, "CPU part") == 0) &&
             identity->model < 0)
        identity->model = strtol(value, NULL, 0);
}

static int identify(const char *sysroot, struct identity *out_identity,
                    struct ipm_why *why)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/proc/cpuinfo", sysroot);
    ipm_auto_file FILE *file = fopen(path, "re");
    if (file == NULL)
        return ipm_why_set(why, -errno, "read /proc/cpuinfo: ");
    *out_identity = (struct identity){.family = -1, .model = -1};
    ipm_auto_free char *line = NULL;
    size_t room = 0;
    while (
        getline(&line, &room, file) > 0 &&
        (out_identity->vendor[0] == '\0' || out_identity->model < 0 || line[0] != '\n'))
        take_line(out_identity, line);
    return 0;
}

static bool is_of(const struct ipm_cpu *cpu, const struct identity *identity)
{
    if (strcmp(cpu->vendor, identity->vendor) != 0 || cpu->family != identity->family)
        return false;
    for (const uint16_t *models = cpu->models; models[0] <= models[1]; models += 2) {
        if (identity->model >= models[0] && identity->model <= models[1])
            return true;
    }
    return false;
}

const struct ipm_cpu *ipm_cpu_find(const char *sysroot, struct ipm_why *why)
{
    struct identity identity;
    if (identify(sysroot, &identity, why) != 0)
        return NULL;
    for (const struct ipm_cpu *cpu = ipm_cpus; cpu->title != NULL; cpu++) {
        if (is_of(cpu, &identity))
            return cpu;
    }
    if (identity.vendor[0] == '\0')
        (void)ipm_why_set(
            why, -ENOENT,
            "no event is known for this CPU, which /proc/cpuinfo gives no "
            "vendor and model of");
    else
        (void)ipm_why_set(
            why, -ENOENT,
            "no event is known for this CPU: vendor %s, family %ld, model "
            "or part %#lx",
            identity.vendor, identity.family, (unsigned long)identity.model);
    return NULL;
}
