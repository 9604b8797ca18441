/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/doctor.h"

#include "base/clock.h"
#include "harness/doctor_checks.h"
#include "harness/sysroot.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WATCH_MS = 400 /* 40 ticks of each CPU */ };

const char *const ipm_check_status_names[] = {"ok", "unknown", "warn", "fail", NULL};

static const struct {
    const char *name;
    ipm_check_run *run;
} checks[] = {
    {"cpus", ipm_check_cpus},
    {"cpu_quota", ipm_check_cpu_quota},
    {"load", ipm_check_load},
    {"hypervisor", ipm_check_hypervisor},
    {"steal", ipm_check_steal},
    {"container", ipm_check_container},
    {"clocksource", ipm_check_clocksource},
    {"clock_cost", ipm_check_clock_cost},
    {"governor", ipm_check_governor},
    {"frequency", ipm_check_frequency},
    {"turbo", ipm_check_turbo},
    {"smt", ipm_check_smt},
    {"isolation", ipm_check_isolation},
    {"perf_paranoid", ipm_check_perf_paranoid},
    {"pmu", ipm_check_pmu},
    {"powercap", ipm_check_powercap},
    {"namespaces", ipm_check_namespaces},
    {"message_queues", ipm_check_message_queues},
    {"huge_pages", ipm_check_huge_pages},
    {"aslr", ipm_check_aslr},
    {"memory", ipm_check_memory},
    {"disk", ipm_check_disk},
    {"swap", ipm_check_swap},
};

enum { CHECKS = sizeof(checks) / sizeof(checks[0]) };

_Static_assert((int)CHECKS <= (int)IPM_CHECKS_MAX,
               "an examination must hold every check");

void ipm_check_say(struct ipm_check *check, enum ipm_check_status status,
                   const char *format, ...)
{
    check->status = status;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(check->text, sizeof(check->text), format, arguments);
    va_end(arguments);
}

void ipm_check_mend(struct ipm_check *check, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(check->mend, sizeof(check->mend), format, arguments);
    va_end(arguments);
}

/* Ticks of all CPUs together: all, busy, stolen. */
struct ticks {
    bool known;
    double all, busy, steal;
};

static struct ticks read_ticks(const char *sysroot)
{
    char text[512];
    int64_t f[8] = {0};
    struct ticks ticks = {.known = false};
    if (ipm_sysroot_text(sysroot, "proc/stat", text, sizeof(text)) != 0)
        return ticks;
    int n = sscanf(text,
                   "cpu %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64
                   " %" SCNd64 " %" SCNd64 " %" SCNd64,
                   &f[0], &f[1], &f[2], &f[3], &f[4], &f[5], &f[6], &f[7]);
    ticks.known = n == 8;
    ticks.busy = (double)(f[0] + f[1] + f[2] + f[5] + f[6]);
    ticks.steal = (double)f[7];
    ticks.all = ticks.busy + ticks.steal + (double)(f[3] + f[4]);
    return ticks;
}

static struct ipm_cpu_shares shares(const struct ticks *before,
                                    const struct ticks *after)
{
    double all = after->all - before->all;
    if (!before->known || !after->known || all <= 0)
        return (struct ipm_cpu_shares){.busy = -1, .steal = -1};
    return (struct ipm_cpu_shares){.busy = (after->busy - before->busy) / all,
                                   .steal = (after->steal - before->steal) / all};
}

/* A namespace of our own maps a part of the user ids, the first one maps them all. */
static bool in_first_namespace(const char *sysroot)
{
    char text[128];
    int64_t ids = 0;
    return ipm_sysroot_text(sysroot, "proc/self/uid_map", text, sizeof(text)) != 0 ||
           (sscanf(text, "%*s %*s %" SCNd64, &ids) == 1 && ids == UINT32_MAX);
}

static void meet(struct ipm_patient *patient, const char *sysroot)
{
    char rights[32];
    const struct ticks boot = {.known = true};
    *patient = (struct ipm_patient){.sysroot = sysroot, .live = sysroot[0] == '\0'};
    (void)ipm_sysroot_text(sysroot, "sys/devices/system/cpu/online", patient->online,
                           sizeof(patient->online));
    (void)ipm_sysroot_field(sysroot, "proc/self/status", "Cpus_allowed_list",
                            patient->allowed, sizeof(patient->allowed));
    if (patient->online[0] != '\0')
        patient->cpus = ipm_cpu_list_count(
            patient->online, patient->allowed[0] != '\0' ? patient->allowed : NULL);
    if (ipm_sysroot_field(sysroot, "proc/self/status", "CapEff", rights,
                          sizeof(rights)) == 0)
        patient->rights = strtoull(rights, NULL, 16);
    patient->initial = in_first_namespace(sysroot);

    struct ticks before = read_ticks(sysroot);
    patient->total = shares(&boot, &before);
    patient->now = (struct ipm_cpu_shares){.busy = -1, .steal = -1};
    if (patient->live) {
        struct timespec pause = ipm_timespec(WATCH_MS * INT64_C(1000000));
        (void)nanosleep(&pause, NULL);
        struct ticks after = read_ticks(sysroot);
        patient->now = shares(&before, &after);
    }
}

void ipm_doctor_examine(struct ipm_doctor *out_doctor, const char *sysroot)
{
    struct ipm_patient patient;
    struct ipm_check found[CHECKS];
    meet(&patient, sysroot);
    for (size_t i = 0; i < CHECKS; i++) {
        found[i] = (struct ipm_check){.name = checks[i].name};
        checks[i].run(&patient, &found[i]);
    }
    out_doctor->n = 0;
    for (int status = IPM_CHECK_FAIL; status >= IPM_CHECK_OK; status--) {
        for (size_t i = 0; i < CHECKS; i++) {
            if ((int)found[i].status == status)
                out_doctor->checks[out_doctor->n++] = found[i];
        }
    }
}

enum ipm_check_status ipm_doctor_grade(const struct ipm_doctor *doctor)
{
    return doctor->n > 0 ? doctor->checks[0].status : IPM_CHECK_UNKNOWN;
}

json_t *ipm_doctor_json(const struct ipm_doctor *doctor)
{
    json_t *list = json_array();
    for (int i = 0; i < doctor->n; i++) {
        const struct ipm_check *check = &doctor->checks[i];
        json_t *mend = check->mend[0] != '\0' ? json_string(check->mend) : NULL;
        json_t *text = json_string(check->text); /* NULL: sysfs gave no UTF-8 */
        (void)json_array_append_new(
            list, json_pack("{s:s, s:s, s:o, s:o}", "name", check->name, "status",
                            ipm_check_status_names[check->status], "text",
                            text != NULL ? text : json_null(), "mend",
                            mend != NULL ? mend : json_null()));
    }
    return list;
}
