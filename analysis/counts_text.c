/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A judged run of counts for people. */
#include "analysis/counts.h"
#include "analysis/member.h"
#include "analysis/text.h"
#include "base/cleanup.h"

#include <stdlib.h>
#include <string.h>

static bool is(const json_t *finding, const char *verdict)
{
    return strcmp(ipm_member_text(finding, "verdict"), verdict) == 0;
}

/* "MANY, and N more": names for a line. */
static void put_names(FILE *out, const json_t *names)
{
    size_t n = json_array_size(names);
    size_t shown = n < 5 ? n : 5;
    for (size_t i = 0; i < shown; i++)
        (void)fprintf(out, "%s%s", i == 0 ? "" : ", ",
                      json_string_value(json_array_get(names, i)));
    if (shown < n)
        (void)fprintf(out, " and %zu more", n - shown);
}

char *ipm_counts_surplus(const json_t *document)
{
    const json_t *names = json_object_get(document, "not_in_table");
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return NULL;
    (void)fprintf(out, "%zu points of the run are not in the table and not judged: ",
                  json_array_size(names));
    put_names(out, names);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

void ipm_counts_text(const json_t *document, FILE *out)
{
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(document, "points"), i, item)
    {
        if (is(item, "pass"))
            continue;
        (void)fprintf(out, "%-11s ", ipm_member_text(item, "verdict"));
        ipm_text_put(out, ipm_member_text(item, "point"));
        (void)fputs("\n            ", out);
        ipm_text_wrap(out, 12, ipm_member_text(item, "reason"));
    }
    json_array_foreach(json_object_get(document, "notes"), i, item)
    {
        (void)fputs("note        ", out);
        ipm_text_wrap(out, 12, json_string_value(item));
    }
    const json_t *names = json_object_get(document, "not_in_table");
    ipm_auto_free char *text =
        json_array_size(names) > 0 ? ipm_counts_surplus(document) : NULL;
    if (text != NULL) {
        (void)fputs("note        ", out);
        ipm_text_wrap(out, 12, text);
    }
    (void)fputs("counts      ", out);
    ipm_text_wrap(out, 12, ipm_member_text(document, "sentence"));
}
