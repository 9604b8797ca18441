/* SPDX-License-Identifier: MIT */
/*
 * core_step: how fast a CPU does a fixed piece of integer work, taken by each CPU of a point
 * right before and right after the window.
 *
 * A virtual CPU is a hyper-thread of the host: whoever runs on its sibling takes up to half
 * of the core, and neither steal time nor load shows it to the guest.  So does a clock
 * frequency that moves.  Both make this work slower by as much as they make everything else.
 *
 * A step is four dependent additions and exclusive ors that overlap from step to step, so
 * that the time of one is bound by how many a core can do at once, not by their latency.
 * Registers alone are used: no cache is touched.
 */
#ifndef IPM_WORKER_CORE_STEP_H
#define IPM_WORKER_CORE_STEP_H

/**
 * ipm_core_step_measure() - time the steps on the CPU that the caller is pinned to
 *
 * Nothing else of the point may run on that CPU meanwhile.  About 0.1 ms.
 *
 * Return: nanoseconds of one step, median over batches, so that a pause falls into one.
 */
double ipm_core_step_measure(void);

#endif
