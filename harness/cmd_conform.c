/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ipcmeter conform: does a mechanism keep its promises?  The suite is a program of its own,
 * for the same reason as the worker: what it loads and kills is no part of the driver.
 */
#include "harness/commands.h"
#include "harness/describe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char program[] = "ipcmeter-conform";

int ipm_cmd_conform(int argc, char **argv)
{
    char path[IPM_WORKER_PATH];
    struct ipm_why why = {.error = 0, .text = ""};
    (void)argc;
    if (ipm_program_beside(program, path, &why) == 0) {
        argv[0] = path;
        (void)fflush(NULL);
        (void)execv(path, argv);
        (void)ipm_why_set(&why, -errno, "execute %s: ", path);
    }
    if (why.error != -ENOENT) {
        (void)fprintf(stderr, "ipcmeter conform: %s\n", why.text);
        return IPM_EXIT_INTERNAL;
    }
    (void)fprintf(stderr,
                  "ipcmeter conform: built without cmocka: there is no %s beside this "
                  "program\n",
                  program);
    return IPM_EXIT_ENVIRONMENT;
}
