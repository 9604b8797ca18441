/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * compare_tables: a comparison's document as tables of its page.  Part of compare.
 */
#ifndef IPM_ANALYSIS_COMPARE_TABLES_H
#define IPM_ANALYSIS_COMPARE_TABLES_H

#include <jansson.h>
#include <stdio.h>

void ipm_compare_put_environment(FILE *out, const json_t *document);
void ipm_compare_put_matching(FILE *out, const json_t *document);
void ipm_compare_put_classes(FILE *out, const json_t *document);
void ipm_compare_put_ranks(FILE *out, const json_t *document);
void ipm_compare_put_points(FILE *out, const json_t *document);
void ipm_compare_put_fronts(FILE *out, const json_t *document);
void ipm_compare_put_constants(FILE *out, const json_t *document);

#endif
