/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * table: the records of a run as plain rows.
 *
 * Life cycle: read -> use -> fini.  Of an ok row of the timing pass the distribution is
 * unpacked into the buckets in use, and its blocks are judged once; rows are compared only
 * to tell which of them had a slow core.  What could not be read is
 * kept with its reason, never dropped in silence.  Every string of a row belongs to the table;
 * an absent text is "".
 */
#ifndef IPM_ANALYSIS_TABLE_H
#define IPM_ANALYSIS_TABLE_H

#include "analysis/open_loop.h"
#include "analysis/steady.h"
#include "analysis/tally.h"
#include "base/json.h"
#include "base/why.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ipm_row_status {
    IPM_ROW_OK,
    IPM_ROW_FAILED,
    IPM_ROW_INVALID, /* measured, and replaced by a later try */
    IPM_ROW_SKIPPED,
    IPM_ROW_STATUSES,
};

extern const char *const ipm_row_status_names[]; /* by enum, NULL-terminated */

/* What was varied. */
struct ipm_factors {
    const char *workload, *mechanism;
    const char *placement;       /* the word of the config; {"cpus"} as JSON text */
    const char *placement_class; /* what it was resolved to here */
    const char *wait, *touch, *policy;
    const char *rate;    /* "max", a number, or a share */
    const char *options; /* "pipe.capacity=65536 a.b=c", sorted by name */
    int64_t size;        /* bytes; these four -1 when absent */
    int64_t copies, depth, batch;
    int64_t reply_size; /* bytes; -1: as size */
};

/* A metric of one invocation. */
struct ipm_reading {
    const char *name, *unit;
    const char *provenance; /* of energy; else "" */
    const char *source;     /* "perf", "powercap" ... */
    double value;           /* of the whole window; NaN when missing */
    double per_message;     /* NaN when missing, or when dividing makes no sense */
    const char *reason;     /* why the value is missing; else "" */
};

struct ipm_row {
    size_t line; /* in the records file, from 1 */
    enum ipm_row_status status;
    const char *point, *pass, *build;
    int64_t invocation, block;
    struct ipm_factors factors;
    const char *phase, *reason; /* of a row that is not ok */
    bool regime_changed;
    bool rate_missed;          /* flag rate_not_achieved */
    const char *cpus;          /* those of its roles, as JSON text */
    bool slow_core, set_aside; /* analysis/slow_core.h */

    const char *sample;   /* "round_trip", "batch", "interval"; "": no distribution */
    int64_t timing_batch; /* operations between two clock reads; 0 when absent */
    int64_t messages, operations; /* inside elapsed_ns; these three 0 when absent */
    int64_t elapsed_ns;
    double p50_ns, max_ns; /* per operation; these NaN when absent */
    double messages_per_s, bytes_per_s;
    double clock_cost_ns;
    double p99_ns; /* of the same distribution as p50_ns; these three NaN when absent */
    double response_p50_ns,
        response_p99_ns; /* of an open loop, from the planned time */
    double responses;    /* samples of these; 0 when absent */
    /* These of an ok row of the timing pass; else empty and unknown. */
    struct ipm_tally tally;
    struct ipm_steady steady;
    struct ipm_open_loop *open_loop; /* NULL: the record has none */
    double effective; /* samples, by batch means; NaN when that cannot be told */
    struct ipm_reading *readings;
    size_t n_readings;
};

struct ipm_bad_line {
    size_t line;
    const char *reason;
};

struct ipm_table {
    struct ipm_row *rows; /* in the order of the file */
    size_t n_rows, rows_room;
    struct ipm_bad_line *bad; /* lines that are no records */
    size_t n_bad, bad_room;
    bool torn;    /* the last line was incomplete and dropped */
    bool arms;    /* of a gate: rows of two builds, taken turn by turn */
    json_t *pool; /* owns every string */
};

/**
 * ipm_table_read() - all records of a file
 *
 * Return: 0; -ENOENT and other -errno of reading; -ENOMEM.  @out_table needs fini only
 * after 0.
 */
int ipm_table_read(const char *path, struct ipm_table *out_table, struct ipm_why *why);

/* Frees what only a summary and models ask for: tallies and open loops are empty then, and rows
 * have no readings. */
void ipm_table_shrink(struct ipm_table *table);

/* Idempotent. */
void ipm_table_fini(struct ipm_table *table);

#define ipm_auto_table __attribute__((cleanup(ipm_table_fini)))

/* The row's reading of that name, or NULL. */
const struct ipm_reading *ipm_row_reading(const struct ipm_row *row, const char *name);

#endif
