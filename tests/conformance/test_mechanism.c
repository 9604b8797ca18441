/* SPDX-License-Identifier: MIT */
/*
 * The conformance suite: does a mechanism keep the promises of mechanisms/mechanism.h?
 *
 *     test_mechanism NAME [--plugin SO]
 *
 * Exit status 0, 1 when a property does not hold, 77 when the mechanism is not available
 * here (the reason is printed), 2 for a wrong call.
 */
#include "base/clock.h"
#include "mechanisms/probe.h"
#include "mechanisms/registry.h"
#include "tests/conformance/cases.h"
#include "tests/conformance/leftovers.h"
#include "tests/support/test.h"

#include <getopt.h>
#include <signal.h>

struct ipm_suite ipm_suite;

enum { LONGEST = 1 << 20, SHORTEST_OF_INTEREST = 8192 };

static int lowest_wait(const struct ipm_mechanism *mechanism)
{
    for (int wait = 0; wait < IPM_WAIT_COUNT; wait++) {
        if ((mechanism->waits & IPM_WAIT_BIT(wait)) != 0)
            return wait;
    }
    return IPM_WAIT_NONE;
}

struct ipm_setup ipm_suite_setup(void)
{
    return (struct ipm_setup){
        .mechanism = ipm_suite.mechanism,
        .wait = (enum ipm_wait)lowest_wait(ipm_suite.mechanism),
        .copies = ipm_suite.mechanism->default_copies,
        .max_message = ipm_suite.max_message < 4096 ? ipm_suite.max_message : 4096,
        .depth = 16,
        .batch = IPM_RIG_BATCH,
    };
}

void ipm_each_variant(struct ipm_setup setup, bool modes, ipm_variant *test)
{
    const struct ipm_mechanism *mechanism = ipm_suite.mechanism;
    unsigned waits =
        mechanism->waits != 0 ? mechanism->waits : IPM_WAIT_BIT(IPM_WAIT_NONE);
    for (int wait = 0; wait < IPM_WAIT_COUNT; wait++) {
        if ((waits & IPM_WAIT_BIT(wait)) == 0)
            continue;
        setup.wait = (enum ipm_wait)wait;
        for (int copies = 0; copies < IPM_MODES; copies++) {
            bool chosen = modes ? mechanism->modes[copies].supported
                                : copies == mechanism->default_copies;
            if (!chosen)
                continue;
            setup.copies = copies;
            test(setup);
        }
    }
}

bool ipm_suite_can(enum ipm_capability capability)
{
    return (ipm_suite.mechanism->capabilities & (unsigned)capability) != 0;
}

bool ipm_suite_timed(enum ipm_wait wait)
{
    return wait == IPM_WAIT_SPIN || wait == IPM_WAIT_YIELD ||
           ipm_suite_can(IPM_CAP_TIMED);
}

void ipm_suite_skip(const char *reason)
{
    print_message("skipped: %s\n", reason);
    skip();
    abort(); /* skip() does not return, and does not say so */
}

int64_t ipm_soon_ns(void)
{
    return ipm_now_ns() + 20 * 1000000;
}

static int remember_leftovers(void **state)
{
    *state = ipm_leftovers();
    return 0;
}

static int compare_leftovers(void **state)
{
    char *before = *state;
    char *after = ipm_leftovers();
    int differs = strcmp(before, after);
    if (differs != 0)
        print_error("left behind or lost; before:\n%safter:\n%s", before, after);
    free(before);
    free(after);
    return differs;
}

#define CASE(name)                                                                     \
    {                                                                                  \
#name, ipm_case_##name, remember_leftovers, compare_leftovers, NULL            \
    }

static const struct CMUnitTest cases[] = {
    CASE(description),   CASE(idempotent),
    CASE(half_created),  CASE(half_attached),
    CASE(lengths),       CASE(short_room),
    CASE(stream),        CASE(duplex),
    CASE(full),          CASE(empty),
    CASE(deadlines),     CASE(two_at_once),
    CASE(local),         CASE(sender_dies),
    CASE(receiver_dies), CASE(dies_while_peer_waits),
    CASE(loan),          CASE(shared),
    CASE(pollfd),        CASE(system_calls),
};

/* What the machine's limits leave of 1 MiB. */
static size_t longest_message(void)
{
    const struct ipm_limits *limits = &ipm_suite.mechanism->limits;
    if (ipm_suite_can(IPM_CAP_TOKEN))
        return 0;
    size_t most = LONGEST;
    if (limits->max_length > 0 && limits->max_length < LONGEST)
        most = (size_t)limits->max_length;
    for (;; most /= 2) {
        struct ipm_rig rig;
        struct ipm_why why = {0};
        struct ipm_setup setup = ipm_suite_setup();
        setup.max_message = most;
        setup.depth = 4;
        if (ipm_rig_open(&rig, &setup, &why) == 0) {
            ipm_rig_fini(&rig);
            return most;
        }
        print_message("messages of %zu bytes are not tested: %s\n", most, why.text);
        if (most / 2 < SHORTEST_OF_INTEREST)
            return most;
    }
}

static int usage(void)
{
    (void)fprintf(stderr, "usage: test_mechanism NAME [--plugin SO]\n");
    return 2;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"plugin", required_argument, NULL, 'p'},
                                            {0}};
    struct ipm_why why = {0};
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option != 'p')
            return usage();
        if (ipm_plugin_load(optarg, &why) != 0) {
            (void)fprintf(stderr, "%s: %s\n", optarg, why.text);
            return 2;
        }
    }
    if (optind + 1 != argc)
        return usage();
    ipm_suite.mechanism = ipm_mechanism_find(argv[optind]);
    if (ipm_suite.mechanism == NULL) {
        (void)fprintf(stderr, "there is no mechanism '%s'\n", argv[optind]);
        return 2;
    }
    (void)ipm_rig_prefix();
    (void)signal(SIGPIPE, SIG_IGN);
    const char *lost = ipm_isolate();
    if (lost != NULL)
        print_message("not isolated: %s\n", lost);
    if (ipm_probe(ipm_suite.mechanism, NULL, &why) != 0) {
        print_message("skipped: %s is not available here: %s\n",
                      ipm_suite.mechanism->name, why.text);
        return 77;
    }
    ipm_suite.max_message = longest_message();
    return cmocka_run_group_tests_name(ipm_suite.mechanism->name, cases, NULL, NULL) ==
                   0
               ? 0
               : 1;
}
