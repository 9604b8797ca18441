/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/signals.h"

#include "harness/commands.h"

#include <stddef.h>
#include <time.h>

volatile sig_atomic_t ipm_signal_caught;

enum { SAME_PRESS_MS = 200 };

/* The first asks, a second one kills, and the workers die with us.  timeout(1) and the
 * like signal a process and then its group: within so short a time it is the same one. */
static void catch_signal(int number)
{
    static volatile sig_atomic_t first_ms;
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    /* Milliseconds within a day: sig_atomic_t may have 32 bits. */
    sig_atomic_t now_ms =
        (sig_atomic_t)(now.tv_sec % 86400 * 1000 + now.tv_nsec / 1000000);
    if (ipm_signal_caught == 0) {
        first_ms = now_ms;
        ipm_signal_caught = number;
    } else if (now_ms < first_ms || now_ms - first_ms > SAME_PRESS_MS) {
        (void)signal(number, SIG_DFL);
        (void)raise(number);
    }
}

/* A handler and not SIG_IGN, which the workers would inherit. */
static void go_on(int number)
{
    (void)number;
}

void ipm_signals_listen(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = catch_signal};
    (void)sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        (void)sigaction(signals[i], &action, NULL);
    action.sa_handler = go_on;
    (void)sigaction(SIGXFSZ, &action, NULL);
}

int ipm_signals_status(void)
{
    return ipm_signal_caught == SIGTERM ? IPM_EXIT_TERMINATED : IPM_EXIT_INTERRUPTED;
}
