/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/state.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "harness/cgroup.h"
#include "harness/frequency.h"
#include "harness/idle.h"
#include "harness/limits.h"
#include "harness/meters.h"
#include "harness/sysroot.h"
#include "harness/ticks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define CPU_FOLDER "sys/devices/system/cpu/"

enum { ZONES = 16 };

static void set(json_t *json, const char *key, json_t *value)
{
    /* NULL: sysfs gave no UTF-8. */
    (void)json_object_set_new(json, key, value != NULL ? value : json_null());
}

static json_t *text_or_null(const char *text)
{
    return text[0] != '\0' ? json_string(text) : json_null();
}

static json_t *text_of(const char *sysroot, const char *path)
{
    char text[256];
    return ipm_sysroot_text(sysroot, path, text, sizeof(text)) == 0 ? json_string(text)
                                                                    : json_null();
}

static json_t *integer_of(const char *sysroot, const char *path)
{
    int64_t value = 0;
    return ipm_sysroot_integer(sysroot, path, &value) == 0 ? json_integer(value)
                                                           : json_null();
}

static json_t *khz_or_null(int64_t khz)
{
    return khz > 0 ? json_integer(khz) : json_null();
}

static void set_frequency(const char *sysroot, const char *allowed, json_t *json)
{
    struct ipm_frequency frequency;
    ipm_frequency_read(sysroot, allowed, &frequency);
    set(json, "governor", text_or_null(frequency.governor));
    set(json, "driver", text_or_null(frequency.driver));
    set(json, "energy_preference", text_or_null(frequency.preference));
    set(json, "turbo",
        frequency.turbo == IPM_TURBO_UNKNOWN
            ? json_null()
            : json_string(ipm_turbo_names[frequency.turbo]));
    set(json, "lowest_khz", khz_or_null(frequency.low_khz));
    set(json, "highest_khz", khz_or_null(frequency.high_khz));
    set(json, "frequency_mhz", ipm_frequency_now(sysroot));
    set(json, "frequency_held",
        frequency.domains > 0 ? json_boolean(frequency.held == frequency.domains)
                              : json_null());
    set(json, "smt", text_of(sysroot, CPU_FOLDER "smt/control"));
}

static json_t *idle_json(const char *sysroot, const char *allowed)
{
    struct ipm_idle idle;
    if (ipm_idle_read(sysroot, allowed, &idle) != 0)
        return json_null();
    return json_pack("{s:o, s:o, s:o, s:o}", "driver", text_or_null(idle.driver),
                     "governor", text_or_null(idle.governor), "deepest",
                     text_or_null(idle.deepest), "latency_us",
                     idle.deepest[0] != '\0' ? json_integer(idle.latency_us)
                                             : json_null());
}

static void set_kernel(const char *sysroot, json_t *json)
{
    char pages[32] = "";
    (void)ipm_sysroot_chosen(sysroot, "sys/kernel/mm/transparent_hugepage/enabled",
                             pages, sizeof(pages));
    set(json, "huge_pages", text_or_null(pages));
    set(json, "aslr", integer_of(sysroot, "proc/sys/kernel/randomize_va_space"));
    set(json, "numa_balancing", integer_of(sysroot, "proc/sys/kernel/numa_balancing"));
    set(json, "clocksource",
        text_of(sysroot, "sys/devices/system/clocksource/clocksource0/"
                         "current_clocksource"));
    set(json, "nmi_watchdog", integer_of(sysroot, "proc/sys/kernel/nmi_watchdog"));
    set(json, "perf_event_paranoid",
        integer_of(sysroot, "proc/sys/kernel/perf_event_paranoid"));
}

static void set_rights(const char *sysroot, json_t *json)
{
    char text[96];
    char names[96];
    bool known = ipm_sysroot_field(sysroot, "proc/self/status", "CapEff", text,
                                   sizeof(text)) == 0;
    if (known)
        ipm_rights_text(strtoull(text, NULL, 16), names, sizeof(names));
    set(json, "capabilities", known ? json_string(names) : json_null());
    set(json, "limits", ipm_limits_json(sysroot));
    int version = ipm_cgroup_version(sysroot);
    double quota = ipm_cgroup_quota(sysroot);
    set(json, "cgroup_version", version > 0 ? json_integer(version) : json_null());
    set(json, "quota_cpus", quota > 0 ? ipm_json_number(quota) : json_null());
}

static void set_meters(const char *sysroot, json_t *json)
{
    struct ipm_powercap powercap;
    ipm_powercap_read(sysroot, &powercap);
    enum ipm_filtering filtering = ipm_filtering_read(sysroot);
    set(json, "powercap",
        json_pack("{s:s, s:i, s:i, s:s?}", "rights",
                  ipm_powercap_names[powercap.rights], "counters", powercap.zones,
                  "readable", powercap.readable, "readers", powercap.readers));
    set(json, "energy_filtering", json_string(ipm_filtering_names[filtering]));
}

static json_t *temperatures(const char *sysroot)
{
    struct ipm_heat heat[ZONES];
    int n = ipm_heat_list(sysroot, heat, ZONES);
    json_t *list = json_array();
    for (int i = 0; i < n; i++)
        (void)json_array_append_new(list, json_pack("{s:s, s:f}", "name", heat[i].name,
                                                    "celsius", heat[i].celsius));
    return list;
}

static int64_t ns_of(const struct timeval *time)
{
    return (int64_t)time->tv_sec * INT64_C(1000000000) + (int64_t)time->tv_usec * 1000;
}

/* Of this process and of all that it has waited for, the workers with their roles. */
static int64_t own_cpu_ns(void)
{
    static const int whose[] = {RUSAGE_SELF, RUSAGE_CHILDREN};
    int64_t sum = 0;
    for (size_t i = 0; i < sizeof(whose) / sizeof(whose[0]); i++) {
        struct rusage usage;
        if (getrusage(whose[i], &usage) == 0)
            sum += ns_of(&usage.ru_utime) + ns_of(&usage.ru_stime);
    }
    return sum;
}

static int64_t boottime_ns(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_BOOTTIME, &time);
    return (int64_t)time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

/* CLOCK_BOOTTIME goes on while the machine sleeps, CLOCK_MONOTONIC does not.  Of some tries
 * the one whose reads lie closest: who is stopped between two reads has not slept. */
static int64_t suspended_ns(void)
{
    enum { TRIES = 16, CLOSE_NS = 10000 };
    int64_t suspended = 0;
    int64_t closest = INT64_MAX;
    for (int i = 0; i < TRIES && closest > CLOSE_NS; i++) {
        int64_t before = ipm_now_ns();
        int64_t now = boottime_ns();
        int64_t apart = ipm_now_ns() - before;
        if (apart >= closest)
            continue;
        closest = apart;
        suspended = now - before - apart / 2;
    }
    return suspended;
}

static json_t *count_or_null(int64_t count)
{
    return count >= 0 ? json_integer(count) : json_null();
}

static json_t *since_boot(const char *sysroot)
{
    bool live = sysroot[0] == '\0';
    struct ipm_ticks ticks = ipm_ticks_read(sysroot);
    json_t *json = json_object();
    set(json, "all_ticks", ticks.known ? json_integer((json_int_t)ticks.all) : NULL);
    set(json, "busy_ticks", ticks.known ? json_integer((json_int_t)ticks.busy) : NULL);
    set(json, "steal_ticks",
        ticks.known ? json_integer((json_int_t)ticks.steal) : NULL);
    set(json, "throttled_periods", count_or_null(ipm_cgroup_throttles(sysroot)));
    set(json, "heat_throttles", count_or_null(ipm_heat_throttles(sysroot)));
    set(json, "suspended_ns", live ? json_integer(suspended_ns()) : NULL);
    set(json, "own_cpu_ns", live ? json_integer(own_cpu_ns()) : NULL);
    return json;
}

json_t *ipm_state_json(const char *sysroot)
{
    char allowed[256] = "";
    json_t *json = json_object();
    (void)ipm_sysroot_field(sysroot, "proc/self/status", "Cpus_allowed_list", allowed,
                            sizeof(allowed));
    set(json, "online", text_of(sysroot, CPU_FOLDER "online"));
    set(json, "allowed", text_or_null(allowed));
    set_frequency(sysroot, allowed, json);
    set(json, "idle", idle_json(sysroot, allowed));
    set_kernel(sysroot, json);
    set_rights(sysroot, json);
    set_meters(sysroot, json);
    set(json, "temperatures", temperatures(sysroot));
    set(json, "since_boot", since_boot(sysroot));
    return json;
}
