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

/* Payload that may cross unseen: a library's thread or a broker does not begin and end with
 * the roles' window, and has what is in flight at its ends. */
static double adrift_bytes(const struct ipm_point *point)
{
    const struct ipm_traffic *traffic = &point->traffic;
    int64_t in_flight = point->workload->lock_step ? 1 : traffic->depth;
    return 2.0 * (double)(in_flight * traffic->pairs * ipm_point_fan(point)) *
           (double)ipm_point_longest(point);
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
    if (through == NULL || calls == NULL)
        (void)snprintf(reason, sizeof(verdict.reason), "absent: not counted");
    else if (through->status != IPM_METRIC_OK || calls->status != IPM_METRIC_OK)
        (void)snprintf(
            reason, sizeof(verdict.reason), "%.*s", (int)sizeof(verdict.reason) - 1,
            through->status != IPM_METRIC_OK ? through->reason : calls->reason);
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
    double seen_bytes =
        payload_bytes * (1 - tolerance) - (library ? adrift_bytes(point) : 0);
    if (seen_bytes < payload_bytes / 2) {
        (void)snprintf(out_verdict->reason, sizeof(out_verdict->reason),
                       "too_short: as much may be in flight at the window's ends");
        return;
    }
    int least = least_copies(mechanism, verdict.declared);
    verdict.agreement = IPM_DISAGREE;
    int fitting = 0;
    for (int copies = verdict.declared; copies >= least; copies--) {
        if (through->value < copies * seen_bytes ||
            through->value > copies * payload_bytes * (1 + tolerance) + framing)
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
