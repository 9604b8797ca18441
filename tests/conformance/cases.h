/* SPDX-License-Identifier: MIT */
/*
 * cases: the properties that the conformance suite checks, each a cmocka test of the
 * mechanism in ipm_suite.
 */
#ifndef IPM_TESTS_CASES_H
#define IPM_TESTS_CASES_H

#include "tests/conformance/survey.h"

struct ipm_suite {
    const struct ipm_mechanism *mechanism;
    const void *options; /* of the row under way; NULL: it has none */
    size_t max_message;  /* longest that create() accepts here, at most 1 MiB */
    struct ipm_survey survey;
};

extern struct ipm_suite ipm_suite;

/* A setup to start from: default mode, first wait, one way, depth 16, batch 8, the options
 * of the row. */
struct ipm_setup ipm_suite_setup(void);

typedef void ipm_variant(struct ipm_setup setup);

/* Calls @test for each wait strategy honoured and, if @modes, each number of copies, as far
 * as the row's options and this machine allow the two together. */
void ipm_each_variant(struct ipm_setup setup, bool modes, ipm_variant *test);

bool ipm_suite_can(enum ipm_capability capability);

/* Whether a call with a finite deadline must return by it under this wait. */
bool ipm_suite_timed(enum ipm_wait wait);

/* More messages than any queue that ends may take in a test. */
enum { IPM_ENDLESS = 100000 };

/* Whether this channel may take that many and not be full: it promises so, or it counts
 * tokens in a room that varies. */
bool ipm_endless(const struct ipm_channel *channel);

/* Ends the running test as skipped, and says why. */
void ipm_suite_skip(const char *reason) __attribute__((noreturn));

/* The same for a mechanism that only calls: nothing goes one way. */
void ipm_suite_skip_call(void);

/* For variants that may find nothing to check: ipm_suite_tried() says that this one did,
 * ipm_suite_skip_untried() ends a test in which none did as skipped. */
void ipm_suite_tried(void);
void ipm_suite_skip_untried(const char *reason);

/* A deadline in the near future. */
int64_t ipm_soon_ns(void);

/* cases_transfer.c */
void ipm_case_lengths(void **state);
void ipm_case_short_room(void **state);
void ipm_case_stream(void **state);
void ipm_case_duplex(void **state);
void ipm_case_two_at_once(void **state);
void ipm_case_local(void **state);
void ipm_case_call(void **state);

/* cases_queue.c */
void ipm_case_full(void **state);
void ipm_case_empty(void **state);

/* cases_lossy.c */
void ipm_case_lossy(void **state);
void ipm_case_fanout(void **state);

/* cases_wakeups.c */
void ipm_case_wakeups(void **state);

/* cases_depth.c */
void ipm_case_depth(void **state);

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
