/* SPDX-License-Identifier: GPL-3.0-or-later */
/* selftest_gate: does the gate see what is there, and nothing else? */
#ifndef IPM_HARNESS_SELFTEST_GATE_H
#define IPM_HARNESS_SELFTEST_GATE_H

#include <stdbool.h>
#include <stdint.h>

/**
 * ipm_selftest_gate() - two gates of three points on this machine
 * @seed: of the choice of the point and of the orders
 *
 * First between two copies of our own worker: there must be no regression.  Then arm B waits
 * busily at each message of one random point, twice as long as an operation in all: that point, and
 * no other, must be the regression.  Where it is undecided, that gate is made once more with
 * more blocks, if the time allows.  Says on stdout what it saw.
 *
 * Return: exit status: IPM_EXIT_OK; IPM_EXIT_FAILED a regression where there is none, or what
 *         was planted passes; IPM_EXIT_ENVIRONMENT too much noise to tell, or GSL is missing;
 *         IPM_EXIT_INTERNAL a point could not be measured; that of a signal.
 */
int ipm_selftest_gate(uint64_t seed);

#endif
