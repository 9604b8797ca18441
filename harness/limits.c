/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/limits.h"

#include "base/units.h"
#include "harness/sysroot.h"

#include <linux/capability.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *line; /* as proc/self/limits has it */
    const char *name;
} limits[] = {
    [IPM_LIMIT_FILES] = {"Max open files", "open_files"},
    [IPM_LIMIT_LOCKED] = {"Max locked memory", "locked_bytes"},
    [IPM_LIMIT_QUEUES] = {"Max msgqueue size", "queue_bytes"},
    [IPM_LIMIT_REALTIME] = {"Max realtime priority", "realtime_priority"},
};

int ipm_limit(const char *sysroot, enum ipm_limit_of limit, int64_t *out_value)
{
    char text[128];
    int error = ipm_sysroot_line(sysroot, "proc/self/limits", limits[limit].line, text,
                                 sizeof(text));
    if (error != 0)
        return error;
    text[strcspn(text, " \t")] = '\0';
    if (strcmp(text, "unlimited") == 0) {
        *out_value = INT64_MAX;
        return 0;
    }
    return ipm_parse_integer(text, out_value, NULL);
}

json_t *ipm_limits_json(const char *sysroot)
{
    json_t *json = json_object();
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        int64_t value = 0;
        int error = ipm_limit(sysroot, (enum ipm_limit_of)i, &value);
        (void)json_object_set_new(json, limits[i].name,
                                  error != 0           ? json_null()
                                  : value == INT64_MAX ? json_string("unlimited")
                                                       : json_integer(value));
    }
    return json;
}

void ipm_rights_text(unsigned long long rights, char *text, size_t room)
{
    static const struct {
        int capability;
        const char *name;
    } useful[] = {{CAP_SYS_ADMIN, "sys_admin"}, {IPM_CAP_PERFMON, "perfmon"},
                  {CAP_SYS_NICE, "sys_nice"},   {CAP_SYS_RESOURCE, "sys_resource"},
                  {CAP_IPC_LOCK, "ipc_lock"},   {CAP_SYS_PTRACE, "sys_ptrace"}};
    text[0] = '\0';
    for (size_t i = 0; i < sizeof(useful) / sizeof(useful[0]); i++) {
        size_t length = strlen(text);
        if ((rights >> useful[i].capability & 1) != 0)
            (void)snprintf(text + length, room - length, "%s%s",
                           length == 0 ? "" : ", ", useful[i].name);
    }
}
