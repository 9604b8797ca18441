/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/frequency.h"

#include "base/cpu_list.h"
#include "harness/sysroot.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define CPU_FOLDER "sys/devices/system/cpu/"

const char *const ipm_turbo_names[] = {"unknown", "off", "on", NULL};

enum { PATH = 160 };

struct policy {
    char governor[32];
    char driver[32];
    char preference[32];
    int64_t low, high, base; /* kHz; 0: unknown */
};

static int text_of(const char *sysroot, const char *policy, const char *attribute,
                   char *text, size_t room)
{
    char path[PATH];
    (void)snprintf(path, sizeof(path), CPU_FOLDER "cpufreq/%.32s/%s", policy,
                   attribute);
    return ipm_sysroot_text(sysroot, path, text, room);
}

static int64_t khz_of(const char *sysroot, const char *policy, const char *attribute)
{
    char path[PATH];
    int64_t khz = 0;
    (void)snprintf(path, sizeof(path), CPU_FOLDER "cpufreq/%.32s/%s", policy,
                   attribute);
    return ipm_sysroot_integer(sysroot, path, &khz) == 0 && khz > 0 ? khz : 0;
}

/* "0 1 2 3": the kernel separates related CPUs by blanks. */
static bool used(const char *sysroot, const char *policy, const char *allowed)
{
    char cpus[4096];
    if (allowed[0] == '\0' ||
        text_of(sysroot, policy, "related_cpus", cpus, sizeof(cpus)) != 0)
        return true;
    char *rest = NULL;
    for (char *word = strtok_r(cpus, " ", &rest); word != NULL;
         word = strtok_r(NULL, " ", &rest)) {
        int cpu = 0;
        if (sscanf(word, "%d", &cpu) == 1 && ipm_cpu_list_has(allowed, cpu))
            return true;
    }
    return false;
}

/* AMD and Arm have no base_frequency; ACPI may name the nominal one. */
static int64_t nominal_khz(const char *sysroot, const char *policy)
{
    char path[PATH];
    int64_t mhz = 0;
    (void)snprintf(path, sizeof(path), CPU_FOLDER "cpu%.16s/acpi_cppc/nominal_freq",
                   policy + strlen("policy"));
    return ipm_sysroot_integer(sysroot, path, &mhz) == 0 && mhz > 0 &&
                   mhz < INT64_MAX / 1000
               ? mhz * 1000
               : 0;
}

static void read_policy(const char *sysroot, const char *name, struct policy *policy)
{
    *policy = (struct policy){.low = khz_of(sysroot, name, "scaling_min_freq"),
                              .high = khz_of(sysroot, name, "scaling_max_freq"),
                              .base = khz_of(sysroot, name, "base_frequency")};
    if (policy->base == 0)
        policy->base = nominal_khz(sysroot, name);
    (void)text_of(sysroot, name, "scaling_governor", policy->governor,
                  sizeof(policy->governor));
    (void)text_of(sysroot, name, "scaling_driver", policy->driver,
                  sizeof(policy->driver));
    (void)text_of(sysroot, name, "energy_performance_preference", policy->preference,
                  sizeof(policy->preference));
}

static void read_switch(const char *sysroot, struct ipm_frequency *frequency)
{
    static const struct {
        const char *path;
        int off;
    } switches[] = {{CPU_FOLDER "intel_pstate/no_turbo", 1},
                    {CPU_FOLDER "cpufreq/boost", 0}};
    for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
        int64_t value = 0;
        if (ipm_sysroot_integer(sysroot, switches[i].path, &value) != 0)
            continue;
        frequency->turbo = value == switches[i].off ? IPM_TURBO_OFF : IPM_TURBO_ON;
        frequency->turbo_switch = switches[i].path;
        frequency->turbo_off = switches[i].off;
        return;
    }
}

/* These take the governor as a hint and choose in the hardware. */
static bool autonomous(const char *driver)
{
    return strcmp(driver, "intel_pstate") == 0 ||
           strncmp(driver, "amd-pstate", strlen("amd-pstate")) == 0 ||
           strcmp(driver, "cppc_cpufreq") == 0;
}

static void keep(char *into, const char *text, size_t room, bool first)
{
    if (first)
        (void)snprintf(into, room, "%s", text);
}

static void add(struct ipm_frequency *frequency, const struct policy *policy)
{
    bool fixed = policy->low > 0 && policy->low == policy->high;
    bool steady = fixed || strcmp(policy->governor, "performance") == 0;
    /* "0" is the same preference in the hardware's own numbers. */
    bool saving = !fixed && policy->preference[0] != '\0' &&
                  strcmp(policy->preference, "performance") != 0 &&
                  strcmp(policy->preference, "0") != 0;
    bool first = frequency->domains++ == 0;
    keep(frequency->driver, policy->driver, sizeof(frequency->driver), first);
    keep(frequency->governor, policy->governor, sizeof(frequency->governor),
         first || (!steady && frequency->steady == frequency->domains - 1));
    keep(frequency->preference, policy->preference, sizeof(frequency->preference),
         first || (saving && frequency->saving == 0));
    frequency->fixed += fixed;
    frequency->steady += steady;
    frequency->with_preference += policy->preference[0] != '\0';
    frequency->saving += saving;
    if (policy->low > 0 &&
        (frequency->low_khz == 0 || policy->low < frequency->low_khz))
        frequency->low_khz = policy->low;
    if (policy->high > frequency->high_khz)
        frequency->high_khz = policy->high;
    /* Of several kinds of core the fastest one's, as with the highest. */
    if (policy->base > frequency->base_khz)
        frequency->base_khz = policy->base;
    /* Without a switch, what may go above the base shows that turbo is on. */
    if (frequency->turbo_switch == NULL && policy->base > 0 && policy->high > 0 &&
        frequency->turbo != IPM_TURBO_ON)
        frequency->turbo = policy->high > policy->base ? IPM_TURBO_ON : IPM_TURBO_OFF;
    frequency->held += fixed || (steady && (frequency->turbo == IPM_TURBO_OFF ||
                                            (frequency->turbo == IPM_TURBO_UNKNOWN &&
                                             !autonomous(policy->driver))));
}

void ipm_frequency_read(const char *sysroot, const char *allowed,
                        struct ipm_frequency *out_frequency)
{
    char **names = NULL;
    int n = ipm_sysroot_list(sysroot, CPU_FOLDER "cpufreq", "policy", &names);
    *out_frequency = (struct ipm_frequency){.turbo = IPM_TURBO_UNKNOWN};
    read_switch(sysroot, out_frequency);
    for (int i = 0; i < n; i++) {
        struct policy policy;
        if (!used(sysroot, names[i], allowed))
            continue;
        read_policy(sysroot, names[i], &policy);
        if (policy.governor[0] != '\0')
            add(out_frequency, &policy);
    }
    if (n > 0)
        ipm_sysroot_list_free(names, n);
}

json_t *ipm_frequency_now(const char *sysroot)
{
    char **names = NULL;
    int n = ipm_sysroot_list(sysroot, CPU_FOLDER, "cpu", &names);
    json_t *json = json_object();
    for (int i = 0; i < n; i++) {
        char path[PATH];
        int64_t khz = 0;
        (void)snprintf(path, sizeof(path), CPU_FOLDER "%.16s/cpufreq/scaling_cur_freq",
                       names[i]);
        if (ipm_sysroot_integer(sysroot, path, &khz) == 0)
            (void)json_object_set_new(json, names[i] + 3, json_integer(khz / 1000));
    }
    if (n > 0)
        ipm_sysroot_list_free(names, n);
    if (json_object_size(json) > 0)
        return json;
    json_decref(json);
    return json_null();
}
