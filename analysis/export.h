/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * export: a run in the words of other tools.
 *
 * Every figure is the summary's, as in report.json; the invocations of gbench are those the
 * summary takes its medians of.  The same records give the same bytes.  A missing value is
 * empty or left out, never 0.  Foreign words come out as data in each format: see there.
 */
#ifndef IPM_ANALYSIS_EXPORT_H
#define IPM_ANALYSIS_EXPORT_H

#include "analysis/report.h"
#include "base/why.h"

#include <stdio.h>

enum { IPM_EXPORT_NOTHING = 1 };

/* What an export could not hold. */
struct ipm_export_losses {
    size_t
        invocations; /* without a time or without CPU time, which gbench cannot lack */
    size_t long_names; /* cut to IPM_EXPORT_NAME */
};

struct ipm_export_format {
    const char *name;
    const char *purpose; /* <= 60 characters */
    const char *nothing; /* what a run has nothing of when there is nothing to write */
    int (*write)(const struct ipm_report *report, FILE *out,
                 struct ipm_export_losses *losses); /* 0, or as ipm_export_write() */
};

extern const struct ipm_export_format ipm_export_formats[];
extern const size_t ipm_export_n_formats;

/* NULL: there is none of that name. */
const struct ipm_export_format *ipm_export_format(const char *name);

/**
 * ipm_export_write() - write a run
 * @report: loaded; no format needs the models
 * @losses: may be NULL
 *
 * Return: 0; IPM_EXPORT_NOTHING the run has nothing for this format, and nothing was written;
 * -EIO @out cannot be written; -ENOMEM.
 */
int ipm_export_write(const struct ipm_export_format *format,
                     const struct ipm_report *report, FILE *out,
                     struct ipm_export_losses *losses, struct ipm_why *why);

#endif
