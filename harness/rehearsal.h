/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rehearsal: what an invocation takes on this machine beside its warm-up and window.
 *
 * Starting a process, its sandbox, the verified rounds and a broker take 10 ms on a quiet
 * machine and five times that on a busy one, and a library's mechanism more than a pipe: no
 * constant gives an estimate that holds.  So one short invocation of each mechanism of the
 * plan is made and thrown away.
 *
 * Budgets do not use it: which points a budget drops must not depend on how busy the machine
 * is, or a resumed run would be another one.
 */
#ifndef IPM_HARNESS_REHEARSAL_H
#define IPM_HARNESS_REHEARSAL_H

#include "harness/prepare.h"

#include <stddef.h>
#include <stdint.h>

struct ipm_rehearsal {
    size_t tried;        /* mechanisms whose invocation gave a record; 0: none did */
    int64_t overhead_ns; /* mean of them; 0 when none */
    int64_t estimate_ns; /* of the whole plan; the plan's own when none */
};

/* Takes as long as the mechanisms take, and begins no other after 3 s. */
void ipm_rehearse(const struct ipm_request *request,
                  const struct ipm_prepared *prepared,
                  struct ipm_rehearsal *out_rehearsal);

#endif
