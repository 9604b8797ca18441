/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/html.h"
#include "analysis/html_sections.h"
#include "analysis/methods.h"
#include "analysis/stops.h"
#include "base/cleanup.h"
#include "base/units.h"

#include <stdlib.h>
#include <string.h>

static size_t count_of(const json_t *health, const char *key)
{
    json_int_t count = json_integer_value(json_object_get(health, key));
    return count < 0 ? 0 : (size_t)count;
}

/* The words that stand for a colour in the style; anything else is "unknown". */
static const char *grade_class(const char *grade)
{
    static const char *const grades[] = {"ok", "warn", "fail"};
    for (size_t i = 0; i < sizeof(grades) / sizeof(grades[0]); i++) {
        if (strcmp(grade, grades[i]) == 0)
            return grades[i];
    }
    return "unknown";
}

static void put_count(FILE *out, size_t n, const char *class, const char *one,
                      const char *many)
{
    if (n > 0)
        ipm_html_put(out, "<li><span class=\"%s\">%zu</span> %s</li>\n", class, n,
                     n == 1 ? one : many);
}

static void put_health(FILE *out, const json_t *health)
{
    static const struct {
        const char *key, *class, *one, *many;
    } counts[] = {
        {"failed", "fail", "failed", "failed"},
        {"invalid", "unknown", "invalid, measured again", "invalid, measured again"},
        {"slow_core", "warn", "on a core that was slower than it can be",
         "on a core that was slower than it can be"},
        {"dropped", "warn", "point dropped to keep the budget",
         "points dropped to keep the budget"},
        {"bad_lines", "fail", "line that is no record", "lines that are no records"},
    };
    size_t ok = count_of(health, "ok");
    size_t failed = count_of(health, "failed");
    size_t builds = count_of(health, "builds");
    ipm_html_put(out, "<li><span class=\"%s\">%zu of %zu</span> invocations ok</li>\n",
                 failed == 0 && ok > 0 ? "ok" : "warn", ok, ok + failed);
    /* Said also of a run that has none: what a reader wants to know of any. */
    size_t changed = count_of(health, "regime_changed");
    ipm_html_put(out,
                 "<li><span class=\"%s\">%zu</span> kept though the machine changed"
                 "</li>\n",
                 changed == 0 ? "ok" : "warn", changed);
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        put_count(out, count_of(health, counts[i].key), counts[i].class, counts[i].one,
                  counts[i].many);
    put_count(out, count_of(health, "skipped") + count_of(health, "skips"), "unknown",
              "combination skipped", "combinations skipped");
    put_count(out, builds > 1 ? builds : 0, "warn", "build of the worker",
              "builds of the worker");
    const char *manifest = json_string_value(json_object_get(health, "manifest"));
    if (manifest != NULL)
        ipm_html_put(
            out,
            "<li><span class=\"fail\">no manifest.json</span> (%s): what was asked "
            "for and which machine it was are not known</li>\n",
            manifest);
    if (json_is_true(json_object_get(health, "torn")))
        (void)fputs("<li class=\"warn\">last line torn</li>\n", out);
    if (json_is_true(json_object_get(health, "interrupted")))
        (void)fputs("<li class=\"warn\">interrupted</li>\n", out);
    if (json_is_true(json_object_get(health, "quick")))
        (void)fputs("<li class=\"warn\">a quick look: not for publication</li>\n", out);
}

static void put_stops(FILE *out, const json_t *stops)
{
    char text[IPM_STOPS_TEXT];
    if (ipm_stops_text(stops, text)[0] != '\0')
        ipm_html_put(out, "<li>points: %s</li>\n", text);
}

static void put_environment(FILE *out, const json_t *environment)
{
    const char *grade = ipm_member_text(environment, "grade");
    const json_t *warning = json_object_get(environment, "top_warning");
    ipm_html_put(out, "<li>environment <span class=\"%s\">%s</span>",
                 grade_class(grade), grade[0] == '\0' ? "not checked" : grade);
    if (json_is_object(warning))
        ipm_html_put(out, ": %s: %s", ipm_member_text(warning, "name"),
                     ipm_member_text(warning, "text"));
    (void)fputs("</li>\n", out);
}

static void put_drift(FILE *out, const json_t *drift)
{
    size_t i;
    json_t *entry;
    json_array_foreach(drift, i, entry) ipm_html_put(
        out, "<li>drift <span class=\"%s\">%s</span>: %s (%s, then %s)</li>\n",
        grade_class(ipm_member_text(entry, "status")), ipm_member_text(entry, "name"),
        ipm_member_text(entry, "text"), ipm_member_text(entry, "before"),
        ipm_member_text(entry, "after"));
}

/* The words of analysis/answer.c begin in the middle of a line of text. */
static void put_sentence(FILE *out, const char *label, const char *class,
                         const json_t *answer, const char *key)
{
    const char *sentence = ipm_member_text(answer, key);
    ipm_html_put(out, "<dt>%s</dt><dd", label);
    if (class[0] != '\0')
        ipm_html_put(out, " class=\"%s\"", class);
    ipm_html_put(out, ">%s</dd>\n", sentence[0] == '\0' ? "not known" : sentence);
}

/* What the first sentence answers. */
static void put_question(FILE *out, const json_t *report)
{
    const json_t *ladder = json_object_get(report, "ladder");
    const json_t *size = json_object_get(ladder, "size");
    char text[IPM_UNITS_TEXT];
    (void)fputs("<dt>Question</dt><dd>", out);
    if (json_is_integer(size) && json_array_size(json_object_get(ladder, "points")) > 0)
        ipm_html_put(out,
                     "Which way of getting a message of %s to another process and an "
                     "answer back is fastest on this machine, and by how much?",
                     ipm_format_size(text, json_integer_value(size)));
    else
        (void)fputs("What does one message between two processes cost on this machine?",
                    out);
    (void)fputs("</dd>\n", out);
}

void ipm_html_top(FILE *out, const json_t *report)
{
    const char *name = ipm_member_text(report, "name");
    const json_t *host = json_object_get(report, "host");
    const json_t *answer = json_object_get(report, "answer");
    const char *cpu = ipm_member_text(host, "cpu_model");
    const char *kernel = ipm_member_text(host, "kernel");
    const char *started = ipm_member_text(report, "started");
    ipm_html_put(out, "<h1>%s</h1>\n<p class=\"soft\">%s, Linux %s, %s</p>\n",
                 name[0] == '\0' ? "run without a name" : name,
                 cpu[0] == '\0' ? "CPU unknown" : cpu,
                 kernel[0] == '\0' ? "of an unknown version" : kernel,
                 started[0] == '\0' ? "date unknown" : started);
    if (json_is_true(json_object_get(host, "emulated")))
        (void)fputs(
            "<p class=\"warn\">Emulated machine: it shows that things are counted, "
            "not what hardware costs.</p>\n",
            out);
    (void)fputs("<dl class=\"answer\">\n", out);
    put_question(out, report);
    put_sentence(out, "Answer", "first", answer, "fastest");
    put_sentence(out, "Effects", "", answer, "effect");
    if (ipm_member_text(answer, "rate")[0] != '\0')
        put_sentence(out, "Rate", "", answer, "rate");
    put_sentence(out, "Limits", "", answer, "limits");
    (void)fputs("</dl>\n<ul class=\"badges\">\n", out);
    put_health(out, json_object_get(report, "health"));
    put_stops(out, json_object_get(report, "stops"));
    const json_t *environment = json_object_get(report, "environment");
    put_environment(out, environment);
    put_drift(out, json_object_get(environment, "drift"));
    (void)fputs("</ul>\n", out);
}

void ipm_html_repeat(FILE *out, const json_t *report)
{
    const json_t *commands = json_object_get(report, "commands");
    const json_t *config = json_object_get(report, "config");
    size_t i;
    json_t *command;
    if (json_array_size(commands) > 0) {
        (void)fputs("<p>Save the config below as <code>config.json</code>, then:</p>\n"
                    "<pre>",
                    out);
        json_array_foreach(commands, i, command)
        {
            ipm_html_text(out,
                          json_is_string(command) ? json_string_value(command) : "");
            (void)fputc('\n', out);
        }
        (void)fputs("</pre>\n", out);
    }
    ipm_auto_free char *methods = ipm_methods_text(report);
    ipm_html_put(out, "<h3>For a methods section</h3>\n<p>%s</p>\n",
                 methods == NULL ? "out of memory" : methods);
    (void)fputs("<dl class=\"card\">\n", out);
    static const char *const keys[] = {"seed", "version", "build", "started",
                                       "finished"};
    for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        ipm_html_put(out, "<div><dt>%s</dt><dd>", keys[i]);
        ipm_html_value(out, json_object_get(report, keys[i]));
        (void)fputs("</dd></div>\n", out);
    }
    (void)fputs("</dl>\n", out);
    if (!json_is_object(config)) {
        (void)fputs("<p class=\"absent\">The run does not say which config it was "
                    "made from.</p>\n",
                    out);
        return;
    }
    ipm_auto_free char *text = json_dumps(config, JSON_INDENT(2));
    (void)fputs("<h3>The resolved config</h3>\n<pre tabindex=\"0\">", out);
    ipm_html_lines(out, text == NULL ? "out of memory" : text);
    (void)fputs("</pre>\n", out);
}
