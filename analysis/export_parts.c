/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/export_parts.h"

#include "analysis/character.h"
#include "base/cleanup.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void put_word(FILE *out, const char *key, const char *word, const char *usual)
{
    if (word[0] != '\0' && strcmp(word, usual) != 0)
        (void)fprintf(out, "/%s=%s", key, word);
}

static void put_count(FILE *out, const char *key, int64_t count, int64_t usual)
{
    if (count >= 0 && count != usual)
        (void)fprintf(out, "/%s=%" PRId64, key, count);
}

static const char *or_dash(const char *text)
{
    return text[0] == '\0' ? "-" : text;
}

/* The defaults are written down and not the manifest's: a name outlives a change of them. */
static void put_name(FILE *out, const struct ipm_factors *factors)
{
    (void)fprintf(out, "%s/%s/", or_dash(factors->workload),
                  or_dash(factors->mechanism));
    if (factors->size >= 0)
        (void)fprintf(out, "%" PRId64, factors->size);
    else
        (void)fputc('-', out);
    (void)fprintf(out, "/%s/%s", or_dash(factors->placement), or_dash(factors->wait));
    put_count(out, "copies", factors->copies, -1);
    put_word(out, "rate", factors->rate, "max");
    put_word(out, "touch", factors->touch, "none");
    put_count(out, "depth", factors->depth, 64);
    put_count(out, "batch", factors->batch, 16);
    put_count(out, "reply_size", factors->reply_size, -1);
    put_word(out, "policy", factors->policy, "other");
    if (factors->options[0] != '\0')
        (void)fputc('/', out);
    for (const char *at = factors->options; *at != '\0'; at++)
        (void)fputc(*at == ' ' ? '/' : *at, out);
}

/* Cuts at a whole character, with room left for what tells two long names apart. */
static void cut(char *name)
{
    char hash[IPM_HASH_TEXT];
    ipm_hash_text(name, strlen(name), hash);
    size_t length = IPM_EXPORT_NAME - strlen("/cut=") - strlen(hash);
    while (((unsigned char)name[length] & 0xc0) == 0x80)
        length--;
    (void)sprintf(name + length, "/cut=%s", hash);
}

char *ipm_export_name(const struct ipm_factors *factors, bool *out_cut)
{
    ipm_auto_free char *raw = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&raw, &size);
    if (out == NULL)
        return NULL;
    put_name(out, factors);
    if (fclose(out) != 0)
        return NULL;
    char *name = ipm_character_shown(raw);
    bool too_long = name != NULL && strlen(name) > IPM_EXPORT_NAME;
    if (too_long)
        cut(name);
    if (out_cut != NULL)
        *out_cut = too_long;
    return name;
}

/* Points may share a name where a plug-in's version is what differs. */
static int tell_apart(const struct ipm_summary *summary, struct ipm_export_names *names)
{
    ipm_auto_json json_t *counts = json_object();
    for (size_t i = 0; i < names->n; i++) {
        json_int_t n = json_integer_value(json_object_get(counts, names->list[i]));
        if (json_object_set_new(counts, names->list[i], json_integer(n + 1)) != 0)
            return -ENOMEM;
    }
    for (size_t i = 0; i < names->n; i++) {
        if (json_integer_value(json_object_get(counts, names->list[i])) < 2)
            continue;
        char hash[IPM_HASH_TEXT];
        char *longer = NULL;
        const char *id = summary->points[i].id;
        if (strlen(id) >= sizeof(hash) ||
            strspn(id, "0123456789abcdef") != strlen(id)) {
            ipm_hash_text(id, strlen(id), hash); /* not of our making */
            id = hash;
        }
        if (asprintf(&longer, "%s/point=%s", names->list[i], id) < 0)
            return -ENOMEM;
        free(names->list[i]);
        names->list[i] = longer;
    }
    return 0;
}

int ipm_export_names_make(const struct ipm_summary *summary,
                          struct ipm_export_names *out_names)
{
    ipm_auto_export_names struct ipm_export_names names = {
        .list = calloc(summary->n_points + 1, sizeof(*names.list))};
    if (names.list == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < summary->n_points; i++) {
        bool was_cut = false;
        names.list[i] = ipm_export_name(&summary->points[i].factors, &was_cut);
        if (names.list[i] == NULL)
            return -ENOMEM;
        names.n++;
        names.cut += was_cut;
    }
    int error = tell_apart(summary, &names);
    if (error != 0)
        return error;
    *out_names = names;
    memset(&names, 0, sizeof(names));
    return 0;
}

void ipm_export_names_fini(struct ipm_export_names *names)
{
    for (size_t i = 0; i < names->n; i++)
        free(names->list[i]);
    free(names->list);
    memset(names, 0, sizeof(*names));
}

static int compare_integers(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int compare_rows(const void *a, const void *b)
{
    const struct ipm_row *left = *(const struct ipm_row *const *)a;
    const struct ipm_row *right = *(const struct ipm_row *const *)b;
    const int orders[] = {
        strcmp(left->point, right->point),
        strcmp(left->pass, right->pass),
        compare_integers(left->invocation, right->invocation),
        strcmp(left->build, right->build),
        compare_integers((int64_t)left->status, (int64_t)right->status),
        compare_integers((int64_t)left->line, (int64_t)right->line),
    };
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        if (orders[i] != 0)
            return orders[i];
    }
    return 0;
}

int ipm_export_rows_make(const struct ipm_table *table,
                         struct ipm_export_rows *out_rows)
{
    const struct ipm_row **list = calloc(table->n_rows + 1, sizeof(*list));
    if (list == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < table->n_rows; i++)
        list[i] = &table->rows[i];
    qsort(list, table->n_rows, sizeof(*list), compare_rows);
    *out_rows = (struct ipm_export_rows){list, table->n_rows};
    return 0;
}

void ipm_export_rows_fini(struct ipm_export_rows *rows)
{
    free(rows->list);
    memset(rows, 0, sizeof(*rows));
}

const struct ipm_row *const *ipm_export_rows_of(const struct ipm_export_rows *rows,
                                                const struct ipm_point *point,
                                                size_t *out_n)
{
    size_t low = 0;
    size_t high = rows->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(rows->list[middle]->point, point->id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    size_t to = low;
    while (to < rows->n && strcmp(rows->list[to]->point, point->id) == 0)
        to++;
    *out_n = to - low;
    return rows->list + low;
}

bool ipm_export_repeats(const struct ipm_row *const *rows, size_t i)
{
    return i > 0 && rows[i]->status == IPM_ROW_OK &&
           rows[i - 1]->status == IPM_ROW_OK &&
           rows[i]->invocation == rows[i - 1]->invocation &&
           strcmp(rows[i]->pass, rows[i - 1]->pass) == 0 &&
           strcmp(rows[i]->build, rows[i - 1]->build) == 0;
}

bool ipm_export_measured(const struct ipm_point *point)
{
    for (size_t i = 0; i < point->n_figures; i++) {
        if (!isnan(point->figures[i].estimate.value))
            return true;
    }
    return false;
}

const char *ipm_export_reason(const struct ipm_figure *figure)
{
    return figure->reason[0] != '\0' ? figure->reason : figure->estimate.reason;
}

const char *ipm_export_number(char text[IPM_EXPORT_NUMBER], double value)
{
    text[0] = '\0';
    for (int digits = 15; digits <= 17 && isfinite(value); digits++) {
        (void)snprintf(text, IPM_EXPORT_NUMBER, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    return text;
}

void ipm_export_joules(const struct ipm_energy_row *row,
                       struct ipm_export_joules out_joules[IPM_EXPORT_JOULES])
{
    const struct ipm_export_joules joules[IPM_EXPORT_JOULES] = {
        {"load_w", "W", &row->load_w},
        {"rest_w", "W", &row->rest_w},
        {"beyond_w", "W", &row->beyond_w},
        {"message_uj", "uJ", &row->message_uj},
        {"operation_uj", "uJ", &row->operation_uj},
    };
    memcpy(out_joules, joules, sizeof(joules));
}
