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
#include <sys/stat.h>
#include <unistd.h>

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
    {"winners", "Who is best at what", "winners",
     "The best of those of which the same was asked, by size; the number is how many "
     "times as much the runner-up costs.",
     ipm_html_winners},
    {"ratio", "Two copies against one, and the models", "ratio",
     "R(s) is the time over the pipe divided by the time over shared memory, with its "
     "interval; below it, what the model leaves unexplained.",
     ipm_html_models},
    {"copies", "What the time model leaves", "time_residuals",
     "Residual of each size's median from the fitted pieces, with two standard errors.",
     NULL},
    {"latency", "Latency against size", "latency_size",
     "Time of one round trip by size of the message, both axes logarithmic: median, "
     "p99, "
     "p99.9, and in grey what no IPC beats.",
     NULL},
    {"throughput", "Throughput against size", "throughput_size",
     "Payload per second by size of the message, both axes logarithmic.", NULL},
    {"percentiles", "Percentiles", "percentiles",
     "How many round trips are no slower: every further nine has as much room, since "
     "it is "
     "the rare ones that hurt. Beyond the mark so many samples tell nothing certain.",
     NULL},
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
    {"tlb", "TLB misses of a message", NULL, NULL, ipm_html_tlb},
    {"cores", "Core to core", "core_to_core",
     "Median time by the CPUs of the two sides; a pair measured one way fills both of "
     "its "
     "cells.",
     ipm_html_core_map},
    {"drift", "The machine during the run", "run_order",
     "Each invocation against the median over its point, in the order of the records: "
     "what leans or steps here is the machine, not a mechanism.",
     NULL},
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

/* Where a page goes, and how it holds what is not its text. */
struct page {
    FILE *out;
    const json_t *report;
    const char *directory;
    const char
        *folder; /* style, script and pictures are files here; NULL: in the page */
    int error;   /* of writing one of these */
    struct ipm_why *why;
};

static void write_beside(struct page *page, const char *name, const char *text)
{
    char path[PATH];
    int needed = snprintf(path, sizeof(path), "%s/%s", page->folder, name);
    if (page->error != 0)
        return;
    page->error = needed < 0 || needed >= PATH
                      ? ipm_why_set(page->why, -ENAMETOOLONG, "path is too long")
                      : ipm_text_write_file(text, strlen(text), path, page->why);
}

/* A picture that an earlier report left would be taken for this one's. */
static void remove_beside(const struct page *page, const char *name)
{
    char path[PATH];
    int needed = snprintf(path, sizeof(path), "%s/%s", page->folder, name);
    if (needed >= 0 && needed < PATH)
        (void)unlink(path);
}

static void put_picture(struct page *page, const struct section *section,
                        const char *picture)
{
    char file[80];
    if (page->folder == NULL) {
        (void)fputs(picture, page->out);
        return;
    }
    (void)snprintf(file, sizeof(file), "%s.svg", section->plot);
    ipm_html_put(page->out, "<img src=\"%s\" alt=\"%s\"/>\n", file, section->title);
    write_beside(page, file, picture);
}

static void put_figure(struct page *page, const struct section *section)
{
    struct ipm_why why = {0};
    FILE *out = page->out;
    const char *name = section->plot;
    const json_t *plots = json_object_get(page->report, "plots");
    const json_t *plot = json_object_get(plots, name);
    ipm_auto_free char *picture =
        load_picture(plot, page->directory, name, section->title, &why);
    if (picture == NULL) {
        char file[80];
        (void)snprintf(file, sizeof(file), "%s.svg", name);
        if (page->folder != NULL)
            remove_beside(page, file);
        ipm_html_put(out, "<p class=\"absent\">No picture: %s.</p>\n", why.text);
        return;
    }
    /* The box scrolls where the picture is wider, which a keyboard must reach too. */
    ipm_html_put(out,
                 "<figure>\n<div class=\"picture\" tabindex=\"0\" role=\"group\" "
                 "aria-label=\"%s\">\n",
                 section->title);
    put_picture(page, section, picture);
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

/* Workloads with a part of their own follow this one. */
static bool is_before_workloads(const struct section *section)
{
    return section->put == ipm_html_winners;
}

static size_t count_workloads(const json_t *report)
{
    return json_array_size(json_object_get(report, "workloads"));
}

static void put_links(const struct page *page)
{
    FILE *out = page->out;
    (void)fputs("<nav aria-label=\"Sections\">\n", out);
    for (size_t i = 0; i < SECTIONS; i++) {
        if (shown(&sections[i], page->report))
            ipm_html_put(out, "<a href=\"#%s\">%s</a>\n", sections[i].id,
                         sections[i].title);
        for (size_t k = 0;
             is_before_workloads(&sections[i]) && k < count_workloads(page->report);
             k++) {
            if (ipm_html_has_workload(page->report, k))
                ipm_html_put(out, "<a href=\"#workload-%zu\">%s</a>\n", k,
                             ipm_html_workload_title(page->report, k));
        }
    }
    (void)fputs("</nav>\n", out);
}

static void put_section(struct page *page, const struct section *section)
{
    FILE *out = page->out;
    /* On paper these tables lie along the long edge. */
    bool wide = section->put == ipm_html_points || section->put == ipm_html_floors;
    (void)fputs(wide ? "<section class=\"wide\">\n" : "<section>\n", out);
    ipm_html_put(out, "<h2 id=\"%s\">%s</h2>\n", section->id, section->title);
    /* A picture that this kind of run does not have is no gap. */
    const json_t *plots = json_object_get(page->report, "plots");
    bool optional = section->put == ipm_html_energy || section->put == ipm_html_rates ||
                    section->put == ipm_html_core_map;
    if (section->plot != NULL &&
        (!optional || json_object_get(plots, section->plot) != NULL))
        put_figure(page, section);
    if (section->put != NULL)
        section->put(out, page->report);
    (void)fputs("</section>\n", out);
}

static void put_workloads(const struct page *page)
{
    for (size_t i = 0; i < count_workloads(page->report); i++) {
        if (!ipm_html_has_workload(page->report, i))
            continue;
        ipm_html_put(page->out, "<section>\n<h2 id=\"workload-%zu\">%s</h2>\n", i,
                     ipm_html_workload_title(page->report, i));
        ipm_html_workload(page->out, page->report, i);
        (void)fputs("</section>\n", page->out);
    }
}

/* What stands in the page itself is allowed by name, and nothing else. */
static void put_policy(const struct page *page)
{
    const char *start =
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; ";
    (void)fputs(start, page->out);
    if (page->folder == NULL)
        ipm_html_put(page->out,
                     "style-src 'unsafe-inline'; script-src '%s'; img-src data:; ",
                     ipm_html_script_hash);
    else
        (void)fputs("style-src 'self'; script-src 'self'; img-src 'self'; ", page->out);
    (void)fputs("base-uri 'none'; form-action 'none'\"/>\n", page->out);
}

static void put_head(struct page *page)
{
    FILE *out = page->out;
    const char *name = ipm_member_text(page->report, "name");
    (void)fputs(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n",
        out);
    put_policy(page);
    (void)fputs(
        "<meta name=\"viewport\" content=\"width=device-width, "
        "initial-scale=1\"/>\n<meta name=\"referrer\" content=\"no-referrer\"/>\n"
        "<meta name=\"generator\" content=\"ipcmeter\"/>\n",
        out);
    ipm_html_put(out, "<title>%s: what IPC costs here</title>\n",
                 name[0] == '\0' ? "run without a name" : name);
    if (page->folder == NULL) {
        (void)fprintf(out, "<style>\n%s</style>\n", ipm_html_style);
    } else {
        (void)fputs("<link rel=\"stylesheet\" href=\"style.css\"/>\n"
                    "<script src=\"script.js\" defer=\"defer\"></script>\n",
                    out);
        write_beside(page, "style.css", ipm_html_style);
        write_beside(page, "script.js", ipm_html_script);
    }
    (void)fputs("</head>\n", out);
}

static void put_page(struct page *page)
{
    FILE *out = page->out;
    put_head(page);
    (void)fputs("<body>\n<header>\n", out);
    ipm_html_top(out, page->report);
    put_links(page);
    (void)fputs("</header>\n<main>\n", out);
    for (size_t i = 0; i < SECTIONS; i++) {
        if (shown(&sections[i], page->report))
            put_section(page, &sections[i]);
        if (is_before_workloads(&sections[i]))
            put_workloads(page);
    }
    ipm_html_put(out,
                 "</main>\n<footer>Made by ipcmeter %s from <code>report.json</code>, "
                 "which holds every figure of this page.</footer>\n",
                 ipm_member_text(page->report, "version"));
    if (page->folder == NULL)
        (void)fprintf(out, "<script>%s</script>\n", ipm_html_script);
    (void)fputs("</body>\n</html>\n", out);
}

static int write_page(struct page *page, const char *path)
{
    ipm_auto_free char *text = NULL;
    size_t length = 0;
    page->out = open_memstream(&text, &length);
    if (page->out == NULL)
        return ipm_why_set(page->why, -errno, "write %s: ", path);
    put_page(page);
    if (fclose(page->out) != 0)
        return ipm_why_set(page->why, -ENOMEM, "write %s: ", path);
    return page->error != 0 ? page->error
                            : ipm_text_write_file(text, length, path, page->why);
}

static int name_path(char path[PATH], const char *directory, const char *name,
                     struct ipm_why *why)
{
    int needed = snprintf(path, PATH, "%s/%s", directory, name);
    if (needed < 0 || needed >= PATH)
        return ipm_why_set(why, -ENAMETOOLONG, "path is too long");
    return 0;
}

int ipm_report_html(const json_t *report, const char *directory, struct ipm_why *why)
{
    char path[PATH];
    struct page page = {.report = report, .directory = directory, .why = why};
    int error = name_path(path, directory, "report.html", why);
    return error != 0 ? error : write_page(&page, path);
}

int ipm_report_html_folder(const json_t *report, const char *directory,
                           struct ipm_why *why)
{
    char folder[PATH];
    char path[PATH];
    struct page page = {
        .report = report, .directory = directory, .folder = folder, .why = why};
    int error = name_path(folder, directory, "html", why);
    if (error == 0)
        error = name_path(path, directory, "html/index.html", why);
    if (error != 0)
        return error;
    if (mkdir(folder, 0755) != 0 && errno != EEXIST)
        return ipm_why_set(why, -errno, "mkdir %s: ", folder);
    return write_page(&page, path);
}
