/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sysroot: reading sysfs and proc below a prefix, so that the same code reads this machine,
 * a container's view, or a tree that a test made.
 *
 * Everywhere: @sysroot is "" for the machine itself, @path has no leading slash.
 */
#ifndef IPM_HARNESS_SYSROOT_H
#define IPM_HARNESS_SYSROOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* First line of a file.  0; -ENODATA it is empty; -errno. */
int ipm_sysroot_text(const char *sysroot, const char *path, char *text, size_t room);

/* A file that holds a whole number.  0; -ENODATA; -EINVAL; -errno. */
int ipm_sysroot_integer(const char *sysroot, const char *path, int64_t *out_value);

/* The value of the first line "KEY: value" of a file.  0; -ENODATA no such line; -errno. */
int ipm_sysroot_field(const char *sysroot, const char *path, const char *key,
                      char *text, size_t room);

/* The same where the value starts with a whole number: "MemTotal:  24684096 kB". */
int ipm_sysroot_field_integer(const char *sysroot, const char *path, const char *key,
                              int64_t *out_value);

/* What follows @prefix, and the blanks behind it, in the first line that starts with it:
 * for files without colons, "nr_throttled 5".  0; -ENODATA no such line; -errno. */
int ipm_sysroot_line(const char *sysroot, const char *path, const char *prefix,
                     char *text, size_t room);

/* The word in brackets of "always [madvise] never".  0; -ENODATA none is; -errno. */
int ipm_sysroot_chosen(const char *sysroot, const char *path, char *text, size_t room);

bool ipm_sysroot_exists(const char *sysroot, const char *path);

/**
 * ipm_sysroot_list() - names in a folder that start with @prefix, sorted
 * @out_names: the caller frees each name and the array
 *
 * Return: how many; -errno.
 */
int ipm_sysroot_list(const char *sysroot, const char *path, const char *prefix,
                     char ***out_names);
void ipm_sysroot_list_free(char **names, int n);

#endif
