/* SPDX-License-Identifier: MIT */
/*
 * The conformance suite: does a mechanism keep the promises of mechanisms/mechanism.h?
 *
 *     test_mechanism NAME [--plugin SO] [--full] [--option NAME=VALUE]...
 *
 * The suite is run for each row of a cover of the mechanism's own options (cover.h): every
 * pair of their values, with --full every combination; --option fixes one.
 *
 * Exit status 0, 1 when a property does not hold, 77 when the mechanism is not available
 * here (the reason is printed), 2 for a wrong call.
 */
#include "base/clock.h"
#include "mechanisms/probe.h"
#include "mechanisms/registry.h"
#include "tests/conformance/cases.h"
#include "tests/conformance/cover.h"
#include "tests/conformance/leftovers.h"
#include "tests/support/test.h"

#include <getopt.h>
#include <signal.h>

struct ipm_suite ipm_suite;

static bool possible(int wait, int copies)
{
    return ipm_suite.survey.possible[wait][copies];
}

/* The number of copies that stands for all where they do not matter. */
static int usual_copies(int wait)
{
    int copies = ipm_suite.mechanism->default_copies;
    for (int other = 0; other < IPM_MODES && !possible(wait, copies); other++)
        copies = possible(wait, other) ? other : copies;
    return copies;
}

struct ipm_setup ipm_suite_setup(void)
{
    int wait = 0;
    while (wait < IPM_WAIT_COUNT - 1 && !possible(wait, usual_copies(wait)))
        wait++;
    return (struct ipm_setup){
        .mechanism = ipm_suite.mechanism,
        .wait = (enum ipm_wait)wait,
        .copies = usual_copies(wait),
        .max_message = ipm_suite.max_message < 4096 ? ipm_suite.max_message : 4096,
        .depth = 16,
        .batch = IPM_RIG_BATCH,
        .options = ipm_suite.options,
    };
}

void ipm_each_variant(struct ipm_setup setup, bool modes, ipm_variant *test)
{
    for (int wait = 0; wait < IPM_WAIT_COUNT; wait++) {
        for (int copies = 0; copies < IPM_MODES; copies++) {
            if (!possible(wait, copies) || (!modes && copies != usual_copies(wait)))
                continue;
            setup.wait = (enum ipm_wait)wait;
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
    CASE(description),   CASE(idempotent),    CASE(half_created),
    CASE(half_attached), CASE(lengths),       CASE(short_room),
    CASE(stream),        CASE(duplex),        CASE(full),
    CASE(empty),         CASE(two_at_once),   CASE(local),
    CASE(sender_dies),   CASE(receiver_dies), CASE(dies_while_peer_waits),
    CASE(loan),          CASE(shared),        CASE(pollfd),
    CASE(system_calls),
};

/* What does not depend on options, or is promised for the defaults alone, runs once. */
static bool runs_once(const char *name)
{
    static const char *const once[] = {"description", "shared", "system_calls"};
    for (size_t i = 0; i < IPM_TEST_ROWS(once); i++) {
        if (strcmp(once[i], name) == 0)
            return true;
    }
    return false;
}

/* One row: 0 nothing failed, 1 something did, 77 the row cannot be here. */
static int run_row(const struct ipm_cover *cover, size_t row)
{
    _Alignas(16) unsigned char values[sizeof(((struct ipm_rig *)NULL)->options)];
    struct CMUnitTest chosen[IPM_TEST_ROWS(cases)];
    char text[IPM_COVER_TEXT];
    char name[IPM_COVER_TEXT + 64];
    size_t n = 0;
    if (cover->options != NULL) {
        ipm_cover_values(cover, row, values);
        ipm_suite.options = values;
    }
    (void)snprintf(name, sizeof(name), "%s: %s", ipm_suite.mechanism->name,
                   ipm_cover_text(cover, row, text));
    ipm_survey_make(&ipm_suite.survey, ipm_suite.mechanism, ipm_suite.options);
    ipm_suite.max_message = ipm_suite.survey.max_message;
    print_message("%s\n%s", name, ipm_suite.survey.notes);
    if (ipm_suite.survey.n_possible == 0) {
        print_message("skipped: %s\n", ipm_suite.survey.why.text);
        return 77;
    }
    for (size_t i = 0; i < IPM_TEST_ROWS(cases); i++) {
        if (row == 0 || !runs_once(cases[i].name))
            chosen[n++] = cases[i];
    }
    return _cmocka_run_group_tests(name, chosen, n, NULL, NULL) == 0 ? 0 : 1;
}

static int run_rows(const struct ipm_cover *cover)
{
    bool tested = false;
    int failed = 0;
    for (size_t row = 0; row < cover->n_rows; row++) {
        int result = run_row(cover, row);
        tested = tested || result != 77;
        failed += result == 1;
    }
    if (cover->n_rows > 1)
        print_message("%s: %zu combinations of its options, %d failed\n",
                      ipm_suite.mechanism->name, cover->n_rows, failed);
    return failed > 0 ? 1 : tested ? 0 : 77;
}

static int usage(void)
{
    (void)fprintf(stderr, "usage: test_mechanism NAME [--plugin SO] [--full] "
                          "[--option NAME=VALUE]...\n");
    return 2;
}

enum { FIXED_MAX = 32 };

struct arguments {
    const char *name;
    const char *fixed[FIXED_MAX];
    size_t n_fixed;
    bool full;
};

static int parse(int argc, char **argv, struct arguments *arguments)
{
    static const struct option options[] = {{"plugin", required_argument, NULL, 'p'},
                                            {"option", required_argument, NULL, 'o'},
                                            {"full", no_argument, NULL, 'f'},
                                            {0}};
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        struct ipm_why why = {0};
        if (option == 'p' && ipm_plugin_load(optarg, &why) != 0) {
            (void)fprintf(stderr, "%s: %s\n", optarg, why.text);
            return 2;
        }
        if (option == 'o' && arguments->n_fixed < FIXED_MAX)
            arguments->fixed[arguments->n_fixed++] = optarg;
        else if (option == 'f')
            arguments->full = true;
        else if (option != 'p')
            return usage();
    }
    if (optind + 1 != argc)
        return usage();
    arguments->name = argv[optind];
    return 0;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {0};
    struct ipm_cover cover;
    struct ipm_why why = {0};
    int wrong = parse(argc, argv, &arguments);
    if (wrong != 0)
        return wrong;
    ipm_suite.mechanism = ipm_mechanism_find(arguments.name);
    if (ipm_suite.mechanism == NULL) {
        (void)fprintf(stderr, "there is no mechanism '%s'\n", arguments.name);
        return 2;
    }
    if (ipm_cover_init(&cover, ipm_suite.mechanism->options, arguments.fixed,
                       arguments.n_fixed, arguments.full, &why) != 0) {
        (void)fprintf(stderr, "%s\n", why.text);
        return 2;
    }
    (void)ipm_rig_prefix();
    (void)signal(SIGPIPE, SIG_IGN);
    const char *lost = ipm_isolate();
    if (lost != NULL)
        print_message("not isolated: %s\n", lost);
    int result = 77;
    if (ipm_probe(ipm_suite.mechanism, NULL, &why) != 0)
        print_message("skipped: %s is not available here: %s\n",
                      ipm_suite.mechanism->name, why.text);
    else
        result = run_rows(&cover);
    ipm_cover_fini(&cover);
    return result;
}
