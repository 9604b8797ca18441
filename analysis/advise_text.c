/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The words of advise.h. */
#include "analysis/advise.h"
#include "analysis/contest_json.h"
#include "analysis/html.h"
#include "analysis/text.h"
#include "base/cleanup.h"
#include "base/units.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { INDENT = 12, NAMED = 8 /* of a list; the document has all */ };

/* What one paragraph is written with. */
struct words {
    FILE *out;
    const char *unit;
    char *text;
    size_t length;
    FILE *line;
};

static bool is(const char *text, const char *word)
{
    return strcmp(text, word) == 0;
}

static void begin(struct words *words)
{
    words->text = NULL;
    words->line = open_memstream(&words->text, &words->length);
}

/* Ends a paragraph behind its heading. */
static void end(struct words *words, const char *heading)
{
    if (words->line != NULL && fclose(words->line) == 0) {
        (void)fprintf(words->out, "%-*s", INDENT, heading);
        ipm_text_wrap(words->out, INDENT, words->text);
    }
    free(words->text);
    words->line = NULL;
}

__attribute__((format(printf, 2, 3))) static void say(struct words *words,
                                                      const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (words->line != NULL)
        (void)vfprintf(words->line, format, arguments);
    va_end(arguments);
}

static void say_name(struct words *words, const json_t *entrant)
{
    if (words->line != NULL)
        ipm_entrant_name(entrant, words->line);
}

static void say_number(struct words *words, double value)
{
    char text[IPM_UNITS_TEXT];
    if (is(words->unit, "ns"))
        say(words, "%s", ipm_format_ns(text, value));
    else
        say(words, "%s%s%s", ipm_format_count(text, value),
            is(words->unit, "1/s") ? "" : " ",
            is(words->unit, "1/s") ? "/s" : words->unit);
}

/* "4.1 us [4, 4.3], 6 invocations, between 64 B and 256 B" */
static void say_figure(struct words *words, const json_t *entrant)
{
    double n = ipm_member_number(entrant, "n");
    double low = ipm_member_number(entrant, "low");
    double upper = ipm_member_number(entrant, "upper_size");
    const char *what = is(words->unit, "uJ") ? "block" : "invocation";
    say_number(words, ipm_member_number(entrant, "value"));
    say(words, " [");
    if (isnan(low)) {
        say(words, "?");
    } else {
        say_number(words, low);
        say(words, ", ");
        say_number(words, ipm_member_number(entrant, "high"));
    }
    say(words, "] of %.0f %s%s", n, what, n == 1 ? "" : "s");
    if (!isnan(upper)) {
        char from[IPM_UNITS_TEXT];
        char to[IPM_UNITS_TEXT];
        say(words, ", INTERPOLATED between %s and %s",
            ipm_format_size(from, (int64_t)ipm_member_number(entrant, "size")),
            ipm_format_size(to, (int64_t)upper));
    }
}

/* "1.31 times [1.2, 1.4]" */
static void say_ratio(struct words *words, const json_t *entrant)
{
    const json_t *behind = json_object_get(entrant, "behind");
    double low = ipm_member_number(behind, "low");
    say(words, "%.3g times", ipm_member_number(behind, "ratio"));
    if (isnan(low))
        say(words, " [?]: %s", ipm_member_text(behind, "reason"));
    else
        say(words, " [%.3g, %.3g]", low, ipm_member_number(behind, "high"));
}

static void say_asked(struct words *words, const json_t *advice, const json_t *answer)
{
    const json_t *question = json_object_get(advice, "question");
    const char *placement = ipm_member_text(answer, "placement");
    const char *class = ipm_member_text(answer, "placement_class");
    const char *traffic = ipm_member_text(answer, "traffic");
    const char *provenance = ipm_member_text(advice, "provenance");
    const char *policy = ipm_member_text(answer, "policy");
    double batch = ipm_member_number(answer, "batch");
    double p99 = ipm_member_number(question, "p99_ns");
    double rate = ipm_member_number(question, "rate");
    char size[IPM_UNITS_TEXT];
    char text[IPM_UNITS_TEXT];
    say(words, "%s, %s, %s",
        ipm_format_size(size, (int64_t)ipm_member_number(question, "size")),
        ipm_member_text(answer, "workload"), placement);
    if (class[0] != '\0' && !is(class, placement))
        say(words, " (%s here)", class);
    say(words, ", touch %s", ipm_member_text(answer, "touch"));
    if (!isnan(rate))
        say(words, ", %s messages/s", ipm_format_count(text, rate));
    if (traffic[0] != '\0')
        say(words, ", %s", traffic);
    if (batch > 1 && is(ipm_member_text(answer, "workload"), "stream"))
        say(words, ", batch %.0f", batch);
    if (policy[0] != '\0' && !is(policy, "other"))
        say(words, ", policy %s", policy);
    if (!isnan(p99))
        say(words, ", p99 at most %s", ipm_format_ns(text, p99));
    say(words, "; by %s%s%s%s", ipm_member_text(question, "by"),
        provenance[0] == '\0' ? "" : " (", provenance,
        provenance[0] == '\0' ? "" : ")");
}

static const json_t *candidate(const json_t *answer, const char *point)
{
    size_t i;
    const json_t *entrant;
    json_array_foreach(json_object_get(answer, "candidates"), i, entrant)
    {
        if (is(ipm_member_text(entrant, "point"), point))
            return entrant;
    }
    return NULL;
}

/* How many, and why: too near, or too uncertain. */
static void say_tie(struct words *words, const json_t *answer, const json_t *tied)
{
    size_t unsure = 0;
    size_t i;
    const json_t *id;
    json_array_foreach(tied, i, id)
    {
        const json_t *entrant = candidate(answer, json_string_value(id));
        double low = ipm_member_number(json_object_get(entrant, "behind"), "low");
        unsure += i > 0 && !(low > 1);
    }
    say(words, "TIE of %zu, ", json_array_size(tied));
    if (unsure > 0)
        say(words, "%zu of them because their ratio's interval holds 1; ", unsure);
    say(words, "the least cost has ");
}

/* The verdict of one contest.  @answer has all its entrants. */
static void put_verdict(struct words *words, const json_t *answer,
                        const json_t *contest, const char *heading)
{
    const json_t *best = json_object_get(contest, "best");
    const json_t *second = json_object_get(contest, "runner_up");
    const json_t *tied = json_object_get(contest, "tied");
    const char *verdict = ipm_member_text(contest, "verdict");
    const json_t *first = candidate(answer, ipm_member_text(best, "point"));
    begin(words);
    if (is(verdict, "tie"))
        say_tie(words, answer, tied);
    say_name(words, best);
    say(words, ": ");
    say_figure(words, first);
    if (is(verdict, "alone"))
        say(words, "; there was no rival to compare it with");
    end(words, heading);
    if (is(verdict, "tie")) {
        size_t i;
        const json_t *id;
        begin(words);
        json_array_foreach(tied, i, id)
        {
            if (i == 0 || i > NAMED)
                continue;
            /* A contest among some has ratios of its own; only the runner-up's is at hand. */
            const json_t *entrant = candidate(answer, json_string_value(id));
            bool own = contest == answer;
            say(words, "%s", i == 1 ? "" : "; ");
            say_name(words, entrant);
            say(words, ": ");
            say_number(words, ipm_member_number(entrant, "value"));
            if (own) {
                say(words, ", ");
                say_ratio(words, entrant);
            }
        }
        if (json_array_size(tied) > NAMED + 1)
            say(words, " and %zu more", json_array_size(tied) - NAMED - 1);
        end(words, "  ties with");
    } else if (json_is_object(second)) {
        begin(words);
        say_name(words, second);
        say(words, ": ");
        say_figure(words, candidate(answer, ipm_member_text(second, "point")));
        say(words, "; its cost is ");
        say_ratio(words, second);
        say(words, " that of the best");
        end(words, "  runner-up");
    }
}

static void put_sleeping(struct words *words, const json_t *answer)
{
    const json_t *best = json_object_get(answer, "best");
    const json_t *sleeping = json_object_get(answer, "sleeping");
    const char *wait = ipm_member_text(best, "wait");
    if (!is(wait, "spin") && !is(wait, "yield"))
        return;
    begin(words);
    say(words, "wait %s keeps a CPU busy while nothing comes", wait);
    if (json_is_object(sleeping))
        say(words, "; the best of those that sleep follows");
    else
        say(words, "; nobody that sleeps was left to compare");
    end(words, "  but");
    if (json_is_object(sleeping))
        put_verdict(words, answer, sleeping, "  sleeping");
}

/* A reason without the name of the mechanism that it may begin with. */
static const char *reason_of(const json_t *left_out)
{
    const char *reason = ipm_member_text(left_out, "reason");
    const char *name = ipm_member_text(left_out, "mechanism");
    size_t length = strlen(name);
    bool named =
        length > 0 && strncmp(reason, name, length) == 0 && reason[length] == ' ';
    return reason + (named ? length + 1 : 0);
}

/* Whether two reasons say the same, numbers behind the colon apart. */
static bool same_class(const char *a, const char *b)
{
    size_t length = strcspn(a, ":");
    return strcspn(b, ":") == length && memcmp(a, b, length) == 0;
}

/* All with the reason of entry @i, in one paragraph; numbers where they differ. */
static void put_reason(struct words *words, const json_t *list, size_t i,
                       const char *heading)
{
    const char *reason = reason_of(json_array_get(list, i));
    bool uniform = true;
    size_t named = 0;
    size_t more = 0;
    size_t k;
    const json_t *other;
    json_array_foreach(list, k, other) uniform =
        uniform &&
        (!same_class(reason, reason_of(other)) || is(reason, reason_of(other)));
    begin(words);
    say(words, "%.*s: ", uniform ? (int)strlen(reason) : (int)strcspn(reason, ":"),
        reason);
    json_array_foreach(list, k, other)
    {
        const char *text = reason_of(other);
        if (!same_class(reason, text))
            continue;
        if (named == NAMED) {
            more++;
            continue;
        }
        say(words, "%s", named++ == 0 ? "" : "; ");
        say_name(words, other);
        if (!uniform)
            say(words, "%s", text + strcspn(text, ":"));
    }
    if (more > 0)
        say(words, " and %zu more", more);
    end(words, heading);
}

static void put_left_out(struct words *words, const json_t *list)
{
    const char *heading = "  left out";
    size_t i;
    const json_t *first;
    json_array_foreach(list, i, first)
    {
        bool said = false;
        for (size_t k = 0; k < i && !said; k++)
            said = same_class(reason_of(json_array_get(list, k)), reason_of(first));
        if (said)
            continue;
        put_reason(words, list, i, heading);
        heading = "";
    }
}

static void put_answer(struct words *words, const json_t *advice, const json_t *answer)
{
    begin(words);
    say_asked(words, advice, answer);
    end(words, "Asked");
    if (json_integer_value(json_object_get(answer, "entrants")) == 0) {
        begin(words);
        say(words, "nobody: see who was left out, and why");
        end(words, "  best");
    } else {
        put_verdict(words, answer, answer, "  best");
        put_sleeping(words, answer);
    }
    if (json_is_true(json_object_get(answer, "idle_channel"))) {
        begin(words);
        say(words,
            "figures are of an idle channel: no open loop at this rate was measured. "
            "Who can carry it is known by stream, else by round trips");
        end(words, "  but");
    }
    put_left_out(words, json_object_get(answer, "left_out"));
    (void)fputc('\n', words->out);
}

static void put_names(struct words *words, const json_t *list, const char *heading)
{
    size_t i;
    const json_t *entry;
    if (json_array_size(list) == 0)
        return;
    begin(words);
    json_array_foreach(list, i, entry)
        say(words, "%s%s", i == 0 ? "" : ", ",
            json_is_string(entry) ? json_string_value(entry)
                                  : ipm_member_text(entry, "mechanism"));
    end(words, heading);
}

void ipm_advise_text(const json_t *advice, FILE *out)
{
    struct words words = {.out = out, .unit = ipm_member_text(advice, "unit")};
    const char *reason = ipm_member_text(advice, "reason");
    const char *command = ipm_member_text(advice, "command");
    size_t i;
    const json_t *answer;
    json_array_foreach(json_object_get(advice, "answers"), i, answer)
        put_answer(&words, advice, answer);
    if (reason[0] != '\0') {
        begin(&words);
        say(&words, "%s", reason);
        end(&words, "No answer");
    }
    put_names(&words, json_object_get(advice, "tokens"), "No payload");
    put_names(&words, json_object_get(advice, "unmeasured"), "Unmeasured");
    put_names(&words, json_object_get(advice, "unavailable"), "Not here");
    if (command[0] != '\0')
        (void)fprintf(out, "%-*s%s\n", INDENT, "To measure", command);
    begin(&words);
    say(&words,
        "a winner is ahead by %.0f %% at least and beyond the %.0f %% interval of the "
        "ratio, else it is a tie",
        100 * ipm_member_number(advice, "margin"),
        100 * ipm_member_number(advice, "level"));
    end(&words, "Rule");
}
