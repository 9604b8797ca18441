/* SPDX-License-Identifier: MIT */
#include "base/cpu_list.h"

#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>

enum { CPU_LIMIT = 8192 /* the most that Linux can be built for */ };

bool ipm_cpu_list_has(const char *list, int cpu)
{
    while (isdigit((unsigned char)*list)) {
        char *end = NULL;
        long first = strtol(list, &end, 10);
        long last = *end == '-' ? strtol(end + 1, &end, 10) : first;
        if (cpu >= first && cpu <= last)
            return true;
        list = *end == ',' ? end + 1 : end;
    }
    return false;
}

int ipm_cpu_list_count(const char *list, const char *other)
{
    int n = 0;
    for (int cpu = 0; cpu < CPU_LIMIT; cpu++)
        n += ipm_cpu_list_has(list, cpu) &&
             (other == NULL || ipm_cpu_list_has(other, cpu));
    return n;
}
