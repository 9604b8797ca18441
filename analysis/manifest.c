/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/manifest.h"

#include "base/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int ipm_manifest_read(const char *directory, json_t **out_manifest, struct ipm_why *why)
{
    char path[4096];
    int needed = snprintf(path, sizeof(path), "%s/manifest.json", directory);
    if (needed < 0 || (size_t)needed >= sizeof(path))
        return ipm_why_set(why, -ENAMETOOLONG, "path is too long");
    ipm_auto_file FILE *file = fopen(path, "re");
    if (file == NULL && errno != ENOENT)
        return ipm_why_set(why, -errno, "open %s: ", path);

    json_error_t problem = {0};
    ipm_auto_json json_t *manifest =
        file == NULL ? NULL : json_loadf(file, JSON_REJECT_DUPLICATES, &problem);
    int64_t schema = 0;
    int result = 0;
    if (file == NULL)
        result = ipm_why_set(why, IPM_MANIFEST_UNREAD, "absent: there is none");
    else if (manifest == NULL)
        result = ipm_why_set(why, IPM_MANIFEST_UNREAD, "failed: line %d, column %d: %s",
                             problem.line, problem.column, problem.text);
    else if (ipm_json_get_integer(manifest, "schema", &schema, NULL) != 0)
        result = ipm_why_set(why, IPM_MANIFEST_UNREAD, "failed: no schema number");
    else if (schema != IPM_MANIFEST_SCHEMA)
        result = ipm_why_set(why, IPM_MANIFEST_UNREAD,
                             "failed: schema %lld, this build reads %d",
                             (long long)schema, IPM_MANIFEST_SCHEMA);
    *out_manifest = result == 0 ? ipm_steal(&manifest) : json_object();
    return *out_manifest == NULL ? ipm_why_set(why, -ENOMEM, "read %s: ", path)
                                 : result;
}

const char *ipm_manifest_text(const json_t *manifest, const char *path,
                              const char *fallback)
{
    const json_t *at = manifest;
    while (at != NULL && *path != '\0') {
        char key[64];
        size_t length = strcspn(path, ".");
        (void)snprintf(key, sizeof(key), "%.*s", (int)length, path);
        at = json_object_get(at, key);
        path += length + (path[length] == '.');
    }
    return json_is_string(at) ? json_string_value(at) : fallback;
}

double ipm_manifest_between_runs(const json_t *manifest)
{
    const json_t *repeat =
        json_object_get(json_object_get(manifest, "config"), "repeat");
    double deviation = json_number_value(json_object_get(repeat, "between_runs"));
    return deviation > 0 ? deviation : 0;
}

/* The element of an array of objects whose "name" is @name, or NULL. */
static const json_t *named(const json_t *array, const char *name)
{
    size_t i;
    const json_t *element;
    json_array_foreach(array, i, element)
    {
        const char *found = json_string_value(json_object_get(element, "name"));
        if (found != NULL && strcmp(found, name) == 0)
            return element;
    }
    return NULL;
}

static const json_t *described(const json_t *manifest, const char *kind,
                               const char *name)
{
    const json_t *describe = json_object_get(manifest, "describe");
    return named(json_object_get(describe, kind), name);
}

bool ipm_manifest_is_floor(const json_t *manifest, const char *mechanism)
{
    const json_t *entry = described(manifest, "mechanisms", mechanism);
    const char *kind = json_string_value(json_object_get(entry, "kind"));
    if (kind != NULL)
        return strcmp(kind, "floor") == 0;
    return strncmp(mechanism, "floor_", strlen("floor_")) == 0;
}

bool ipm_manifest_has_capability(const json_t *manifest, const char *mechanism,
                                 const char *capability)
{
    const json_t *entry = described(manifest, "mechanisms", mechanism);
    size_t i;
    const json_t *word;
    json_array_foreach(json_object_get(entry, "capabilities"), i, word)
    {
        if (json_is_string(word) && strcmp(json_string_value(word), capability) == 0)
            return true;
    }
    return false;
}

int ipm_manifest_in_kernel(const json_t *manifest, const char *mechanism,
                           int64_t copies)
{
    const json_t *entry = described(manifest, "mechanisms", mechanism);
    size_t i;
    const json_t *mode;
    json_array_foreach(json_object_get(entry, "modes"), i, mode)
    {
        const json_t *calls = json_object_get(mode, "system_calls");
        int64_t of_mode = -1;
        if (ipm_json_get_integer(mode, "copies", &of_mode, NULL) == 0 &&
            of_mode == copies && json_is_number(calls))
            return json_number_value(calls) != 0;
    }
    return -1;
}

bool ipm_manifest_is_emulated(const json_t *manifest)
{
    const json_t *host = json_object_get(manifest, "host");
    return json_is_true(json_object_get(host, "emulated"));
}

const char *ipm_manifest_pass_reason(const json_t *manifest, const char *pass)
{
    const json_t *entry = described(manifest, "passes", pass);
    if (!json_is_false(json_object_get(entry, "available")))
        return NULL;
    const char *reason = json_string_value(json_object_get(entry, "reason"));
    return reason == NULL ? "failed: no reason is given" : reason;
}

const char *ipm_manifest_axis_default(const json_t *manifest, const char *axis)
{
    const json_t *entry = described(manifest, "axes", axis);
    const char *text = json_string_value(json_object_get(entry, "default"));
    return text == NULL ? "" : text;
}

const json_t *ipm_manifest_top_warning(const json_t *manifest)
{
    static const char *const gravity[] = {"fail", "warn", "unknown"};
    const json_t *environment = json_object_get(manifest, "environment_before");
    const json_t *checks = json_object_get(environment, "checks");
    for (size_t grade = 0; grade < sizeof(gravity) / sizeof(gravity[0]); grade++) {
        size_t i;
        const json_t *check;
        json_array_foreach(checks, i, check)
        {
            const char *status = json_string_value(json_object_get(check, "status"));
            if (status != NULL && strcmp(status, gravity[grade]) == 0)
                return check;
        }
    }
    return NULL;
}
