/* SPDX-License-Identifier: MIT */
/*
 * delay: makes one mechanism slower by a time that is planted, so that whoever looks for
 * differences can be shown one.
 *
 * The mechanism is replaced by a copy of itself whose send hooks spin first; without a planted
 * delay nothing is different, and nothing is asked on any path.
 */
#ifndef IPM_MECHANISMS_DELAY_H
#define IPM_MECHANISMS_DELAY_H

#include "base/why.h"

#include <stdbool.h>

/**
 * ipm_delay_plant() - from here on, for the whole process
 * @text: "NAME:NS", 1 to 10^9 ns for each message that NAME sends
 *
 * Return: 0; -EINVAL that is not what @text is; -ENOENT there is no such mechanism; -EALREADY one is
 *         planted.
 */
int ipm_delay_plant(const char *text, struct ipm_why *why);

/* Is one planted?  Records say so. */
bool ipm_delay_planted(void);

#endif
