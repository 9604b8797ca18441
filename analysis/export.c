/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/export.h"

#include "analysis/export_parts.h"

#include <errno.h>
#include <string.h>

const struct ipm_export_format ipm_export_formats[] = {
    {"csv", "every figure of every point in a row: R, pandas, SQL", "value",
     ipm_export_csv},
    {"gbench", "Google Benchmark JSON: compare.py, github-action-benchmark",
     "invocation with a time", ipm_export_gbench},
    {"bmf", "Bencher Metric Format, with intervals", "value", ipm_export_bmf},
    {"junit", "JUnit XML, a test case per point: Jenkins, GitLab", "point and no skip",
     ipm_export_junit},
    {"markdown", "a summary for a job's page, always below 1 MiB", "point and no skip",
     ipm_export_markdown},
};

const size_t ipm_export_n_formats =
    sizeof(ipm_export_formats) / sizeof(ipm_export_formats[0]);

const struct ipm_export_format *ipm_export_format(const char *name)
{
    for (size_t i = 0; i < ipm_export_n_formats; i++) {
        if (strcmp(ipm_export_formats[i].name, name) == 0)
            return &ipm_export_formats[i];
    }
    return NULL;
}

int ipm_export_write(const struct ipm_export_format *format,
                     const struct ipm_report *report, FILE *out,
                     struct ipm_export_losses *losses, struct ipm_why *why)
{
    struct ipm_export_losses ignored;
    losses = losses == NULL ? &ignored : losses;
    memset(losses, 0, sizeof(*losses));
    int result = format->write(report, out, losses);
    if (result == -ENOMEM)
        return ipm_why_set(why, result, "no memory for the export");
    if (result == 0 && (fflush(out) != 0 || ferror(out)))
        return ipm_why_set(why, -EIO, "the export could not be written");
    return result;
}
