/* SPDX-License-Identifier: MIT */
/* papi_work: work whose effect on a counter is known. */
#ifndef IPM_WORKER_PAPI_WORK_H
#define IPM_WORKER_PAPI_WORK_H

#include <stdbool.h>
#include <stdint.h>

/* Retires at least @n instructions in user mode, and not many times as many. */
void ipm_papi_spin(uint64_t n);

/* Reads, writes and, where the instruction set is known, runs code on thousands of pages
 * that nobody has touched before.  What could not be done is said false. */
void ipm_papi_walk(bool *out_data, bool *out_code);

/* Leaves the CPU of its own accord @times times. */
void ipm_papi_sleep(int times);

#endif
