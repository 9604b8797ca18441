/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The words of advise.h. */
#include "analysis/advise.h"
#include "analysis/advise_words.h"
#include "analysis/contest_json.h"
#include "analysis/html.h"
#include "base/cleanup.h"
#include "base/units.h"

#include <math.h>
#include <string.h>

static bool is(const char *text, const char *word)
{
    return strcmp(text, word) == 0;
}

static void say_number(struct ipm_paragraph *words, double value)
{
    char text[IPM_UNITS_TEXT];
    if (is(words->unit, "ns"))
        ipm_paragraph_say(words, "%s", ipm_format_ns(text, value));
    else
        ipm_paragraph_say(words, "%s%s%s", ipm_format_count(text, value),
                          is(words->unit, "1/s") ? "" : " ",
                          is(words->unit, "1/s") ? "/s" : words->unit);
}

/* "4.1 us [4, 4.3], 6 invocations, between 64 B and 256 B" */
static void say_figure(struct ipm_paragraph *words, const json_t *entrant)
{
    double n = ipm_member_number(entrant, "n");
    double low = ipm_member_number(entrant, "low");
    double upper = ipm_member_number(entrant, "upper_size");
    const char *what = is(words->unit, "uJ") ? "block" : "invocation";
    say_number(words, ipm_member_number(entrant, "value"));
    ipm_paragraph_say(words, " [");
    if (isnan(low)) {
        ipm_paragraph_say(words, "?");
    } else {
        say_number(words, low);
        ipm_paragraph_say(words, ", ");
        say_number(words, ipm_member_number(entrant, "high"));
    }
    ipm_paragraph_say(words, "] of %.0f %s%s", n, what, n == 1 ? "" : "s");
    if (!isnan(upper)) {
        char from[IPM_UNITS_TEXT];
        char to[IPM_UNITS_TEXT];
        ipm_paragraph_say(
            words, ", INTERPOLATED between %s and %s",
            ipm_format_size(from, (int64_t)ipm_member_number(entrant, "size")),
            ipm_format_size(to, (int64_t)upper));
    }
}

/* "1.31 times [1.2, 1.4]"; why there is no interval is said by those who say it once. */
static void say_ratio(struct ipm_paragraph *words, const json_t *behind, bool with_why)
{
    double low = ipm_member_number(behind, "low");
    ipm_paragraph_say(words, "%.3g times", ipm_member_number(behind, "ratio"));
    if (isnan(low))
        ipm_paragraph_say(words, " [?]%s%s", with_why ? ": " : "",
                          with_why ? ipm_member_text(behind, "reason") : "");
    else
        ipm_paragraph_say(words, " [%.3g, %.3g]", low,
                          ipm_member_number(behind, "high"));
}

static void say_asked(struct ipm_paragraph *words, const json_t *advice,
                      const json_t *answer)
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
    ipm_paragraph_say(
        words, "%s, %s, %s",
        ipm_format_size(size, (int64_t)ipm_member_number(question, "size")),
        ipm_member_text(answer, "workload"), placement);
    if (class[0] != '\0' && !is(class, placement))
        ipm_paragraph_say(words, " (%s here)", class);
    ipm_paragraph_say(words, ", touch %s", ipm_member_text(answer, "touch"));
    if (!isnan(rate))
        ipm_paragraph_say(words, ", %s messages/s", ipm_format_count(text, rate));
    if (traffic[0] != '\0')
        ipm_paragraph_say(words, ", %s", traffic);
    if (batch > 1 && is(ipm_member_text(answer, "workload"), "stream"))
        ipm_paragraph_say(words, ", batch %.0f", batch);
    if (policy[0] != '\0' && !is(policy, "other"))
        ipm_paragraph_say(words, ", policy %s", policy);
    if (!isnan(p99))
        ipm_paragraph_say(words, ", p99 at most %s", ipm_format_ns(text, p99));
    ipm_paragraph_say(words, "; by %s%s%s%s", ipm_member_text(question, "by"),
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

/* How far an entrant is behind the best of a contest, which may be one among some. */
static const json_t *behind_of(const json_t *answer, const json_t *contest,
                               const char *id)
{
    const json_t *own = json_object_get(contest, "behind");
    return own != NULL ? json_object_get(own, id)
                       : json_object_get(candidate(answer, id), "behind");
}

/* How many, and why: no interval, too uncertain, or too near. */
static void say_tie(struct ipm_paragraph *words, const json_t *answer,
                    const json_t *contest, const json_t *tied)
{
    size_t unsure = 0;
    size_t untold = 0;
    const char *why = "";
    size_t i;
    const json_t *id;
    json_array_foreach(tied, i, id)
    {
        const json_t *behind = behind_of(answer, contest, json_string_value(id));
        double low = ipm_member_number(behind, "low");
        if (i == 0)
            continue;
        if (isnan(low)) {
            why = untold == 0 ? ipm_member_text(behind, "reason") : why;
            untold++;
        } else if (low <= 1) {
            unsure++;
        }
    }
    ipm_paragraph_say(words, "TIE of %zu, ", json_array_size(tied));
    if (unsure > 0)
        ipm_paragraph_say(words, "%zu of them because their ratio's interval holds 1%s",
                          unsure, untold > 0 ? ", " : "; ");
    if (untold > 0)
        ipm_paragraph_say(words, "%zu because their ratio has no interval (%s); ",
                          untold, why);
    ipm_paragraph_say(words, "the least cost has ");
}

/* The verdict of one contest.  @answer has all its entrants. */
static void put_verdict(struct ipm_paragraph *words, const json_t *answer,
                        const json_t *contest, const char *heading)
{
    const json_t *best = json_object_get(contest, "best");
    const json_t *second = json_object_get(contest, "runner_up");
    const json_t *tied = json_object_get(contest, "tied");
    const char *verdict = ipm_member_text(contest, "verdict");
    const json_t *first = candidate(answer, ipm_member_text(best, "point"));
    ipm_paragraph_begin(words);
    if (is(verdict, "tie"))
        say_tie(words, answer, contest, tied);
    ipm_paragraph_name(words, best);
    ipm_paragraph_say(words, ": ");
    say_figure(words, first);
    if (is(verdict, "alone"))
        ipm_paragraph_say(words, "; there was no rival to compare it with");
    ipm_paragraph_end(words, heading);
    if (is(verdict, "tie")) {
        size_t i;
        const json_t *id;
        ipm_paragraph_begin(words);
        json_array_foreach(tied, i, id)
        {
            if (i == 0 || i > IPM_ADVISE_NAMED)
                continue;
            const json_t *entrant = candidate(answer, json_string_value(id));
            ipm_paragraph_say(words, "%s", i == 1 ? "" : "; ");
            ipm_paragraph_name(words, entrant);
            ipm_paragraph_say(words, ": ");
            say_number(words, ipm_member_number(entrant, "value"));
            ipm_paragraph_say(words, ", ");
            say_ratio(words, behind_of(answer, contest, json_string_value(id)), false);
        }
        if (json_array_size(tied) > IPM_ADVISE_NAMED + 1)
            ipm_paragraph_say(words, " and %zu more",
                              json_array_size(tied) - IPM_ADVISE_NAMED - 1);
        ipm_paragraph_end(words, "  ties with");
    } else if (json_is_object(second)) {
        ipm_paragraph_begin(words);
        ipm_paragraph_name(words, second);
        ipm_paragraph_say(words, ": ");
        say_figure(words, candidate(answer, ipm_member_text(second, "point")));
        ipm_paragraph_say(words, "; its cost is ");
        say_ratio(words, json_object_get(second, "behind"), true);
        ipm_paragraph_say(words, " that of the best");
        ipm_paragraph_end(words, "  runner-up");
    }
}

static void put_sleeping(struct ipm_paragraph *words, const json_t *answer)
{
    const json_t *best = json_object_get(answer, "best");
    const json_t *sleeping = json_object_get(answer, "sleeping");
    const char *wait = ipm_member_text(best, "wait");
    if (!is(wait, "spin") && !is(wait, "yield"))
        return;
    ipm_paragraph_begin(words);
    ipm_paragraph_say(words, "wait %s keeps a CPU busy while nothing comes", wait);
    if (json_is_object(sleeping))
        ipm_paragraph_say(words, "; the best of those that sleep follows");
    else
        ipm_paragraph_say(words, "; nobody that sleeps was left to compare");
    ipm_paragraph_end(words, "  but");
    if (json_is_object(sleeping))
        put_verdict(words, answer, sleeping, "  sleeping");
}

/* Who has too few values to be compared with the best. */
static void put_uncompared(struct ipm_paragraph *words, const json_t *answer)
{
    size_t named = 0;
    size_t i;
    const json_t *entrant;
    ipm_paragraph_begin(words);
    json_array_foreach(json_object_get(answer, "candidates"), i, entrant)
    {
        const json_t *behind = json_object_get(entrant, "behind");
        if (i == 0 || json_is_true(json_object_get(entrant, "tied")) ||
            !isnan(ipm_member_number(behind, "low")) || named++ >= IPM_ADVISE_NAMED)
            continue;
        ipm_paragraph_say(words, "%s", named == 1 ? "too few values: " : "; ");
        ipm_paragraph_name(words, entrant);
        ipm_paragraph_say(words, ": ");
        say_figure(words, entrant);
    }
    if (named > IPM_ADVISE_NAMED)
        ipm_paragraph_say(words, " and %zu more", named - IPM_ADVISE_NAMED);
    ipm_paragraph_end(words, named > 0 ? "  untold" : NULL);
}

static void put_answer(struct ipm_paragraph *words, const json_t *advice,
                       const json_t *answer)
{
    ipm_paragraph_begin(words);
    say_asked(words, advice, answer);
    ipm_paragraph_end(words, "Asked");
    if (json_integer_value(json_object_get(answer, "entrants")) == 0) {
        ipm_paragraph_begin(words);
        ipm_paragraph_say(words, "nobody: see who was left out, and why");
        ipm_paragraph_end(words, "  best");
    } else {
        put_verdict(words, answer, answer, "  best");
        put_sleeping(words, answer);
        put_uncompared(words, answer);
    }
    if (json_is_true(json_object_get(answer, "idle_channel"))) {
        ipm_paragraph_begin(words);
        ipm_paragraph_say(
            words,
            "figures are of an idle channel: no open loop at this rate was measured. "
            "Who can carry it is known by stream, else by round trips");
        ipm_paragraph_end(words, "  but");
    }
    ipm_advise_left_out(words, json_object_get(answer, "left_out"));
    (void)fputc('\n', words->out);
}

static void put_names(struct ipm_paragraph *words, const json_t *list,
                      const char *heading)
{
    size_t i;
    const json_t *entry;
    if (json_array_size(list) == 0)
        return;
    ipm_paragraph_begin(words);
    json_array_foreach(list, i, entry)
        ipm_paragraph_say(words, "%s%s", i == 0 ? "" : ", ",
                          json_is_string(entry) ? json_string_value(entry)
                                                : ipm_member_text(entry, "mechanism"));
    ipm_paragraph_end(words, heading);
}

void ipm_advise_text(const json_t *advice, FILE *out)
{
    struct ipm_paragraph words = {.out = out, .unit = ipm_member_text(advice, "unit")};
    const char *reason = ipm_member_text(advice, "reason");
    const char *command = ipm_member_text(advice, "command");
    size_t i;
    const json_t *answer;
    json_array_foreach(json_object_get(advice, "answers"), i, answer)
        put_answer(&words, advice, answer);
    if (reason[0] != '\0') {
        ipm_paragraph_begin(&words);
        ipm_paragraph_say(&words, "%s", reason);
        ipm_paragraph_end(&words, "No answer");
    }
    put_names(&words, json_object_get(advice, "tokens"), "No payload");
    put_names(&words, json_object_get(advice, "unmeasured"), "Unmeasured");
    put_names(&words, json_object_get(advice, "unavailable"), "Not here");
    if (command[0] != '\0')
        (void)fprintf(out, "%-*s%s\n", IPM_ADVISE_INDENT, "To measure", command);
    ipm_paragraph_begin(&words);
    ipm_paragraph_say(
        &words,
        "a winner is ahead by %.0f %% at least and beyond the %.0f %% interval of the "
        "ratio, else it is a tie",
        100 * ipm_member_number(advice, "margin"),
        100 * ipm_member_number(advice, "level"));
    ipm_paragraph_end(&words, "Rule");
}
