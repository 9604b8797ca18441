/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The winner map in three lines. */
#include "analysis/html.h"
#include "analysis/ladder.h"
#include "analysis/text.h"
#include "analysis/winner.h"
#include "base/cleanup.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    INDENT = 10,
    LINE = IPM_TEXT_WIDTH - INDENT,
    /* Columns that each field may take: two lines less the longest word that wraps, and one. */
    ANY_ROOM = 2 * LINE - 24,
    SLEEPING_ROOM = LINE,
    NAME = 96,
};

/* What the contests by one figure and in one field came to; without a rival there is none. */
struct score {
    json_t *wins, *leads; /* "shm_ring (2 copies, spin)": number; leads are of ties */
    size_t held;
    const char *provenance;
};

static void name_winner(char name[NAME], const json_t *best)
{
    double copies = ipm_member_number(best, "copies");
    int used = snprintf(name, NAME, "%.32s (", ipm_member_text(best, "mechanism"));
    if (!isnan(copies))
        used +=
            snprintf(name + used, NAME - (size_t)used, "%.8s %s, ",
                     ipm_copies_text((int64_t)copies), copies == 1 ? "copy" : "copies");
    (void)snprintf(name + used, NAME - (size_t)used, "%.16s)",
                   ipm_member_text(best, "wait"));
}

static void count(struct score *score, const json_t *contest)
{
    const char *verdict = ipm_member_text(contest, "verdict");
    bool decided = strcmp(verdict, "winner") == 0;
    bool tied = strcmp(verdict, "tie") == 0;
    if (!decided && !tied)
        return;
    score->held++;
    score->provenance = ipm_member_text(contest, "provenance");
    char name[NAME];
    name_winner(name, json_object_get(contest, "best"));
    json_t *names = tied ? score->leads : score->wins;
    json_int_t before = json_integer_value(json_object_get(names, name));
    (void)json_object_set_new(names, name, json_integer(before + 1));
}

static void count_all(struct score *score, const json_t *winners, int by, int field)
{
    size_t i;
    size_t k;
    json_t *cell;
    json_t *contest;
    json_array_foreach(json_object_get(winners, "cells"), i, cell)
    {
        json_array_foreach(json_object_get(cell, "contests"), k, contest)
        {
            if (strcmp(ipm_member_text(contest, "by"), ipm_by_names[by]) == 0 &&
                strcmp(ipm_member_text(contest, "field"), ipm_field_names[field]) == 0)
                count(score, contest);
        }
    }
}

/* Who is named most often, the first of them on equal counts; NULL: nobody. */
static const char *most_named(json_t *wins)
{
    const char *name;
    const char *most = NULL;
    json_int_t most_won = 0;
    json_t *won;
    json_object_foreach(wins, name, won)
    {
        if (json_integer_value(won) > most_won) {
            most = name;
            most_won = json_integer_value(won);
        }
    }
    return most;
}

/* "latency pipe (2 copies, block) 3/4", if it has room: nothing is cut in the middle. */
static void add_figure(const json_t *winners, int by, int field, char *text,
                       size_t room)
{
    static const char *const whats[IPM_BYS] = {"latency", "p99", "throughput", "CPU",
                                               "joules"};
    ipm_auto_json json_t *wins = json_object();
    ipm_auto_json json_t *leads = json_object();
    struct score score = {.wins = wins, .leads = leads, .provenance = ""};
    char part[2 * NAME];
    char whose[32] = "";
    count_all(&score, winners, by, field);
    if (score.held == 0)
        return;
    if (score.provenance[0] != '\0')
        (void)snprintf(whose, sizeof(whose), " [%.16s]", score.provenance);
    const char *most = most_named(wins);
    size_t used = strlen(text);
    const char *separator = used == 0 || text[used - 1] == ' ' ? "" : "; ";
    int length;
    if (most != NULL)
        length = snprintf(
            part, sizeof(part), "%s%s%s %s %lld/%zu", separator, whats[by], whose, most,
            (long long)json_integer_value(json_object_get(wins, most)), score.held);
    else
        length = snprintf(part, sizeof(part), "%s%s%s ties in all %zu, least %s",
                          separator, whats[by], whose, score.held, most_named(leads));
    if (used + (size_t)length < room)
        (void)strcpy(text + used, part);
}

void ipm_winners_text(const json_t *winners, FILE *out)
{
    /* What says most comes first: what has no room is left to the page. */
    static const enum ipm_by order[IPM_BYS] = {
        IPM_BY_LATENCY, IPM_BY_CPU, IPM_BY_JOULES, IPM_BY_THROUGHPUT, IPM_BY_TAIL};
    static const struct {
        const char *heading, *begin;
        size_t room;
    } lines[IPM_FIELDS] = {
        [IPM_FIELD_ANY] = {"Winners", "of contests won: ", ANY_ROOM},
        [IPM_FIELD_SLEEPING] = {"", "asleep: ", SLEEPING_ROOM},
    };
    for (int field = 0; field < IPM_FIELDS; field++) {
        char text[2 * LINE];
        (void)snprintf(text, sizeof(text), "%s", lines[field].begin);
        for (int i = 0; i < IPM_BYS; i++)
            add_figure(winners, (int)order[i], field, text, lines[field].room);
        if (strlen(text) == strlen(lines[field].begin))
            continue;
        (void)fprintf(out, "%-*s", INDENT, lines[field].heading);
        ipm_text_wrap(out, INDENT, text);
    }
}
