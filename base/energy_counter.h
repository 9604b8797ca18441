/* SPDX-License-Identifier: MIT */
/*
 * energy_counter: from two readings of an energy counter to microjoules, or to the reason
 * why there are none.  The one place for wrap, reset, stuck, zero and too short, whoever
 * reads the counter: the kernel's meters and the simulated one alike.
 *
 * Two readings can show one wrap and never a second: a window in which the counter may come
 * round twice is refused, by the most that its part of the machine can draw.
 */
#ifndef IPM_BASE_ENERGY_COUNTER_H
#define IPM_BASE_ENERGY_COUNTER_H

#include "base/metric.h"

#include <stddef.h>
#include <stdint.h>

/* Meters tick about once a millisecond: in a shorter window its two ends alone are an error
 * of a per cent (Khan et al. 2018, doi 10.1145/3177754). */
#define IPM_ENERGY_MIN_WINDOW_NS INT64_C(100000000)

struct ipm_energy_counter {
    const char *name; /* of what is metered, for reasons: "energy_uj of package-0" */
    double unit_uj;   /* of one count, > 0 */
    uint64_t range; /* counts; beyond it the counter goes on from 0.  0: it never wraps
                          within reason (64 bits) */
    double most_watts; /* more than the part can draw, > 0; INFINITY: nobody knows */
};

struct ipm_energy_window {
    uint64_t start, stop; /* readings, in counts, each in [0, range] */
    int64_t elapsed_ns;   /* between the two readings */
};

enum ipm_energy_verdict {
    IPM_ENERGY_OK,
    IPM_ENERGY_TOO_SHORT, /* below IPM_ENERGY_MIN_WINDOW_NS */
    IPM_ENERGY_ZERO,      /* both readings are 0, as hypervisors answer for RAPL */
    IPM_ENERGY_STUCK,     /* it did not move */
    IPM_ENERGY_WRAPPED,   /* it may have come round more than once */
    IPM_ENERGY_RESET,     /* it went where no consumption takes it */
};

enum { IPM_ENERGY_REASON = 152 }; /* as struct ipm_metric has room for */

/**
 * ipm_energy_delta() - what a counter says of a window
 * @out_uj:  energy in uJ, > 0; written only when the verdict is IPM_ENERGY_OK
 * @reason:  "CLASS: text", the class being too_short, zero, stuck, wrapped or failed;
 *           written only when it is not; may be NULL
 *
 * With stop < start one wrap is undone: stop - start + range.  (The kernel's range is the
 * largest reading, so that this is one count short: 1 in 2^32 with RAPL.)
 */
enum ipm_energy_verdict ipm_energy_delta(const struct ipm_energy_counter *counter,
                                         const struct ipm_energy_window *window,
                                         double *out_uj,
                                         char reason[IPM_ENERGY_REASON]);

/**
 * ipm_energy_metric() - the same as a metric, in uJ
 * @provenance: of a value: measured, attributed, simulated ...; a missing one has the
 *              provenance "unavailable"
 */
struct ipm_metric ipm_energy_metric(const char *name, const char *source,
                                    const char *provenance,
                                    const struct ipm_energy_counter *counter,
                                    const struct ipm_energy_window *window);

#endif
