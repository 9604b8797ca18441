/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/annotations.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char *const levels[] = {
    [IPM_ANNOTATION_ERROR] = "error",
    [IPM_ANNOTATION_WARNING] = "warning",
    [IPM_ANNOTATION_NOTICE] = "notice",
};

/* A runner unescapes %25, %0D and %0A everywhere, %3A and %2C in properties.  It also takes
 * the older "##[command]" from the middle of any line, for which there is no escape. */
static void put_escaped(FILE *out, const char *text, bool property)
{
    for (const char *at = text; *at != '\0'; at++) {
        unsigned char byte = (unsigned char)*at;
        bool escaped = byte == '%' || byte == '\r' || byte == '\n' ||
                       (property && (byte == ':' || byte == ','));
        if (escaped)
            (void)fprintf(out, "%%%02X", byte);
        else if (byte < ' ' || byte == 0x7f)
            (void)fputc('?', out);
        else if (strncmp(at, "##[", 3) == 0)
            (void)fputc('?', out);
        else
            (void)fputc(byte, out);
    }
}

static int worse_first(const void *a, const void *b)
{
    const struct ipm_annotation *left = a;
    const struct ipm_annotation *right = b;
    double weights[] = {isnan(left->weight) ? -INFINITY : left->weight,
                        isnan(right->weight) ? -INFINITY : right->weight};
    if (left->level != right->level)
        return left->level < right->level ? -1 : 1;
    if (weights[0] != weights[1])
        return weights[0] > weights[1] ? -1 : 1;
    int order = strcmp(left->title, right->title);
    return order != 0 ? order : strcmp(left->text, right->text);
}

void ipm_annotations_put(FILE *out, struct ipm_annotation *list, size_t n)
{
    size_t shown = n <= IPM_ANNOTATIONS_MOST ? n : IPM_ANNOTATIONS_MOST - 1;
    if (n > 0)
        qsort(list, n, sizeof(*list), worse_first);
    for (size_t i = 0; i < shown; i++) {
        (void)fprintf(out, "::%s title=", levels[list[i].level]);
        put_escaped(out, list[i].title, true);
        (void)fputs("::", out);
        put_escaped(out, list[i].text, false);
        (void)fputc('\n', out);
    }
    if (shown < n)
        (void)fprintf(out,
                      "::%s title=and more::%zu more are in the log of this step\n",
                      levels[list[shown].level], n - shown);
}
