/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/html.h"
#include "analysis/html_sections.h"
#include "base/units.h"

#include <math.h>
#include <string.h>

enum { PAIRS_SHOWN = 200 };

static void put_time(FILE *out, const json_t *object, const char *key)
{
    char text[IPM_UNITS_TEXT] = "-";
    double value = ipm_member_number(object, key);
    if (!isnan(value))
        (void)ipm_format_ns(text, value);
    (void)fputs("<td class=\"n\" data-v=\"", out);
    ipm_html_number(out, value);
    ipm_html_put(out, "\">%s</td>", text);
}

static void put_head(FILE *out, const json_t *map, const char *const *heads, size_t n)
{
    ipm_html_put(out,
                 "<div class=\"box tall\" tabindex=\"0\" role=\"group\" "
                 "aria-label=\"%s\">\n<table class=\"points sortable\">\n<thead><tr>",
                 ipm_member_text(map, "mechanism"));
    for (size_t i = 0; i < n; i++)
        ipm_html_put(out, "<th scope=\"col\">%s</th>", heads[i]);
    (void)fputs("</tr></thead>\n<tbody>\n", out);
}

static void put_classes(FILE *out, const json_t *map)
{
    static const char *const heads[] = {"class", "pairs", "median of pairs", "least",
                                        "greatest"};
    size_t i;
    const json_t *class;
    put_head(out, map, heads, sizeof(heads) / sizeof(heads[0]));
    json_array_foreach(json_object_get(map, "classes"), i, class)
    {
        ipm_html_put(out, "<tr><th scope=\"row\">%s</th><td class=\"n\">",
                     ipm_member_text(class, "class"));
        ipm_html_value(out, json_object_get(class, "pairs"));
        (void)fputs("</td>", out);
        put_time(out, class, "value");
        put_time(out, class, "low");
        put_time(out, class, "high");
        (void)fputs("</tr>\n", out);
    }
    (void)fputs("</tbody>\n</table>\n</div>\n", out);
}

static void put_pairs(FILE *out, const json_t *map)
{
    static const char *const heads[] = {"CPUs", "class", "median",
                                        "low",  "high",  "why not"};
    const json_t *pairs = json_object_get(map, "pairs");
    size_t n = json_array_size(pairs);
    size_t i;
    const json_t *pair;
    (void)fputs("<details>\n<summary>", out);
    ipm_html_put(out, n > PAIRS_SHOWN ? "The first 200 of %zu pairs" : "All %zu pairs",
                 n);
    (void)fputs("</summary>\n", out);
    put_head(out, map, heads, sizeof(heads) / sizeof(heads[0]));
    json_array_foreach(pairs, i, pair)
    {
        if (i == PAIRS_SHOWN)
            break;
        (void)fputs("<tr><th scope=\"row\">", out);
        ipm_html_value(out, json_object_get(pair, "cpus"));
        ipm_html_put(out, "</th><td>%s</td>", ipm_member_text(pair, "class"));
        put_time(out, pair, "value");
        put_time(out, pair, "low");
        put_time(out, pair, "high");
        ipm_html_put(out, "<td>%s</td></tr>\n", ipm_member_text(pair, "reason"));
    }
    (void)fputs("</tbody>\n</table>\n</div>\n</details>\n", out);
}

void ipm_html_core_map(FILE *out, const json_t *report)
{
    const json_t *core_to_core = json_object_get(report, "core_to_core");
    const json_t *maps = json_object_get(core_to_core, "maps");
    size_t i;
    const json_t *map;
    if (json_array_size(maps) == 0) {
        (void)fputs("<p class=\"absent\">No map: the run has no pairs of CPUs by "
                    "number. <code>configs/core-to-core.jsonc</code> makes one.</p>\n",
                    out);
        return;
    }
    if (strcmp(ipm_member_text(core_to_core, "topology"), "hypervisor") == 0)
        ipm_html_put(out,
                     "<p><strong>topology: hypervisor</strong>: the classes are what "
                     "the guest is shown. %s</p>\n",
                     ipm_member_text(core_to_core, "topology_reason"));
    json_array_foreach(maps, i, map)
    {
        ipm_html_put(out, "<h3>%s, %s, wait %s</h3>\n",
                     ipm_member_text(map, "workload"),
                     ipm_member_text(map, "mechanism"), ipm_member_text(map, "wait"));
        put_classes(out, map);
        put_pairs(out, map);
    }
}
