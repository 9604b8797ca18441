/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/baseline_class.h"

#include "analysis/machine_keys.h"
#include "analysis/manifest.h"
#include "analysis/member.h"
#include "base/cleanup.h"

#include <stdio.h>
#include <string.h>

enum { NOTE = 320 };

const char *ipm_baseline_value(char text[IPM_BASELINE_VALUE], const json_t *value)
{
    if (value == NULL || json_is_null(value))
        return "?";
    if (json_is_string(value)) {
        (void)snprintf(text, IPM_BASELINE_VALUE, "%s", json_string_value(value));
        return text;
    }
    ipm_auto_free char *dumped =
        json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
    (void)snprintf(text, IPM_BASELINE_VALUE, "%s", dumped != NULL ? dumped : "?");
    return text;
}

/* Absent and null are alike. */
static bool alike(const json_t *a, const json_t *b)
{
    bool no_a = a == NULL || json_is_null(a);
    bool no_b = b == NULL || json_is_null(b);
    return no_a || no_b ? no_a && no_b : json_equal(a, b);
}

static json_t *or_null(json_t *value)
{
    return value != NULL ? json_incref(value) : json_null();
}

static void note(json_t *notes, const char *text)
{
    (void)json_array_append_new(notes, ipm_json_text(text));
}

/* Names of the sessions in @flats: those of the baseline, then those of the candidate. */
static const char *name_of(const json_t *baseline, const json_t *candidate, size_t i)
{
    size_t n = json_array_size(baseline);
    const json_t *session =
        i < n ? json_array_get(baseline, i) : json_array_get(candidate, i - n);
    return ipm_member_text(session, "directory");
}

/* One key over all sessions, the first of the candidate being number @first. */
static void look_at(const char *key, const json_t *flats, size_t first,
                    const json_t *baseline, const json_t *candidate, json_t *answer)
{
    const json_t *mine = json_object_get(json_array_get(flats, first), key);
    enum ipm_machine_weight weight = ipm_machine_key(key)->weight;
    size_t i;
    const json_t *flat;
    if (weight == IPM_MACHINE_ASIDE)
        return;
    json_array_foreach(flats, i, flat)
    {
        json_t *value = json_object_get(flat, key);
        if (alike(value, mine))
            continue;
        json_t *row = json_pack(
            "{s:s, s:o, s:o, s:o}", "key", key, "session",
            ipm_json_text(name_of(baseline, candidate, i)), "baseline", or_null(value),
            "candidate", or_null(json_object_get(json_array_get(flats, first), key)));
        (void)json_array_append_new(
            json_object_get(answer, weight == IPM_MACHINE_HARD ? "hard" : "soft"), row);
        return;
    }
}

/* The doctor's checks before a session, or what drifted while it went on. */
static const json_t *found_at(const json_t *session, bool drift)
{
    const json_t *manifest = json_object_get(session, "manifest");
    const json_t *before = json_object_get(manifest, "environment_before");
    return drift ? json_object_get(manifest, "drift")
                 : json_object_get(before, "checks");
}

static int gravity(const json_t *check)
{
    const char *status = ipm_member_text(check, "status");
    return strcmp(status, "fail") == 0 ? 2 : strcmp(status, "warn") == 0;
}

static const json_t *check_named(const json_t *session, bool drift, const char *name)
{
    size_t i;
    const json_t *check;
    json_array_foreach(found_at(session, drift), i, check)
    {
        if (strcmp(ipm_member_text(check, "name"), name) == 0)
            return check;
    }
    return NULL;
}

/* What was found worse at a session of the candidate than at any of the baseline.  A check that
 * these do not have says nothing; what did not drift there did not drift. */
static void look_at_checks(const json_t *session, bool drift, const json_t *baseline,
                           json_t *notes)
{
    size_t i;
    size_t k;
    const json_t *check;
    const json_t *other;
    json_array_foreach(found_at(session, drift), i, check)
    {
        const char *name = ipm_member_text(check, "name");
        int worst = drift ? 0 : -1;
        json_array_foreach(baseline, k, other)
        {
            const json_t *there = check_named(other, drift, name);
            int found = there != NULL ? gravity(there) : worst;
            worst = found > worst ? found : worst;
        }
        if (worst < 0 || gravity(check) <= worst)
            continue;
        char text[NOTE];
        (void)snprintf(text, sizeof(text),
                       "%.40s was worse %s %.80s than at any session of the baseline: "
                       "%.140s",
                       name, drift ? "during" : "before",
                       ipm_member_text(session, "directory"),
                       ipm_member_text(check, "text"));
        note(notes, text);
    }
}

/* How many different texts the sessions have, "" not counted. */
static size_t count_texts(const json_t *sessions, const char *key)
{
    ipm_auto_json json_t *seen = json_object();
    size_t i;
    const json_t *session;
    json_array_foreach(sessions, i, session)
    {
        const char *text = ipm_member_text(session, key);
        if (text[0] != '\0')
            (void)json_object_set_new(seen, text, json_true());
    }
    return json_object_size(seen);
}

/* What the scatter of such a baseline cannot hold. */
static void look_at_scatter(const json_t *baseline, const json_t *candidate,
                            json_t *notes)
{
    size_t i;
    const json_t *session;
    const char *boot = ipm_member_text(json_array_get(baseline, 0), "boot");
    const char *build = ipm_member_text(json_array_get(baseline, 0), "build");
    size_t elsewhere = 0;
    size_t rebuilt = 0;
    json_array_foreach(candidate, i, session)
    {
        elsewhere += strcmp(ipm_member_text(session, "boot"), boot) != 0;
        rebuilt += strcmp(ipm_member_text(session, "build"), build) != 0;
    }
    if (boot[0] != '\0' && count_texts(baseline, "boot") == 1 && elsewhere > 0)
        note(notes,
             "all sessions of the baseline are of one boot and the new result is "
             "of another: what a boot changes is not in their scatter");
    if (build[0] != '\0' && count_texts(baseline, "build") == 1 && rebuilt > 0)
        note(notes, "all sessions of the baseline are of one build: what two builds of "
                    "one source differ by is not in their scatter");
    if (count_texts(candidate, "build") > 1)
        note(notes, "the new results are of different builds");
}

/* A config without what only the judging reads.  The caller's; NULL: there is none. */
static json_t *measuring_config(const json_t *session)
{
    static const char *const judging[] = {"name", "gate", "$schema"};
    const json_t *manifest = json_object_get(session, "manifest");
    const json_t *config = json_object_get(manifest, "config");
    json_t *copy = json_is_object(config) ? json_copy((json_t *)config) : NULL;
    for (size_t i = 0; copy != NULL && i < sizeof(judging) / sizeof(judging[0]); i++)
        (void)json_object_del(copy, judging[i]);
    return copy;
}

static void look_at_configs(const json_t *newest, const json_t *candidate,
                            json_t *notes)
{
    size_t i;
    const json_t *session;
    ipm_auto_json json_t *usual = measuring_config(newest);
    json_array_foreach(candidate, i, session)
    {
        char text[NOTE];
        const char *name = ipm_member_text(session, "directory");
        ipm_auto_json json_t *config = measuring_config(session);
        (void)snprintf(text, sizeof(text),
                       "the config of %.100s is another one than that of %.100s: its "
                       "windows or sweeps may be others",
                       name, ipm_member_text(newest, "directory"));
        if (usual != NULL && config != NULL && !json_equal(usual, config))
            note(notes, text);
        (void)snprintf(text, sizeof(text),
                       "%.100s was measured on an emulated machine: its times are the "
                       "emulator's",
                       name);
        if (ipm_manifest_is_emulated(json_object_get(session, "manifest")))
            note(notes, text);
    }
}

json_t *ipm_baseline_class(const json_t *baseline, const json_t *candidate)
{
    size_t i;
    const json_t *session;
    const char *key;
    json_t *ignored;
    json_t *notes = json_array();
    json_t *answer = json_pack("{s:[], s:[], s:o}", "hard", "soft", "notes", notes);
    ipm_auto_json json_t *flats = json_array();
    ipm_auto_json json_t *all = json_object();
    const json_t *const sides[] = {baseline, candidate};
    if (answer == NULL)
        return NULL;
    for (size_t side = 0; side < 2; side++) {
        json_array_foreach(sides[side], i, session)
        {
            json_t *flat = ipm_machine_flat(json_object_get(session, "manifest"));
            (void)json_object_update_missing(all, flat);
            if (json_array_append_new(flats, flat) != 0) {
                json_decref(answer);
                return NULL;
            }
        }
    }
    json_object_foreach(all, key, ignored)
        look_at(key, flats, json_array_size(baseline), baseline, candidate, answer);
    json_array_foreach(candidate, i, session)
    {
        look_at_checks(session, false, baseline, notes);
        look_at_checks(session, true, baseline, notes);
    }
    look_at_scatter(baseline, candidate, notes);
    look_at_configs(json_array_get(baseline, json_array_size(baseline) - 1), candidate,
                    notes);
    return answer;
}
