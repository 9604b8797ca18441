/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/report_html.h"

#include "analysis/html.h"
#include "analysis/html_sections.h"
#include "analysis/html_style.h"
#include "base/cleanup.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { PATH = 4096 };

/* A part of the page that has a heading. */
struct section {
    const char *id, *title;
    const char *plot;    /* the picture that opens it; NULL: none */
    const char *caption; /* of the picture */
    void (*put)(FILE *out, const json_t *report); /* NULL: the picture is all */
};

static const struct section sections[] = {
    {"ladder", "The ladder", "ladder",
     "Median over fresh processes of the median round trip, on a logarithmic axis. "
     "Every "
     "mark says who copies and how the receiver waits: without these two, mechanisms "
     "cannot be compared.",
     ipm_html_ladder},
    {"ratio", "Two copies against one: R(s) and its model", "ratio",
     "R(s) is the time over the pipe divided by the time over shared memory, with its "
     "interval; below it, what the model leaves unexplained.",
     ipm_html_models},
    {"copies", "What the time model leaves", "time_residuals",
     "Residual of each size's median from the fitted pieces, with two standard errors.",
     NULL},
    {"latency", "Latency against size", "latency_size",
     "Time of one round trip by size of the message, both axes logarithmic.", NULL},
    {"throughput", "Throughput against size", "throughput_size",
     "Payload per second by size of the message, both axes logarithmic.", NULL},
    {"rate", "Response against rate", "rate",
     "What a message at a planned time waits, by the rate at which messages are due, "
     "both "
     "axes logarithmic.",
     ipm_html_rates},
    {"power", "Power against rate", "power_rate",
     "Above, the package's power beyond rest by the rate that was achieved; below, "
     "what "
     "the "
     "energy model leaves of each block.",
     NULL},
    {"energy", "Energy of a message", "energy",
     "Joules of a message beyond rest, mean over blocks with its interval.",
     ipm_html_energy},
    {"cores", "Core to core", "core_to_core",
     "Median time by the CPUs of the two sides; a pair measured one way fills both of "
     "its "
     "cells.",
     ipm_html_core_map},
    {"winners", "Who is best at what", "winners",
     "The best of those of which the same was asked, by size; the number is how many "
     "times as much the runner-up costs.",
     ipm_html_winners},
    {"machine", "The machine", NULL, NULL, ipm_html_machine},
    {"floors", "Floors: what no IPC beats here", NULL, NULL, ipm_html_floors},
    {"points", "All points", NULL, NULL, ipm_html_points},
    {"gaps", "What is missing, and why", NULL, NULL, ipm_html_gaps},
    {"repeat", "How to repeat it", NULL, NULL, ipm_html_repeat},
};
enum { SECTIONS = sizeof(sections) / sizeof(sections[0]) };

static char *read_text(const char *path, struct ipm_why *why)
{
    char *text = NULL;
    size_t length = 0;
    ipm_auto_file FILE *file = fopen(path, "re");
    if (file == NULL || getdelim(&text, &length, '\0', file) < 0) {
        (void)ipm_why_set(why, file == NULL ? -errno : -EIO, "read the picture: ");
        free(text);
        return NULL;
    }
    return text;
}

/* Is it the section's picture?  Its name may end in a word: "plots/energy-simulated.svg". */
static bool is_picture(const char *picture, const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz_";
    char start[80];
    int length = snprintf(start, sizeof(start), "plots/%s", name);
    if (strncmp(picture, start, (size_t)length) != 0)
        return false;
    picture += length;
    picture += *picture == '-' ? 1 + strspn(picture + 1, letters) : 0;
    return strcmp(picture, ".svg") == 0;
}

/* The picture as markup; NULL with the reason. */
static char *load_picture(const json_t *plot, const char *directory, const char *name,
                          const char *label, struct ipm_why *why)
{
    char path[PATH];
    const char *picture = ipm_member_text(plot, "picture");
    const char *reason = ipm_member_text(plot, "reason");
    if (!is_picture(picture, name)) {
        (void)ipm_why_set(why, -ENOENT, "%s",
                          reason[0] == '\0' ? "this report has none" : reason);
        return NULL;
    }
    int needed = snprintf(path, sizeof(path), "%s/%s", directory, picture);
    if (needed < 0 || needed >= PATH) {
        (void)ipm_why_set(why, -ENAMETOOLONG, "path is too long");
        return NULL;
    }
    ipm_auto_free char *svg = read_text(path, why);
    char *text = NULL;
    if (svg == NULL || ipm_html_svg(svg, name, label, &text, why) != 0)
        return NULL;
    return text;
}

static void put_figure(FILE *out, const json_t *report, const char *directory,
                       const struct section *section)
{
    struct ipm_why why = {0};
    const char *name = section->plot;
    const json_t *plot = json_object_get(json_object_get(report, "plots"), name);
    ipm_auto_free char *picture =
        load_picture(plot, directory, name, section->title, &why);
    if (picture == NULL) {
        ipm_html_put(out, "<p class=\"absent\">No picture: %s.</p>\n", why.text);
        return;
    }
    /* The box scrolls where the picture is wider, which a keyboard must reach too. */
    ipm_html_put(out,
                 "<figure>\n<div class=\"picture\" tabindex=\"0\" role=\"group\" "
                 "aria-label=\"%s\">\n",
                 section->title);
    (void)fputs(picture, out);
    ipm_html_put(out,
                 "</div>\n<figcaption>%s Data and script: <code>%s</code>, "
                 "<code>%s</code>.</figcaption>\n</figure>\n",
                 section->caption, ipm_member_text(plot, "data"),
                 ipm_member_text(plot, "script"));
}

/* A part that is a picture alone is not on the page of a run that has none of its kind. */
static bool shown(const struct section *section, const json_t *report)
{
    const json_t *plots = json_object_get(report, "plots");
    return section->put != NULL || json_object_get(plots, section->plot) != NULL;
}

static void put_page(FILE *out, const json_t *report, const char *directory)
{
    const char *name = ipm_member_text(report, "name");
    (void)fputs(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n",
        out);
    ipm_html_put(out,
                 "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src "
                 "'none'; style-src 'unsafe-inline'; script-src '%s'; img-src data:; "
                 "base-uri 'none'; form-action 'none'\"/>\n",
                 ipm_html_script_hash);
    (void)fputs(
        "<meta name=\"viewport\" content=\"width=device-width, "
        "initial-scale=1\"/>\n<meta name=\"referrer\" content=\"no-referrer\"/>\n"
        "<meta name=\"generator\" content=\"ipcmeter\"/>\n",
        out);
    ipm_html_put(out, "<title>%s: what IPC costs here</title>\n<style>\n",
                 name[0] == '\0' ? "run without a name" : name);
    (void)fprintf(out, "%s</style>\n</head>\n<body>\n<header>\n", ipm_html_style);
    ipm_html_top(out, report);
    (void)fputs("<nav aria-label=\"Sections\">\n", out);
    for (size_t i = 0; i < SECTIONS; i++) {
        if (!shown(&sections[i], report))
            continue;
        ipm_html_put(out, "<a href=\"#%s\">%s</a>\n", sections[i].id,
                     sections[i].title);
    }
    (void)fputs("</nav>\n</header>\n<main>\n", out);
    for (size_t i = 0; i < SECTIONS; i++) {
        if (!shown(&sections[i], report))
            continue;
        ipm_html_put(out, "<section>\n<h2 id=\"%s\">%s</h2>\n", sections[i].id,
                     sections[i].title);
        /* A picture that this kind of run does not have is no gap. */
        const json_t *plots = json_object_get(report, "plots");
        bool optional = sections[i].put == ipm_html_energy ||
                        sections[i].put == ipm_html_rates ||
                        sections[i].put == ipm_html_core_map;
        if (sections[i].plot != NULL &&
            (!optional || json_object_get(plots, sections[i].plot) != NULL))
            put_figure(out, report, directory, &sections[i]);
        if (sections[i].put != NULL)
            sections[i].put(out, report);
        (void)fputs("</section>\n", out);
    }
    ipm_html_put(out,
                 "</main>\n<footer>Made by ipcmeter %s from <code>report.json</code>, "
                 "which holds every figure of this page.</footer>\n",
                 ipm_member_text(report, "version"));
    (void)fprintf(out, "<script>%s</script>\n</body>\n</html>\n", ipm_html_script);
}

int ipm_report_html(const json_t *report, const char *directory, struct ipm_why *why)
{
    char path[PATH];
    int needed = snprintf(path, sizeof(path), "%s/report.html", directory);
    if (needed < 0 || needed >= PATH)
        return ipm_why_set(why, -ENAMETOOLONG, "path is too long");
    ipm_auto_free char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (out == NULL)
        return ipm_why_set(why, -errno, "write %s: ", path);
    put_page(out, report, directory);
    if (fclose(out) != 0)
        return ipm_why_set(why, -ENOMEM, "write %s: ", path);
    return ipm_text_write_file(text, length, path, why);
}
