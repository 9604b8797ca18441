/* SPDX-License-Identifier: MIT */
/*
 * module: finding and opening the shared objects of our own that need a library, and those
 * that a user names.  What is in them is the business of who asks.
 */
#ifndef IPM_BASE_MODULE_H
#define IPM_BASE_MODULE_H

#include "base/why.h"

#include <stddef.h>

/**
 * ipm_module_path() - where a module of ours lies: at the same place relative to the
 *                     executable in the build as after installation
 * @object:        its name without ".so"
 * @build_package: the package whose absence keeps it from being built
 *
 * Return: 0; -EOPNOTSUPP it was not built, with the package to install in @why;
 *         -ENAMETOOLONG.
 */
int ipm_module_path(const char *object, const char *build_package, char *out_path,
                    size_t room, struct ipm_why *why);

/* Where modules lie, relative to the folder of the executable. */
const char *ipm_modules_from_program(void);

/**
 * ipm_object_open() - open a shared object for good and find one symbol in it
 *
 * Return: 0; -ENOEXEC it cannot be loaded, with the loader's words, or lacks the symbol, and
 *         is closed again.
 */
int ipm_object_open(const char *path, const char *symbol, void **out_address,
                    struct ipm_why *why);

#endif
