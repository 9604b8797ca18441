/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/compare_page.h"

#include "analysis/compare_tables.h"
#include "analysis/html.h"
#include "analysis/html_style.h"
#include "base/cleanup.h"
#include "base/json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH = 4096 };

static void put_picture(FILE *out, const json_t *document, const char *folder,
                        const char *name, const char *caption)
{
    char path[PATH];
    struct ipm_why why = {0};
    ipm_auto_free char *svg = NULL;
    ipm_auto_free char *markup = NULL;
    size_t room = 0;
    const json_t *plot = json_object_get(json_object_get(document, "plots"), name);
    (void)snprintf(path, sizeof(path), "%.3900s/plots/%s.svg", folder, name);
    ipm_auto_file FILE *file =
        json_is_string(json_object_get(plot, "picture")) ? fopen(path, "re") : NULL;
    if (file == NULL || getdelim(&svg, &room, '\0', file) < 0 ||
        ipm_html_svg(svg, name, caption, &markup, &why) != 0) {
        const char *reason = ipm_member_text(plot, "reason");
        ipm_html_put(out, "<p class=\"absent\">No picture: %s.</p>\n",
                     reason[0] != '\0' ? reason : why.text);
        return;
    }
    ipm_html_put(out,
                 "<figure>\n<div class=\"picture\" tabindex=\"0\" role=\"group\" "
                 "aria-label=\"%s\">\n",
                 caption);
    (void)fputs(markup, out);
    ipm_html_put(out, "</div>\n<figcaption>%s</figcaption>\n</figure>\n", caption);
}

static void put_head(FILE *out, const json_t *document)
{
    size_t i;
    const json_t *entry;
    (void)fputs(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n",
        out);
    ipm_html_put(out,
                 "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src "
                 "'none'; style-src 'unsafe-inline'; script-src '%s'; img-src data:; "
                 "base-uri 'none'; form-action 'none'\"/>\n",
                 ipm_html_script_hash);
    (void)fputs("<meta name=\"viewport\" content=\"width=device-width, "
                "initial-scale=1\"/>\n<meta name=\"referrer\" "
                "content=\"no-referrer\"/>\n<meta name=\"generator\" "
                "content=\"ipcmeter\"/>\n<title>Comparison: what IPC costs</title>\n"
                "<style>\n",
                out);
    (void)fprintf(out,
                  "%s</style>\n</head>\n<body>\n<header>\n<h1>What IPC costs, side "
                  "by side</h1>\n",
                  ipm_html_style);
    json_array_foreach(json_object_get(document, "answer"), i, entry)
        ipm_html_put(out, "<p>%s</p>\n", json_string_value(entry));
    (void)fputs("</header>\n<main>\n", out);
}

static void put_page(FILE *out, const json_t *document, const char *folder)
{
    static const struct {
        const char *id, *title;
        void (*put)(FILE *out, const json_t *document);
        const char *plot, *caption;
    } sections[] = {
        {"environment", "What differs in the environment", ipm_compare_put_environment,
         NULL, NULL},
        {"matching", "Points", ipm_compare_put_matching, NULL, NULL},
        {"classes", "By class", ipm_compare_put_classes, "classes",
         "Means of the ratios of a class with their intervals; above 1 costs more."},
        {"ranks", "Places", ipm_compare_put_ranks, NULL, NULL},
        {"points", "Each point", ipm_compare_put_points, "ratios",
         "Each point's ratio to the first side with its interval; above 1 costs more."},
        {"fronts", "Fronts", ipm_compare_put_fronts, NULL, NULL},
        {"constants", "Fitted constants", ipm_compare_put_constants, NULL, NULL},
    };
    put_head(out, document);
    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
        ipm_html_put(out, "<section>\n<h2 id=\"%s\">%s</h2>\n", sections[i].id,
                     sections[i].title);
        if (sections[i].plot != NULL)
            put_picture(out, document, folder, sections[i].plot, sections[i].caption);
        sections[i].put(out, document);
        (void)fputs("</section>\n", out);
    }
    ipm_html_put(out,
                 "</main>\n<footer>Made by ipcmeter %s from <code>compare.json</code>, "
                 "which holds every figure of this page.</footer>\n",
                 ipm_member_text(document, "version"));
    (void)fprintf(out, "<script>%s</script>\n</body>\n</html>\n", ipm_html_script);
}

static int write_page(const json_t *document, const char *folder, struct ipm_why *why)
{
    char path[PATH];
    ipm_auto_free char *text = NULL;
    size_t length = 0;
    int needed = snprintf(path, sizeof(path), "%s/compare.html", folder);
    if (needed < 0 || needed >= PATH)
        return ipm_why_set(why, -ENAMETOOLONG, "path is too long");
    FILE *out = open_memstream(&text, &length);
    if (out == NULL)
        return ipm_why_set(why, -errno, "write %s: ", path);
    put_page(out, document, folder);
    if (fclose(out) != 0)
        return ipm_why_set(why, -ENOMEM, "write %s: ", path);
    return ipm_text_write_file(text, length, path, why);
}

int ipm_compare_write(json_t *document, const char *folder, struct ipm_why *why)
{
    static const char *const names[] = {"ratios", "classes"};
    char path[PATH];
    int needed = snprintf(path, sizeof(path), "%s/compare.json", folder);
    if (needed < 0 || needed >= PATH)
        return ipm_why_set(why, -ENAMETOOLONG, "path is too long");
    if (mkdir(folder, 0755) != 0 && errno != EEXIST)
        return ipm_why_set(why, -errno, "mkdir %s: ", folder);
    json_t *plots = json_object();
    (void)json_object_set_new(document, "plots", plots);
    for (int classes = 0; classes < 2; classes++) {
        json_t *made = NULL;
        int error = ipm_plot_compare(document, classes, folder, &made, why);
        if (error != 0)
            return error;
        (void)json_object_set_new(plots, names[classes], made);
    }
    int error = ipm_json_write_file(document, path, why);
    return error != 0 ? error : write_page(document, folder, why);
}
