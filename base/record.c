/* SPDX-License-Identifier: MIT */
#include "base/record.h"

#include "base/cleanup.h"
#include "base/json_arena.h"
#include "base/process.h"
#include "base/skim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

json_t *ipm_distribution_json(const struct ipm_histogram *histogram, uint64_t per)
{
    static const struct {
        const char *name;
        double q;
    } quantiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}};

    if (histogram->count == 0)
        return json_null();
    double scale = 1.0 / (double)per;
    json_t *json = json_object();
    (void)json_object_set_new(json, "count",
                              json_integer((json_int_t)histogram->count));
    (void)json_object_set_new(json, "min",
                              ipm_json_number((double)histogram->min * scale));
    for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++) {
        double value = ipm_histogram_quantile(histogram, quantiles[i].q);
        (void)json_object_set_new(json, quantiles[i].name,
                                  ipm_json_number(value * scale));
    }
    (void)json_object_set_new(json, "max",
                              ipm_json_number((double)histogram->max * scale));
    (void)json_object_set_new(json, "mean",
                              ipm_json_number(ipm_histogram_mean(histogram) * scale));
    (void)json_object_set_new(json, "per", json_integer((json_int_t)per));
    char text[IPM_HISTOGRAM_PACKED + 1];
    double error = 0;
    ipm_histogram_pack(histogram, text, &error);
    (void)json_object_set_new(json, "histogram", json_string(text));
    (void)json_object_set_new(json, "histogram_error", ipm_json_number(error));
    return json;
}

int ipm_record_check(const json_t *record, struct ipm_why *why)
{
    static const char *const texts[] = {"point",     "pass",   "workload",
                                        "mechanism", "status", "build"};
    int64_t schema = 0;
    if (!json_is_object(record) ||
        ipm_json_get_integer(record, "schema", &schema, NULL) != 0)
        return ipm_why_set(why, -EINVAL, "not a record: no schema number");
    if (schema != IPM_RECORD_SCHEMA)
        return ipm_why_set(why, -EPROTO, "record schema %lld, this build reads %d",
                           (long long)schema, IPM_RECORD_SCHEMA);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (!json_is_string(json_object_get(record, texts[i])))
            return ipm_why_set(why, -EINVAL, "not a record: '%s' is missing", texts[i]);
    }
    if (!json_is_integer(json_object_get(record, "invocation")))
        return ipm_why_set(why, -EINVAL, "not a record: 'invocation' is missing");
    return 0;
}

int ipm_records_append(const char *path, size_t *out_dropped, struct ipm_why *why)
{
    ipm_auto_fd int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0)
        return ipm_why_set(why, -errno, "open %s: ", path);
    struct stat status;
    if (fstat(fd, &status) != 0)
        return ipm_why_set(why, -errno, "fstat %s: ", path);

    /* Walk back to the last line feed; what lies behind it is torn. */
    off_t end = status.st_size;
    bool found = end == 0;
    while (!found && end > 0) {
        char chunk[4096];
        off_t start = end > (off_t)sizeof(chunk) ? end - (off_t)sizeof(chunk) : 0;
        ssize_t got = pread(fd, chunk, (size_t)(end - start), start);
        if (got != end - start)
            return ipm_why_set(why, got < 0 ? -errno : -EIO, "read %s: ", path);
        while (got > 0 && chunk[got - 1] != '\n')
            got--;
        found = got > 0;
        end = start + got;
    }
    if (end < status.st_size && ftruncate(fd, end) != 0)
        return ipm_why_set(why, -errno, "cut the torn last line of %s: ", path);
    *out_dropped = (size_t)(status.st_size - end);
    return ipm_steal_fd(&fd);
}

int ipm_records_write(int fd, const json_t *record, struct ipm_why *why)
{
    ipm_auto_free char *text =
        json_dumps(record, JSON_COMPACT | JSON_REAL_PRECISION(17));
    if (text == NULL)
        return ipm_why_set(why, -ENOMEM, "cannot print the record");
    struct stat before;
    if (fstat(fd, &before) != 0)
        return ipm_why_set(why, -errno, "fstat of the records file: ");
    size_t length = strlen(text);
    text[length] = '\n'; /* the NUL's place */
    int error = ipm_write_all(fd, text, length + 1);
    if (error == 0 && fdatasync(fd) != 0)
        error = -errno;
    if (error != 0) {
        (void)!ftruncate(fd, before.st_size);
        return ipm_why_set(why, error, "write record: ");
    }
    return 0;
}

/* The record of one line, or NULL with the reason.  @brief: the caller keeps nothing of it. */
static json_t *parse_line(const char *text, size_t length, bool brief,
                          struct ipm_why *why)
{
    json_error_t problem;
    ipm_auto_json json_t *record =
        brief ? ipm_json_arena_load(text, length, JSON_REJECT_DUPLICATES, &problem)
              : json_loadb(text, length, JSON_REJECT_DUPLICATES, &problem);
    if (record == NULL) {
        (void)ipm_why_set(why, -EINVAL, "column %d: %s", problem.column, problem.text);
        return NULL;
    }
    if (ipm_record_check(record, why) != 0)
        return NULL;
    return ipm_steal(&record);
}

/* The same of a line with @unread cut out, by way of @scratch, as long as the line. */
static json_t *parse_skimmed(const char *text, size_t length, const char *const *unread,
                             char *scratch, struct ipm_why *why)
{
    struct ipm_skimmed skimmed;
    if (ipm_skim(text, length, unread, scratch, &skimmed) != 0)
        return parse_line(text, length, true, why);
    ipm_auto_json json_t *record = parse_line(scratch, skimmed.length, true, why);
    if (record == NULL) /* again, for the place of what is wrong */
        return parse_line(text, length, true, why);
    if (ipm_skim_restore(&skimmed, record) != 0) {
        (void)ipm_why_set(why, -ENOMEM, "no memory for a histogram");
        return NULL;
    }
    return ipm_steal(&record);
}

static void close_arena(const bool *opened)
{
    if (*opened)
        ipm_json_arena_close();
}

#define ipm_auto_arena __attribute__((cleanup(close_arena)))

int ipm_records_scan(const char *path, const char *const *unread,
                     ipm_records_visit *visit, ipm_records_bad *bad, void *context,
                     bool *out_torn, struct ipm_why *why)
{
    ipm_auto_file FILE *file = fopen(path, "re");
    if (file == NULL)
        return ipm_why_set(why, -errno, "open %s: ", path);
    ipm_auto_free char *text = NULL;
    ipm_auto_free char *scratch = NULL;
    ipm_auto_arena bool arena = unread != NULL && ipm_json_arena_open();
    (void)arena; /* its end closes it */
    size_t room = 0;
    size_t scratch_room = 0;
    for (size_t line = 1;; line++) {
        ssize_t length = getline(&text, &room, file);
        if (length < 0 && !feof(file))
            return ipm_why_set(why, -errno, "read %s: ", path);
        if (length < 0 || text[length - 1] != '\n') {
            *out_torn = length > 0;
            return 0;
        }
        if (unread != NULL && scratch_room < room) {
            free(scratch);
            scratch = malloc(room);
            if (scratch == NULL)
                return ipm_why_set(why, -ENOMEM, "read %s: ", path);
            scratch_room = room;
        }
        struct ipm_why problem;
        ipm_auto_json json_t *record =
            unread == NULL
                ? parse_line(text, (size_t)length, false, &problem)
                : parse_skimmed(text, (size_t)length, unread, scratch, &problem);
        int stop = record != NULL ? visit(context, record, line)
                                  : bad(context, line, &problem);
        if (stop != 0)
            return stop;
    }
}

/* What a reader that stops at the first bad line keeps beside its own context. */
struct strict_reader {
    const char *path;
    ipm_records_visit *visit;
    void *context;
    struct ipm_why *why;
};

static int strict_visit(void *context, const json_t *record, size_t line)
{
    const struct strict_reader *reader = context;
    return reader->visit(reader->context, record, line);
}

static int strict_bad(void *context, size_t line, const struct ipm_why *why)
{
    const struct strict_reader *reader = context;
    return ipm_why_set(reader->why, why->error, "%s:%zu: %s", reader->path, line,
                       why->text);
}

int ipm_records_read(const char *path, ipm_records_visit *visit, void *context,
                     bool *out_torn, struct ipm_why *why)
{
    struct strict_reader reader = {
        .path = path, .visit = visit, .context = context, .why = why};
    return ipm_records_scan(path, NULL, strict_visit, strict_bad, &reader, out_torn,
                            why);
}
