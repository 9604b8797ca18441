/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/sysroot.h"

#include "base/cleanup.h"
#include "base/units.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static FILE *open_file(const char *sysroot, const char *path)
{
    char full[PATH_MAX];
    int length = snprintf(full, sizeof(full), "%s/%s", sysroot, path);
    if (length >= (int)sizeof(full)) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    return fopen(full, "re");
}

int ipm_sysroot_text(const char *sysroot, const char *path, char *text, size_t room)
{
    ipm_auto_file FILE *file = open_file(sysroot, path);
    if (file == NULL)
        return -errno;
    ipm_auto_free char *line = NULL;
    size_t size = 0;
    if (getline(&line, &size, file) < 0)
        return ferror(file) ? -EIO : -ENODATA;
    line[strcspn(line, "\n")] = '\0';
    if (line[0] == '\0')
        return -ENODATA;
    (void)snprintf(text, room, "%s", line);
    return 0;
}

int ipm_sysroot_integer(const char *sysroot, const char *path, int64_t *out_value)
{
    char text[64];
    int error = ipm_sysroot_text(sysroot, path, text, sizeof(text));
    return error != 0 ? error : ipm_parse_integer(text, out_value, NULL);
}

/* The rest of the first line that starts with @prefix and, unless it is NUL, @separator
 * behind blanks: "model name" must not be taken for "model". */
static int find_line(const char *sysroot, const char *path, const char *prefix,
                     char separator, char *text, size_t room)
{
    ipm_auto_file FILE *file = open_file(sysroot, path);
    if (file == NULL)
        return -errno;
    ipm_auto_free char *line = NULL;
    size_t size = 0;
    size_t length = strlen(prefix);
    while (getline(&line, &size, file) >= 0) {
        if (strncmp(line, prefix, length) != 0)
            continue;
        const char *value = line + length + strspn(line + length, " \t");
        if (separator != '\0' && *value++ != separator)
            continue;
        value += strspn(value, " \t");
        (void)snprintf(text, room, "%.*s", (int)strcspn(value, "\n"), value);
        return 0;
    }
    return ferror(file) ? -EIO : -ENODATA;
}

int ipm_sysroot_field(const char *sysroot, const char *path, const char *key,
                      char *text, size_t room)
{
    return find_line(sysroot, path, key, ':', text, room);
}

int ipm_sysroot_line(const char *sysroot, const char *path, const char *prefix,
                     char *text, size_t room)
{
    return find_line(sysroot, path, prefix, '\0', text, room);
}

int ipm_sysroot_field_integer(const char *sysroot, const char *path, const char *key,
                              int64_t *out_value)
{
    char text[64];
    int error = ipm_sysroot_field(sysroot, path, key, text, sizeof(text));
    if (error != 0)
        return error;
    text[strcspn(text, " \t")] = '\0';
    return ipm_parse_integer(text, out_value, NULL);
}

int ipm_sysroot_chosen(const char *sysroot, const char *path, char *text, size_t room)
{
    char choices[256];
    int error = ipm_sysroot_text(sysroot, path, choices, sizeof(choices));
    const char *open = error == 0 ? strchr(choices, '[') : NULL;
    if (open == NULL)
        return error != 0 ? error : -ENODATA;
    (void)snprintf(text, room, "%.*s", (int)strcspn(open + 1, "]"), open + 1);
    return 0;
}

bool ipm_sysroot_exists(const char *sysroot, const char *path)
{
    char full[PATH_MAX];
    return snprintf(full, sizeof(full), "%s/%s", sysroot, path) < (int)sizeof(full) &&
           access(full, F_OK) == 0;
}

static int by_name(const void *a, const void *b)
{
    return strverscmp(*(char *const *)a, *(char *const *)b);
}

int ipm_sysroot_list(const char *sysroot, const char *path, const char *prefix,
                     char ***out_names)
{
    char full[PATH_MAX];
    (void)snprintf(full, sizeof(full), "%s/%s", sysroot, path);
    DIR *folder = opendir(full);
    if (folder == NULL)
        return -errno;
    char **names = NULL;
    int n = 0;
    int error = 0;
    for (const struct dirent *at; error == 0 && (at = readdir(folder)) != NULL;) {
        if (at->d_name[0] == '.' || strncmp(at->d_name, prefix, strlen(prefix)) != 0)
            continue;
        char **more = realloc(names, (size_t)(n + 1) * sizeof(*names));
        if (more != NULL)
            names = more;
        char *name = more == NULL ? NULL : strdup(at->d_name);
        if (name == NULL)
            error = -ENOMEM;
        else
            names[n++] = name;
    }
    (void)closedir(folder);
    if (error != 0) {
        ipm_sysroot_list_free(names, n);
        return error;
    }
    if (n > 0)
        qsort(names, (size_t)n, sizeof(*names), by_name);
    *out_names = names;
    return n;
}

void ipm_sysroot_list_free(char **names, int n)
{
    for (int i = 0; i < n; i++)
        free(names[i]);
    free(names);
}
