/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/methods.h"

#include "analysis/member.h"
#include "analysis/overhead.h"
#include "analysis/report.h"
#include "analysis/report_json.h"
#include "analysis/slow_core.h"
#include "analysis/text.h"
#include "base/cleanup.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* What the points and the floors of a run have, looked at once. */
struct seen {
    json_t *workloads, *mechanisms; /* word to true, in order of appearance */
    json_t *provenances;            /* of energy */
    size_t points, floors;
    size_t least, most; /* ok invocations of the timing pass; of points and floors */
    bool interval, tail, tail_interval, clock, loop, core_step, joules;
};

static long long count(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static const char *plural(long long n)
{
    return n == 1 ? "" : "s";
}

static void note_figures(const json_t *point, struct seen *seen)
{
    const char *name;
    json_t *figure;
    json_object_foreach(json_object_get(point, "figures"), name, figure)
    {
        bool value = json_is_number(json_object_get(figure, "value"));
        const char *provenance = ipm_member_text(figure, "provenance");
        bool percentile = strcmp(name, "p99_ns") == 0 || strcmp(name, "p999_ns") == 0;
        seen->interval =
            seen->interval || json_is_number(json_object_get(figure, "low"));
        seen->tail = seen->tail || (value && percentile);
        seen->tail_interval =
            seen->tail_interval ||
            (percentile && json_is_number(json_object_get(figure, "low")));
        seen->core_step = seen->core_step || (value && !strcmp(name, "core_step_ns"));
        if (!value || provenance[0] == '\0')
            continue;
        seen->joules = true;
        (void)json_object_set_new(seen->provenances, provenance, json_true());
    }
    const json_t *overhead = json_object_get(point, "overhead");
    seen->clock = seen->clock || json_is_number(json_object_get(overhead, "clock_ns"));
    seen->loop = seen->loop || json_is_number(json_object_get(overhead, "loop_ns"));
}

static void note_points(const json_t *points, bool floors, struct seen *seen)
{
    size_t i;
    json_t *point;
    json_array_foreach(points, i, point)
    {
        const json_t *timing =
            json_object_get(json_object_get(point, "passes"), "timing");
        size_t ok = (size_t)count(timing, "ok");
        size_t *number = floors ? &seen->floors : &seen->points;
        ++*number;
        if (ok > 0) {
            seen->least = seen->most == 0 || ok < seen->least ? ok : seen->least;
            seen->most = ok > seen->most ? ok : seen->most;
        }
        if (!floors) {
            (void)json_object_set_new(seen->workloads,
                                      ipm_member_text(point, "workload"), json_true());
            (void)json_object_set_new(seen->mechanisms,
                                      ipm_member_text(point, "mechanism"), json_true());
        }
        note_figures(point, seen);
    }
}

/* "a, b and c" of the keys. */
static void put_keys(FILE *out, const json_t *set)
{
    const char *key;
    json_t *value;
    size_t at = 0;
    size_t n = json_object_size(set);
    json_object_foreach((json_t *)(uintptr_t)set, key, value)
    {
        (void)fprintf(out, "%s%s", at == 0 ? "" : at + 1 == n ? " and " : ", ", key);
        at++;
    }
}

static void put_what(FILE *out, const json_t *report, const struct seen *seen)
{
    const char *version = ipm_member_text(report, "version");
    const char *started = ipm_member_text(report, "started");
    (void)fprintf(out, "Measurements were made with ipcmeter%s%s",
                  version[0] != '\0' ? " " : "", version);
    if (started[0] != '\0')
        (void)fprintf(out, " from %s", started);
    if (json_is_string(json_object_get(report, "finished")))
        (void)fprintf(out, " to %s", ipm_member_text(report, "finished"));
    (void)fprintf(out, ": %zu point%s", seen->points, plural((long long)seen->points));
    if (seen->points > 0) {
        (void)fputs(" (combinations of workload, mechanism and factors; workloads: ",
                    out);
        put_keys(out, seen->workloads);
        (void)fprintf(out, "; %zu mechanism%s: ", json_object_size(seen->mechanisms),
                      plural((long long)json_object_size(seen->mechanisms)));
        put_keys(out, seen->mechanisms);
        (void)fputs(")", out);
    }
    if (seen->floors > 0)
        (void)fprintf(out, " and %zu floor%s, which no IPC can beat", seen->floors,
                      plural((long long)seen->floors));
    (void)fputs(".", out);
}

/* Adds "10ms" as people write it, "10 ms". */
static void add_duration(json_t *set, const char *text)
{
    size_t digits = strspn(text, "0123456789.");
    ipm_auto_json json_t *spaced =
        json_sprintf("%.*s%s%s", (int)digits, text, digits > 0 ? " " : "",
                     text + digits + strspn(text + digits, " "));
    if (text[0] != '\0' && spaced != NULL)
        (void)json_object_set_new(set, json_string_value(spaced), json_true());
}

/* Adds the durations that the config and its sweeps have, each once. */
static json_t *durations(const json_t *config, const char *key)
{
    json_t *set = json_object();
    size_t i;
    json_t *sweep;
    json_array_foreach(json_object_get(config, "sweeps"), i, sweep)
    {
        add_duration(set, ipm_member_text(json_object_get(sweep, "repeat"), key));
    }
    if (json_object_size(set) == 0)
        add_duration(set, ipm_member_text(json_object_get(config, "repeat"), key));
    return set;
}

static void put_design(FILE *out, const json_t *report, const struct seen *seen)
{
    const json_t *config = json_object_get(report, "config");
    ipm_auto_json json_t *windows = durations(config, "window");
    ipm_auto_json json_t *warmups = durations(config, "warmup");
    if (seen->most > 0) {
        (void)fprintf(out, " Each was measured in %zu", seen->least);
        if (seen->most != seen->least)
            (void)fprintf(out, " to %zu", seen->most);
        (void)fprintf(out,
                      " invocation%s of the timing pass, each in a fresh process image",
                      plural((long long)seen->most));
        if (json_object_size(windows) > 0) {
            (void)fputs(", in a window of ", out);
            put_keys(out, windows);
        }
        if (json_object_size(warmups) > 0) {
            (void)fputs(" after a warm-up of ", out);
            put_keys(out, warmups);
        }
        (void)fputs(".", out);
    }
    if (json_is_integer(json_object_get(report, "seed")) &&
        json_object_size(config) > 0)
        (void)fprintf(out,
                      " Each round visited every point in a fresh random order (seed "
                      "%lld).",
                      count(report, "seed"));
    const json_t *repeat = json_object_get(config, "repeat");
    double wanted = ipm_member_number(repeat, "precision");
    if (wanted > 0)
        (void)fprintf(out,
                      " Timing was repeated until the half-width of the 95 %% interval "
                      "was at most %.3g %% of the median, or the budget was spent; "
                      "never until two points differed.",
                      100 * wanted);
    (void)fputs(" Times are of CLOCK_MONOTONIC", out);
    const char *source =
        ipm_member_text(json_object_get(report, "host"), "clocksource");
    if (source[0] != '\0')
        (void)fprintf(out, " (clocksource %s)", source);
    (void)fputs(".", out);
}

static void put_statistics(FILE *out, const json_t *report, const struct seen *seen)
{
    const json_t *health = json_object_get(report, "health");
    long long aside = count(health, "set_aside");
    long long again = count(health, "invalid");
    long long changed = count(health, "regime_changed");
    if (seen->most > 0)
        (void)fputs(" The unit of replication is the invocation: figures are medians "
                    "over invocations",
                    out);
    if (seen->most > 0 && seen->interval)
        (void)fputs(" with 95 % intervals between order statistics, interpolated as by "
                    "Hettmansperger and Sheather (1986)",
                    out);
    double between = ipm_member_number(
        json_object_get(json_object_get(report, "config"), "repeat"), "between_runs");
    if (seen->most > 0 && seen->interval && between > 0)
        (void)fprintf(out,
                      ", which also hold a standard deviation of %.3g %% from run to "
                      "run as declared",
                      100 * between);
    (void)fputs(seen->most > 0 ? "." : "", out);
    if (seen->tail)
        (void)fputs(" Percentiles beyond the median are those of all messages of all "
                    "invocations, from added histograms",
                    out);
    if (seen->tail_interval)
        (void)fputs("; their intervals rest on a jackknife over invocations (Woodruff "
                    "1952)",
                    out);
    (void)fputs(seen->tail ? "." : "", out);
    if (seen->clock)
        (void)fprintf(out,
                      " Medians are reported raw and also less the share of the clock "
                      "read%s; corrections above %.0f %% are marked, and tails are "
                      "never corrected.",
                      seen->loop ? " and of an empty loop" : "",
                      100 * IPM_OVERHEAD_SHARE);
    if (seen->core_step)
        (void)fprintf(out,
                      " An invocation whose CPUs ran a fixed piece of integer work "
                      "beside the window more than %.2f times as long as at their "
                      "fastest was set aside from timing figures where %d others of "
                      "the point were left: %lld of %lld.",
                      IPM_SLOW_CORE, IPM_SLOW_CORE_LEFT, aside, count(health, "ok"));
    if (again > 0)
        (void)fprintf(out, " %lld invocation%s %s measured again.", again,
                      plural(again), again == 1 ? "was" : "were");
    if (changed > 0)
        (void)fprintf(out,
                      " During %lld invocation%s the round trip of a cache line "
                      "between the CPUs changed, and they are kept and flagged.",
                      changed, plural(changed));
}

static void put_models(FILE *out, const json_t *models)
{
    ipm_auto_json json_t *fitted = json_object();
    size_t i;
    json_t *model;
    json_array_foreach(models, i, model)
    {
        if (strcmp(ipm_member_text(model, "status"), "fitted") == 0)
            (void)json_object_set_new(fitted, ipm_member_text(model, "name"),
                                      json_true());
    }
    if (json_object_size(fitted) == 0)
        return;
    (void)fputs(" Models fitted (as in ipcmeter's docs/method.md): ", out);
    put_keys(out, fitted);
    (void)fputs(".", out);
}

static void put_host(FILE *out, const json_t *report)
{
    const json_t *host = json_object_get(report, "host");
    const char *cpu = ipm_member_text(host, "cpu_model");
    const char *kernel = ipm_member_text(host, "kernel");
    const char *hypervisor = ipm_member_text(host, "hypervisor");
    const char *container = ipm_member_text(host, "container");
    const char *grade =
        ipm_member_text(json_object_get(report, "environment"), "grade");
    if (json_object_size(host) == 0) {
        (void)fputs(" What machine it was is not recorded.", out);
        return;
    }
    (void)fprintf(out, " The machine: %s", cpu[0] != '\0' ? cpu : "a CPU of no name");
    if (count(host, "threads") > 0)
        (void)fprintf(out, ", %lld package%s, %lld core%s, %lld thread%s",
                      count(host, "packages"), plural(count(host, "packages")),
                      count(host, "cores"), plural(count(host, "cores")),
                      count(host, "threads"), plural(count(host, "threads")));
    if (count(host, "memory_gib") > 0)
        (void)fprintf(out, ", %lld GiB of memory", count(host, "memory_gib"));
    if (kernel[0] != '\0')
        (void)fprintf(out, "; Linux %s", kernel);
    if (hypervisor[0] != '\0')
        (void)fprintf(out, ", a guest of %s", hypervisor);
    if (json_is_true(json_object_get(host, "emulated")))
        (void)fputs(", emulated: its times are no hardware's", out);
    if (container[0] != '\0')
        (void)fprintf(out, ", in a container (%s)", container);
    static const char *const tools[] = {"libc", "compiler"};
    for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++) {
        const char *tool = ipm_member_text(host, tools[i]);
        (void)fprintf(out, "%s%s", tool[0] != '\0' ? "; " : "", tool);
    }
    (void)fputs(".", out);
    if (grade[0] != '\0')
        (void)fprintf(out, " ipcmeter doctor judged it %s before the run.", grade);
}

static void put_environment(FILE *out, const json_t *report)
{
    const json_t *environment = json_object_get(report, "environment");
    const json_t *warning = json_object_get(environment, "top_warning");
    const char *text = ipm_member_text(warning, "text");
    if (text[0] != '\0')
        (void)fprintf(out, " Its gravest check, %s: %s.",
                      ipm_member_text(warning, "name"), text);
    size_t i;
    json_t *drift;
    json_array_foreach(json_object_get(environment, "drift"), i, drift)(void)
        fprintf(out, "%s%s (%s -> %s)", i == 0 ? " During the run: " : "; ",
                ipm_member_text(drift, "text"), ipm_member_text(drift, "before"),
                ipm_member_text(drift, "after"));
    if (json_array_size(json_object_get(environment, "drift")) > 0)
        (void)fputs(".", out);
}

/* Passes without the right or the hardware, by reason: {reason: {pass: true}}. */
static json_t *refused_passes(const json_t *passes)
{
    json_t *reasons = json_object();
    size_t i;
    json_t *pass;
    json_array_foreach(passes, i, pass)
    {
        const char *reason = ipm_member_text(pass, "reason");
        if (!json_is_false(json_object_get(pass, "available")))
            continue;
        reason = reason[0] != '\0' ? reason : "no reason is recorded";
        if (json_object_get(reasons, reason) == NULL)
            (void)json_object_set_new(reasons, reason, json_object());
        (void)json_object_set_new(json_object_get(reasons, reason),
                                  ipm_member_text(pass, "name"), json_true());
    }
    return reasons;
}

static void put_gaps(FILE *out, const json_t *report, const struct seen *seen)
{
    static const struct {
        const char *key, *one, *many;
    } counts[] = {
        {"failed", "invocation failed", "invocations failed"},
        {"skips", "combination was skipped", "combinations were skipped"},
        {"dropped", "point was dropped to keep the budget",
         "points were dropped to keep the budget"},
        {"bad_lines", "line was no record", "lines were no records"},
    };
    const json_t *health = json_object_get(report, "health");
    ipm_auto_json json_t *reasons = refused_passes(json_object_get(report, "passes"));
    const char *reason;
    json_t *passes;
    bool first = true;
    if (seen->joules) {
        (void)fputs(" Energy is ", out);
        put_keys(out, seen->provenances);
        (void)fputs(
            ": windows under load beside windows at rest, in blocks ABBA; means "
            "over blocks with Student's interval.",
            out);
    }
    json_object_foreach(reasons, reason, passes)
    {
        (void)fputs(first ? " Not measured: " : "; ", out);
        put_keys(out, passes);
        (void)fprintf(out, " (%s)", reason);
        first = false;
    }
    (void)fputs(first ? "" : ".", out);
    first = true;
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        long long n = count(health, counts[i].key);
        if (n > 0)
            (void)fprintf(out, "%s%lld %s", first ? " " : ", ", n,
                          n == 1 ? counts[i].one : counts[i].many);
        first = first && n == 0;
    }
    (void)fputs(first ? "" : ".", out);
    if (json_is_true(json_object_get(health, "quick")))
        (void)fputs(" It was a first look (run --quick), not for publication.", out);
    if (json_is_true(json_object_get(health, "interrupted")))
        (void)fputs(" The run was interrupted.", out);
    if (json_is_true(json_object_get(health, "torn")))
        (void)fputs(" The last record was torn and is not used.", out);
}

static void put_all(FILE *out, const json_t *report)
{
    struct seen seen = {.workloads = json_object(),
                        .mechanisms = json_object(),
                        .provenances = json_object()};
    note_points(json_object_get(report, "points"), false, &seen);
    note_points(json_object_get(report, "floors"), true, &seen);
    put_what(out, report, &seen);
    put_design(out, report, &seen);
    put_statistics(out, report, &seen);
    put_models(out, json_object_get(report, "models"));
    put_host(out, report);
    put_environment(out, report);
    put_gaps(out, report, &seen);
    json_decref(seen.workloads);
    json_decref(seen.mechanisms);
    json_decref(seen.provenances);
}

char *ipm_methods_text(const json_t *report)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (out == NULL)
        return NULL;
    put_all(out, report);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

int ipm_methods_put(const char *directory, FILE *out, struct ipm_why *why)
{
    ipm_auto_report struct ipm_report report = {0};
    int error = ipm_report_load(directory, NULL, &report, why);
    if (error != 0)
        return error;
    ipm_auto_json json_t *document = ipm_report_json(&report, json_object());
    ipm_auto_free char *text = document != NULL ? ipm_methods_text(document) : NULL;
    if (text == NULL)
        return ipm_why_set(why, -ENOMEM, "no memory for the paragraph");
    ipm_text_put(out, text);
    (void)fputc('\n', out);
    if (fflush(out) != 0 || ferror(out))
        return ipm_why_set(why, -EIO, "the paragraph could not be written");
    return 0;
}
