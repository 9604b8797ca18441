/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rehearsal: what an invocation takes on this machine beside its warm-up and window.
 *
 * Starting a process, its sandbox, the verified rounds and a broker take 10 ms on a quiet
 * machine and five times that on a busy one, and a library's mechanism more than a pipe: no
 * constant gives an estimate that holds.  So one short invocation of each mechanism, on one
 * CPU and on two, is made and thrown away; its record is written and synced to a file without
 * a name in the current directory, which costs as much as all the rest on some disks.
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
    size_t tried;        /* invocations that gave a record; 0: none did */
    int64_t overhead_ns; /* mean of them; 0 when none */
    int64_t
        estimate_ns; /* of the run, which ends at the budget; the plan's own when none */
    int64_t whole_ns; /* of every point of the plan, at this pace; as estimate_ns */
};

/* Begins no other invocation after 3 s: those that were not tried are like the others. */
void ipm_rehearse(const struct ipm_request *request,
                  const struct ipm_prepared *prepared,
                  struct ipm_rehearsal *out_rehearsal);

#endif
