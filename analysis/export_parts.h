/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * export_parts: what the formats of export.h have in common.  Part of export.
 */
#ifndef IPM_ANALYSIS_EXPORT_PARTS_H
#define IPM_ANALYSIS_EXPORT_PARTS_H

#include "analysis/export.h"
#include "base/json.h"

#include <stdbool.h>

/* The writers: see struct ipm_export_format. */
int ipm_export_csv(const struct ipm_report *report, FILE *out,
                   struct ipm_export_losses *losses);
int ipm_export_gbench(const struct ipm_report *report, FILE *out,
                      struct ipm_export_losses *losses);
int ipm_export_bmf(const struct ipm_report *report, FILE *out,
                   struct ipm_export_losses *losses);
int ipm_export_junit(const struct ipm_report *report, FILE *out,
                     struct ipm_export_losses *losses);
int ipm_export_markdown(const struct ipm_report *report, FILE *out,
                        struct ipm_export_losses *losses);

/* Bytes of a name: Bencher takes 1024 characters. */
enum { IPM_EXPORT_NAME = 1000 };

/* The points' names, in the order of the summary.  Life cycle: make -> use -> fini. */
struct ipm_export_names {
    char **list;
    size_t n, cut;
};

/**
 * ipm_export_names_make() - a name for each point
 *
 * WORKLOAD/MECHANISM/SIZE/PLACEMENT/WAIT/copies=N and what is not at its default, as `ipcmeter
 * plan --points` has it: it depends on the factors alone, so that the next run's is the
 * same.  Hidden characters are shown as \uXXXX.  One above IPM_EXPORT_NAME bytes ends in a hash
 * of what was cut off; points that would share a name have their hash in it.
 *
 * Return: 0; -ENOMEM.
 */
int ipm_export_names_make(const struct ipm_summary *summary,
                          struct ipm_export_names *out_names);

/* Idempotent. */
void ipm_export_names_fini(struct ipm_export_names *names);

#define ipm_auto_export_names __attribute__((cleanup(ipm_export_names_fini)))

/* The name of some factors; the caller's; NULL when out of memory.  @out_cut: may be NULL. */
char *ipm_export_name(const struct ipm_factors *factors, bool *out_cut);

/* The table's rows by point, pass, invocation, build, status and line. */
struct ipm_export_rows {
    const struct ipm_row **list;
    size_t n;
};

/* Return: 0; -ENOMEM. */
int ipm_export_rows_make(const struct ipm_table *table,
                         struct ipm_export_rows *out_rows);

/* Idempotent. */
void ipm_export_rows_fini(struct ipm_export_rows *rows);

#define ipm_auto_export_rows __attribute__((cleanup(ipm_export_rows_fini)))

/* The rows of a point, @out_n >= 1 of them. */
const struct ipm_row *const *ipm_export_rows_of(const struct ipm_export_rows *rows,
                                                const struct ipm_point *point,
                                                size_t *out_n);

/* Whether row @i of a point's rows repeats an earlier one: the summary leaves it out. */
bool ipm_export_repeats(const struct ipm_row *const *rows, size_t i);

/* Whether a point has any value: else it has failed or was skipped. */
bool ipm_export_measured(const struct ipm_point *point);

/* Why there is no value or no interval; "": nothing lacks. */
const char *ipm_export_reason(const struct ipm_figure *figure);

enum { IPM_EXPORT_NUMBER = 32 };

/* The fewest digits that give the same number again; "" for NaN. */
const char *ipm_export_number(char text[IPM_EXPORT_NUMBER], double value);

/* One figure of the cost of a message in joules (analysis/energy.h). */
struct ipm_export_joules {
    const char *name, *unit;
    const struct ipm_estimate *estimate;
};

enum { IPM_EXPORT_JOULES = 5 };

/* load_w, rest_w, beyond_w, message_uj, operation_uj. */
void ipm_export_joules(const struct ipm_energy_row *row,
                       struct ipm_export_joules out_joules[IPM_EXPORT_JOULES]);

#endif
