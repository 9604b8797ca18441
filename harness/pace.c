/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/pace.h"

#include "analysis/slow_core.h"
#include "base/array.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

int ipm_pace_take(struct ipm_pace *pace, double step_ns)
{
    if (isnan(step_ns))
        return 0;
    double *steps_ns =
        ipm_array_grow(pace->steps_ns, pace->n, &pace->room, sizeof(*steps_ns));
    if (steps_ns == NULL)
        return -ENOMEM;
    pace->steps_ns = steps_ns;
    size_t at = pace->n;
    while (at > 0 && pace->steps_ns[at - 1] > step_ns)
        at--;
    memmove(pace->steps_ns + at + 1, pace->steps_ns + at,
            (pace->n - at) * sizeof(*pace->steps_ns));
    pace->steps_ns[at] = step_ns;
    pace->n++;
    return 0;
}

bool ipm_pace_is_slow(const struct ipm_pace *pace, double step_ns)
{
    if (pace->n == 0)
        return false;
    double fastest_ns = pace->steps_ns[(size_t)(IPM_SLOW_CORE_ODD * (double)pace->n)];
    return step_ns > IPM_SLOW_CORE * fastest_ns;
}

void ipm_pace_fini(struct ipm_pace *pace)
{
    free(pace->steps_ns);
    *pace = (struct ipm_pace){0};
}
