/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/doctor.h"

#include "base/clock.h"
#include "base/cpu_list.h"
#include "harness/doctor_checks.h"
#include "harness/host.h"
#include "harness/sysroot.h"
#include "harness/ticks.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WATCH_MS = 400 /* 40 ticks of each CPU */ };

static const char NOTHING[] = "nothing to do";

const char *const ipm_check_status_names[] = {"ok", "unknown", "warn", "fail", NULL};

const char *const ipm_topic_names[] = {"CPUs",
                                       "frequency and heat",
                                       "clocks",
                                       "kernel",
                                       "rights and limits",
                                       "counters and energy",
                                       "memory and disk",
                                       NULL};

static const struct {
    const char *name;
    enum ipm_topic topic;
    ipm_check_run *run;
} checks[] = {
    {"cpus", IPM_TOPIC_CPUS, ipm_check_cpus},
    {"core_kinds", IPM_TOPIC_CPUS, ipm_check_core_kinds},
    {"smt", IPM_TOPIC_CPUS, ipm_check_smt},
    {"isolation", IPM_TOPIC_CPUS, ipm_check_isolation},
    {"load", IPM_TOPIC_CPUS, ipm_check_load},
    {"hypervisor", IPM_TOPIC_CPUS, ipm_check_hypervisor},
    {"steal", IPM_TOPIC_CPUS, ipm_check_steal},
    {"governor", IPM_TOPIC_FREQUENCY, ipm_check_governor},
    {"frequency", IPM_TOPIC_FREQUENCY, ipm_check_frequency},
    {"energy_preference", IPM_TOPIC_FREQUENCY, ipm_check_energy_preference},
    {"turbo", IPM_TOPIC_FREQUENCY, ipm_check_turbo},
    {"idle_states", IPM_TOPIC_FREQUENCY, ipm_check_idle_states},
    {"temperature", IPM_TOPIC_FREQUENCY, ipm_check_temperature},
    {"mains", IPM_TOPIC_FREQUENCY, ipm_check_mains},
    {"clocksource", IPM_TOPIC_CLOCKS, ipm_check_clocksource},
    {"clock_cost", IPM_TOPIC_CLOCKS, ipm_check_clock_cost},
    {"kernel", IPM_TOPIC_KERNEL, ipm_check_kernel},
    {"boot_options", IPM_TOPIC_KERNEL, ipm_check_boot_options},
    {"mitigations", IPM_TOPIC_KERNEL, ipm_check_mitigations},
    {"page_tables", IPM_TOPIC_KERNEL, ipm_check_page_tables},
    {"huge_pages", IPM_TOPIC_KERNEL, ipm_check_huge_pages},
    {"numa_balancing", IPM_TOPIC_KERNEL, ipm_check_numa_balancing},
    {"aslr", IPM_TOPIC_KERNEL, ipm_check_aslr},
    {"container", IPM_TOPIC_RIGHTS, ipm_check_container},
    {"cpu_quota", IPM_TOPIC_RIGHTS, ipm_check_cpu_quota},
    {"capabilities", IPM_TOPIC_RIGHTS, ipm_check_capabilities},
    {"namespaces", IPM_TOPIC_RIGHTS, ipm_check_namespaces},
    {"realtime", IPM_TOPIC_RIGHTS, ipm_check_realtime},
    {"limits", IPM_TOPIC_RIGHTS, ipm_check_limits},
    {"message_queues", IPM_TOPIC_RIGHTS, ipm_check_message_queues},
    {"perf_paranoid", IPM_TOPIC_SENSORS, ipm_check_perf_paranoid},
    {"pmu", IPM_TOPIC_SENSORS, ipm_check_pmu},
    {"nmi_watchdog", IPM_TOPIC_SENSORS, ipm_check_nmi_watchdog},
    {"powercap", IPM_TOPIC_SENSORS, ipm_check_powercap},
    {"energy_filtering", IPM_TOPIC_SENSORS, ipm_check_energy_filtering},
    {"memory", IPM_TOPIC_MEMORY, ipm_check_memory},
    {"swap", IPM_TOPIC_MEMORY, ipm_check_swap},
    {"disk", IPM_TOPIC_MEMORY, ipm_check_disk},
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

void ipm_check_leave(struct ipm_check *check, const char *format, ...)
{
    va_list arguments;
    int length = snprintf(check->mend, sizeof(check->mend), "%s here: ", NOTHING);
    va_start(arguments, format);
    (void)vsnprintf(check->mend + length, sizeof(check->mend) - (size_t)length, format,
                    arguments);
    va_end(arguments);
}

bool ipm_patient_has(const struct ipm_patient *patient, int capability)
{
    return (patient->rights >> capability & 1) != 0;
}

bool ipm_patient_may(const struct ipm_patient *patient, int capability)
{
    return patient->initial && ipm_patient_has(patient, capability);
}

static struct ipm_cpu_shares shares(const struct ipm_ticks *before,
                                    const struct ipm_ticks *after)
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
    const struct ipm_ticks boot = {.known = true};
    *patient = (struct ipm_patient){.sysroot = sysroot, .live = sysroot[0] == '\0'};
    (void)ipm_sysroot_text(sysroot, "sys/devices/system/cpu/online", patient->online,
                           sizeof(patient->online));
    (void)ipm_sysroot_field(sysroot, "proc/self/status", "Cpus_allowed_list",
                            patient->allowed, sizeof(patient->allowed));
    if (patient->online[0] != '\0')
        patient->cpus = ipm_cpu_list_count(
            patient->online, patient->allowed[0] != '\0' ? patient->allowed : NULL);
    if (ipm_sysroot_field(sysroot, "proc/self/status", "CapEff", rights,
                          sizeof(rights)) == 0) {
        patient->rights = strtoull(rights, NULL, 16);
        patient->rights_known = true;
    }
    char hypervisor[32];
    patient->hypervisor = ipm_hypervisor(sysroot, hypervisor, sizeof(hypervisor));
    patient->initial = in_first_namespace(sysroot);

    struct ipm_ticks before = ipm_ticks_read(sysroot);
    patient->total = shares(&boot, &before);
    patient->now = (struct ipm_cpu_shares){.busy = -1, .steal = -1};
    if (patient->live) {
        struct timespec pause = ipm_timespec(WATCH_MS * INT64_C(1000000));
        (void)nanosleep(&pause, NULL);
        struct ipm_ticks after = ipm_ticks_read(sysroot);
        patient->now = shares(&before, &after);
    }
}

void ipm_doctor_examine(struct ipm_doctor *out_doctor, const char *sysroot)
{
    struct ipm_patient patient;
    struct ipm_check found[CHECKS];
    meet(&patient, sysroot);
    for (size_t i = 0; i < CHECKS; i++) {
        found[i] = (struct ipm_check){.name = checks[i].name, .topic = checks[i].topic};
        checks[i].run(&patient, &found[i]);
        /* What is not ok says itself what to do, or why nothing can be done. */
        if (found[i].status == IPM_CHECK_OK && found[i].mend[0] == '\0')
            (void)snprintf(found[i].mend, sizeof(found[i].mend), "%s", NOTHING);
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

int ipm_doctor_count(const struct ipm_doctor *doctor, enum ipm_check_status status)
{
    int n = 0;
    for (int i = 0; i < doctor->n; i++)
        n += doctor->checks[i].status == status;
    return n;
}

json_t *ipm_doctor_json(const struct ipm_doctor *doctor)
{
    json_t *list = json_array();
    for (int i = 0; i < doctor->n; i++) {
        const struct ipm_check *check = &doctor->checks[i];
        (void)json_array_append_new(
            list,
            json_pack("{s:s, s:s, s:s, s:o, s:o}", "name", check->name, "topic",
                      ipm_topic_names[check->topic], "status",
                      ipm_check_status_names[check->status], "text",
                      ipm_json_text(check->text), "mend", ipm_json_text(check->mend)));
    }
    return list;
}
