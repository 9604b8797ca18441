/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * doctor: is this machine fit to measure on?
 *
 * It looks and changes nothing.  Not to know is an answer of its own: a virtual machine
 * without cpufreq has no wrong governor.
 */
#ifndef IPM_HARNESS_DOCTOR_H
#define IPM_HARNESS_DOCTOR_H

#include "base/json.h"

/* From best to worst: the grade is the worst of all checks. */
enum ipm_check_status {
    IPM_CHECK_OK,
    IPM_CHECK_UNKNOWN, /* it cannot be told here; the text says why */
    IPM_CHECK_WARN,    /* figures are worse, or some are missing */
    IPM_CHECK_FAIL,    /* figures say little about this machine */
};

extern const char *const ipm_check_status_names[]; /* "ok", "unknown", "warn", "fail" */

/* In the order in which they are shown. */
enum ipm_topic {
    IPM_TOPIC_CPUS,
    IPM_TOPIC_FREQUENCY,
    IPM_TOPIC_CLOCKS,
    IPM_TOPIC_KERNEL,
    IPM_TOPIC_RIGHTS,
    IPM_TOPIC_SENSORS,
    IPM_TOPIC_MEMORY,
};

extern const char *const ipm_topic_names[]; /* "CPUs", "frequency and heat" ... */

struct ipm_check {
    const char *name; /* [a-z0-9_]+ */
    enum ipm_topic topic;
    enum ipm_check_status status;
    char text[200]; /* what was seen; never empty */
    char mend[200]; /* a command or an advice, or "nothing to do"; never empty */
};

enum { IPM_CHECKS_MAX = 48 };

struct ipm_doctor {
    int n;
    struct ipm_check checks[IPM_CHECKS_MAX]; /* worst first, else as in the table */
};

/**
 * ipm_doctor_examine() - run every check
 * @sysroot: prefix of sysfs and proc; "": this machine
 *
 * On this machine it takes 0.4 s, in which it watches how busy the CPUs are; below another
 * root what only a running kernel can tell is unknown.
 */
void ipm_doctor_examine(struct ipm_doctor *out_doctor, const char *sysroot);

/* The worst status. */
enum ipm_check_status ipm_doctor_grade(const struct ipm_doctor *doctor);

/* How many checks came out so. */
int ipm_doctor_count(const struct ipm_doctor *doctor, enum ipm_check_status status);

/* [{name, topic, status, text, mend}] */
json_t *ipm_doctor_json(const struct ipm_doctor *doctor);

#endif
