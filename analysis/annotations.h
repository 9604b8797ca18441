/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * annotations: findings as workflow commands, which GitHub Actions (and Forgejo, Gitea) show
 * beside a change: "::error title=...::...".
 *
 * The text may come from a run: nothing in it can begin another command.
 */
#ifndef IPM_ANALYSIS_ANNOTATIONS_H
#define IPM_ANALYSIS_ANNOTATIONS_H

#include <stddef.h>
#include <stdio.h>

enum {
    IPM_ANNOTATIONS_MOST = 10, /* GitHub shows so many of a step and drops the rest */
};

enum ipm_annotation_level {
    IPM_ANNOTATION_ERROR,
    IPM_ANNOTATION_WARNING,
    IPM_ANNOTATION_NOTICE,
};

struct ipm_annotation {
    enum ipm_annotation_level level;
    double weight; /* within a level, the heaviest stand first; NaN: last */
    const char *title, *text;
};

/**
 * ipm_annotations_put() - at most IPM_ANNOTATIONS_MOST lines, the worst first
 * @list: is sorted: by level, then by weight, then by title
 *
 * Where there are more, the last line says how many are not shown, with the level of the
 * worst of them.
 */
void ipm_annotations_put(FILE *out, struct ipm_annotation *list, size_t n);

#endif
