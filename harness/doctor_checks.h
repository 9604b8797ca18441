/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * doctor_checks: the checks themselves; for doctor.c alone.
 */
#ifndef IPM_HARNESS_DOCTOR_CHECKS_H
#define IPM_HARNESS_DOCTOR_CHECKS_H

#include "harness/doctor.h"

#include <stdbool.h>
#include <stddef.h>

/* Shares of the time of all CPUs, in [0, 1]; below 0: unknown. */
struct ipm_cpu_shares {
    double busy;
    double steal;
};

/* What several checks look at. */
struct ipm_patient {
    const char *sysroot;
    bool live;                 /* sysroot is "": the kernel can be asked, too */
    char online[256];          /* CPU lists; "": unknown */
    char allowed[256];         /* of this process */
    int cpus;                  /* online and allowed; 0: unknown */
    unsigned long long rights; /* effective capabilities */
    bool rights_known;
    int hypervisor; /* of ipm_hypervisor(): 1, 0, -ENODATA */
    bool initial; /* in the first user namespace: only there rights reach the machine */
    struct ipm_cpu_shares now;   /* in the last 0.4 s; unknown unless live */
    struct ipm_cpu_shares total; /* since boot */
};

typedef void ipm_check_run(const struct ipm_patient *patient, struct ipm_check *check);

/* Sets status and text; @format is printf-like. */
void ipm_check_say(struct ipm_check *check, enum ipm_check_status status,
                   const char *format, ...) __attribute__((format(printf, 3, 4)));
void ipm_check_mend(struct ipm_check *check, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* "nothing to do here: WHY", for what is not ok and cannot be helped from here. */
void ipm_check_leave(struct ipm_check *check, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* doctor_cpu.c: the CPUs. */
ipm_check_run ipm_check_cpus;
ipm_check_run ipm_check_core_kinds;
ipm_check_run ipm_check_smt;
ipm_check_run ipm_check_isolation;
ipm_check_run ipm_check_load;
ipm_check_run ipm_check_hypervisor;
ipm_check_run ipm_check_steal;

/* doctor_frequency.c: what drives the frequency, sleep and heat. */
ipm_check_run ipm_check_governor;
ipm_check_run ipm_check_frequency;
ipm_check_run ipm_check_energy_preference;
ipm_check_run ipm_check_turbo;
ipm_check_run ipm_check_idle_states;
ipm_check_run ipm_check_temperature;
ipm_check_run ipm_check_mains;

/* doctor_clock.c: the clocks. */
ipm_check_run ipm_check_clocksource;
ipm_check_run ipm_check_clock_cost;

/* doctor_kernel.c: how the kernel was built, booted and set. */
ipm_check_run ipm_check_kernel;
ipm_check_run ipm_check_boot_options;
ipm_check_run ipm_check_mitigations;
ipm_check_run ipm_check_page_tables;
ipm_check_run ipm_check_huge_pages;
ipm_check_run ipm_check_numa_balancing;
ipm_check_run ipm_check_aslr;

/* doctor_rights.c: what we may do. */
ipm_check_run ipm_check_container;
ipm_check_run ipm_check_cpu_quota;
ipm_check_run ipm_check_capabilities;
ipm_check_run ipm_check_namespaces;
ipm_check_run ipm_check_realtime;
ipm_check_run ipm_check_limits;
ipm_check_run ipm_check_message_queues;

/* doctor_sensors.c: what can be counted. */
ipm_check_run ipm_check_perf_paranoid;
ipm_check_run ipm_check_pmu;
ipm_check_run ipm_check_nmi_watchdog;
ipm_check_run ipm_check_powercap;
ipm_check_run ipm_check_energy_filtering;

/* doctor_memory.c: memory and disks. */
ipm_check_run ipm_check_memory;
ipm_check_run ipm_check_swap;
ipm_check_run ipm_check_disk;

/* Has this process the capability, in whatever user namespace it is? */
bool ipm_patient_has(const struct ipm_patient *patient, int capability);

/* Has it the capability where it reaches the machine? */
bool ipm_patient_may(const struct ipm_patient *patient, int capability);

#endif
