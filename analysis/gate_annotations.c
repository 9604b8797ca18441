/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/gate_annotations.h"

#include "analysis/annotations.h"
#include "analysis/gate_page.h"
#include "base/cleanup.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const enum ipm_annotation_level levels[IPM_GATE_VERDICTS] = {
    [IPM_GATE_PASS] = IPM_ANNOTATION_NOTICE,
    [IPM_GATE_REGRESSION] = IPM_ANNOTATION_ERROR,
    [IPM_GATE_INCONCLUSIVE] = IPM_ANNOTATION_WARNING,
    [IPM_GATE_ENVIRONMENT] = IPM_ANNOTATION_WARNING,
    [IPM_GATE_ERROR] = IPM_ANNOTATION_ERROR,
};

/* Passes are worth a line where they cost less.  A whole that is no verdict would else have one
 * for each point that it takes its verdict from. */
static bool is_worth(const struct ipm_gate_page_point *point)
{
    return point->verdict != IPM_GATE_PASS ||
           (point->better && point->counts == IPM_GATE_PASS);
}

int ipm_gate_annotate(const json_t *document, FILE *out, struct ipm_why *why)
{
    ipm_auto_gate_page struct ipm_gate_page page = {0};
    const json_t *warnings = json_object_get(document, "warnings");
    int error = ipm_gate_page_make(document, &page, why);
    if (error != 0)
        return error;
    size_t n = 0;
    size_t i;
    json_t *warning;
    ipm_auto_free struct ipm_annotation *list =
        calloc(page.n_points + json_array_size(warnings) + 1, sizeof(*list));
    if (list == NULL)
        return ipm_why_set(why, -ENOMEM, "no memory for the annotations");
    if (page.verdict != IPM_GATE_PASS)
        list[n++] = (struct ipm_annotation){.level = levels[page.verdict],
                                            .weight = INFINITY,
                                            .title = "gate",
                                            .text = page.sentence};
    for (i = 0; i < page.n_points; i++) {
        const struct ipm_gate_page_point *point = &page.points[i];
        if (is_worth(point))
            list[n++] = (struct ipm_annotation){.level = levels[point->counts],
                                                .weight = fabs(point->effect),
                                                .title = point->name,
                                                .text = point->reason};
    }
    json_array_foreach(warnings, i, warning)
    {
        if (json_is_string(warning))
            list[n++] = (struct ipm_annotation){.level = IPM_ANNOTATION_NOTICE,
                                                .weight = NAN,
                                                .title = "gate",
                                                .text = json_string_value(warning)};
    }
    ipm_annotations_put(out, list, n);
    return 0;
}
