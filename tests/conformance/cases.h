/* SPDX-License-Identifier: MIT */
/*
 * cases: the properties that the conformance suite checks, each a cmocka test of the
 * mechanism in ipm_suite.
 */
#ifndef IPM_TESTS_CASES_H
#define IPM_TESTS_CASES_H

#include "tests/conformance/harness.h"

struct ipm_suite {
    const struct ipm_mechanism *mechanism;
    size_t max_message; /* longest that create() accepts here, at most 1 MiB */
};

extern struct ipm_suite ipm_suite;

/* A setup to start from: default mode, first wait, one way, depth 16, batch 8. */
struct ipm_setup ipm_suite_setup(void);

typedef void ipm_variant(struct ipm_setup setup);

/* Calls @test for each wait strategy honoured and, if @modes, each number of copies. */
void ipm_each_variant(struct ipm_setup setup, bool modes, ipm_variant *test);

bool ipm_suite_can(enum ipm_capability capability);

/* Whether a call with a finite deadline must return by it under this wait. */
bool ipm_suite_timed(enum ipm_wait wait);

/* Ends the running test as skipped, and says why. */
void ipm_suite_skip(const char *reason) __attribute__((noreturn));

/* A deadline in the near future. */
int64_t ipm_soon_ns(void);

/* cases_transfer.c */
void ipm_case_lengths(void **state);
void ipm_case_short_room(void **state);
void ipm_case_stream(void **state);
void ipm_case_duplex(void **state);
void ipm_case_two_at_once(void **state);
void ipm_case_local(void **state);

/* cases_queue.c */
void ipm_case_full(void **state);
void ipm_case_empty(void **state);

/* cases_deadline.c */
void ipm_case_deadlines(void **state);

/* cases_death.c */
void ipm_case_sender_dies(void **state);
void ipm_case_receiver_dies(void **state);
void ipm_case_dies_while_peer_waits(void **state);

/* cases_life.c */
void ipm_case_description(void **state);
void ipm_case_idempotent(void **state);
void ipm_case_half_created(void **state);
void ipm_case_half_attached(void **state);

/* cases_promise.c */
void ipm_case_loan(void **state);
void ipm_case_shared(void **state);
void ipm_case_pollfd(void **state);
void ipm_case_system_calls(void **state);

#endif
