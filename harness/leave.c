/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/leave.h"

#include "analysis/counts.h"
#include "analysis/gate_annotations.h"
#include "analysis/gate_junit.h"
#include "analysis/gate_markdown.h"
#include "base/cleanup.h"
#include "harness/replace_file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

const struct ipm_leave_forms ipm_leave_gate = {"gate", ipm_gate_junit,
                                               ipm_gate_markdown, ipm_gate_annotate};
const struct ipm_leave_forms ipm_leave_counts = {
    "counts", ipm_counts_junit, ipm_counts_markdown, ipm_counts_annotate};

bool ipm_leave_asked(const struct ipm_leave *leave)
{
    return leave->junit != NULL || leave->markdown != NULL || leave->annotations;
}

/* The folder of a path, which it is cut to.  Return: whether there is one. */
static bool cut_to_folder(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path)
        return false;
    *slash = '\0';
    return true;
}

/* May a file be made there?  Folders that are missing are made when it is. */
static int check(const char *path, struct ipm_why *why)
{
    ipm_auto_free char *folder = path == NULL ? NULL : strdup(path);
    if (path == NULL)
        return 0;
    if (folder == NULL)
        return ipm_why_set(why, -ENOMEM, "no memory");
    struct stat status;
    while (cut_to_folder(folder)) {
        if (stat(folder, &status) == 0 && !S_ISDIR(status.st_mode))
            return ipm_why_set(why, -ENOTDIR, "%s: ", folder);
        if (access(folder, W_OK | X_OK) == 0)
            return 0;
        if (errno != ENOENT)
            return ipm_why_set(why, -errno, "%s: ", folder);
    }
    return access(path[0] == '/' ? "/" : ".", W_OK | X_OK) == 0
               ? 0
               : ipm_why_set(why, -errno, "%s: ", path);
}

/* What is wrong shows when the file is opened. */
static void make_folders(const char *path)
{
    ipm_auto_free char *folder = strdup(path);
    for (char *at = folder; at != NULL && (at = strchr(at + 1, '/')) != NULL;) {
        *at = '\0';
        (void)mkdir(folder, 0755);
        *at = '/';
    }
}

int ipm_leave_check(const struct ipm_leave *leave, struct ipm_why *why)
{
    int error = check(leave->junit, why);
    return error != 0 ? error : check(leave->markdown, why);
}

struct file {
    ipm_leave_form *put;
    const json_t *document;
};

static int write_file(FILE *out, void *context, struct ipm_why *why)
{
    const struct file *file = context;
    return file->put(file->document, out, why);
}

static int leave_file(const char *path, struct file file, struct ipm_why *why)
{
    if (path == NULL)
        return 0;
    make_folders(path);
    return ipm_replace_file(path, write_file, &file, why);
}

static int leave_lines(struct file file, struct ipm_why *why)
{
    int error = file.put(file.document, stdout, why);
    if (error == 0 && (fflush(stdout) != 0 || ferror(stdout)))
        error = ipm_why_set(why, -EIO, "the annotations could not be written");
    return error;
}

int ipm_leave(const struct ipm_leave *leave, const struct ipm_leave_forms *forms,
              const json_t *document, struct ipm_why *why)
{
    int first = leave_file(leave->junit, (struct file){forms->junit, document}, why);
    int error = leave_file(leave->markdown, (struct file){forms->markdown, document},
                           first == 0 ? why : NULL);
    first = first != 0 ? first : error;
    if (!leave->annotations)
        return first;
    error =
        leave_lines((struct file){forms->annotate, document}, first == 0 ? why : NULL);
    return first != 0 ? first : error;
}

int ipm_leave_failed(const struct ipm_leave *leave, const struct ipm_leave_forms *forms,
                     const char *sentence, struct ipm_why *why)
{
    ipm_auto_json json_t *document =
        json_pack("{s:i, s:s, s:s, s:o, s:[]}", "schema", 1, "kind", forms->kind,
                  "verdict", "error", "sentence", ipm_json_text(sentence), "points");
    if (document == NULL)
        return ipm_why_set(why, -ENOMEM, "no memory");
    return ipm_leave(leave, forms, document, why);
}

int ipm_leave_read_gate(const char *directory, json_t **out_document,
                        struct ipm_why *why)
{
    ipm_auto_free char *path = NULL;
    json_error_t problem;
    if (asprintf(&path, "%s/gate.json", directory) < 0) {
        path = NULL;
        return ipm_why_set(why, -ENOMEM, "no memory");
    }
    if (access(path, F_OK) != 0)
        return errno == ENOENT ? 1 : ipm_why_set(why, -errno, "read %s: ", path);
    *out_document = json_load_file(path, 0, &problem);
    return *out_document != NULL ? 0
                                 : ipm_why_set(why, -EINVAL, "%s:%d: %s", path,
                                               problem.line, problem.text);
}
