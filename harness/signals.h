/* SPDX-License-Identifier: GPL-3.0-or-later */
/* signals: SIGINT, SIGTERM and SIGHUP ask a command that measures to stop; SIGXFSZ does not
 * end it. */
#ifndef IPM_HARNESS_SIGNALS_H
#define IPM_HARNESS_SIGNALS_H

#include <signal.h>

/* The first that came; 0: none. */
extern volatile sig_atomic_t ipm_signal_caught;

/* From here on: the first one asks, a second one kills.  A file that grows beyond the limit
 * (ulimit -f) is a write that fails with EFBIG, as on a full disk. */
void ipm_signals_listen(void);

/* Exit status of a command that one of them ended. */
int ipm_signals_status(void);

#endif
