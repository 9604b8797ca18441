/* SPDX-License-Identifier: MIT */
/*
 * harness: runs both ends of a mechanism the way the worker does, for tests.
 *
 * A RIG is a created channel: state in shared memory, options as set up, a token of its
 * own.  An END is one attached endpoint with its private state and message buffers.  A
 * PART is what one end does; it runs in a forked process with only its own descriptors, in
 * a thread, or beside its peer in one process.
 *
 * A part says what is wrong with IPM_CHECK(), which ends it; the text travels to the test
 * in the BOARD, a page that all processes of a rig share.  A part that hangs is killed by
 * its alarm after IPM_WATCHDOG_SECONDS, and the test then fails by signal.
 */
#ifndef IPM_TESTS_HARNESS_H
#define IPM_TESTS_HARNESS_H

#include "mechanisms/helper.h"
#include "mechanisms/mechanism.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    IPM_WATCHDOG_SECONDS = 60,
    IPM_HELPER_SECONDS = 20, /* for a helper to be ready */
    IPM_RIG_BATCH = 8,       /* largest config.batch of a rig */
    IPM_CANARY = 64,         /* bytes behind each buffer that nobody may touch */
    IPM_RIG_FAILED = 3,      /* exit status of a part whose check failed */
};

/* How a rig is made: the swept part of ipm_channel_config. */
struct ipm_setup {
    const struct ipm_mechanism *mechanism;
    enum ipm_wait wait;
    int copies;
    bool duplex;
    size_t max_message;
    size_t depth;
    size_t batch;
    const void *options; /* the mechanism's option struct; NULL: its defaults */
    int readers;         /* ends of side B; 0: one */
};

struct ipm_board {
    _Atomic int attached;
    int ends;               /* how many attach before any of them goes on */
    _Atomic int stage;      /* only grows; for parts that must take turns */
    _Atomic uint64_t value; /* whatever one part has to tell the other */
    _Atomic uint64_t taken; /* LOSSY: messages received, so that the sender can wait */
    struct {
        char text[480]; /* "": no check failed */
        _Atomic uint64_t allocations;
    } sides[IPM_SIDES];
};

struct ipm_rig {
    struct ipm_channel channel;
    struct ipm_helper_process helper;
    struct ipm_board *board;
    size_t state_bytes; /* mapped */
    _Alignas(16) unsigned char options[IPM_OPTIONS_SIZE_MAX];
};

struct ipm_end {
    struct ipm_rig *rig;
    const struct ipm_mechanism *mechanism;
    struct ipm_endpoint endpoint;
    bool send_in_place;
    bool receive_in_place;
    struct ipm_span
        spans[IPM_RIG_BATCH]; /* own buffers, max_message + IPM_CANARY each */
    unsigned char *buffers;
    size_t stride;
    size_t mapped; /* bytes of state and buffers */
    void *memory;
};

/* What one end does.  0, or the value of IPM_CHECK(). */
typedef int ipm_part(struct ipm_end *end, void *argument);

/* Fails the part with the place, the condition and a printf-like text. */
#define IPM_CHECK(end, condition, ...)                                                 \
    do {                                                                               \
        if (!(condition))                                                              \
            return ipm_end_fail((end), __FILE__, __LINE__, #condition, __VA_ARGS__);   \
    } while (0)

int ipm_end_fail(struct ipm_end *end, const char *file, int line, const char *condition,
                 const char *format, ...) __attribute__((format(printf, 5, 6)));

/* What the tokens of this run's rigs start with; the same in all its processes. */
const char *ipm_rig_prefix(void);

/* Zeroed state, defaults, a fresh token; nothing created yet.  Aborts without memory. */
void ipm_rig_init(struct ipm_rig *rig, const struct ipm_setup *setup);
/* Stops the helper, destroys the channel and frees what init made. */
void ipm_rig_fini(struct ipm_rig *rig);
/* init, create(), and the helper when there is one; on failure the rig is gone.  Returns
 * what create() or the helper's start returned. */
int ipm_rig_open(struct ipm_rig *rig, const struct ipm_setup *setup,
                 struct ipm_why *why);

/* State and buffers of one end; not attached yet. */
void ipm_end_init(struct ipm_end *end, struct ipm_rig *rig, enum ipm_side side);
/* Attaches; with @meet waits until the peer has, too, and joins.  0; -errno with @why. */
int ipm_end_attach(struct ipm_end *end, bool meet, struct ipm_why *why);
/* For one that did not meet its peer. */
int ipm_end_join(struct ipm_end *end, struct ipm_why *why);
/* Both ends, in one process: attaches each, then joins each. */
int ipm_ends_attach(struct ipm_end ends[IPM_SIDES], struct ipm_why *why);
/* Detaches and frees. */
void ipm_end_fini(struct ipm_end *end);

/* Forks a process that is one end of the rig and does @part.  Aborts when fork fails. */
pid_t ipm_rig_fork(struct ipm_rig *rig, enum ipm_side side, ipm_part *part,
                   void *argument);
/* Closes the descriptors of this process, so that an end sees the other's death. */
void ipm_rig_forked(struct ipm_rig *rig);
/* waitpid() status of a child. */
int ipm_rig_wait(pid_t pid);

/* Waiting for and advancing the board's stage. */
void ipm_stage_set(struct ipm_board *board, int stage);
void ipm_stage_wait(struct ipm_board *board, int stage);

/* A whole test in one call: opens a rig, forks both parts, waits, fails the running cmocka
 * test unless both ended well. */
void ipm_pair_run(const struct ipm_setup *setup, ipm_part *part_a, ipm_part *part_b,
                  void *argument);

/* What both ends do together in one process. */
typedef int ipm_both_part(struct ipm_end *a, struct ipm_end *b, void *argument);

/* The same with both ends in one forked process, one thread. */
void ipm_both_run(const struct ipm_setup *setup, ipm_both_part *part, void *argument);

/* Fails the running cmocka test unless @status is "exited with 0"; names the side's failed
 * check. */
void ipm_expect_ended_well(const struct ipm_rig *rig, enum ipm_side side, int status);

/* Calls to the allocator by this process so far; counts those of plug-ins too. */
uint64_t ipm_allocations(void);

#endif
