/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/digest.h"

#include "analysis/digest_pack.h"
#include "analysis/rivals.h"
#include "base/cleanup.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH = 4096 };

const char *const ipm_digest_factors[IPM_DIGEST_FACTORS_N] = {
    "placement", "class", "workload", "mechanism",  "size",   "copies", "wait",
    "touch",     "depth", "batch",    "reply_size", "policy", "rate",   "options"};

const char *const ipm_digest_source_names[IPM_DIGEST_SOURCES] = {"digest", "records"};

/* A figure of an interval, which needs no more digits than the others have. */
static json_t *figure(double value)
{
    char text[32];
    if (!isfinite(value) || !(value > 0))
        return json_null();
    (void)snprintf(text, sizeof(text), "%.7g", value);
    return json_real(strtod(text, NULL));
}

static void put_text(FILE *out, const char *text)
{
    for (; *text != '\0'; text++)
        (void)fputc(*text == '\t' ? ' ' : *text, out);
    (void)fputc('\t', out);
}

/* NULL: no memory. */
static json_t *factors_json(const struct ipm_factors *factors)
{
    ipm_auto_free char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (out == NULL)
        return NULL;
    put_text(out, factors->placement);
    put_text(out, factors->placement_class);
    put_text(out, factors->workload);
    put_text(out, factors->mechanism);
    (void)fprintf(out, "%lld\t%lld\t", (long long)factors->size,
                  (long long)factors->copies);
    put_text(out, factors->wait);
    put_text(out, factors->touch);
    (void)fprintf(out, "%lld\t%lld\t%lld\t", (long long)factors->depth,
                  (long long)factors->batch, (long long)factors->reply_size);
    put_text(out, factors->policy);
    put_text(out, factors->rate);
    put_text(out, factors->options);
    bool failed = ferror(out) != 0;
    if (fclose(out) != 0 || failed)
        return NULL;
    text[length - 1] = '\0'; /* the last tab ends nothing */
    return json_string(text);
}

static json_t *joules_json(const struct ipm_report *report,
                           const struct ipm_point *point)
{
    for (size_t i = 0; i < report->energy.n_rows; i++) {
        const struct ipm_energy_row *row = &report->energy.rows[i];
        if (row->point != point || strcmp(row->domain, "package") != 0 ||
            row->status != IPM_ENERGY_COST)
            continue;
        const struct ipm_estimate *cost = &row->message_uj;
        return json_pack("[o o o I]", figure(cost->value), figure(cost->low),
                         figure(cost->high), (json_int_t)cost->n);
    }
    return json_null();
}

/* The place of a list among those there are; it is taken over. */
static json_t *place_of(json_t *lists, json_t *list)
{
    size_t i;
    const json_t *other;
    /* Most runs have one. */
    json_array_foreach(lists, i, other)
    {
        if (json_equal(other, list))
            break;
    }
    if (i == json_array_size(lists))
        (void)json_array_append(lists, list);
    json_decref(list);
    return json_integer((json_int_t)i);
}

/* NULL: no memory. */
static json_t *point_json(const struct ipm_invocations *invocations,
                          const struct ipm_point *point, json_t *lists)
{
    size_t n;
    size_t missed = 0;
    const struct ipm_row *const *rows = ipm_invocations_of(invocations, point->id, &n);
    size_t length = IPM_DIGEST_FIGURES * n * IPM_DIGEST_DIGITS;
    ipm_auto_free char *packed = malloc(length + 1);
    if (packed == NULL)
        return NULL;
    json_t *blocks = json_array();
    for (size_t i = 0; i < n; i++) {
        missed += rows[i]->rate_missed;
        (void)json_array_append_new(blocks, json_integer((json_int_t)rows[i]->block));
    }
    for (size_t by = 0; by < IPM_DIGEST_FIGURES; by++) {
        for (size_t i = 0; i < n; i++)
            ipm_digest_pack(ipm_invocation_value(rows[i], (enum ipm_by)by),
                            packed + (by * n + i) * IPM_DIGEST_DIGITS);
    }
    packed[length] = '\0';
    const char *kind = point->floor    ? "floor"
                       : point->token  ? "token"
                       : point->mapped ? "mapped"
                                       : "mechanism";
    return json_pack("[o s b o s]", factors_json(&point->factors), kind, 2 * missed > n,
                     place_of(lists, blocks), packed);
}

json_t *ipm_digest_json(const struct ipm_report *report, json_t *records)
{
    struct ipm_invocations invocations = {0};
    ipm_auto_json json_t *json = json_object();
    int error = 0;
    (void)json_object_set_new(json, "schema", json_integer(IPM_DIGEST_SCHEMA));
    (void)json_object_set_new(json, "records", records);
    if (ipm_invocations_make(&report->table, &invocations) != 0)
        return NULL;
    json_t *names = json_array();
    json_t *blocks = json_array();
    json_t *points = json_array();
    json_t *joules = json_array();
    for (size_t i = 0; i < IPM_DIGEST_FACTORS_N; i++)
        (void)json_array_append_new(names, json_string(ipm_digest_factors[i]));
    for (size_t i = 0; i < report->summary.n_points; i++) {
        const struct ipm_point *point = &report->summary.points[i];
        error |= json_array_append_new(points, point_json(&invocations, point, blocks));
        error |= json_array_append_new(joules, joules_json(report, point));
    }
    ipm_invocations_fini(&invocations);
    error |= json_object_set_new(json, "factors", names);
    error |= json_object_set_new(json, "blocks", blocks);
    error |= json_object_set_new(json, "points", points);
    error |= json_object_set_new(json, "joules", joules);
    error |=
        json_object_set_new(json, "provenance", json_string(report->energy.provenance));
    error |=
        json_object_set_new(json, "constants", ipm_digest_constants(report->models));
    return error == 0 ? ipm_steal(&json) : NULL;
}

static int path_in(char path[PATH], const char *directory, const char *name,
                   struct ipm_why *why)
{
    int needed = snprintf(path, PATH, "%s/%s", directory, name);
    return needed < 0 || needed >= PATH
               ? ipm_why_set(why, -ENAMETOOLONG, "path is too long")
               : 0;
}

int ipm_digest_write(const struct ipm_report *report, const char *directory,
                     struct ipm_why *why)
{
    char path[PATH];
    json_t *records = NULL;
    int error = path_in(path, directory, "digest.json", why);
    if (error == 0)
        error = ipm_digest_records(directory, true, &records, why);
    if (error != 0)
        return error;
    ipm_auto_json json_t *digest = ipm_digest_json(report, records);
    ipm_auto_free char *text =
        digest == NULL ? NULL
                       : json_dumps(digest, JSON_COMPACT | JSON_REAL_PRECISION(7));
    if (text == NULL)
        return ipm_why_set(why, -ENOMEM, "write %s: ", path);
    return ipm_text_write_file(text, strlen(text), path, why);
}

/* Does a digest say the same of its records as was found, as far as that goes? */
static bool is_of(const json_t *digest, json_t *found)
{
    const json_t *said = json_object_get(digest, "records");
    const char *key;
    json_t *value;
    json_object_foreach(found, key, value)
    {
        if (!json_equal(json_object_get(said, key), value))
            return false;
    }
    return true;
}

/* The digest beside the records, when it is theirs; else NULL, whatever is wrong with it:
 * the records say all that it says. */
static json_t *read_digest(const char *directory, json_t *records)
{
    char path[PATH];
    ipm_auto_free char *text = NULL;
    size_t room = 0;
    if (path_in(path, directory, "digest.json", NULL) != 0)
        return NULL;
    /* At once: jansson reads files a character at a time. */
    ipm_auto_file FILE *file = fopen(path, "re");
    ssize_t length = file == NULL ? -1 : getdelim(&text, &room, '\0', file);
    if (length < 0)
        return NULL;
    ipm_auto_json json_t *digest =
        json_loadb(text, (size_t)length, JSON_REJECT_DUPLICATES, NULL);
    const json_t *schema = json_object_get(digest, "schema");
    const json_t *points = json_object_get(digest, "points");
    const json_t *joules = json_object_get(digest, "joules");
    if (json_integer_value(schema) != IPM_DIGEST_SCHEMA || !is_of(digest, records) ||
        !json_is_array(points) || !json_is_array(joules) ||
        json_array_size(points) != json_array_size(joules))
        return NULL;
    return ipm_steal(&digest);
}

/* Were the records written after the digest, or in the same tick of the clock? */
static bool is_newer(const char *directory)
{
    char path[PATH];
    struct stat records;
    struct stat digest;
    if (path_in(path, directory, "records.jsonl", NULL) != 0 ||
        stat(path, &records) != 0 ||
        path_in(path, directory, "digest.json", NULL) != 0 || stat(path, &digest) != 0)
        return false;
    const struct timespec *a = &records.st_mtim;
    const struct timespec *b = &digest.st_mtim;
    return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec >= b->tv_nsec;
}

int ipm_digest_load(const char *directory, json_t **out_digest,
                    enum ipm_digest_source *out_source, struct ipm_why *why)
{
    ipm_auto_json json_t *records = NULL;
    int error = ipm_digest_records(directory, is_newer(directory), &records, why);
    if (error != 0)
        return error;
    json_t *digest = read_digest(directory, records);
    *out_source = IPM_DIGEST_FILE;
    if (digest == NULL) {
        ipm_auto_report struct ipm_report report = {0};
        *out_source = IPM_DIGEST_MADE;
        error = ipm_report_load(directory, NULL, &report, why);
        if (error != 0)
            return error;
        if (report.table.n_rows == 0)
            return ipm_why_set(why, -EINVAL, "%s",
                               report.table.n_bad > 0 ? "records.jsonl holds no record"
                                                      : "records.jsonl is empty");
        digest = ipm_digest_json(&report, json_incref(records));
    }
    if (digest == NULL)
        return ipm_why_set(why, -ENOMEM, "no memory for the digest");
    *out_digest = digest;
    return 0;
}
