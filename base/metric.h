/* SPDX-License-Identifier: MIT */
/*
 * metric: one measured value with its unit, where it came from, and, when it is missing,
 * why.  A plain struct without pointers: it crosses process borders in shared memory.
 */
#ifndef IPM_BASE_METRIC_H
#define IPM_BASE_METRIC_H

#include "base/json.h"
#include "base/why.h"

#include <stddef.h>

enum ipm_metric_status {
    IPM_METRIC_UNAVAILABLE, /* the value means nothing; @reason says why */
    IPM_METRIC_OK,
};

struct ipm_metric {
    char name[40]; /* [a-z0-9_]+ */
    char unit[16]; /* "", "ns", "uJ", "ticks" ... */
    double value;  /* integers below 2^53 are exact */
    enum ipm_metric_status status;
    char source[24];     /* "getrusage", "perf", "powercap" ... */
    char provenance[20]; /* energy only: measured, attributed ...; else "" */
    char reason[152];    /* "CLASS: text" while unavailable; else "" */
};

/* A value that is there. */
struct ipm_metric ipm_metric_value(const char *name, const char *unit,
                                   const char *source, double value);

/* A value that is not there, and why; @format is printf-like and starts with the class
 * (absent, denied, masked, stuck, zero, too_short, not_in_this_pass ...) and a colon. */
struct ipm_metric ipm_metric_missing(const char *name, const char *unit,
                                     const char *source, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The same from a failure: the class is ipm_why_class(@error). */
struct ipm_metric ipm_metric_failed(const char *name, const char *unit,
                                    const char *source, int error,
                                    const struct ipm_why *why);

/**
 * ipm_metric_add() - sum over roles
 *
 * @into gets @from's value added; a missing part makes the sum missing, with the part's
 * reason.  Names and units must agree.
 */
void ipm_metric_add(struct ipm_metric *into, const struct ipm_metric *from);

/* {value, unit, status, source, reason}; the value null unless status is ok. */
json_t *ipm_metric_json(const struct ipm_metric *metric);

#endif
