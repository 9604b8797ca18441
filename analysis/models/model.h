/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * model: the contract of what explains a run's figures.
 *
 * A model takes the points it is about from a run, fits its parameters and says how well
 * it holds.  "Rejected above 16 KiB" and "not identifiable, because ..." are results: a
 * fit is never forced, and what was left out is kept with its reason.
 */
#ifndef IPM_ANALYSIS_MODEL_H
#define IPM_ANALYSIS_MODEL_H

#include <jansson.h>
#include <stdio.h>

struct ipm_interval;
struct ipm_table;
struct ipm_summary;

struct ipm_model_input {
    const struct ipm_table *table;
    const struct ipm_summary *summary;
    const json_t *manifest;
    /* What somebody wants to know of a battery; 0: nobody asked. */
    double battery_wh, base_power_w;
};

struct ipm_model {
    const char *name; /* [a-z0-9_]+, the file's stem */
    int version;
    const char *summary; /* at most 60 characters */
    /* The model's document in report.json: its form is the model's, but `name`, `version`,
     * `status` and `reason` are always there.  Parameters carry unit and interval.  A new
     * reference; NULL: no memory. */
    json_t *(*fit)(const struct ipm_model_input *input);
    /* That document for people, at most IPM_TEXT_WIDTH columns wide; nothing when the run
     * holds nothing for this model. */
    void (*text)(const json_t *document, FILE *out);
};

/* The models of list.def; NULL-terminated. */
extern const struct ipm_model *const ipm_models[];

/* Appends {name, unit, value, low, high, level}; NaN and infinite ones are null. */
void ipm_model_add_parameter(json_t *list, const char *name, const char *unit,
                             const struct ipm_interval *interval);

/* What every model says of a run: a list for report.json.  NULL: no memory. */
json_t *ipm_models_json(const struct ipm_model_input *input);

/* The same for people. */
void ipm_models_text(const json_t *models, FILE *out);

#endif
