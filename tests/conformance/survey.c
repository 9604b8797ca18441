/* SPDX-License-Identifier: MIT */
#include "tests/conformance/survey.h"

#include "base/process.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    LONGEST = 1 << 20,
    SHORTEST_OF_INTEREST = 8192,
    USUAL = 4096,
    NOT_HERE = 77, /* exit status of a side whose attach() says -EOPNOTSUPP */
};

static void note(struct ipm_survey *survey, const char *what, const char *why)
{
    size_t used = strlen(survey->notes);
    (void)snprintf(survey->notes + used, sizeof(survey->notes) - used, "%s: %s\n", what,
                   why);
}

static pid_t fork_side(struct ipm_rig *rig, enum ipm_side side)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    struct ipm_end end;
    struct ipm_why why = {0};
    (void)ipm_die_with_parent(NULL);
    (void)alarm(IPM_WATCHDOG_SECONDS);
    ipm_channel_keep(&rig->channel, side);
    ipm_end_init(&end, rig, side);
    int error = ipm_end_attach(&end, true, &why);
    (void)snprintf(rig->board->sides[side].text, sizeof(rig->board->sides[side].text),
                   "%s", why.text);
    ipm_end_fini(&end);
    _exit(error == -EOPNOTSUPP ? NOT_HERE : error != 0);
}

/* Both sides, each in its process, as roles do it. */
static int attach(struct ipm_rig *rig, struct ipm_why *why)
{
    pid_t pids[IPM_SIDES];
    int error = 0;
    for (int side = 0; side < IPM_SIDES; side++)
        pids[side] = fork_side(rig, (enum ipm_side)side);
    ipm_rig_forked(rig);
    for (int left = IPM_SIDES; left > 0; left--) {
        int status = 0;
        pid_t ended;
        do {
            ended = waitpid(-1, &status, 0);
        } while (ended >= 0 && ended != pids[IPM_SIDE_A] && ended != pids[IPM_SIDE_B]);
        if (ended < 0)
            break;
        int side = ended == pids[IPM_SIDE_A] ? IPM_SIDE_A : IPM_SIDE_B;
        pids[side] = -1;
        if (status != 0 && pids[1 - side] > 0)
            (void)kill(pids[1 - side], SIGKILL); /* it waits for this one */
        if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_HERE)
            error = ipm_why_set(why, -EOPNOTSUPP, "%s", rig->board->sides[side].text);
    }
    return error;
}

static int try_variant(const struct ipm_setup *setup, struct ipm_why *why)
{
    struct ipm_rig rig;
    int error = ipm_rig_open(&rig, setup, why);
    if (error != 0)
        return error;
    /* A floor has both ends in one process. */
    if ((setup->mechanism->capabilities & IPM_CAP_LOCAL) == 0)
        error = attach(&rig, why);
    ipm_rig_fini(&rig);
    return error;
}

/* What the machine's limits leave of 1 MiB. */
static size_t longest(struct ipm_survey *survey, struct ipm_setup setup, size_t most)
{
    for (;; most /= 2) {
        struct ipm_rig rig;
        struct ipm_why why = {0};
        char what[64];
        setup.max_message = most;
        setup.depth = 4;
        if (ipm_rig_open(&rig, &setup, &why) == 0) {
            ipm_rig_fini(&rig);
            return most;
        }
        (void)snprintf(what, sizeof(what), "messages of %zu bytes are not tested",
                       most);
        note(survey, what, why.text);
        if (most / 2 < SHORTEST_OF_INTEREST)
            return most;
    }
}

void ipm_survey_make(struct ipm_survey *out_survey,
                     const struct ipm_mechanism *mechanism, const void *options)
{
    unsigned waits =
        mechanism->waits != 0 ? mechanism->waits : IPM_WAIT_BIT(IPM_WAIT_NONE);
    size_t most = LONGEST;
    if (mechanism->limits.max_length > 0 && mechanism->limits.max_length < LONGEST)
        most = (size_t)mechanism->limits.max_length;
    if ((mechanism->capabilities & IPM_CAP_TOKEN) != 0)
        most = 0;
    struct ipm_setup setup = {.mechanism = mechanism,
                              .options = options,
                              .max_message = most < USUAL ? most : USUAL,
                              .duplex = (mechanism->capabilities & IPM_CAP_CALL) != 0,
                              .depth = 16,
                              .batch = IPM_RIG_BATCH};
    struct ipm_setup first = setup;
    *out_survey = (struct ipm_survey){.max_message = most};
    for (int wait = 0; wait < IPM_WAIT_COUNT; wait++) {
        for (int copies = 0; copies < IPM_MODES; copies++) {
            struct ipm_why why = {0};
            char what[64];
            if ((waits & IPM_WAIT_BIT(wait)) == 0 ||
                !mechanism->modes[copies].supported)
                continue;
            setup.wait = (enum ipm_wait)wait;
            setup.copies = copies;
            if (try_variant(&setup, &why) == -EOPNOTSUPP) {
                (void)snprintf(what, sizeof(what), "wait %s, copies %d cannot be here",
                               ipm_wait_names[wait], copies);
                if (strcmp(out_survey->why.text, why.text) != 0) /* once per reason */
                    note(out_survey, what, why.text);
                out_survey->why = why;
                continue;
            }
            out_survey->possible[wait][copies] = true;
            if (out_survey->n_possible++ == 0)
                first = setup;
        }
    }
    if (most > 0 && out_survey->n_possible > 0)
        out_survey->max_message = longest(out_survey, first, most);
}
