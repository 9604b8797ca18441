/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * doctor_memory: what memory and disk are left.
 */
#include "base/units.h"
#include "harness/cgroup.h"
#include "harness/doctor_checks.h"
#include "harness/sysroot.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* A field of proc/meminfo, in bytes.  0; -ENODATA, -ERANGE, -errno. */
static int meminfo(const struct ipm_patient *patient, const char *key,
                   int64_t *out_bytes)
{
    int64_t kib = 0;
    int error = ipm_sysroot_field_integer(patient->sysroot, "proc/meminfo", key, &kib);
    if (error == 0 && (kib < 0 || kib > INT64_MAX >> 10))
        error = -ERANGE;
    if (error == 0)
        *out_bytes = kib << 10;
    return error;
}

/* Says how much is left, against what is little and what is too little. */
static void say_room(struct ipm_check *check, int64_t bytes, int64_t little,
                     int64_t too_little, const char *where)
{
    char text[IPM_UNITS_TEXT];
    ipm_check_say(check,
                  bytes < too_little ? IPM_CHECK_FAIL
                  : bytes < little   ? IPM_CHECK_WARN
                                     : IPM_CHECK_OK,
                  "%s free%s", ipm_format_size(text, bytes), where);
}

void ipm_check_memory(const struct ipm_patient *patient, struct ipm_check *check)
{
    int64_t bytes = 0;
    if (meminfo(patient, "MemAvailable", &bytes) != 0) {
        ipm_check_say(check, IPM_CHECK_UNKNOWN, "proc/meminfo does not tell");
        ipm_check_leave(check, "mount proc to see it");
        return;
    }
    /* proc/meminfo is the machine's, also where a group may have but a part of it. */
    int64_t granted = ipm_cgroup_memory(patient->sysroot);
    bool limited = granted >= 0 && granted < bytes;
    say_room(check, limited ? granted : bytes, INT64_C(1) << 30, INT64_C(256) << 20,
             limited ? " below the cgroup's limit" : "");
    if (check->status != IPM_CHECK_OK)
        ipm_check_mend(check, "end what fills it; large messages and rings want room");
}

void ipm_check_swap(const struct ipm_patient *patient, struct ipm_check *check)
{
    int64_t total = 0;
    int64_t unused = 0;
    char text[IPM_UNITS_TEXT];
    if (meminfo(patient, "SwapTotal", &total) != 0 ||
        meminfo(patient, "SwapFree", &unused) != 0) {
        ipm_check_say(check, IPM_CHECK_UNKNOWN, "proc/meminfo does not tell");
        ipm_check_leave(check, "mount proc to see it");
    } else if (total > unused) {
        ipm_check_say(check, IPM_CHECK_WARN, "%s are swapped out",
                      ipm_format_size(text, total - unused));
        ipm_check_mend(check, "free memory, then sudo swapoff -a && sudo swapon -a");
    } else {
        ipm_check_say(check, IPM_CHECK_OK, total > 0 ? "there, and unused" : "none");
    }
}

void ipm_check_disk(const struct ipm_patient *patient, struct ipm_check *check)
{
    (void)patient; /* results land on this machine, whichever tree was examined */
    struct stat folder;
    struct statvfs room;
    bool made = stat("results", &folder) == 0 && S_ISDIR(folder.st_mode);
    const char *where = made ? " in the results folder" : " in this folder";
    if (statvfs(made ? "results" : ".", &room) != 0) {
        ipm_check_say(check, IPM_CHECK_UNKNOWN, "statvfs: %s", strerror(errno));
        ipm_check_mend(check, "give `run` another folder by --out");
        return;
    }
    if (access(made ? "results" : ".", W_OK) != 0) {
        ipm_check_say(check, IPM_CHECK_FAIL, "we may not write%s", where);
        ipm_check_mend(check, "give `run` another folder by --out");
        return;
    }
    double free_bytes = (double)room.f_bavail * (double)room.f_frsize;
    say_room(check, free_bytes < 9e18 ? (int64_t)free_bytes : INT64_MAX,
             INT64_C(1) << 30, INT64_C(100) << 20, where);
    if (check->status != IPM_CHECK_OK)
        ipm_check_mend(check, "free some, or give `run` another folder by --out");
}
