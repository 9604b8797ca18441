/* SPDX-License-Identifier: MIT */
#include "base/module.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *ipm_modules_from_program(void)
{
    return IPM_MODULES_FROM_BIN;
}

int ipm_module_path(const char *object, const char *build_package, char *out_path,
                    size_t room, struct ipm_why *why)
{
    char self[PATH_MAX] = "";
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
    char *slash = length < 0 ? NULL : strrchr(self, '/');
    if (slash != NULL)
        *slash = '\0';
    int needed =
        snprintf(out_path, room, "%s/" IPM_MODULES_FROM_BIN "/%s.so", self, object);
    if (needed < 0 || (size_t)needed >= room)
        return ipm_why_set(why, -ENAMETOOLONG, "path of the module %s: ", object);
    if (access(out_path, F_OK) != 0)
        return ipm_why_set(why, -EOPNOTSUPP,
                           "built without its library: install %s and build again",
                           build_package);
    return 0;
}

int ipm_object_open(const char *path, const char *symbol, void **out_address,
                    struct ipm_why *why)
{
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (object == NULL)
        return ipm_why_set(why, -ENOEXEC, "%s", dlerror());
    void *address = dlsym(object, symbol);
    if (address == NULL) {
        (void)dlclose(object);
        return ipm_why_set(why, -ENOEXEC, "%s has no symbol %s", path, symbol);
    }
    *out_address = address;
    return 0;
}
