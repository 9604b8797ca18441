/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/cleanup.h"
#include "base/units.h"
#include "harness/commands.h"
#include "harness/diagnostics.h"
#include "harness/run.h"

#include <errno.h>
#include <getopt.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char usage[] =
    "usage: ipcmeter run [CONFIG] [OPTIONS]\n"
    "  measures CONFIG (default: the built-in first look) into a folder of its own\n\n"
    "  --out DIR           result folder (default: results/TIME-NAME)\n"
    "  --set KEY=VALUE     override a key of the config or an axis of every sweep\n"
    "  --only RE           measure only points whose label matches\n"
    "  --skip RE           leave out points whose label matches\n"
    "  --quick             a first look in under a minute: 2 short invocations per\n"
    "                      point, timing alone; not for publication\n"
    "  --resume            go on with the run in DIR\n"
    "  --seed N            seed of the order (default: a fresh "
    "one)\n" IPM_SENSOR_WORDS_USAGE "  --progress auto|plain|jsonl|none\n"
    "  --retries N         try a failed invocation again so often (default: 1)\n"
    "  --max-failures N    stop when so many invocations have failed for good\n"
    "  --plugin SO         load mechanisms from a shared object\n"
    "  --sysroot DIR       read sysfs and proc below DIR\n"
    "  --no-sandbox        for debugging: no private namespaces\n";

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

enum option_code {
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
    HELP
};

static int take(int code, struct arguments *arguments)
{
    struct ipm_request *request = &arguments->run.request;
    switch (code) {
    case SET:
        return ipm_texts_add(&arguments->sets, &request->n_sets, optarg) == 0
                   ? 0
                   : IPM_EXIT_INTERNAL;
    case OUT:
        arguments->run.out = optarg;
        return 0;
    case ONLY:
        arguments->only = optarg;
        return 0;
    case SKIP:
        arguments->skip = optarg;
        return 0;
    case QUICK:
        request->quick = true;
        return 0;
    case RESUME:
        arguments->run.resume = true;
        return 0;
    case SEED:
        return parse_seed(optarg, arguments);
    case RETRIES:
        return parse_retries(optarg, arguments);
    case MAX_FAILURES:
        return parse_max_failures(optarg, arguments);
    case PROGRESS:
        return parse_ticker(optarg, arguments);
    case NO_SANDBOX:
        request->worker.no_sandbox = true;
        return 0;
    default:
        break;
    }
    int taken = ipm_request_take(request, code, optarg);
    if (taken != 1)
        return taken;
    (void)fputs(usage, stderr);
    return IPM_EXIT_USAGE;
}

static int parse(int argc, char **argv, struct arguments *arguments)
{
    static const struct option options[] = {
        {"set", required_argument, NULL, SET},
        {"out", required_argument, NULL, OUT},
        {"only", required_argument, NULL, ONLY},
        {"skip", required_argument, NULL, SKIP},
        {"quick", no_argument, NULL, QUICK},
        {"resume", no_argument, NULL, RESUME},
        {"seed", required_argument, NULL, SEED},
        IPM_REQUEST_OPTIONS,
        {"progress", required_argument, NULL, PROGRESS},
        {"retries", required_argument, NULL, RETRIES},
        {"max-failures", required_argument, NULL, MAX_FAILURES},
        {"no-sandbox", no_argument, NULL, NO_SANDBOX},
        {"help", no_argument, NULL, HELP},
        {NULL, 0, NULL, 0},
    };
    int code;
    while ((code = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (code == HELP) {
            (void)fputs(usage, stdout);
            return -1;
        }
        int status = take(code, arguments);
        if (status != 0)
            return status;
    }
    if (argc - optind > 1)
        return complain("one CONFIG, not also ", argv[optind + 1]);
    arguments->run.request.config = argv[optind];
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
    /* getopt_long() moves arguments about: the resume line wants them as they were. */
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
