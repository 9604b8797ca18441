/* SPDX-License-Identifier: MIT */
#include "harness/worker/task_status.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int ipm_task_status_switches(const char *text, int64_t *out_voluntary,
                             int64_t *out_involuntary)
{
    int64_t voluntary = 0;
    int64_t involuntary = 0;
    const char *line = strstr(text, "\nvoluntary_ctxt_switches:");
    if (line == NULL || sscanf(line,
                               "\nvoluntary_ctxt_switches: %" SCNd64
                               "\nnonvoluntary_ctxt_switches: %" SCNd64,
                               &voluntary, &involuntary) != 2)
        return -EPROTO;
    *out_voluntary = voluntary;
    *out_involuntary = involuntary;
    return 0;
}

pid_t ipm_task_status_number(const char *text)
{
    static const char key[] = "\nNSpid:";
    const char *at = strstr(text, key);
    long number = 0;
    if (at == NULL)
        return 0;
    /* From the outermost namespace to the innermost. */
    at += strlen(key);
    while (*(at += strspn(at, "\t ")) >= '0' && *at <= '9') {
        char *end = NULL;
        number = strtol(at, &end, 10);
        at = end;
    }
    return (pid_t)number;
}
