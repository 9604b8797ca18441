/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/energy.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/process.h"
#include "harness/spawn.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    METER_LIMIT = 1 << 20, /* bytes */
    METER_SECONDS = 60,    /* an examination takes two on a machine at rest */
    REASON = 400,
};

static void set(json_t *json, const char *key, json_t *value)
{
    (void)json_object_set_new(json, key, value);
}

json_t *ipm_energy_asked(const struct ipm_spec *spec)
{
    json_t *meter = json_object_get(spec->sensing, "energy");
    if (meter != NULL)
        return json_deep_copy(meter);
    return json_string(spec->energy == IPM_SENSING_OFF ? "off" : "auto");
}

static json_t *verdict_of(const json_t *asked)
{
    json_t *verdict = json_object();
    (void)json_object_set(verdict, "asked", (json_t *)(uintptr_t)asked);
    set(verdict, "accepted", json_false());
    set(verdict, "source", json_null());
    set(verdict, "provenance", json_null());
    set(verdict, "reason", json_null());
    set(verdict, "parameters", json_null());
    set(verdict, "sources", json_array());
    return verdict;
}

static json_t *refuse(json_t *verdict, const char *reason)
{
    set(verdict, "reason", ipm_json_text(reason));
    return verdict;
}

static json_t *accept(json_t *verdict, const char *source, const char *provenance)
{
    set(verdict, "accepted", json_true());
    set(verdict, "source", json_string(source));
    set(verdict, "provenance", json_string(provenance));
    set(verdict, "reason", json_null());
    return verdict;
}

/* May this source be used?  A hypervisor's share counts as a meter only by its name. */
static bool acceptable(const json_t *source, bool by_name)
{
    const char *provenance = ipm_describe_text(source, "provenance", "");
    return json_is_true(json_object_get(source, "accepted")) &&
           (strcmp(provenance, "measured") == 0 ||
            strcmp(provenance, "measured_coarse") == 0 ||
            (by_name && strcmp(provenance, "attributed") == 0));
}

/* Appends why a source is not taken, "CLASS: SOURCE: text". */
static void tell(const json_t *source, bool by_name, char reason[REASON])
{
    size_t used = strlen(reason);
    const char *said = ipm_describe_text(source, "reason", "");
    const char *provenance = ipm_describe_text(source, "provenance", "unavailable");
    bool attributed = !by_name && strcmp(provenance, "attributed") == 0;
    int length = (int)strspn(said, "abcdefghijklmnopqrstuvwxyz_");
    bool has_class = length > 0 && strncmp(said + length, ": ", 2) == 0;
    const char *class = attributed ? "attributed" : "failed";
    (void)snprintf(reason + used, REASON - used, "%s%.*s: %s: %s%s",
                   used == 0 ? "" : "; ", has_class ? length : (int)strlen(class),
                   has_class ? said : class, ipm_describe_text(source, "source", "?"),
                   said[0] != '\0' ? said + (has_class ? length + 2 : 0)
                                   : "not accepted, no reason given",
                   attributed ? " (must be asked for by name)" : "");
}

/* Is it a source that is not there, rather than one that is not fit? */
static bool is_absent(const json_t *source)
{
    return strncmp(ipm_describe_text(source, "reason", ""), "absent:", 7) == 0;
}

json_t *ipm_energy_judge(const json_t *asked, const json_t *meter)
{
    json_t *verdict = verdict_of(asked);
    const char *word = json_string_value(asked);
    bool by_name = word != NULL && strcmp(word, "auto") != 0;
    char reason[REASON] = "";
    json_t *sources = json_object_get(meter, "sources");
    if (!json_is_array(sources))
        return refuse(verdict, "failed: the worker did not say what meters it has");
    (void)json_object_set(verdict, "sources", sources);
    size_t i;
    const json_t *source;
    json_array_foreach(sources, i, source)
    {
        const char *name = ipm_describe_text(source, "source", "?");
        const char *provenance = ipm_describe_text(source, "provenance", "unavailable");
        if (by_name && strcmp(name, word) != 0)
            continue;
        if (acceptable(source, by_name))
            return accept(verdict, name, provenance);
        if (!is_absent(source))
            tell(source, by_name, reason);
    }
    /* What is not there comes last: records have room for one reason. */
    json_array_foreach(sources, i, source)
    {
        const char *name = ipm_describe_text(source, "source", "?");
        if (is_absent(source) && (!by_name || strcmp(name, word) == 0))
            tell(source, by_name, reason);
    }
    if (reason[0] == '\0')
        (void)snprintf(reason, sizeof(reason), "absent: no meter%s%.40s",
                       by_name ? " named " : "", by_name ? word : "");
    return refuse(verdict, reason);
}

/* Runs `ipcmeter-worker meter`.  0; 1 interrupted; < 0 with the reason. */
static int ask_worker(const struct ipm_worker *worker, const json_t *sensors,
                      const volatile sig_atomic_t *interrupted, json_t **out_meter,
                      struct ipm_why *why)
{
    const char *argv[8];
    size_t n = 0;
    ipm_auto_free char *wishes = sensors != NULL ? ipm_json_canonical(sensors) : NULL;
    argv[n++] = worker->path;
    if (worker->sysroot != NULL && worker->sysroot[0] != '\0') {
        argv[n++] = "--sysroot";
        argv[n++] = worker->sysroot;
    }
    if (wishes != NULL) {
        argv[n++] = "--sensors";
        argv[n++] = wishes;
    }
    argv[n++] = "meter";
    argv[n] = NULL;
    struct ipm_spawn spawn = {
        .argv = argv,
        .output_limit = METER_LIMIT,
        .deadline_ns = ipm_now_ns() + METER_SECONDS * IPM_NS_PER_SECOND,
        .interrupted = interrupted,
    };
    ipm_auto_free char *text = NULL;
    size_t length = 0;
    int status = 0;
    int error = ipm_spawn_worker(&spawn, &text, &length, &status, why);
    if (error == IPM_SPAWN_INTERRUPTED)
        return 1;
    if (error == IPM_SPAWN_TIMED_OUT)
        return ipm_why_set(why, -EIO, "the examination took more than %d s",
                           METER_SECONDS);
    if (error < 0)
        return error;
    char words[IPM_STATUS_TEXT];
    if (status != 0)
        return ipm_why_set(why, -EIO, "the worker's examination %s",
                           ipm_status_text(status, words));
    *out_meter = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
    if (*out_meter == NULL)
        return ipm_why_set(why, -EBADMSG,
                           "what the worker says of its meters is no JSON");
    return 0;
}

/* A meter that is asked for with its parameters is what it is: nothing to examine. */
static json_t *by_request(const json_t *asked, const char *name)
{
    json_t *verdict = accept(verdict_of(asked), name, name);
    (void)json_object_set(verdict, "parameters", json_object_get(asked, name));
    return verdict;
}

static void close_passes(json_t *describe, const json_t *verdict)
{
    static const char *const names[] = {"energy", "idle"};
    for (size_t i = 0; i < 2; i++) {
        json_t *pass =
            (json_t *)(uintptr_t)ipm_describe_find(describe, "passes", names[i]);
        if (pass == NULL || !json_is_true(json_object_get(pass, "available")))
            continue; /* it has a reason of its own */
        set(pass, "available", json_false());
        (void)json_object_set(pass, "reason", json_object_get(verdict, "reason"));
    }
}

int ipm_energy_examine(const struct ipm_worker *worker, const struct ipm_spec *spec,
                       const volatile sig_atomic_t *interrupted, json_t *describe,
                       json_t **out_verdict, struct ipm_why *why)
{
    ipm_auto_json json_t *asked = ipm_energy_asked(spec);
    const json_t *pass = ipm_describe_find(describe, "passes", "energy");
    json_t *verdict = NULL;
    if (json_object_get(asked, "simulated") != NULL) {
        verdict = by_request(asked, "simulated");
    } else if (json_is_string(asked) && strcmp(json_string_value(asked), "off") == 0) {
        verdict = refuse(verdict_of(asked), "off: in the config");
    } else if (!json_is_true(json_object_get(pass, "available"))) {
        verdict =
            refuse(verdict_of(asked),
                   ipm_describe_text(pass, "reason", "the worker has no pass energy"));
    } else if (json_object_get(asked, "estimated") != NULL) {
        verdict = by_request(asked, "estimated");
    } else {
        struct ipm_why problem = {0};
        ipm_auto_json json_t *meter = NULL;
        int error = ask_worker(worker, spec->sensing, interrupted, &meter, &problem);
        if (error == 1)
            return 1;
        char reason[REASON];
        (void)snprintf(reason, sizeof(reason), "failed: not examined: %s",
                       problem.text);
        verdict = error < 0 ? refuse(verdict_of(asked), reason)
                            : ipm_energy_judge(asked, meter);
    }
    if (verdict == NULL)
        return ipm_why_set(why, -ENOMEM, "no memory");
    if (!json_is_true(json_object_get(verdict, "accepted")))
        close_passes(describe, verdict);
    *out_verdict = verdict;
    return 0;
}

json_t *ipm_energy_sensors(const struct ipm_spec *spec, const json_t *verdict)
{
    json_t *sensors =
        spec->sensing != NULL ? json_deep_copy(spec->sensing) : json_object();
    const json_t *source = json_object_get(verdict, "source");
    /* The worker would take the first meter there is, not the first that was accepted. */
    if (json_is_string(source) && !json_is_object(json_object_get(sensors, "energy")))
        set(sensors, "energy", json_string(json_string_value(source)));
    /* What it is was found out by the examination, which takes longer than a probe. */
    const char *provenance = ipm_describe_text(verdict, "provenance", "measured");
    if (strcmp(provenance, "measured_coarse") == 0 ||
        strcmp(provenance, "attributed") == 0)
        set(sensors, "energy_provenance", json_string(provenance));
    if (json_object_size(sensors) > 0)
        return sensors;
    json_decref(sensors);
    return NULL;
}
