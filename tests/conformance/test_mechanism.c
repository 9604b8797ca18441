/* SPDX-License-Identifier: MIT */
/*
 * ipcmeter-conform: does a mechanism keep the promises of mechanisms/mechanism.h?
 *
 * The suite runs for each row of a cover of the mechanism's own options (cover.h): every
 * pair of their values, with --full every combination.  Each case has a process of its own
 * (runner.h).  Exit status: 0 conforms, 3 a property does not hold, 12 not available here
 * (the reason is printed), 2 wrong call, 1 internal.
 */
#include "base/clock.h"
#include "base/units.h"
#include "mechanisms/probe.h"
#include "mechanisms/registry.h"
#include "tests/conformance/cases.h"
#include "tests/conformance/cover.h"
#include "tests/conformance/leftovers.h"
#include "tests/conformance/result.h"
#include "tests/support/test.h"

#include <getopt.h>
#include <signal.h>
#include <sys/mman.h>

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
        .duplex = ipm_suite_can(IPM_CAP_CALL), /* it has no other form */
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

/* Of the case that this process runs. */
static bool skipped;
static bool tried;

bool ipm_endless(const struct ipm_channel *channel)
{
    int64_t messages = channel->capacity.messages;
    return messages > IPM_ENDLESS ||
           (messages == IPM_VARIES && ipm_suite_can(IPM_CAP_TOKEN));
}

void ipm_suite_skip_call(void)
{
    if (ipm_suite_can(IPM_CAP_CALL))
        ipm_suite_skip("a call: request and reply alternate; case `call` covers it");
}

void ipm_suite_skip(const char *reason)
{
    skipped = true;
    print_message("skipped: %s\n", reason);
    skip();
    abort(); /* skip() does not return, and does not say so */
}

void ipm_suite_tried(void)
{
    tried = true;
}

void ipm_suite_skip_untried(const char *reason)
{
    if (!tried)
        ipm_suite_skip(reason);
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
    CASE(system_calls),  CASE(call),          CASE(lossy),
    CASE(fanout),        CASE(deadlines),     CASE(wakeups),
    CASE(depth),
};

/* What does not depend on options, or is promised for the defaults alone, runs once. */
static bool runs_once(const char *name)
{
    static const char *const once[] = {"description", "shared", "system_calls",
                                       "wakeups", "depth"};
    for (size_t i = 0; i < IPM_TEST_ROWS(once); i++) {
        if (strcmp(once[i], name) == 0)
            return true;
    }
    return false;
}

static int case_body(void *context)
{
    const struct CMUnitTest *chosen = context;
    int failed = _cmocka_run_group_tests(chosen->name, chosen, 1, NULL, NULL);
    return failed != 0 ? IPM_BODY_FAILED : skipped ? IPM_BODY_SKIPPED : 0;
}

/* In a process of its own too: it is the first that calls create(). */
static int survey_body(void *context)
{
    ipm_survey_make(context, ipm_suite.mechanism, ipm_suite.options);
    return 0;
}

static void run_row(struct ipm_result *result, const struct ipm_cover *cover,
                    size_t row, struct ipm_survey *survey, int limit_seconds)
{
    _Alignas(16) unsigned char values[sizeof(((struct ipm_rig *)NULL)->options)];
    char text[IPM_COVER_TEXT];
    struct ipm_outcome outcome;
    ipm_suite.options = NULL;
    if (cover->options != NULL) {
        ipm_cover_values(cover, row, values);
        ipm_suite.options = values;
    }
    *survey = (struct ipm_survey){0};
    ipm_run_body(survey_body, survey, limit_seconds, &outcome);
    ipm_suite.survey = *survey;
    ipm_suite.max_message = survey->max_message;
    bool possible_here = survey->n_possible > 0 || outcome.verdict == IPM_FAIL;
    ipm_result_row(result, ipm_cover_text(cover, row, text), survey,
                   possible_here ? NULL : survey->why.text);
    if (outcome.verdict == IPM_FAIL)
        ipm_result_case(result, "survey", &outcome);
    for (size_t i = 0; i < IPM_TEST_ROWS(cases) && survey->n_possible > 0; i++) {
        struct CMUnitTest chosen = cases[i];
        if (row > 0 && runs_once(chosen.name))
            continue;
        ipm_run_body(case_body, &chosen, limit_seconds, &outcome);
        ipm_result_case(result, chosen.name, &outcome);
    }
}

enum {
    EXIT_INTERNAL = 1,
    EXIT_USAGE = 2,
    EXIT_FAILED = 3,
    EXIT_UNAVAILABLE = 12,
    FIXED_MAX = 32,
    LIMIT_SECONDS = 3 * IPM_WATCHDOG_SECONDS,
};

struct arguments {
    const char *name; /* NULL: those of the plug-ins, or all */
    const char *fixed[FIXED_MAX];
    size_t n_fixed;
    int limit_seconds;
    bool full, json, list, help, plugins;
};

/* The status of one mechanism, as main() has it. */
static int examine(const struct ipm_mechanism *mechanism,
                   const struct arguments *arguments)
{
    struct ipm_cover cover;
    struct ipm_result result;
    struct ipm_why why = {0};
    ipm_suite.mechanism = mechanism;
    if (ipm_cover_init(&cover, mechanism->options, arguments->fixed, arguments->n_fixed,
                       arguments->full, &why) != 0) {
        (void)fprintf(stderr, "%s: %s\n", mechanism->name, why.text);
        return EXIT_USAGE;
    }
    struct ipm_survey *survey = mmap(NULL, sizeof(*survey), PROT_READ | PROT_WRITE,
                                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (survey == MAP_FAILED)
        abort();
    int status = 0;
    ipm_result_begin(&result, mechanism, arguments->json);
    if (ipm_probe(mechanism, NULL, &why) != 0) {
        ipm_result_unavailable(&result, why.text);
        status = EXIT_UNAVAILABLE;
    } else {
        for (size_t row = 0; row < cover.n_rows; row++)
            run_row(&result, &cover, row, survey, arguments->limit_seconds);
        bool tested = result.passed + result.failed > 0;
        status = result.failed > 0 ? EXIT_FAILED : tested ? 0 : EXIT_UNAVAILABLE;
        if (ipm_result_end(&result) != 0)
            status = EXIT_INTERNAL;
    }
    (void)munmap(survey, sizeof(*survey));
    ipm_cover_fini(&cover);
    return status;
}

static const char usage_text[] =
    "usage: ipcmeter conform [NAME] [--plugin SO]... [--full] [--option "
    "NAME=VALUE]...\n"
    "                        [--json] [--limit SECONDS] [--list]\n"
    "\n"
    "Does a mechanism keep the promises of mechanisms/mechanism.h?  Without NAME: "
    "those\n"
    "of the plug-ins, or all.\n"
    "\n"
    "  --plugin SO          mechanisms of a shared object\n"
    "  --full               every combination of its options instead of every pair\n"
    "  --option NAME=VALUE  fix one of its options\n"
    "  --json               one line of JSON per mechanism\n"
    "  --limit SECONDS      a case that takes longer has failed (180)\n"
    "  --list               the properties that are checked\n"
    "\n"
    "Exit status: 0 conforms, 3 a property does not hold, 12 not available here, 2 "
    "wrong\n"
    "call, 1 internal.\n";

static int usage(void)
{
    (void)fputs(usage_text, stderr);
    return EXIT_USAGE;
}

static int load(const char *path)
{
    struct ipm_why why = {0};
    if (ipm_plugin_load(path, &why) == 0)
        return 0;
    (void)fprintf(stderr, "--plugin %s: %s\n", path, why.text);
    return EXIT_USAGE;
}

static int parse(int argc, char **argv, struct arguments *arguments)
{
    static const struct option options[] = {{"plugin", required_argument, NULL, 'p'},
                                            {"option", required_argument, NULL, 'o'},
                                            {"limit", required_argument, NULL, 't'},
                                            {"full", no_argument, NULL, 'f'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"list", no_argument, NULL, 'l'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    for (int option; (option = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        int error = 0;
        int64_t seconds = 0;
        switch (option) {
        case 'p':
            arguments->plugins = true;
            error = load(optarg);
            break;
        case 'o':
            if (arguments->n_fixed == FIXED_MAX)
                return usage();
            arguments->fixed[arguments->n_fixed++] = optarg;
            break;
        case 't':
            if (ipm_parse_integer(optarg, &seconds, NULL) != 0 || seconds < 1 ||
                seconds > 86400)
                return usage();
            arguments->limit_seconds = (int)seconds;
            break;
        case 'f':
            arguments->full = true;
            break;
        case 'j':
            arguments->json = true;
            break;
        case 'l':
            arguments->list = true;
            break;
        case 'h':
            arguments->help = true;
            break;
        default:
            return usage();
        }
        if (error != 0)
            return error;
    }
    if (argc - optind > 1)
        return usage();
    arguments->name = argv[optind];
    return 0;
}

/* The worst of all: a failure outweighs what is not available. */
static int examine_all(const struct arguments *arguments)
{
    const struct ipm_mechanism *const *at =
        arguments->plugins ? ipm_mechanisms_of_plugins() : ipm_mechanisms();
    bool tested = false;
    int worst = 0;
    for (; *at != NULL; at++) {
        int status = examine(*at, arguments);
        if (status == EXIT_USAGE || status == EXIT_INTERNAL)
            return status;
        tested = tested || status != EXIT_UNAVAILABLE;
        if (status == EXIT_FAILED)
            worst = status;
    }
    return tested ? worst : EXIT_UNAVAILABLE;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {.limit_seconds = LIMIT_SECONDS};
    int status = parse(argc, argv, &arguments);
    if (status != 0)
        return status;
    if (arguments.help) {
        (void)fputs(usage_text, stdout);
        return 0;
    }
    if (arguments.list) {
        for (size_t i = 0; i < IPM_TEST_ROWS(cases); i++)
            (void)puts(cases[i].name);
        return 0;
    }
    const struct ipm_mechanism *mechanism = NULL;
    if (arguments.name != NULL)
        mechanism = ipm_mechanism_find(arguments.name);
    if (arguments.name != NULL && mechanism == NULL) {
        (void)fprintf(stderr, "there is no mechanism '%s'\n", arguments.name);
        return EXIT_USAGE;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    (void)unsetenv("CMOCKA_MESSAGE_OUTPUT"); /* what the cases print is read by us */
    (void)unsetenv("CMOCKA_TEST_ABORT");
    const char *lost = ipm_isolate();
    if (lost != NULL)
        (void)fprintf(stderr, "not isolated: %s\n", lost);
    return mechanism != NULL ? examine(mechanism, &arguments) : examine_all(&arguments);
}
