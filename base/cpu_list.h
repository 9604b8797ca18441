/* SPDX-License-Identifier: MIT */
/*
 * cpu_list: lists of CPUs as the kernel writes them, "0-3,8"; they end at the first character
 * that belongs to no such list.
 */
#ifndef IPM_BASE_CPU_LIST_H
#define IPM_BASE_CPU_LIST_H

#include <stdbool.h>

/* Is @cpu in it? */
bool ipm_cpu_list_has(const char *list, int cpu);

/* CPUs that are in both lists; @other NULL: in @list. */
int ipm_cpu_list_count(const char *list, const char *other);

#endif
