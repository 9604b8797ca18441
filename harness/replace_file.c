/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/replace_file.h"

#include "base/cleanup.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/stat.h>

int ipm_replace_file(const char *path,
                     int (*write)(FILE *out, void *context, struct ipm_why *why),
                     void *context, struct ipm_why *why)
{
    char beside[4096];
    struct stat status;
    bool direct = lstat(path, &status) == 0 && !S_ISREG(status.st_mode);
    int needed = snprintf(beside, sizeof(beside), "%s%s", path, direct ? "" : ".tmp");
    if (needed < 0 || (size_t)needed >= sizeof(beside))
        return ipm_why_set(why, -ENAMETOOLONG, "path is too long");
    ipm_auto_file FILE *file = fopen(beside, "we");
    if (file == NULL)
        return ipm_why_set(why, -errno, "open %s: ", beside);
    int error = write(file, context, why);
    if (error == 0 && (fflush(file) != 0 || ferror(file)))
        error = ipm_why_set(why, -EIO, "%s could not be written", beside);
    if (error == 0 && !direct && fsync(fileno(file)) != 0)
        error = ipm_why_set(why, -errno, "write %s: ", beside);
    if (error == 0 && !direct && rename(beside, path) != 0)
        error = ipm_why_set(why, -errno, "write %s: ", path);
    if (error != 0 && !direct)
        (void)unlink(beside);
    return error;
}
