/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * html_style: how the report page looks, and the little that it does with scripts on.
 */
#ifndef IPM_ANALYSIS_HTML_STYLE_H
#define IPM_ANALYSIS_HTML_STYLE_H

/* Neither holds '<' or '&': they stand in the page as they are. */
extern const char ipm_html_style[];
extern const char ipm_html_script[];

/* What Content-Security-Policy calls the script: no other one runs in the page.  Base64 of
 * its SHA-256; tests/cli/report_html.sh says the right one. */
extern const char ipm_html_script_hash[];

#endif
