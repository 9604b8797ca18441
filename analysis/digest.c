/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/digest.h"

#include "analysis/rivals.h"
#include "base/cleanup.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { TAIL = 65536, PATH = 4096 };

const char *const ipm_digest_factors[] = {
    "workload",   "mechanism", "size",  "copies",  "wait",
    "placement",  "class",     "touch", "depth",   "batch",
    "reply_size", "policy",    "rate",  "options", NULL};

const char *const ipm_digest_source_names[IPM_DIGEST_SOURCES] = {"digest", "records"};

/* Seven digits are more than two invocations ever agree on, and shorter to read than seventeen. */
static json_t *figure(double value)
{
    char text[32];
    if (!isfinite(value) || !(value > 0))
        return json_null();
    (void)snprintf(text, sizeof(text), "%.7g", value);
    return json_real(strtod(text, NULL));
}

static json_t *factors_json(const struct ipm_factors *factors)
{
    return json_pack("[s s I I s s s s I I I s s s]", factors->workload,
                     factors->mechanism, (json_int_t)factors->size,
                     (json_int_t)factors->copies, factors->wait, factors->placement,
                     factors->placement_class, factors->touch,
                     (json_int_t)factors->depth, (json_int_t)factors->batch,
                     (json_int_t)factors->reply_size, factors->policy, factors->rate,
                     factors->options);
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

static json_t *point_json(const struct ipm_report *report,
                          const struct ipm_invocations *invocations,
                          const struct ipm_point *point)
{
    size_t n;
    size_t missed = 0;
    const struct ipm_row *const *rows = ipm_invocations_of(invocations, point->id, &n);
    json_t *blocks = json_array();
    for (size_t i = 0; i < n; i++) {
        missed += rows[i]->rate_missed;
        (void)json_array_append_new(blocks, json_integer((json_int_t)rows[i]->block));
    }
    const char *kind = point->floor    ? "floor"
                       : point->token  ? "token"
                       : point->mapped ? "mapped"
                                       : "mechanism";
    json_t *json = json_pack("[o s b o]", factors_json(&point->factors), kind,
                             2 * missed > n, blocks);
    for (int by = 0; by < IPM_DIGEST_FIGURES; by++) {
        json_t *list = json_array();
        bool any = false;
        for (size_t i = 0; i < n; i++) {
            double value = ipm_invocation_value(rows[i], (enum ipm_by)by);
            any = any || (isfinite(value) && value > 0);
            (void)json_array_append_new(list, figure(value));
        }
        if (any) {
            (void)json_array_append_new(json, list);
        } else {
            json_decref(list);
            (void)json_array_append_new(json, json_null());
        }
    }
    (void)json_array_append_new(json, joules_json(report, point));
    return json;
}

json_t *ipm_digest_json(const struct ipm_report *report, json_t *records)
{
    struct ipm_invocations invocations = {0};
    ipm_auto_json json_t *json = json_object();
    (void)json_object_set_new(json, "schema", json_integer(IPM_DIGEST_SCHEMA));
    (void)json_object_set_new(json, "records", records);
    if (ipm_invocations_make(&report->table, &invocations) != 0)
        return NULL;
    json_t *names = json_array();
    for (size_t i = 0; ipm_digest_factors[i] != NULL; i++)
        (void)json_array_append_new(names, json_string(ipm_digest_factors[i]));
    json_t *points = json_array();
    for (size_t i = 0; i < report->summary.n_points; i++)
        (void)json_array_append_new(
            points, point_json(report, &invocations, &report->summary.points[i]));
    ipm_invocations_fini(&invocations);
    (void)json_object_set_new(json, "factors", names);
    (void)json_object_set_new(json, "points", points);
    (void)json_object_set_new(json, "provenance",
                              json_string(report->energy.provenance));
    (void)json_object_set_new(json, "constants", ipm_digest_constants(report->models));
    return json_is_array(json_object_get(json, "constants")) ? ipm_steal(&json) : NULL;
}

static int path_in(char path[PATH], const char *directory, const char *name,
                   struct ipm_why *why)
{
    int needed = snprintf(path, PATH, "%s/%s", directory, name);
    return needed < 0 || needed >= PATH
               ? ipm_why_set(why, -ENAMETOOLONG, "path is too long")
               : 0;
}

int ipm_digest_records(const char *directory, json_t **out_records, struct ipm_why *why)
{
    char path[PATH];
    char hash[IPM_HASH_TEXT];
    int error = path_in(path, directory, "records.jsonl", why);
    if (error != 0)
        return error;
    ipm_auto_file FILE *file = fopen(path, "re");
    ipm_auto_free char *tail = malloc(TAIL);
    if (file == NULL || tail == NULL)
        return ipm_why_set(why, file == NULL ? -errno : -ENOMEM, "open %s: ", path);
    off_t size = fseeko(file, 0, SEEK_END) == 0 ? ftello(file) : -1;
    if (size < 0 || fseeko(file, size > TAIL ? size - TAIL : 0, SEEK_SET) != 0)
        return ipm_why_set(why, -errno, "read %s: ", path);
    size_t length = fread(tail, 1, TAIL, file);
    if (ferror(file))
        return ipm_why_set(why, -EIO, "read %s: ", path);
    ipm_hash_text(tail, length, hash);
    *out_records = json_pack("{s: I, s: s}", "bytes", (json_int_t)size, "hash", hash);
    return *out_records == NULL ? ipm_why_set(why, -ENOMEM, "read %s: ", path) : 0;
}

int ipm_digest_write(const struct ipm_report *report, const char *directory,
                     struct ipm_why *why)
{
    char path[PATH];
    json_t *records = NULL;
    int error = path_in(path, directory, "digest.json", why);
    if (error == 0)
        error = ipm_digest_records(directory, &records, why);
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

/* The digest beside the records, when it is theirs; else NULL, whatever is wrong with it:
 * the records say all that it says. */
static json_t *read_digest(const char *directory, const json_t *records)
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
    if (json_integer_value(schema) != IPM_DIGEST_SCHEMA ||
        !json_equal(json_object_get(digest, "records"), records) ||
        !json_is_array(json_object_get(digest, "points")))
        return NULL;
    return ipm_steal(&digest);
}

int ipm_digest_load(const char *directory, json_t **out_digest,
                    enum ipm_digest_source *out_source, struct ipm_why *why)
{
    ipm_auto_json json_t *records = NULL;
    int error = ipm_digest_records(directory, &records, why);
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
