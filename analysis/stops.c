/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/stops.h"

#include <stdio.h>
#include <string.h>

json_t *ipm_stops_json(const json_t *manifest)
{
    const json_t *stops = json_object_get(manifest, "stops");
    return json_is_object(stops) ? json_deep_copy(stops) : json_object();
}

/* How a reason reads behind its count. */
static const struct {
    const char *reason, *words;
} endings[] = {
    {"precise", "precise enough"},
    {"budget", "ended by the budget"},
    {"dropped", "dropped by the budget while it ran"},
    {"most", "ended by the most invocations"},
    {"failed", "given up, most invocations failed"},
    {"interrupted", "interrupted"},
};

const char *ipm_stops_text(const json_t *stops, char text[IPM_STOPS_TEXT])
{
    double widest = 0;
    text[0] = '\0';
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        size_t n = 0;
        const char *point;
        json_t *stop;
        json_object_foreach((json_t *)(uintptr_t)stops, point, stop)
        {
            const char *reason = json_string_value(json_object_get(stop, "reason"));
            double width = json_number_value(json_object_get(stop, "half_width"));
            n += reason != NULL && strcmp(reason, endings[i].reason) == 0;
            widest = width > widest ? width : widest;
        }
        size_t used = strlen(text);
        if (n > 0)
            (void)snprintf(text + used, IPM_STOPS_TEXT - used, "%s%zu %s",
                           used > 0 ? ", " : "", n, endings[i].words);
    }
    size_t used = strlen(text);
    if (used > 0 && widest > 0)
        (void)snprintf(text + used, IPM_STOPS_TEXT - used,
                       "; the widest interval of a median is +- %.2g %%", widest * 100);
    return text;
}
