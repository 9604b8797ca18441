/* SPDX-License-Identifier: MIT */
#include "harness/worker/switches_check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct count {
    const char *name;
    double value;
};

static size_t gather(const struct ipm_metric *metrics, size_t n,
                     struct count counts[IPM_SWITCHES_SOURCES])
{
    static const char *const names[IPM_SWITCHES_SOURCES] = {
        "switches_rusage", "switches_task", "context_switches"};
    size_t found = 0;
    for (size_t i = 0; i < IPM_SWITCHES_SOURCES; i++) {
        for (size_t k = 0; k < n; k++) {
            if (metrics[k].status != IPM_METRIC_OK ||
                strcmp(metrics[k].name, names[i]) != 0)
                continue;
            counts[found++] = (struct count){names[i], metrics[k].value};
            break;
        }
    }
    return found;
}

static double median_of(const struct count *counts, size_t n)
{
    if (n == 2)
        return (counts[0].value + counts[1].value) / 2;
    double a = counts[0].value;
    double b = counts[1].value;
    double c = counts[2].value;
    return fmax(fmin(a, b), fmin(fmax(a, b), c));
}

void ipm_switches_check(const struct ipm_metric *metrics, size_t n, int processes,
                        struct ipm_switches_verdict *out_verdict)
{
    struct count counts[IPM_SWITCHES_SOURCES];
    size_t found = gather(metrics, n, counts);
    struct ipm_switches_verdict verdict = {.agreement = IPM_AGREE};
    *out_verdict = verdict;
    if (found < 2) {
        out_verdict->agreement = IPM_UNTESTED;
        (void)snprintf(out_verdict->reason, sizeof(out_verdict->reason),
                       "absent: %zu of %d sources have a value", found,
                       (int)IPM_SWITCHES_SOURCES);
        return;
    }
    double median = median_of(counts, found);
    double allowed =
        fmax(IPM_SWITCHES_TOLERANCE * median, (double)IPM_SWITCHES_SLACK * processes);
    int odd = 0;
    if (found == 2) {
        verdict.difference = counts[1].value - counts[0].value;
        if (fabs(verdict.difference) <= allowed)
            return;
        (void)snprintf(verdict.reason, sizeof(verdict.reason),
                       "%s %.0f, %s %.0f: of two nothing tells which lies",
                       counts[0].name, counts[0].value, counts[1].name,
                       counts[1].value);
    } else {
        for (size_t i = 0; i < found; i++) {
            if (fabs(counts[i].value - median) <= allowed)
                continue;
            odd++;
            verdict.odd = counts[i].name;
            verdict.difference = counts[i].value - median;
        }
        if (odd == 0)
            return;
        (void)snprintf(verdict.reason, sizeof(verdict.reason),
                       "%s %.0f, %s %.0f, %s %.0f", counts[0].name, counts[0].value,
                       counts[1].name, counts[1].value, counts[2].name,
                       counts[2].value);
        if (odd > 1) {
            verdict.odd = NULL;
            verdict.difference = 0;
        }
    }
    verdict.agreement = IPM_DISAGREE;
    *out_verdict = verdict;
}
