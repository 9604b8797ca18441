/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * limits: resource limits and capabilities of this process, from proc.
 */
#ifndef IPM_HARNESS_LIMITS_H
#define IPM_HARNESS_LIMITS_H

#include "base/json.h"

#include <stddef.h>
#include <stdint.h>

/* CAP_PERFMON, which is newer than some headers. */
enum { IPM_CAP_PERFMON = 38 };

enum ipm_limit_of {
    IPM_LIMIT_FILES,
    IPM_LIMIT_LOCKED,   /* bytes */
    IPM_LIMIT_QUEUES,   /* bytes */
    IPM_LIMIT_REALTIME, /* priority */
};

/* The soft limit; INT64_MAX: unlimited.  0; -ENODATA, -errno: it is not told. */
int ipm_limit(const char *sysroot, enum ipm_limit_of limit, int64_t *out_value);

/* {open_files, locked_bytes, queue_bytes, realtime_priority}; null: not told,
 * "unlimited" as text where it is.  A new reference. */
json_t *ipm_limits_json(const char *sysroot);

/* Those that a measurement can use, "sys_admin, perfmon"; "" when there are none. */
void ipm_rights_text(unsigned long long rights, char *text, size_t room);

#endif
