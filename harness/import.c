/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/import.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "base/record.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH = 4096, MANIFEST_SCHEMA = 1 };

/* What was read of the file, before anything is written. */
struct cargo {
    json_t *records;
    json_t *describe; /* NULL: none among the lines */
    struct ipm_import_result result;
};

struct folder {
    char manifest_path[PATH];
    char records_path[PATH];
    json_t *manifest;
    json_t *known; /* hash of each record that is there already */
    bool fresh;
    int records;
};

static void set(json_t *json, const char *key, json_t *value)
{
    (void)json_object_set_new(json, key, value);
}

static const char *text_of(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));
    return text == NULL ? "" : text;
}

/* The line's JSON object, from its first brace on; text behind it is the console's. */
static json_t *object_of(const char *text, size_t length, struct ipm_why *why)
{
    json_error_t problem;
    json_t *object = json_loadb(
        text, length, JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK, &problem);
    if (object == NULL)
        (void)ipm_why_set(why, -EINVAL, "column %d: %s", problem.column, problem.text);
    return object;
}

static void note_broken(struct cargo *cargo, size_t line, const struct ipm_why *why)
{
    struct ipm_import_result *result = &cargo->result;
    if (result->broken++ == 0)
        (void)snprintf(result->problem, sizeof(result->problem), "line %zu: %.70s",
                       line, why->text);
}

static void take_line(struct cargo *cargo, const char *text, size_t length, size_t line)
{
    const char *brace = memchr(text, '{', length);
    size_t rest = brace == NULL ? 0 : length - (size_t)(brace - text);
    bool says_schema = brace != NULL && memmem(brace, rest, "\"schema\"", 8) != NULL;
    if (!says_schema) {
        cargo->result.other += strspn(text, " \t\r\n") < length;
        return;
    }
    struct ipm_why why = {.error = 0, .text = ""};
    ipm_auto_json json_t *object = object_of(brace, rest, &why);
    if (json_is_array(json_object_get(object, "mechanisms"))) {
        if (cargo->describe == NULL)
            cargo->describe = ipm_steal(&object);
        return;
    }
    if (object == NULL || ipm_record_check(object, &why) != 0)
        note_broken(cargo, line, &why);
    else
        (void)json_array_append(cargo->records, object);
}

static int read_cargo(const char *path, struct cargo *cargo, struct ipm_why *why)
{
    ipm_auto_file FILE *file = fopen(path, "re");
    if (file == NULL)
        return ipm_why_set(why, -errno, "open %s: ", path);
    ipm_auto_free char *text = NULL;
    size_t room = 0;
    for (size_t line = 1;; line++) {
        ssize_t length = getline(&text, &room, file);
        if (length < 0 && !feof(file))
            return ipm_why_set(why, -errno, "read %s: ", path);
        if (length < 0)
            break;
        /* A record without the end of its line may be half of one: a number cut short
         * still parses. */
        if (text[length - 1] != '\n') {
            cargo->result.torn = true;
            break;
        }
        take_line(cargo, text, (size_t)length, line);
    }
    return json_array_size(cargo->records) > 0
               ? 0
               : ipm_why_set(why, -ENODATA, "%s holds no record", path);
}

/* The one host that the records name; "" when none names one. */
static int one_host(const json_t *records, const char **out_host, struct ipm_why *why)
{
    size_t i;
    const json_t *record;
    const char *host = "";
    json_array_foreach(records, i, record)
    {
        const char *of_record = text_of(record, "host");
        if (of_record[0] != '\0' && host[0] != '\0' && strcmp(of_record, host) != 0)
            return ipm_why_set(
                why, -EXDEV,
                "the records are of two hosts, '%s' and '%s': figures of "
                "two machines never share a folder",
                host, of_record);
        host = of_record[0] != '\0' ? of_record : host;
    }
    *out_host = host;
    return 0;
}

/* Times as text, ISO 8601 in UTC, sort as they are. */
static json_t *extreme_start(const json_t *records, int sign)
{
    size_t i;
    const json_t *record;
    const char *found = "";
    json_array_foreach(records, i, record)
    {
        const char *started = text_of(record, "started");
        if (started[0] != '\0' &&
            (found[0] == '\0' || sign * strcmp(started, found) > 0))
            found = started;
    }
    return found[0] == '\0' ? json_null() : json_string(found);
}

static json_t *new_manifest(const struct cargo *cargo, const char *host, bool emulated)
{
    const json_t *first = json_array_get(cargo->records, 0);
    char run[IPM_HASH_TEXT];
    ipm_json_hash(first, run);
    json_t *manifest = json_object();
    set(manifest, "schema", json_integer(MANIFEST_SCHEMA));
    set(manifest, "name", json_string(emulated ? "imported, emulated" : "imported"));
    set(manifest, "run",
        json_string(text_of(first, "run")[0] == '\0' ? run : text_of(first, "run")));
    set(manifest, "started", extreme_start(cargo->records, -1));
    set(manifest, "finished", extreme_start(cargo->records, 1));
    set(manifest, "interrupted", json_boolean(cargo->result.torn));
    set(manifest, "seed", json_null());
    set(manifest, "version", json_string(IPM_VERSION));
    set(manifest, "build", json_string(text_of(first, "build")));
    set(manifest, "config", json_null());
    set(manifest, "imported", json_true());
    set(manifest, "host",
        json_pack("{s:o, s:b}", "class",
                  host[0] == '\0' ? json_null() : json_string(host), "emulated",
                  emulated));
    set(manifest, "environment_before", json_null());
    set(manifest, "environment_after", json_null());
    set(manifest, "drift", json_array());
    set(manifest, "skips", json_array());
    set(manifest, "dropped", json_array());
    set(manifest, "describe",
        cargo->describe == NULL ? json_null() : json_incref(cargo->describe));
    return manifest;
}

static int note_known(void *context, const json_t *record, size_t line)
{
    char hash[IPM_HASH_TEXT];
    (void)line;
    ipm_json_hash(record, hash);
    set(context, hash, json_true());
    return 0;
}

/* The folder as it is, or as it is going to be; nothing is written yet. */
static int look_at_folder(struct folder *folder, const char *directory,
                          struct ipm_why *why)
{
    int manifest = snprintf(folder->manifest_path, PATH, "%s/manifest.json", directory);
    int records = snprintf(folder->records_path, PATH, "%s/records.jsonl", directory);
    if (manifest < 0 || manifest >= PATH || records < 0 || records >= PATH)
        return ipm_why_set(why, -ENAMETOOLONG, "%.60s...: path is too long", directory);
    json_error_t problem;
    bool torn = false;
    folder->known = json_object();
    folder->manifest = json_load_file(folder->manifest_path, 0, &problem);
    struct stat status;
    if (folder->manifest == NULL &&
        json_error_code(&problem) == json_error_cannot_open_file) {
        folder->fresh = true;
        if (stat(folder->records_path, &status) == 0)
            return ipm_why_set(why, -EINVAL, "%s holds records without a manifest",
                               directory);
        return 0;
    }
    if (!json_is_object(folder->manifest))
        return ipm_why_set(why, -EINVAL, "%s cannot be read", folder->manifest_path);
    if (stat(folder->records_path, &status) != 0)
        return 0;
    return ipm_records_read(folder->records_path, note_known, folder->known, &torn,
                            why);
}

/* May these records stand beside those of the folder? */
static int same_machine(const json_t *manifest, const char *host, bool emulated,
                        struct ipm_why *why)
{
    const json_t *there = json_object_get(manifest, "host");
    const char *class = text_of(there, "class");
    if (strcmp(class, host) != 0)
        return ipm_why_set(why, -EXDEV,
                           "the folder is of host '%s', the records are of '%s'", class,
                           host);
    if (json_is_true(json_object_get(there, "emulated")) != emulated)
        return ipm_why_set(
            why, -EXDEV, "the folder's machine is %s, that of the records is %s",
            emulated ? "a real one" : "emulated", emulated ? "emulated" : "a real one");
    return 0;
}

/* What the manifest knows and the record does not. */
static void complete(json_t *record, const json_t *manifest, bool emulated)
{
    const json_t *host = json_object_get(manifest, "host");
    if (text_of(record, "run")[0] == '\0')
        (void)json_object_set(record, "run", json_object_get(manifest, "run"));
    if (text_of(record, "host")[0] == '\0')
        (void)json_object_set(record, "host", json_object_get(host, "class"));
    if (!emulated)
        return;
    if (!json_is_array(json_object_get(record, "flags")))
        set(record, "flags", json_array());
    json_t *flags = json_object_get(record, "flags");
    size_t i;
    const json_t *flag;
    json_array_foreach(flags, i, flag)
    {
        if (json_is_string(flag) && strcmp(json_string_value(flag), "emulated") == 0)
            return;
    }
    (void)json_array_append_new(flags, json_string("emulated"));
}

/* The manifest first: records without one would not say where they are from. */
static int begin(struct folder *folder, const char *directory, struct ipm_why *why)
{
    size_t dropped = 0;
    if (mkdir(directory, 0755) != 0 && errno != EEXIST)
        return ipm_why_set(why, -errno, "create %s: ", directory);
    int error = folder->fresh
                    ? ipm_json_write_file(folder->manifest, folder->manifest_path, why)
                    : 0;
    if (error != 0)
        return error;
    folder->records = ipm_records_append(folder->records_path, &dropped, why);
    return folder->records < 0 ? folder->records : 0;
}

static int add_records(struct folder *folder, struct cargo *cargo, bool emulated,
                       struct ipm_why *why)
{
    size_t i;
    json_t *record;
    int error = 0;
    json_array_foreach(cargo->records, i, record)
    {
        char hash[IPM_HASH_TEXT];
        complete(record, folder->manifest, emulated);
        ipm_json_hash(record, hash);
        if (json_object_get(folder->known, hash) != NULL) {
            cargo->result.known++;
            continue;
        }
        error = ipm_records_write(folder->records, record, why);
        if (error != 0)
            break;
        set(folder->known, hash, json_true());
        cargo->result.records++;
    }
    return error;
}

static int import(const struct ipm_import_request *request, struct cargo *cargo,
                  struct folder *folder, struct ipm_why *why)
{
    const char *host = "";
    int error = read_cargo(request->file, cargo, why);
    if (error == 0)
        error = one_host(cargo->records, &host, why);
    if (error == 0)
        error = look_at_folder(folder, request->directory, why);
    if (error == 0 && folder->fresh)
        folder->manifest = new_manifest(cargo, host, request->emulated);
    if (error == 0)
        error = same_machine(folder->manifest, host, request->emulated, why);
    if (error == 0)
        error = begin(folder, request->directory, why);
    return error == 0 ? add_records(folder, cargo, request->emulated, why) : error;
}

int ipm_import(const struct ipm_import_request *request,
               struct ipm_import_result *out_result, struct ipm_why *why)
{
    struct cargo cargo = {.records = json_array(), .describe = NULL};
    struct folder folder = {.manifest = NULL, .known = NULL, .records = -1};
    int error = import(request, &cargo, &folder, why);
    if (error == 0)
        *out_result = cargo.result;
    ipm_cleanup_fd(&folder.records);
    json_decref(folder.manifest);
    json_decref(folder.known);
    json_decref(cargo.records);
    json_decref(cargo.describe);
    return error;
}
