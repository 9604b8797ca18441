/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * counts: system calls, bytes and sleeps of a message, against a table that is kept.
 *
 * Counts of the traced twin do not depend on how fast or how busy a machine is: they can be
 * gated where times cannot.
 *
 *     ipm_counts_read (once for each run) -> ipm_counts_table | ipm_counts_judge -> fini
 *
 * A count is total / messages over all invocations of all runs read.  In a table it is
 *
 * exact, a number, where in at least IPM_COUNTS_EXACT invocations each message had the same whole
 *     number of it, give or take 2 calls of a window: it has two ends, and no barrier inside.
 *     Never with threads of a library or a broker, which do not begin and end with the window,
 *     and no calls that are made for somebody who waits, since that depends on timing.
 * a band {"low", "high"}, where it varies by nature.  System calls: half a call below the least
 *     and above the most seen; from 0 to the larger of that and 2.5 (a call to sleep, one to
 *     wake, and the half) above what is asked for each message, where calls are made for somebody
 *     who waits.
 *     Retried calls: 0 to 0.5 above the most seen, where the kernel is asked for each message
 *     and the wait strategy is "block".  Bytes: 1 % and 16 bytes around what was seen.  Voluntary
 *     switches (sleeps; somebody's wake-up ends each): 0 to 0.5 above what was seen, which is
 *     rounded up to a whole one where the wait strategy may sleep.
 *
 * Half a call is half of the smallest thing to find: one call more for each message.
 */
#ifndef IPM_ANALYSIS_COUNTS_H
#define IPM_ANALYSIS_COUNTS_H

#include "base/json.h"
#include "base/why.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
    IPM_COUNTS_SCHEMA = 1,
    IPM_COUNTS_EXACT = 3, /* invocations, at least */
};

enum ipm_count {
    IPM_COUNT_CALLS, /* system calls that did something: syscalls - syscalls_retried */
    IPM_COUNT_RETRIED, /* those that came back because there was nothing to do yet */
    IPM_COUNT_BYTES,
    IPM_COUNT_SWITCHES, /* voluntary ones, of the pass timing */
    IPM_COUNTS,
};

/* By enum, as in a table; NULL-terminated. */
extern const char *const ipm_count_names[];

/* A count of a point, over invocations. */
struct ipm_count_sum {
    double total, messages;
    double least, most; /* per message, of an invocation */
    double whole; /* each message had so many, but for the ends; NaN: no whole number */
    size_t n;     /* invocations; 0: the rest means nothing */
    char *reason; /* why an invocation had no value; NULL: all had one */
};

struct ipm_counts_point {
    char *name; /* analysis/export_parts.h: from its factors alone */
    char *wait;
    int64_t mechanism_version, workload_version;
    bool asks;      /* the kernel, for each message */
    bool elsewhere; /* threads of a library or a broker take part */
    size_t failed;  /* invocations, and runs of another version than the first's */
    char *failure;  /* reason of the first; NULL: none */
    struct ipm_count_sum sums[IPM_COUNTS];
    json_t *calls; /* by name of system call: total where IPM_COUNT_CALLS has one */
};

struct ipm_counts {
    struct ipm_counts_point *points; /* in the order of reading */
    size_t n, room;
    size_t n_bad;       /* lines that are no records */
    bool torn;          /* a last line was incomplete and dropped */
    json_t *places;     /* name to index */
    char *architecture; /* of the last run that says; NULL: none does */
};

/**
 * ipm_counts_read() - add the counts of a result directory
 * @counts: zeroed before the first
 *
 * Return: 0; -ENOENT no records; -ENOMEM; -errno.
 */
int ipm_counts_read(struct ipm_counts *counts, const char *directory,
                    struct ipm_why *why);

/* What may be missing or too much at the ends of @n windows with @each a message. */
double ipm_counts_ends(enum ipm_count which, double each, size_t n);

/* Idempotent. */
void ipm_counts_fini(struct ipm_counts *counts);

#define ipm_auto_counts __attribute__((cleanup(ipm_counts_fini)))

/**
 * ipm_counts_table() - what was counted as a table to keep
 * @out_table: the caller's; keys sorted, the same counts give the same bytes
 *
 * Return: 0; -ENODATA nothing was counted, or a point has a failed invocation or no system
 *         calls; -ENOMEM.
 */
int ipm_counts_table(const struct ipm_counts *counts, json_t **out_table,
                     struct ipm_why *why);

/**
 * ipm_counts_table_read() - a table from a file
 *
 * Return: 0; -ENOENT; -EINVAL it is no table, or has a word or value that none has; -errno.
 */
int ipm_counts_table_read(const char *path, json_t **out_table, struct ipm_why *why);

/**
 * ipm_counts_judge() - counts against a table
 * @table: from ipm_counts_table_read()
 *
 * The document is {schema, kind "counts", verdict, judged, sentence, points[{point, verdict,
 * reason, weight}], not_in_table[], notes[]}, points in the order of the table.  Verdicts: "pass";
 * "regression" a count is above; "improved" one is below, none above; "error" it could not be
 * judged: not in the run, failed, no value, or plug-ins of other versions.  The whole has the
 * first of error, regression, improved, pass that a point has, as in the gate of times;
 * judged counts the points that are no error.
 *
 * Return: the caller's; NULL: no memory.
 */
json_t *ipm_counts_judge(const struct ipm_counts *counts, const json_t *table);

/* How many points of the run the table has not, and the first of them, as a sentence; the
 * caller's; NULL: no memory. */
char *ipm_counts_surplus(const json_t *document);

/* The document for people. */
void ipm_counts_text(const json_t *document, FILE *out);

/* The document for a pipeline, these three.
 *
 * Return: 0; -EINVAL it is no such document, and nothing was written; -ENOMEM. */

/* Points that are not "pass" as annotations (analysis/annotations.h). */
int ipm_counts_annotate(const json_t *document, FILE *out, struct ipm_why *why);
/* JUnit XML: "the counts", and a case for each point; "improved" has passed. */
int ipm_counts_junit(const json_t *document, FILE *out, struct ipm_why *why);
/* The summary of a job, always below 1 MiB. */
int ipm_counts_markdown(const json_t *document, FILE *out, struct ipm_why *why);

#endif
