/* SPDX-License-Identifier: MIT */
#include "harness/worker/copies_check.h"

#include <stdio.h>
#include <string.h>

static const double framing_bytes = 16;   /* a call: a netlink header, an eventfd's 8 */
static const double protocol_bytes = 256; /* a call of a library: a D-Bus header */
static const double tolerance = 0.01; /* of messages cut by the ends of the window */

struct ipm_metric ipm_copies_declared(const struct ipm_point *point,
                                      double payload_bytes)
{
    int copies = point->mechanism->modes[point->copies].facts.copies;
    if (copies == IPM_VARIES)
        return ipm_metric_missing("bytes_copied", "bytes", "declared",
                                  "absent: %s declares no number of copies",
                                  point->mechanism->name);
    return ipm_metric_value("bytes_copied", "bytes", "declared",
                            copies * payload_bytes);
}

static const struct ipm_metric *find(const struct ipm_metric *metrics, size_t n,
                                     const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(metrics[i].name, name) == 0)
            return &metrics[i];
    }
    return NULL;
}

static int least_copies(const struct ipm_mechanism *mechanism, int declared)
{
    bool both = strcmp(mechanism->family, "stream") == 0 ||
                strcmp(mechanism->family, "message") == 0;
    int least = both ? 2 : 0;
    return least < declared ? least : declared;
}

void ipm_copies_check(const struct ipm_point *point, double payload_bytes,
                      const struct ipm_metric *metrics, size_t n,
                      struct ipm_copies_verdict *out_verdict)
{
    const struct ipm_mechanism *mechanism = point->mechanism;
    const struct ipm_metric *through = find(metrics, n, "bytes_through_kernel");
    const struct ipm_metric *calls = find(metrics, n, "syscalls");
    struct ipm_copies_verdict verdict = {
        .agreement = IPM_UNTESTED,
        .declared = mechanism->modes[point->copies].facts.copies,
        .seen = -1,
    };
    char *reason = verdict.reason;
    bool seen = through != NULL && through->status == IPM_METRIC_OK && calls != NULL &&
                calls->status == IPM_METRIC_OK;
    if (!seen)
        (void)snprintf(reason, sizeof(verdict.reason), "%.*s",
                       (int)sizeof(verdict.reason) - 1,
                       through == NULL ? "absent: not counted" : through->reason);
    else if (verdict.declared == IPM_VARIES)
        (void)snprintf(reason, sizeof(verdict.reason),
                       "absent: %s declares no number of copies", mechanism->name);
    else if (payload_bytes <= 0)
        (void)snprintf(reason, sizeof(verdict.reason),
                       "not_applicable: no payload was carried");
    *out_verdict = verdict;
    if (reason[0] != '\0')
        return;

    bool library =
        (mechanism->capabilities & (IPM_CAP_ALLOCATES | IPM_CAP_BROKER)) != 0;
    double framing = calls->value * (library ? protocol_bytes : framing_bytes);
    int least = least_copies(mechanism, verdict.declared);
    verdict.agreement = IPM_DISAGREE;
    int fitting = 0;
    for (int copies = verdict.declared; copies >= least; copies--) {
        double bytes = copies * payload_bytes;
        if (through->value < bytes * (1 - tolerance) ||
            through->value > bytes * (1 + tolerance) + framing)
            continue;
        verdict.agreement = IPM_AGREE;
        verdict.seen = ++fitting == 1 ? copies : -1;
    }
    if (verdict.agreement == IPM_DISAGREE)
        (void)snprintf(
            reason, sizeof(verdict.reason),
            "the kernel copied %.4g bytes for each byte of payload in %.4g calls "
            "a KiB; %d to %d copies were expected",
            through->value / payload_bytes, calls->value / payload_bytes * 1024, least,
            verdict.declared);
    *out_verdict = verdict;
}
