/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/html.h"
#include "analysis/html_sections.h"
#include "base/units.h"

#include <string.h>

/* "L1 Data 32 KiB, ..." */
static void put_caches(FILE *out, const json_t *caches)
{
    size_t i;
    json_t *cache;
    json_array_foreach(caches, i, cache)
    {
        const json_t *bytes = json_object_get(cache, "bytes");
        char text[IPM_UNITS_TEXT];
        (void)fputs(i == 0 ? "L" : ", L", out);
        ipm_html_value(out, json_object_get(cache, "level"));
        ipm_html_put(out, " %s %s", ipm_member_text(cache, "type"),
                     json_is_integer(bytes)
                         ? ipm_format_size(text, json_integer_value(bytes))
                         : "-");
    }
}

static void put_member(FILE *out, const char *key, const json_t *value)
{
    ipm_html_put(out, "<div><dt>%s</dt><dd>", key);
    if (strcmp(key, "caches") == 0 && json_is_array(value))
        put_caches(out, value);
    else
        ipm_html_value(out, value);
    (void)fputs("</dd></div>\n", out);
}

static void put_members(FILE *out, const json_t *object, const char *without)
{
    const char *key;
    json_t *value;
    (void)fputs("<dl class=\"card\">\n", out);
    json_object_foreach((json_t *)object, key, value)
    {
        if (strcmp(key, without) != 0)
            put_member(out, key, value);
    }
    (void)fputs("</dl>\n", out);
}

static void put_checks(FILE *out, const json_t *checks)
{
    static const char *const classes[] = {"ok", "warn", "fail"};
    size_t i;
    json_t *check;
    if (json_array_size(checks) == 0)
        return;
    (void)fputs("<details>\n<summary>All checks before the run</summary>\n"
                "<div class=\"box\">\n<table class=\"sortable\">\n<thead><tr>"
                "<th scope=\"col\">check</th><th scope=\"col\">status</th>"
                "<th scope=\"col\">found</th><th scope=\"col\">mend</th></tr></thead>\n"
                "<tbody>\n",
                out);
    json_array_foreach(checks, i, check)
    {
        const char *status = ipm_member_text(check, "status");
        const char *class = "unknown";
        for (size_t k = 0; k < sizeof(classes) / sizeof(classes[0]); k++)
            class = strcmp(status, classes[k]) == 0 ? classes[k] : class;
        ipm_html_put(out,
                     "<tr><th scope=\"row\">%s</th><td class=\"w\"><span "
                     "class=\"%s\">%s</span></td><td class=\"t\">%s</td>",
                     ipm_member_text(check, "name"), class, status,
                     ipm_member_text(check, "text"));
        ipm_html_put(out, "<td class=\"t\">%s</td></tr>\n",
                     ipm_member_text(check, "mend"));
    }
    (void)fputs("</tbody>\n</table>\n</div>\n</details>\n", out);
}

static void put_changes(FILE *out, const json_t *changes)
{
    size_t i;
    json_t *change;
    if (json_array_size(changes) == 0)
        return;
    (void)fputs("<p>Between the first and the last invocation:</p>\n<ul "
                "class=\"plain\">\n",
                out);
    json_array_foreach(changes, i, change)
        ipm_html_put(out, "<li>%s: %s became %s: %s</li>\n",
                     ipm_member_text(change, "name"), ipm_member_text(change, "before"),
                     ipm_member_text(change, "after"), ipm_member_text(change, "text"));
    (void)fputs("</ul>\n", out);
}

void ipm_html_machine(FILE *out, const json_t *report)
{
    const json_t *host = json_object_get(report, "host");
    const json_t *environment = json_object_get(report, "environment");
    const json_t *sandbox = json_object_get(report, "sandbox");
    const json_t *mitigations = json_object_get(host, "mitigations");
    if (json_object_size(host) == 0)
        (void)fputs("<p class=\"absent\">The run does not say what machine it was made "
                    "on.</p>\n",
                    out);
    else
        put_members(out, host, "mitigations");
    if (json_object_size(mitigations) > 0) {
        (void)fputs("<details>\n<summary>Mitigations of the kernel</summary>\n", out);
        put_members(out, mitigations, "");
        (void)fputs("</details>\n", out);
    }
    if (json_object_size(sandbox) > 0) {
        (void)fputs("<details>\n<summary>What the sandbox granted</summary>\n", out);
        put_members(out, sandbox, "");
        (void)fputs("</details>\n", out);
    }
    put_checks(out, json_object_get(environment, "checks"));
    put_changes(out, json_object_get(environment, "changed"));
}
