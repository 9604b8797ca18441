/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/idle.h"

#include "base/cpu_list.h"
#include "harness/sysroot.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CPU_FOLDER "sys/devices/system/cpu/"

enum { PATH = 192, ZONES = 64 };

static bool is_cpu(const char *name)
{
    return isdigit((unsigned char)name[3]) &&
           strspn(name + 3, "0123456789") == strlen(name + 3);
}

static void see_state(const char *sysroot, const char *folder, struct ipm_idle *idle,
                      int *disabled)
{
    char path[PATH + 16];
    char name[32] = "?";
    int64_t latency = 0;
    int64_t disable = 0;
    (void)snprintf(path, sizeof(path), "%s/disable", folder);
    (void)ipm_sysroot_integer(sysroot, path, &disable);
    if (disable != 0) {
        (*disabled)++;
        return;
    }
    (void)snprintf(path, sizeof(path), "%s/latency", folder);
    if (ipm_sysroot_integer(sysroot, path, &latency) != 0)
        return;
    (void)snprintf(path, sizeof(path), "%s/name", folder);
    (void)ipm_sysroot_text(sysroot, path, name, sizeof(name));
    if (idle->deepest[0] != '\0' && latency <= idle->latency_us)
        return;
    idle->latency_us = latency;
    (void)snprintf(idle->deepest, sizeof(idle->deepest), "%s", name);
}

static void see_cpu(const char *sysroot, const char *cpu, struct ipm_idle *idle)
{
    char folder[PATH];
    char **states = NULL;
    int disabled = 0;
    (void)snprintf(folder, sizeof(folder), CPU_FOLDER "%.16s/cpuidle", cpu);
    int n = ipm_sysroot_list(sysroot, folder, "state", &states);
    for (int i = 0; i < n; i++) {
        (void)snprintf(folder, sizeof(folder), CPU_FOLDER "%.16s/cpuidle/%.16s", cpu,
                       states[i]);
        see_state(sysroot, folder, idle, &disabled);
    }
    if (n > 0)
        ipm_sysroot_list_free(states, n);
    if (n > idle->states) {
        idle->states = n;
        idle->disabled = disabled;
    }
}

int ipm_idle_read(const char *sysroot, const char *allowed, struct ipm_idle *out_idle)
{
    char **cpus = NULL;
    *out_idle = (struct ipm_idle){.states = 0};
    int error = ipm_sysroot_text(sysroot, CPU_FOLDER "cpuidle/current_driver",
                                 out_idle->driver, sizeof(out_idle->driver));
    if (ipm_sysroot_text(sysroot, CPU_FOLDER "cpuidle/current_governor",
                         out_idle->governor, sizeof(out_idle->governor)) != 0)
        (void)ipm_sysroot_text(sysroot, CPU_FOLDER "cpuidle/current_governor_ro",
                               out_idle->governor, sizeof(out_idle->governor));
    int n = ipm_sysroot_list(sysroot, CPU_FOLDER, "cpu", &cpus);
    for (int i = 0; i < n; i++) {
        if (is_cpu(cpus[i]) &&
            (allowed[0] == '\0' || ipm_cpu_list_has(allowed, atoi(cpus[i] + 3))))
            see_cpu(sysroot, cpus[i], out_idle);
    }
    if (n > 0)
        ipm_sysroot_list_free(cpus, n);
    return error != 0 && out_idle->states == 0 ? -ENODATA : 0;
}

/* Of the CPUs, their package, or the chip that they are on. */
static bool of_cpus(const char *name)
{
    static const char *const starts[] = {"x86_pkg_temp", "cpu",      "soc",
                                         "package",      "coretemp", "k10temp",
                                         "zenpower",     "bigcore",  "littlecore"};
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        if (strncmp(name, starts[i], strlen(starts[i])) == 0)
            return true;
    }
    return false;
}

/* The lowest temperature at which the kernel acts on the CPUs' speed. */
static double limit_of(const char *sysroot, const char *zone)
{
    double limit = 0;
    for (int trip = 0; trip < 12; trip++) {
        char path[PATH];
        char type[32];
        int64_t milli = 0;
        (void)snprintf(path, sizeof(path), "sys/class/thermal/%.32s/trip_point_%d_type",
                       zone, trip);
        if (ipm_sysroot_text(sysroot, path, type, sizeof(type)) != 0)
            break;
        (void)snprintf(path, sizeof(path), "sys/class/thermal/%.32s/trip_point_%d_temp",
                       zone, trip);
        if (ipm_sysroot_integer(sysroot, path, &milli) != 0 || milli <= 0)
            continue; /* x86_pkg_temp has trips that nobody has set */
        double celsius = (double)milli / 1000;
        if ((strcmp(type, "passive") == 0 || strcmp(type, "hot") == 0 ||
             strcmp(type, "critical") == 0) &&
            (limit <= 0 || celsius < limit))
            limit = celsius;
    }
    return limit;
}

static void add_heat(const char *sysroot, const char *name_path, const char *value_path,
                     const char *zone, struct ipm_heat *heat, int *n)
{
    struct ipm_heat one = {.limit = 0};
    int64_t milli = 0;
    if (ipm_sysroot_text(sysroot, name_path, one.name, sizeof(one.name)) != 0 ||
        (zone == NULL && !of_cpus(one.name)) ||
        ipm_sysroot_integer(sysroot, value_path, &milli) != 0 || milli < 1000 ||
        milli > 150000)
        return;
    one.celsius = (double)milli / 1000;
    if (zone != NULL)
        one.limit = limit_of(sysroot, zone);
    heat[(*n)++] = one;
}

int ipm_heat_list(const char *sysroot, struct ipm_heat *out_heat, int room)
{
    struct ipm_heat found[ZONES];
    int n = 0;
    for (int source = 0; source < 2; source++) {
        const char *folder = source == 0 ? "sys/class/thermal" : "sys/class/hwmon";
        char **names = NULL;
        int zones = ipm_sysroot_list(sysroot, folder,
                                     source == 0 ? "thermal_zone" : "hwmon", &names);
        for (int i = 0; i < zones && n < ZONES; i++) {
            char name[PATH];
            char value[PATH];
            (void)snprintf(name, sizeof(name), "%s/%.32s/%s", folder, names[i],
                           source == 0 ? "type" : "name");
            (void)snprintf(value, sizeof(value), "%s/%.32s/%s", folder, names[i],
                           source == 0 ? "temp" : "temp1_input");
            add_heat(sysroot, name, value, source == 0 ? names[i] : NULL, found, &n);
        }
        if (zones > 0)
            ipm_sysroot_list_free(names, zones);
    }
    int kept = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < n && kept < room; i++) {
            if (of_cpus(found[i].name) == (pass == 0))
                out_heat[kept++] = found[i];
        }
    }
    return kept;
}

int ipm_heat_hottest(const char *sysroot, struct ipm_heat *out_heat)
{
    struct ipm_heat heat[ZONES];
    int n = ipm_heat_list(sysroot, heat, ZONES);
    int hottest = 0;
    if (n == 0)
        return -ENODATA;
    for (int i = 1; i < n && of_cpus(heat[i].name) == of_cpus(heat[0].name); i++)
        hottest = heat[i].celsius > heat[hottest].celsius ? i : hottest;
    *out_heat = heat[hottest];
    return 0;
}

int64_t ipm_heat_throttles(const char *sysroot)
{
    char **cpus = NULL;
    int64_t sum = 0;
    bool told = false;
    int n = ipm_sysroot_list(sysroot, CPU_FOLDER, "cpu", &cpus);
    for (int i = 0; i < n; i++) {
        char path[PATH];
        int64_t count = 0;
        (void)snprintf(path, sizeof(path),
                       CPU_FOLDER "%.16s/thermal_throttle/core_throttle_count",
                       cpus[i]);
        if (ipm_sysroot_integer(sysroot, path, &count) != 0 || count < 0 ||
            count > INT64_MAX - sum)
            continue;
        told = true;
        sum += count;
    }
    if (n > 0)
        ipm_sysroot_list_free(cpus, n);
    return told ? sum : -1;
}
