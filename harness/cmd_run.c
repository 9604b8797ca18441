/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/cleanup.h"
#include "base/units.h"
#include "harness/commands.h"
#include "harness/diagnostics.h"
#include "harness/run.h"

#include <errno.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    SET = 256,
    OUT,
    ONLY,
    SKIP,
    QUICK,
    RESUME,
    SEED,
    PROGRESS,
    NO_SANDBOX,
    RETRIES,
    MAX_FAILURES,
};

static const struct ipm_command_operand run_operands[] = {
    {.name = "CONFIG", .kind = IPM_OPERAND_FILE, .optional = true},
    {.name = NULL},
};

static const struct ipm_command_option run_options[] = {
    {.name = "set",
     .code = SET,
     .value = "KEY=VALUE",
     .kind = IPM_OPERAND_SETTING,
     .many = true,
     .help = "override a key of the config or an axis of every sweep"},
    {.name = "out",
     .code = OUT,
     .value = "DIR",
     .kind = IPM_OPERAND_FOLDER,
     .help = "result folder (default: results/TIME-NAME)"},
    {.name = "only",
     .code = ONLY,
     .value = "RE",
     .help = "measure only points whose label matches"},
    {.name = "skip",
     .code = SKIP,
     .value = "RE",
     .help = "leave out points whose label matches"},
    {.name = "quick",
     .code = QUICK,
     .help = "a first look in under a minute: 2 short invocations per point, timing "
             "alone; not for publication"},
    {.name = "resume", .code = RESUME, .help = "go on with the run in DIR"},
    {.name = "seed",
     .code = SEED,
     .value = "N",
     .help = "seed of the order (default: a fresh one)"},
    IPM_REQUEST_OPTIONS,
    {.name = "progress",
     .code = PROGRESS,
     .value = "auto|plain|jsonl|none",
     .kind = IPM_OPERAND_WORDS,
     .help = "how progress is shown on stderr (default: auto)"},
    {.name = "retries",
     .code = RETRIES,
     .value = "N",
     .help = "try a failed invocation again so often (default: 1)"},
    {.name = "max-failures",
     .code = MAX_FAILURES,
     .value = "N",
     .help = "stop when so many invocations have failed for good"},
    {.name = "no-sandbox",
     .code = NO_SANDBOX,
     .help = "for debugging: no private namespaces"},
    {.name = NULL},
};

const struct ipm_command ipm_command_run = {
    .name = "run",
    .run = ipm_cmd_run,
    .summary = "measure; results land in a folder of their own",
    .operands = run_operands,
    .options = run_options,
    .about = "Measures CONFIG (default: the built-in first look) into a folder of its "
             "own.",
};

static volatile sig_atomic_t caught_signal;

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
    if (caught_signal == 0) {
        first_ms = now_ms;
        caught_signal = number;
    } else if (now_ms < first_ms || now_ms - first_ms > SAME_PRESS_MS) {
        (void)signal(number, SIG_DFL);
        (void)raise(number);
    }
}

static void listen_to_signals(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = catch_signal};
    (void)sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        (void)sigaction(signals[i], &action, NULL);
}

struct arguments {
    struct ipm_run_request run;
    const char **sets;
    const char *only;
    const char *skip;
};

static int complain(const char *what, const char *detail)
{
    (void)fputs("ipcmeter run: ", stderr);
    (void)fputs(what, stderr);
    (void)ipm_print_escaped(stderr, detail, strlen(detail));
    (void)fputc('\n', stderr);
    return IPM_EXIT_USAGE;
}

enum { MOST_COUNT = 1000000 };

static int parse_seed(const char *text, struct arguments *arguments)
{
    int64_t seed = 0;
    struct ipm_why why = {.error = 0, .text = ""};
    if (ipm_parse_integer(text, &seed, &why) != 0)
        return complain("--seed: ", why.text);
    if (seed < 0 || seed >= INT64_C(1) << 53)
        return complain("--seed: must be in 0 .. 2^53 - 1, not ", text);
    arguments->run.seed = (uint64_t)seed;
    arguments->run.seeded = true;
    return 0;
}

static int parse_ticker(const char *text, struct arguments *arguments)
{
    for (int i = 0; ipm_ticker_names[i] != NULL; i++) {
        if (strcmp(ipm_ticker_names[i], text) == 0) {
            arguments->run.ticker = (enum ipm_ticker_mode)i;
            return 0;
        }
    }
    return complain("--progress: auto, plain, jsonl or none, not ", text);
}

/* @name of a count that is 0 or more. */
static int parse_count(const char *name, const char *text, int64_t *out_count)
{
    struct ipm_why why = {.error = 0, .text = ""};
    int64_t count = 0;
    if (ipm_parse_integer(text, &count, &why) != 0)
        return complain(name, why.text);
    if (count < 0 || count > MOST_COUNT)
        return complain(name, "must be in 0 .. 1000000");
    *out_count = count;
    return 0;
}

static int parse_retries(const char *text, struct arguments *arguments)
{
    int64_t count = 0;
    int status = parse_count("--retries: ", text, &count);
    if (status == 0)
        arguments->run.retries = (int)count;
    return status;
}

static int parse_max_failures(const char *text, struct arguments *arguments)
{
    int64_t count = 0;
    int status = parse_count("--max-failures: ", text, &count);
    if (status == 0)
        arguments->run.max_failures = (size_t)count;
    return status;
}

static int take(int code, const char *value, struct arguments *arguments)
{
    struct ipm_request *request = &arguments->run.request;
    switch (code) {
    case SET:
        return ipm_texts_add(&arguments->sets, &request->n_sets, value) == 0
                   ? 0
                   : IPM_EXIT_INTERNAL;
    case OUT:
        arguments->run.out = value;
        return 0;
    case ONLY:
        arguments->only = value;
        return 0;
    case SKIP:
        arguments->skip = value;
        return 0;
    case QUICK:
        request->quick = true;
        return 0;
    case RESUME:
        arguments->run.resume = true;
        return 0;
    case SEED:
        return parse_seed(value, arguments);
    case RETRIES:
        return parse_retries(value, arguments);
    case MAX_FAILURES:
        return parse_max_failures(value, arguments);
    case PROGRESS:
        return parse_ticker(value, arguments);
    case NO_SANDBOX:
        request->worker.no_sandbox = true;
        return 0;
    default:
        break;
    }
    int taken = ipm_request_take(request, code, value);
    if (taken != 1)
        return taken;
    ipm_command_usage(&ipm_command_run, stderr);
    return IPM_EXIT_USAGE;
}

static int parse(int argc, char **argv, struct arguments *arguments)
{
    struct ipm_arguments walk;
    ipm_arguments_init(&walk, &ipm_command_run, argc, argv);
    for (int code; (code = ipm_arguments_next(&walk)) != IPM_ARGUMENTS_END;) {
        if (code == IPM_ARGUMENTS_HELP) {
            ipm_command_usage(&ipm_command_run, stdout);
            return -1;
        }
        int status = take(code, walk.value, arguments);
        if (status != 0)
            return status;
    }
    if (walk.n_operands > 1)
        return complain("one CONFIG, not also ", walk.operands[1]);
    arguments->run.request.config = walk.operands[0];
    arguments->run.request.sets = arguments->sets;
    if (arguments->run.resume && arguments->run.out == NULL)
        return complain("--resume needs --out", "");
    return 0;
}

static bool matches(void *context, const char *label)
{
    return regexec(context, label, 0, NULL, 0) == 0;
}

static bool differs(void *context, const char *label)
{
    return !matches(context, label);
}

static int filter(struct ipm_plan *plan, const char *pattern, bool only)
{
    regex_t expression;
    if (pattern == NULL)
        return 0;
    int error = regcomp(&expression, pattern, REG_EXTENDED | REG_NOSUB);
    if (error != 0) {
        char text[128];
        (void)regerror(error, &expression, text, sizeof(text));
        return complain(only ? "--only: " : "--skip: ", text);
    }
    error = ipm_plan_keep(plan, only ? matches : differs, &expression,
                          only ? "left out by --only" : "left out by --skip");
    regfree(&expression);
    return error == 0 ? 0 : IPM_EXIT_INTERNAL;
}

/* An exact shell word, for a line that a person may paste. */
static void put_word(FILE *out, const char *word)
{
    (void)fputs(" '", out);
    while (*word != '\0') {
        size_t plain = strcspn(word, "'");
        (void)ipm_print_escaped(out, word, plain);
        word += plain;
        if (*word != '\0')
            (void)fputs("'\\''", out);
        word += *word != '\0';
    }
    (void)fputc('\'', out);
}

/* The command that goes on with this run.  The caller's; NULL: no memory. */
static char *resume_line(int argc, char **argv, const char *path)
{
    char *line = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&line, &length);
    if (out == NULL)
        return NULL;
    bool has_out = false;
    (void)fputs("ipcmeter run", out);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--resume") == 0)
            continue;
        has_out = has_out || strncmp(argv[i], "--out", 5) == 0;
        put_word(out, argv[i]);
    }
    if (!has_out) {
        (void)fputs(" --out", out);
        put_word(out, path);
    }
    (void)fputs(" --resume", out);
    return fclose(out) == 0 ? line : NULL;
}

static void tell_resume(const struct ipm_run_request *request)
{
    if (request->ticker != IPM_TICKER_JSONL && request->resume_line != NULL)
        (void)fprintf(stderr, "to go on:\n    %s\n", request->resume_line);
}

/* What happened to the machine belongs to the closing words: it is not seen otherwise. */
static void tell_drift(const json_t *drift)
{
    size_t i;
    json_t *entry;
    json_array_foreach(drift, i, entry)
    {
        static const char *const keys[] = {"name", "text", "before", "after"};
        static const char *const marks[] = {": ", " (", " -> ", ")\n"};
        (void)fprintf(stderr, "drift, %s: ",
                      json_string_value(json_object_get(entry, "status")) ?: "warn");
        for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
            const char *word =
                json_string_value(json_object_get(entry, keys[k])) ?: "?";
            (void)ipm_print_escaped(stderr, word, strlen(word));
            (void)fputs(marks[k], stderr);
        }
    }
}

static int measure(int argc, char **argv, struct arguments *arguments,
                   const struct ipm_prepared *prepared)
{
    char folder[128];
    if (arguments->run.out == NULL) {
        char stamp[32];
        time_t now = time(NULL);
        struct tm utc;
        (void)gmtime_r(&now, &utc);
        (void)strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &utc);
        (void)snprintf(folder, sizeof(folder), "results/%s-%s", stamp,
                       prepared->spec.name);
        for (char *at = folder; *at != '\0'; at++)
            *at = *at == ' ' ? '-' : *at;
        arguments->run.out = folder;
    }
    ipm_auto_free char *line = resume_line(argc, argv, arguments->run.out);
    struct ipm_run_result result = {0};
    struct ipm_why why = {.error = 0, .text = ""};
    arguments->run.resume_line = line;
    int error = ipm_run(&arguments->run, prepared, &result, &why);
    if (error != 0) {
        (void)complain("", why.text);
        return error == -EEXIST || error == -EXDEV ? IPM_EXIT_USAGE : IPM_EXIT_INTERNAL;
    }
    if (arguments->run.ticker != IPM_TICKER_JSONL)
        tell_drift(result.drift);
    json_decref(result.drift);
    if (result.too_many || result.interrupted)
        tell_resume(&arguments->run);
    if (result.interrupted) {
        return caught_signal == SIGTERM ? IPM_EXIT_TERMINATED : IPM_EXIT_INTERRUPTED;
    }
    (void)printf("%s\n", arguments->run.out);
    return result.failed > 0 ? IPM_EXIT_FAILED : IPM_EXIT_OK;
}

int ipm_cmd_run(int argc, char **argv)
{
    struct arguments arguments = {.run = {.ticker = IPM_TICKER_AUTO, .retries = 1}};
    struct ipm_prepared prepared = {0};
    /* The walk over the options moves them about: the resume line wants them as they were. */
    const char **given = NULL;
    size_t n_given = 0;
    int status = 0;
    for (int i = 0; i < argc && status == 0; i++)
        status = ipm_texts_add(&given, &n_given, argv[i]);
    if (status == 0)
        status = parse(argc, argv, &arguments);
    if (status == 0) {
        arguments.run.request.interrupted = &caught_signal;
        arguments.run.request.examine = true;
        listen_to_signals();
        status = ipm_prepare(&arguments.run.request, &prepared);
        if (status == 0)
            status = filter(&prepared.plan, arguments.only, true);
        if (status == 0)
            status = filter(&prepared.plan, arguments.skip, false);
        if (status == 0)
            status = measure(argc, (char **)(uintptr_t)given, &arguments, &prepared);
        ipm_prepared_fini(&prepared);
    }
    free(given);
    free(arguments.sets);
    return status < 0 ? IPM_EXIT_OK : status;
}
