/* SPDX-License-Identifier: MIT */
/*
 * tree: fake sysfs and proc trees below a test's directory, and acting as nobody.
 */
#ifndef IPM_TESTS_TREE_H
#define IPM_TESTS_TREE_H

#include "tests/support/test.h"

#include <grp.h>
#include <stdbool.h>

/* Writes ROOT/PATH, making the folders on the way; a PATH that ends in '/' is a folder. */
static inline void ipm_tree_put(const char *root, const char *path, const char *text)
{
    char full[512];
    (void)snprintf(full, sizeof(full), "%s/%s", root, path);
    for (char *slash = full + strlen(root) + 1; (slash = strchr(slash, '/')) != NULL;
         slash++) {
        *slash = '\0';
        (void)mkdir(full, 0755);
        *slash = '/';
    }
    if (full[strlen(full) - 1] != '/')
        ipm_test_write(full, text, strlen(text));
}

struct ipm_tree_file {
    const char *path; /* NULL ends a table */
    const char *text;
};

static inline void ipm_tree_put_all(const char *root, const struct ipm_tree_file *files)
{
    for (; files->path != NULL; files++)
        ipm_tree_put(root, files->path, files->text);
}

/* Gives up the rights of root for good; only in a child.  True: mode bits hold now. */
static inline bool ipm_become_nobody(void)
{
    if (geteuid() != 0)
        return true;
    return setgroups(0, NULL) == 0 && setgid(65534) == 0 && setuid(65534) == 0;
}

#endif
