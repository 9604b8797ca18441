/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * slow_core: invocations during which a CPU was slower than it can be, because a neighbour
 * had a part of its core or because its clock frequency was lower.
 *
 * Each invocation carries how long a fixed piece of integer work took on its CPUs right
 * before and right after the window (core_step_before_ns and core_step_after_ns).  Its core
 * was SLOW when the longer of the two is more than IPM_SLOW_CORE times the fastest that this
 * run has seen on the same CPUs.  That is known without a look at what was measured in the
 * window, so that leaving slow invocations out makes no figure better than it is: a figure is
 * then about a core that the machine lends whole.
 *
 * They are SET ASIDE, which means that no figure of the timing pass is made of them, where
 * at least IPM_SLOW_CORE_LEFT other invocations of the point are left.  Else all are used.
 */
#ifndef IPM_ANALYSIS_SLOW_CORE_H
#define IPM_ANALYSIS_SLOW_CORE_H

struct ipm_table;

/* Paces come in levels (a neighbour makes such work 1.6 to 2 times as slow, and it is not always
 * there), and the time of a message follows: what is to repeat within a few percent must be of
 * one level. */
#define IPM_SLOW_CORE 1.10

enum { IPM_SLOW_CORE_LEFT = 6 };

/* Share of the invocations on the same CPUs that may be faster than what counts as the
 * fastest: one odd reading is not the machine. */
#define IPM_SLOW_CORE_ODD 0.05

/**
 * ipm_slow_core_mark() - fill slow_core and set_aside of every row
 *
 * A row without the two metrics is never slow.
 *
 * Return: 0; -ENOMEM.
 */
int ipm_slow_core_mark(struct ipm_table *table);

#endif
