/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/winner_map.h"

#include "analysis/member.h"
#include "base/cleanup.h"
#include "base/json.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

const struct ipm_winner_panel ipm_winner_panels[IPM_WINNER_PANELS] = {
    {"latency", "Latency: median of an operation"},
    {"p99", "Latency: 99th percentile"},
    {"throughput", "Throughput: messages per second"},
    {"cpu", "CPU time of a message"},
    {"joules", "Joules of a message beyond rest"},
};

static bool same_member(const json_t *a, const json_t *b, const char *key)
{
    const json_t *left = json_object_get(a, key);
    const json_t *right = json_object_get(b, key);
    return left == right || json_equal(left, right);
}

static bool same_question(const json_t *a, const json_t *b)
{
    static const char *const keys[] = {"workload", "placement",  "touch", "rate",
                                       "policy",   "reply_size", "batch", "traffic"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (!same_member(a, b, keys[i]))
            return false;
    }
    return true;
}

static const json_t *contest_of(const json_t *cell, const char *by, const char *field)
{
    size_t i;
    const json_t *contest;
    json_array_foreach(json_object_get(cell, "contests"), i, contest)
    {
        if (strcmp(ipm_member_text(contest, "by"), by) == 0 &&
            strcmp(ipm_member_text(contest, "field"), field) == 0)
            return contest;
    }
    return NULL;
}

static int64_t size_of(const json_t *cell)
{
    return json_integer_value(json_object_get(cell, "size"));
}

static void add_line(struct ipm_winner_map *map, size_t panel, const json_t *cell,
                     const char *field)
{
    for (size_t i = 0; i < map->n_lines; i++) {
        const struct ipm_winner_line *line = &map->lines[i];
        if (line->panel == panel && strcmp(line->field, field) == 0 &&
            same_question(line->asked, cell))
            return;
    }
    if (map->n_lines == IPM_PLOT_WINNERS_ROWS)
        map->n_left_out++;
    else
        map->lines[map->n_lines++] = (struct ipm_winner_line){panel, cell, field};
}

static void add_size(struct ipm_winner_map *map, int64_t size)
{
    size_t at = 0;
    while (at < map->n_sizes && map->sizes[at] < size)
        at++;
    if (at < map->n_sizes && map->sizes[at] == size)
        return;
    if (map->n_sizes == IPM_PLOT_WINNERS_SIZES) {
        map->n_sizes_left_out++;
        return;
    }
    memmove(&map->sizes[at + 1], &map->sizes[at],
            (map->n_sizes - at) * sizeof(map->sizes[0]));
    map->sizes[at] = size;
    map->n_sizes++;
}

static const char *best_of(const json_t *contest)
{
    return ipm_member_text(json_object_get(contest, "best"), "mechanism");
}

/* By mechanism how often it is best; NULL: no memory. */
static json_t *count_wins(const struct ipm_winner_map *map)
{
    ipm_auto_json json_t *wins = json_object();
    size_t i;
    size_t k;
    const json_t *cell;
    const json_t *contest;
    json_array_foreach(map->cells, i, cell)
    {
        json_array_foreach(json_object_get(cell, "contests"), k, contest)
        {
            const char *name = best_of(contest);
            json_int_t before = json_integer_value(json_object_get(wins, name));
            if (json_object_set_new(wins, name, json_integer(before + 1)) != 0)
                return NULL;
        }
    }
    return json_incref(wins);
}

size_t ipm_winner_colour(const struct ipm_winner_map *map, const char *mechanism)
{
    for (size_t i = 0; i < map->n_names; i++) {
        if (strcmp(map->names[i], mechanism) == 0)
            return i;
    }
    return IPM_WINNER_COLOURS;
}

/* The mechanisms that are best most often, by the first that comes on equal counts. */
static int choose_names(struct ipm_winner_map *map)
{
    ipm_auto_json json_t *counts = count_wins(map);
    if (counts == NULL)
        return -ENOMEM;
    while (map->n_names < IPM_WINNER_COLOURS) {
        const char *most = NULL;
        json_int_t most_wins = 0;
        size_t i;
        size_t k;
        const json_t *cell;
        const json_t *contest;
        json_array_foreach(map->cells, i, cell)
        {
            json_array_foreach(json_object_get(cell, "contests"), k, contest)
            {
                const char *name = best_of(contest);
                json_int_t wins = json_integer_value(json_object_get(counts, name));
                if (ipm_winner_colour(map, name) == IPM_WINNER_COLOURS &&
                    wins > most_wins) {
                    most = name;
                    most_wins = wins;
                }
            }
        }
        if (most == NULL)
            break;
        map->names[map->n_names++] = most;
    }
    return 0;
}

/* "winners", and whose joules are in it; [a-z_]+ of a word that may hold anything. */
static void put_file(struct ipm_winner_map *map)
{
    size_t used = strlen(strcpy(map->file, "winners"));
    if (map->provenance[0] != '\0')
        map->file[used++] = '-';
    for (const char *at = map->provenance; *at != '\0' && used + 1 < IPM_WINNER_NAME;
         at++) {
        if ((*at >= 'a' && *at <= 'z') || *at == '_')
            map->file[used++] = *at;
    }
    map->file[used] = '\0';
}

int ipm_winner_map_make(struct ipm_winner_map *map, const json_t *document)
{
    static const char *const fields[] = {"any", "sleeping"};
    map->provenance = "";
    map->cells = json_object_get(json_object_get(document, "winners"), "cells");
    for (size_t panel = 0; panel < IPM_WINNER_PANELS; panel++) {
        size_t i;
        const json_t *cell;
        json_array_foreach(map->cells, i, cell)
        {
            for (size_t f = 0; f < sizeof(fields) / sizeof(fields[0]); f++) {
                if (contest_of(cell, ipm_winner_panels[panel].by, fields[f]) == NULL)
                    continue;
                if (strcmp(ipm_winner_panels[panel].by, "joules") == 0)
                    map->provenance = ipm_member_text(
                        contest_of(cell, "joules", fields[f]), "provenance");
                add_line(map, panel, cell, fields[f]);
                add_size(map, size_of(cell));
            }
        }
    }
    put_file(map);
    return choose_names(map);
}

const json_t *ipm_winner_at(const struct ipm_winner_map *map,
                            const struct ipm_winner_line *line, int64_t size)
{
    size_t i;
    const json_t *cell;
    json_array_foreach(map->cells, i, cell)
    {
        if (size_of(cell) == size && same_question(cell, line->asked))
            return contest_of(cell, ipm_winner_panels[line->panel].by, line->field);
    }
    return NULL;
}
