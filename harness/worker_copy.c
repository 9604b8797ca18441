/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/worker_copy.h"

#include "base/cleanup.h"
#include "base/module.h"
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH = IPM_WORKER_PATH + 64, CHUNK = 1 << 16, REMOVE_DEPTH = 16 };

int ipm_scratch_make(char path[IPM_SCRATCH], struct ipm_why *why)
{
    const char *folder = getenv("TMPDIR");
    int needed = snprintf(path, IPM_SCRATCH, "%s/ipcmeter-XXXXXX",
                          folder != NULL && folder[0] != '\0' ? folder : "/tmp");
    if (needed < 0 || needed >= IPM_SCRATCH)
        return ipm_why_set(why, -ENAMETOOLONG, "$TMPDIR: ");
    if (mkdtemp(path) == NULL)
        return ipm_why_set(why, -errno, "make %s: ", path);
    return 0;
}

static int remove_one(const char *path, const struct stat *status, int type,
                      struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    (void)remove(path);
    return 0;
}

void ipm_scratch_remove(const char *path)
{
    if (path[0] != '\0')
        (void)nftw(path, remove_one, REMOVE_DEPTH, FTW_DEPTH | FTW_PHYS);
}

static int copy_file(const char *from, const char *to, struct ipm_why *why)
{
    ipm_auto_fd int in = open(from, O_RDONLY | O_CLOEXEC);
    if (in < 0)
        return ipm_why_set(why, -errno, "open %s: ", from);
    ipm_auto_fd int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
    if (out < 0)
        return ipm_why_set(why, -errno, "create %s: ", to);
    ipm_auto_free char *chunk = malloc(CHUNK);
    if (chunk == NULL)
        return ipm_why_set(why, -ENOMEM, "no memory");
    ssize_t got;
    while ((got = read(in, chunk, CHUNK)) > 0) {
        int error = ipm_write_all(out, chunk, (size_t)got);
        if (error != 0)
            return ipm_why_set(why, error, "write %s: ", to);
    }
    return got == 0 ? 0 : ipm_why_set(why, -errno, "read %s: ", from);
}

/* Modules lie beside the folder of the program: what holds them is linked to. */
static int link_modules(const char *program, const char *folder, struct ipm_why *why)
{
    const char *below = ipm_modules_from_program();
    if (strncmp(below, "../", 3) != 0)
        return 0;
    char target[PATH];
    char link[PATH];
    int length = (int)strcspn(below + 3, "/");
    const char *slash = strrchr(program, '/');
    int bin = slash == NULL ? 0 : (int)(slash - program);
    (void)snprintf(target, sizeof(target), "%.*s/../%.*s", bin, program, length,
                   below + 3);
    int needed = snprintf(link, sizeof(link), "%s/%.*s", folder, length, below + 3);
    if (needed < 0 || needed >= (int)sizeof(link))
        return ipm_why_set(why, -ENAMETOOLONG, "%s: ", folder);
    ipm_auto_free char *real = realpath(target, NULL);
    if (real != NULL && symlink(real, link) != 0 && errno != EEXIST)
        return ipm_why_set(why, -errno, "link %s: ", link);
    return 0;
}

int ipm_worker_copy(struct ipm_worker *worker, const char *folder, const char *name,
                    struct ipm_why *why)
{
    char place[PATH];
    char bin[PATH];
    char path[PATH];
    int needed = snprintf(place, sizeof(place), "%s/%s", folder, name);
    if (needed < 0 || needed + 32 >= IPM_WORKER_PATH)
        return ipm_why_set(why, -ENAMETOOLONG, "%.60s: ", folder);
    (void)snprintf(bin, sizeof(bin), "%.*s/bin", needed, place);
    (void)snprintf(path, sizeof(path), "%.*s/worker", needed + 4, bin);
    ipm_scratch_remove(place);
    if (mkdir(place, 0700) != 0 || mkdir(bin, 0700) != 0)
        return ipm_why_set(why, -errno, "make %s: ", bin);
    int error = copy_file(worker->path, path, why);
    if (error == 0)
        error = link_modules(worker->path, place, why);
    if (error == 0)
        (void)snprintf(worker->path, sizeof(worker->path), "%.*s", IPM_WORKER_PATH - 1,
                       path);
    return error;
}
