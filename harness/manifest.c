/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/manifest.h"

#include "harness/describe.h"
#include "harness/drift.h"
#include "harness/environment.h"

#include <errno.h>
#include <string.h>
#include <time.h>

enum { SCHEMA = 1 };

static void set(json_t *json, const char *key, json_t *value)
{
    (void)json_object_set_new(json, key, value);
}

static json_t *now_utc(void)
{
    char text[32];
    time_t now = time(NULL);
    struct tm utc;
    (void)gmtime_r(&now, &utc);
    (void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
    return json_string(text);
}

/* How the machine looks right now; what it is goes to @manifest once. */
static json_t *environment(json_t *manifest, const char *sysroot)
{
    json_t *json = ipm_environment_json(sysroot);
    (void)json_object_set(manifest, "host", json_object_get(json, "host"));
    (void)json_object_del(json, "host");
    return json;
}

json_t *ipm_manifest_new(const struct ipm_spec *spec, const struct ipm_plan *plan,
                         const json_t *describe, const char *run, uint64_t seed,
                         const char *sysroot)
{
    json_t *manifest = json_object();
    if (manifest == NULL)
        return NULL;
    set(manifest, "schema", json_integer(SCHEMA));
    set(manifest, "name", json_string(spec->name));
    set(manifest, "run", json_string(run));
    set(manifest, "quick", json_boolean(spec->quick));
    set(manifest, "started", now_utc());
    set(manifest, "finished", json_null());
    set(manifest, "interrupted", json_false());
    set(manifest, "seed", json_integer((json_int_t)seed));
    set(manifest, "version", json_string(IPM_VERSION));
    set(manifest, "build",
        json_string(ipm_describe_text(describe, "build", "unknown")));
    set(manifest, "config", ipm_spec_json(spec));
    set(manifest, "environment_before", environment(manifest, sysroot));
    set(manifest, "environment_after", json_null());
    set(manifest, "drift", json_array());
    set(manifest, "skips", ipm_plan_skips_json(spec, plan->skips, plan->n_skips));
    set(manifest, "dropped", ipm_plan_skips_json(spec, plan->dropped, plan->n_dropped));
    set(manifest, "describe", json_deep_copy(describe));
    return manifest;
}

void ipm_manifest_adopt(json_t *manifest, const json_t *found)
{
    static const char *const kept[] = {"capacities",         "seed", "run", "started",
                                       "environment_before", "drift"};
    /* Counts since boot go on from where this process begins. */
    (void)json_object_set(manifest, "environment_resumed",
                          json_object_get(manifest, "environment_before"));
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
        (void)json_object_set(manifest, kept[i], json_object_get(found, kept[i]));
}

static bool has(const json_t *list, const json_t *name)
{
    size_t i;
    const json_t *entry;
    json_array_foreach(list, i, entry)
    {
        if (json_equal(json_object_get(entry, "name"), name))
            return true;
    }
    return false;
}

/* What drifted in earlier parts of the run is not forgotten when it goes on. */
static void set_drift(json_t *manifest)
{
    const json_t *first = json_object_get(manifest, "environment_before");
    const json_t *resumed = json_object_get(manifest, "environment_resumed");
    const json_t *after = json_object_get(manifest, "environment_after");
    json_t *drift =
        ipm_drift_json(json_object_get(first, "state"),
                       json_object_get(resumed != NULL ? resumed : first, "state"),
                       json_object_get(after, "state"));
    size_t i;
    json_t *entry;
    json_array_foreach(json_object_get(manifest, "drift"), i, entry)
    {
        if (!has(drift, json_object_get(entry, "name")))
            (void)json_array_append(drift, entry);
    }
    set(manifest, "drift", drift);
}

void ipm_manifest_finish(json_t *manifest, bool interrupted, const char *sysroot)
{
    set(manifest, "finished", now_utc());
    set(manifest, "interrupted", json_boolean(interrupted));
    set(manifest, "environment_after", environment(manifest, sysroot));
    set_drift(manifest);
}

static const json_t *path(const json_t *json, const char *outer, const char *inner)
{
    return json_object_get(json_object_get(json, outer), inner);
}

int ipm_manifest_resumable(const json_t *manifest, const json_t *now,
                           struct ipm_why *why)
{
    static const char *const same[] = {"class", "kernel"};
    if (!json_is_object(json_object_get(manifest, "config")) ||
        !json_is_integer(json_object_get(manifest, "seed")))
        return ipm_why_set(why, -EINVAL, "manifest.json holds no run");
    if (!json_equal(json_object_get(manifest, "config"),
                    json_object_get(now, "config")))
        return ipm_why_set(why, -EXDEV,
                           "the config is another one than that of this folder");
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        const json_t *then = path(manifest, "host", same[i]);
        const json_t *here = path(now, "host", same[i]);
        if (!json_equal(then, here))
            return ipm_why_set(why, -EXDEV, "the machine's %s was '%s', it is '%s' now",
                               same[i], json_string_value(then) ?: "?",
                               json_string_value(here) ?: "?");
    }
    return 0;
}
