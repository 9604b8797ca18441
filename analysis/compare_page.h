/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * compare_page: a comparison as files - compare.json, compare.html and the pictures.
 */
#ifndef IPM_ANALYSIS_COMPARE_PAGE_H
#define IPM_ANALYSIS_COMPARE_PAGE_H

#include "base/why.h"

#include <jansson.h>

/**
 * ipm_compare_write() - write all of it into a folder, made when it is not there
 * @document: ipm_compare_document()'s; its member plots is set
 *
 * Return: 0; -ENOMEM; -errno of writing.
 */
int ipm_compare_write(json_t *document, const char *folder, struct ipm_why *why);

/**
 * ipm_plot_compare() - plots/ratios or plots/classes: ratios and their intervals as dots
 * @classes: of the classes by every figure; else of the points, by the first figure there is
 * @out_json: as ipm_plot_write()
 *
 * Return: 0; -ENOMEM; -errno of writing.
 */
int ipm_plot_compare(const json_t *document, int classes, const char *folder,
                     json_t **out_json, struct ipm_why *why);

#endif
