/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * meters: which energy counters this machine shows, who may read them, and whether the
 * CPU blurs them on purpose.  It looks at rights alone; whether a counter can be believed
 * is the sensors' business.
 */
#ifndef IPM_HARNESS_METERS_H
#define IPM_HARNESS_METERS_H

enum ipm_powercap_rights {
    IPM_POWERCAP_UNKNOWN,  /* sys/class cannot be read */
    IPM_POWERCAP_ABSENT,   /* no energy counter is listed */
    IPM_POWERCAP_MASKED,   /* listed and hidden, as containers do */
    IPM_POWERCAP_DENIED,   /* there, but not for us */
    IPM_POWERCAP_READABLE, /* at least one */
};

struct ipm_powercap {
    enum ipm_powercap_rights rights;
    int zones;    /* energy counters of the whitelisted control types */
    int readable; /* of them */
    int denied;
    const char *readers; /* by mode: "root", "group", "everyone"; NULL: not told */
    int other_inputs;    /* power and energy inputs of hwmon that can be read */
    int power_events;    /* energy events that perf's `power` PMU names */
};

void ipm_powercap_read(const char *sysroot, struct ipm_powercap *out_powercap);

enum ipm_filtering {
    IPM_FILTERING_UNKNOWN,
    IPM_FILTERING_NONE, /* this vendor's CPUs have no such thing */
    IPM_FILTERING_OFF,
    IPM_FILTERING_ON,
};

/* Intel's energy filtering: on with SGX, or by bit 0 of MSR 0xBC. */
enum ipm_filtering ipm_filtering_read(const char *sysroot);

extern const char *const ipm_powercap_names[];  /* by enum ipm_powercap_rights */
extern const char *const ipm_filtering_names[]; /* by enum ipm_filtering */

#endif
