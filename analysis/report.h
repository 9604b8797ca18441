/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * report: from a result directory to report.json, plots/, report.html and the answer in
 * words.
 *
 * Everything the words and the picture show is in report.json, and the same records give
 * the same bytes.
 */
#ifndef IPM_ANALYSIS_REPORT_H
#define IPM_ANALYSIS_REPORT_H

#include "analysis/answer.h"
#include "analysis/energy.h"
#include "analysis/ladder.h"
#include "analysis/pass_cost.h"
#include "analysis/rate_series.h"
#include "analysis/summary.h"
#include "analysis/table.h"
#include "analysis/winner.h"
#include "base/json.h"
#include "base/why.h"

#include <stdbool.h>
#include <stdio.h>

/* What a reader wants worked out beside what the run says; all 0: nothing. */
struct ipm_report_wishes {
    double battery_wh; /* hours under each load of a battery of so much */
    /* Of the whole device without messages; 0: what the meter showed at rest. */
    double base_power_w;
    bool folder;    /* html/ too: ipm_report_html_folder() */
    bool no_models; /* `models` stays empty: fits take seconds, and not all need them */
};

/* A run, read and worked out.  Life cycle: load -> use -> fini. */
struct ipm_report {
    json_t *manifest;       /* {} when it could not be read */
    char *manifest_problem; /* why; NULL when it could */
    struct ipm_table table;
    struct ipm_summary summary;
    struct ipm_energy energy;
    struct ipm_ladder ladder;
    struct ipm_pass_costs costs;
    struct ipm_winners winners;
    struct ipm_answer answer;
    struct ipm_rate_set rates;
    char *rate_words;     /* NULL: the run has no open loop */
    json_t *models;       /* what each model says, as in report.json */
    json_t *core_to_core; /* as in report.json (analysis/core_map.h), like these two */
    json_t *percentiles;  /* analysis/percentiles.h */
    json_t *run_order;    /* analysis/run_order.h */
};

/**
 * ipm_report_load() - read a result directory
 * @wishes: may be NULL
 *
 * manifest.json may be missing, torn or of another schema, which the report then says;
 * records.jsonl must be there.
 *
 * Return: 0; -ENOENT no records; -EMEDIUMTYPE those of a gate, whose two builds would become one;
 * -ENOMEM; -errno.
 */
int ipm_report_load(const char *directory, const struct ipm_report_wishes *wishes,
                    struct ipm_report *out_report, struct ipm_why *why);

/* Idempotent. */
void ipm_report_fini(struct ipm_report *report);

#define ipm_auto_report __attribute__((cleanup(ipm_report_fini)))

/**
 * ipm_report_write() - write report.json, plots/ and report.html into a result directory
 *
 * @wishes: may be NULL
 *
 * Without gnuplot everything but the pictures is written, and report.json says why.
 *
 * Return: 0; as ipm_report_load(); -errno of writing.
 */
int ipm_report_write(const char *directory, const struct ipm_report_wishes *wishes,
                     struct ipm_why *why);

/**
 * ipm_report_text() - the answer in words
 * @wishes: may be NULL
 *
 * Writes nothing into the directory.
 *
 * Return: 0; as ipm_report_load(); -EIO when @out cannot be written.
 */
int ipm_report_text(const char *directory, const struct ipm_report_wishes *wishes,
                    FILE *out, struct ipm_why *why);

#endif
