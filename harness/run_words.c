/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/run_words.h"

#include "base/units.h"
#include "harness/commands.h"
#include "harness/diagnostics.h"

#include <regex.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { MOST_COUNT = 1000000 };

int ipm_run_words_complain(const struct ipm_run_words *words, const char *what,
                           const char *detail)
{
    (void)fprintf(stderr, "ipcmeter %s: %s", words->command, what);
    (void)ipm_print_escaped(stderr, detail, strlen(detail));
    (void)fputc('\n', stderr);
    return IPM_EXIT_USAGE;
}

static int parse_seed(const char *text, struct ipm_run_words *words)
{
    int64_t seed = 0;
    struct ipm_why why = {.error = 0, .text = ""};
    if (ipm_parse_integer(text, &seed, &why) != 0)
        return ipm_run_words_complain(words, "--seed: ", why.text);
    if (seed < 0 || seed >= INT64_C(1) << 53)
        return ipm_run_words_complain(words, "--seed: must be in 0 .. 2^53 - 1, not ",
                                      text);
    words->run.seed = (uint64_t)seed;
    words->run.seeded = true;
    return 0;
}

static int parse_ticker(const char *text, struct ipm_run_words *words)
{
    for (int i = 0; ipm_ticker_names[i] != NULL; i++) {
        if (strcmp(ipm_ticker_names[i], text) == 0) {
            words->run.ticker = (enum ipm_ticker_mode)i;
            return 0;
        }
    }
    return ipm_run_words_complain(words, "--progress: auto, plain, jsonl or none, not ",
                                  text);
}

int ipm_run_words_count(const struct ipm_run_words *words, const char *name,
                        const char *text, int64_t *out_count)
{
    struct ipm_why why = {.error = 0, .text = ""};
    int64_t count = 0;
    if (ipm_parse_integer(text, &count, &why) != 0)
        return ipm_run_words_complain(words, name, why.text);
    if (count < 0 || count > MOST_COUNT)
        return ipm_run_words_complain(words, name, "must be in 0 .. 1000000");
    *out_count = count;
    return 0;
}

int ipm_run_words_take(struct ipm_run_words *words, int option, const char *argument)
{
    struct ipm_request *request = &words->run.request;
    int error = 0;
    switch (option) {
    case IPM_RUN_SET:
        error = ipm_texts_add(&words->sets, &request->n_sets, argument);
        request->sets = words->sets;
        return error == 0 ? 0 : IPM_EXIT_INTERNAL;
    case IPM_RUN_OUT:
        words->run.out = argument;
        return 0;
    case IPM_RUN_ONLY:
        words->only = argument;
        return 0;
    case IPM_RUN_SKIP:
        words->skip = argument;
        return 0;
    case IPM_RUN_SEED:
        return parse_seed(argument, words);
    case IPM_RUN_PROGRESS:
        return parse_ticker(argument, words);
    case IPM_RUN_NO_SANDBOX:
        request->worker.no_sandbox = true;
        return 0;
    default:
        return ipm_request_take(request, option, argument);
    }
}

struct filter {
    regex_t expression;
    bool only;
    const json_t *exempt; /* a describe document: its floors stay; NULL: nothing is */
};

static bool keep(void *context, const struct ipm_factors *factors, const char *label)
{
    const struct filter *filter = context;
    const json_t *mechanism =
        ipm_describe_find(filter->exempt, "mechanisms", factors->mechanism);
    if (mechanism != NULL && ipm_describe_is_floor(mechanism))
        return true;
    return (regexec(&filter->expression, label, 0, NULL, 0) == 0) == filter->only;
}

static int apply(const struct ipm_run_words *words, struct ipm_plan *plan,
                 const char *pattern, struct filter *filter, const char *name)
{
    char text[160];
    if (pattern == NULL || pattern[0] == '\0')
        return 0;
    int error = regcomp(&filter->expression, pattern, REG_EXTENDED | REG_NOSUB);
    if (error != 0) {
        char what[40];
        (void)snprintf(what, sizeof(what), "%s: ", name);
        (void)regerror(error, &filter->expression, text, sizeof(text));
        return ipm_run_words_complain(words, what, text);
    }
    (void)snprintf(text, sizeof(text), "left out by %s", name);
    error = ipm_plan_keep(plan, keep, filter, text);
    regfree(&filter->expression);
    return error == 0 ? 0 : IPM_EXIT_INTERNAL;
}

int ipm_run_words_filter(const struct ipm_run_words *words, struct ipm_plan *plan)
{
    struct filter filter = {.only = true};
    int status = apply(words, plan, words->only, &filter, "--only");
    filter.only = false;
    return status == 0 ? apply(words, plan, words->skip, &filter, "--skip") : status;
}

int ipm_run_words_gated(const struct ipm_run_words *words,
                        struct ipm_prepared *prepared)
{
    struct filter filter = {.only = true, .exempt = prepared->describe};
    struct ipm_plan *plan = &prepared->plan;
    int status = apply(words, plan, words->only, &filter, "--only");
    if (status == 0)
        status = apply(words, plan, prepared->spec.gate.points, &filter, "gate.points");
    filter.only = false;
    return status == 0 ? apply(words, plan, words->skip, &filter, "--skip") : status;
}

void ipm_run_words_folder(struct ipm_run_words *words, const char *what,
                          const char *name)
{
    char stamp[32];
    time_t now = time(NULL);
    struct tm utc;
    if (words->run.out != NULL)
        return;
    (void)gmtime_r(&now, &utc);
    (void)strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &utc);
    (void)snprintf(words->folder, sizeof(words->folder), "results/%s%s-%s", what, stamp,
                   name);
    for (char *at = words->folder; *at != '\0'; at++)
        *at = *at == ' ' ? '-' : *at;
    words->run.out = words->folder;
}
