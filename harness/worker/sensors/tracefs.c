/* SPDX-License-Identifier: MIT */
#include "harness/worker/sensors/tracefs.h"

#include "base/process.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Mounted apart since 4.1; below debugfs before, and still as an automount. */
static const char *const places[] = {"/sys/kernel/tracing",
                                     "/sys/kernel/debug/tracing"};

int ipm_tracefs_read(const char *sysroot, const char *subsystem, const char *name,
                     const char *file, char *out_text, size_t room, struct ipm_why *why)
{
    enum { PLACES = sizeof(places) / sizeof(places[0]) };
    int mounted = 0;
    for (int i = 0; i < PLACES; i++) {
        char path[PATH_MAX];
        (void)snprintf(path, sizeof(path), "%s%s/events/%s/%s/%s", sysroot, places[i],
                       subsystem, name, file);
        int error = ipm_read_file(path, out_text, room);
        if (error == 0)
            return 0;
        if (error == -EACCES || error == -EPERM)
            return ipm_why_set(why, error, "%s is for root alone (tracefs)", places[i]);
        if (error != -ENOENT && error != -ENOTDIR)
            return ipm_why_set(why, error, "read %s of tracepoint %s:%s: ", file,
                               subsystem, name);
        (void)snprintf(path, sizeof(path), "%s%s/events", sysroot, places[i]);
        mounted += access(path, F_OK) == 0;
    }
    return mounted > 0
               ? ipm_why_set(why, -ENOENT, "this kernel has no tracepoint %s:%s",
                             subsystem, name)
               : ipm_why_set(why, -ENOENT,
                             "tracefs is mounted neither at %s nor at %s, or the "
                             "kernel has none",
                             places[0], places[1]);
}

int ipm_tracefs_id(const char *sysroot, const char *subsystem, const char *name,
                   uint64_t *out_id, struct ipm_why *why)
{
    char text[32];
    int error =
        ipm_tracefs_read(sysroot, subsystem, name, "id", text, sizeof(text), why);
    if (error != 0)
        return error;
    char *end = text;
    unsigned long long id = strtoull(text, &end, 10);
    if (end == text || *end != '\0')
        return ipm_why_set(why, -EPROTO, "the id of tracepoint %s:%s is '%s'",
                           subsystem, name, text);
    *out_id = id;
    return 0;
}
