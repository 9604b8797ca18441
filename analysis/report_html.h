/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * report_html: report.html, the report as one page that can be sent to anyone.
 */
#ifndef IPM_ANALYSIS_REPORT_HTML_H
#define IPM_ANALYSIS_REPORT_HTML_H

#include "base/json.h"
#include "base/why.h"

/**
 * ipm_report_html() - write report.html into a result directory
 * @report:    the document that report.json holds
 * @directory: where the pictures that it names are, and where the page goes
 *
 * The page shows nothing but that document and those pictures, fetches nothing, and is
 * readable with scripts off.  A picture that is absent or refused leaves a note in its
 * place.  The same document and pictures give the same bytes.
 *
 * Return: 0; -ENOMEM; -errno of writing.
 */
int ipm_report_html(const json_t *report, const char *directory, struct ipm_why *why);

/**
 * ipm_report_html_folder() - the same page with style, script and pictures as files
 *
 * Writes html/index.html, style.css, script.js and *.svg under @directory: for servers whose
 * content policy lets no page hold style or script of its own.
 *
 * Return: as ipm_report_html().
 */
int ipm_report_html_folder(const json_t *report, const char *directory,
                           struct ipm_why *why);

#endif
