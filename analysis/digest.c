/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/digest.h"

#include "analysis/digest_pack.h"
#include "analysis/digest_parse.h"
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

/* NULL: no memory.  @figures: room for those of the invocations. */
static json_t *point_json(const struct ipm_point *point,
                          const struct ipm_row *const *rows, size_t n, json_t *lists,
                          char *figures)
{
    size_t missed = 0;
    json_t *blocks = json_array();
    for (size_t i = 0; i < n; i++) {
        missed += rows[i]->rate_missed;
        (void)json_array_append_new(blocks, json_integer((json_int_t)rows[i]->block));
    }
    for (size_t by = 0; by < IPM_DIGEST_FIGURES; by++) {
        for (size_t i = 0; i < n; i++)
            ipm_digest_pack(ipm_invocation_value(rows[i], (enum ipm_by)by),
                            figures + (by * n + i) * IPM_DIGEST_DIGITS);
    }
    const char *kind = point->floor    ? "floor"
                       : point->token  ? "token"
                       : point->mapped ? "mapped"
                                       : "mechanism";
    return json_pack("[o s b o]", factors_json(&point->factors), kind, 2 * missed > n,
                     place_of(lists, blocks));
}

static int make_points(const struct ipm_report *report, struct ipm_digest *digest)
{
    struct ipm_invocations invocations = {0};
    json_t *blocks = json_array();
    json_t *points = json_array();
    json_t *joules = json_array();
    int error = json_object_set_new(digest->json, "blocks", blocks) |
                json_object_set_new(digest->json, "points", points) |
                json_object_set_new(digest->json, "joules", joules);
    if (ipm_invocations_make(&report->table, &invocations) != 0)
        return -ENOMEM;
    digest->figures =
        malloc(IPM_DIGEST_FIGURES * IPM_DIGEST_DIGITS * invocations.n + 1);
    error |= digest->figures == NULL;
    for (size_t i = 0; i < report->summary.n_points && error == 0; i++) {
        const struct ipm_point *point = &report->summary.points[i];
        size_t n;
        const struct ipm_row *const *rows =
            ipm_invocations_of(&invocations, point->id, &n);
        error |=
            json_array_append_new(points, point_json(point, rows, n, blocks,
                                                     digest->figures + digest->length));
        error |= json_array_append_new(joules, joules_json(report, point));
        digest->length += IPM_DIGEST_FIGURES * IPM_DIGEST_DIGITS * n;
    }
    ipm_invocations_fini(&invocations);
    return error == 0 ? 0 : -ENOMEM;
}

void ipm_digest_fini(struct ipm_digest *digest)
{
    json_decref(digest->json);
    free(digest->figures);
    *digest = (struct ipm_digest){0};
}

int ipm_digest_make(const struct ipm_report *report, json_t *records,
                    struct ipm_digest *out_digest)
{
    struct ipm_digest digest = {.json = json_object()};
    json_t *json = digest.json;
    json_t *names = json_array();
    for (size_t i = 0; i < IPM_DIGEST_FACTORS_N; i++)
        (void)json_array_append_new(names, json_string(ipm_digest_factors[i]));
    int error = json_object_set_new(json, "schema", json_integer(IPM_DIGEST_SCHEMA)) |
                json_object_set(json, "records", records) |
                json_object_set_new(json, "factors", names);
    error |= make_points(report, &digest);
    error |=
        json_object_set_new(json, "provenance", json_string(report->energy.provenance));
    error |=
        json_object_set_new(json, "constants", ipm_digest_constants(report->models));
    if (error != 0) {
        ipm_digest_fini(&digest);
        return -ENOMEM;
    }
    *out_digest = digest;
    return 0;
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
    ipm_auto_json json_t *records = NULL;
    int error = path_in(path, directory, "digest.jsonl", why);
    if (error == 0)
        error = ipm_digest_records(directory, true, &records, why);
    if (error != 0)
        return error;
    ipm_auto_digest struct ipm_digest digest = {0};
    ipm_auto_free char *line = NULL;
    ipm_auto_free char *text = NULL;
    if (ipm_digest_make(report, records, &digest) == 0)
        line = json_dumps(digest.json, JSON_COMPACT | JSON_REAL_PRECISION(7));
    int length = line == NULL ? -1
                              : asprintf(&text, "%s\n\"%.*s\"\n", line,
                                         (int)digest.length, digest.figures);
    if (length < 0)
        return ipm_why_set(why, -ENOMEM, "write %s: ", path);
    return ipm_text_write_file(text, (size_t)length, path, why);
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

/* The digest beside the records, when it is theirs; else false, whatever is wrong with it:
 * the records say all that it says. */
static bool read_digest(const char *directory, json_t *records, json_t *shared,
                        struct ipm_digest *out_digest)
{
    char path[PATH];
    ipm_auto_free char *text = NULL;
    size_t room = 0;
    if (path_in(path, directory, "digest.jsonl", NULL) != 0)
        return false;
    /* At once: jansson reads files a character at a time. */
    ipm_auto_file FILE *file = fopen(path, "re");
    ssize_t length = file == NULL ? -1 : getdelim(&text, &room, '\0', file);
    char *end = length < 0 ? NULL : memchr(text, '\n', (size_t)length);
    if (end == NULL)
        return false;
    size_t rest = (size_t)(text + length - end);
    if (rest < 4 || end[1] != '"' || strcmp(end + rest - 2, "\"\n") != 0)
        return false;
    ipm_auto_json json_t *json = ipm_digest_parse(text, (size_t)(end - text), shared);
    const json_t *schema = json_object_get(json, "schema");
    const json_t *points = json_object_get(json, "points");
    const json_t *joules = json_object_get(json, "joules");
    if (json_integer_value(schema) != IPM_DIGEST_SCHEMA || !is_of(json, records) ||
        !json_is_array(points) || !json_is_array(joules) ||
        json_array_size(points) != json_array_size(joules))
        return false;
    out_digest->length = rest - 4;
    out_digest->figures = memmove(text, end + 2, rest - 4);
    text = NULL;
    out_digest->json = ipm_steal(&json);
    return true;
}

/* Were the records written after the digest, or in the same tick of the clock? */
static bool is_newer(const char *directory)
{
    char path[PATH];
    struct stat records;
    struct stat digest;
    if (path_in(path, directory, "records.jsonl", NULL) != 0 ||
        stat(path, &records) != 0 ||
        path_in(path, directory, "digest.jsonl", NULL) != 0 || stat(path, &digest) != 0)
        return false;
    const struct timespec *a = &records.st_mtim;
    const struct timespec *b = &digest.st_mtim;
    return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec >= b->tv_nsec;
}

int ipm_digest_load(const char *directory, json_t *shared,
                    struct ipm_digest *out_digest, enum ipm_digest_source *out_source,
                    struct ipm_why *why)
{
    ipm_auto_json json_t *records = NULL;
    ipm_auto_report struct ipm_report report = {0};
    int error = ipm_digest_records(directory, is_newer(directory), &records, why);
    *out_digest = (struct ipm_digest){0};
    if (error != 0)
        return error;
    *out_source = IPM_DIGEST_FILE;
    if (read_digest(directory, records, shared, out_digest))
        return 0;
    *out_source = IPM_DIGEST_MADE;
    error = ipm_report_load(directory, NULL, &report, why);
    if (error != 0)
        return error;
    if (report.table.n_rows == 0)
        return ipm_why_set(why, -EINVAL, "%s",
                           report.table.n_bad > 0 ? "records.jsonl holds no record"
                                                  : "records.jsonl is empty");
    error = ipm_digest_make(&report, records, out_digest);
    return error == 0 ? 0 : ipm_why_set(why, error, "no memory for the digest");
}
