/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/plot.h"

#include "analysis/gnuplot.h"
#include "base/cleanup.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { PATH = 4096, REASON = 300 };

static int path_of(char path[PATH], const char *folder, const char *name,
                   const char *suffix, struct ipm_why *why)
{
    int needed = snprintf(path, PATH, "%s/%s%s", folder, name, suffix);
    if (needed < 0 || needed >= PATH)
        return ipm_why_set(why, -ENAMETOOLONG, "path is too long");
    return 0;
}

static int write_part(const char *path, ipm_plot_put *put, const void *context,
                      struct ipm_why *why)
{
    ipm_auto_free char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (out == NULL)
        return ipm_why_set(why, -errno, "write %s: ", path);
    int error = put(context, out, why);
    if (fclose(out) != 0 && error == 0)
        error = ipm_why_set(why, -ENOMEM, "write %s: ", path);
    return error != 0 ? error : ipm_text_write_file(text, length, path, why);
}

/* In a script's place. */
static int put_nothing(const void *context, FILE *out, struct ipm_why *why)
{
    (void)context;
    (void)why;
    (void)fputs("# nothing to draw\n", out);
    return 0;
}

/* Draws; why there is no picture goes into @reason, "" when there is one. */
static void draw(const struct ipm_plot *plot, const char *folder, const char *picture,
                 char reason[REASON])
{
    (void)unlink(picture); /* an older one would be taken for this run's */
    if (plot->nothing != NULL) {
        (void)snprintf(reason, REASON, "%s", plot->nothing);
        return;
    }
    char script[64];
    struct ipm_why why = {0};
    (void)snprintf(script, sizeof(script), "%s.gp", plot->name);
    int result = ipm_gnuplot_run(folder, script, &why);
    reason[0] = '\0';
    if (result == IPM_GNUPLOT_ABSENT)
        (void)snprintf(reason, REASON, "absent: gnuplot is not installed");
    else if (result != 0)
        (void)snprintf(reason, REASON, "failed: %s", why.text);
    if (result != 0)
        (void)unlink(picture); /* half of one */
}

/* "plots/NAME.SUFFIX" as JSON. */
static json_t *relative(const struct ipm_plot *plot, const char *suffix)
{
    return json_sprintf("plots/%s%s", plot->name, suffix);
}

int ipm_plot_write(const struct ipm_plot *plot, const void *context,
                   const char *directory, json_t **out_json, struct ipm_why *why)
{
    char folder[PATH];
    char data[PATH];
    char script[PATH];
    char picture[PATH];
    int error = path_of(folder, directory, "plots", "", why);
    if (error == 0)
        error = path_of(data, folder, plot->name, ".dat", why);
    if (error == 0)
        error = path_of(script, folder, plot->name, ".gp", why);
    if (error == 0)
        error = path_of(picture, folder, plot->name, ".svg", why);
    if (error != 0)
        return error;
    if (mkdir(folder, 0755) != 0 && errno != EEXIST)
        return ipm_why_set(why, -errno, "mkdir %s: ", folder);
    error = write_part(data, plot->data, context, why);
    if (error == 0)
        error = write_part(script, plot->nothing == NULL ? plot->script : put_nothing,
                           context, why);
    if (error != 0)
        return error;

    char reason[REASON];
    draw(plot, folder, picture, reason);
    bool drawn = reason[0] == '\0';
    json_t *json = json_object();
    (void)json_object_set_new(json, "script", relative(plot, ".gp"));
    (void)json_object_set_new(json, "data", relative(plot, ".dat"));
    (void)json_object_set_new(json, "picture",
                              drawn ? relative(plot, ".svg") : json_null());
    (void)json_object_set_new(json, "reason",
                              drawn ? json_null() : json_string(reason));
    *out_json = json;
    return 0;
}
