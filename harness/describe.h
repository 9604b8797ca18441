/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * describe: what a worker says it has (docs/protocol.md).  The driver knows no mechanism,
 * workload or sensor by name: list, plan and the checks of a config read this document.
 */
#ifndef IPM_HARNESS_DESCRIBE_H
#define IPM_HARNESS_DESCRIBE_H

#include "base/json.h"
#include "base/why.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    IPM_WORKER_PATH = 4096,
    IPM_PLUGINS_MAX = 16,
    IPM_WORD = 40,
    IPM_WORDS_MAX = 64
};

/* How a worker is called. */
struct ipm_worker {
    char path[IPM_WORKER_PATH];       /* the executable */
    const char *words[IPM_WORDS_MAX]; /* before what is ours; borrowed */
    size_t n_words;
    const char *plugins[IPM_PLUGINS_MAX]; /* --plugin, in order; borrowed */
    size_t n_plugins;
    const char *sysroot; /* --sysroot; NULL or "": the machine itself */
    bool no_sandbox;
    const json_t *sensing; /* --sensors; NULL or empty: all defaults; borrowed */
};

/* Path of a program in the folder of this executable.  0; -ENOENT, -EACCES ... as access(2)
 * says when it cannot be executed; -ENAMETOOLONG. */
int ipm_program_beside(const char *name, char path[IPM_WORKER_PATH],
                       struct ipm_why *why);

/**
 * ipm_worker_find() - path of the worker: $IPCMETER_WORKER, else beside this executable
 *
 * Writes @worker->path alone, and nothing where it names a program already.
 *
 * Return: 0; -ENOENT or -EACCES when there is nothing to execute; -ENAMETOOLONG.
 */
int ipm_worker_find(struct ipm_worker *worker, struct ipm_why *why);

enum { IPM_WORKER_ARGUMENTS = IPM_WORDS_MAX + 2 * IPM_PLUGINS_MAX + 8 };

/* How a worker is started that is to measure: its arguments, NULL-terminated; their number.
 * Borrows @worker's texts. */
size_t ipm_worker_arguments(const struct ipm_worker *worker,
                            const char *argv[IPM_WORKER_ARGUMENTS]);

/**
 * ipm_describe_worker() - run `worker describe` and check what it says
 * @interrupted:  see struct ipm_spawn; may be NULL
 * @out_describe: the caller's reference
 *
 * Return: 0; 1 the worker was interrupted; -EINVAL it refused its arguments (it said why
 *         on stderr); -EPROTO it speaks another protocol; -EBADMSG what it said makes no
 *         sense; -EIO it failed; -errno of its start.
 */
int ipm_describe_worker(const struct ipm_worker *worker,
                        const volatile sig_atomic_t *interrupted, json_t **out_describe,
                        struct ipm_why *why);

/* Does a document have what the driver reads, with sane names?  0; -EPROTO; -EBADMSG. */
int ipm_describe_check(const json_t *describe, struct ipm_why *why);

/* Entry of that name in @describe's list @kind ("mechanisms", "workloads", "axes",
 * "sensors", "passes"); NULL: there is none.  Borrowed. */
const json_t *ipm_describe_find(const json_t *describe, const char *kind,
                                const char *name);

/* Is @text one of the strings of @list (may be NULL)? */
bool ipm_describe_lists(const json_t *list, const char *text);

/* Member of @object as text; @otherwise when it is absent, null or no string. */
const char *ipm_describe_text(const json_t *object, const char *key,
                              const char *otherwise);

/* Member of @object as whole number; @otherwise when it is absent or of another type. */
int64_t ipm_describe_integer(const json_t *object, const char *key, int64_t otherwise);

/* Whether a mechanism is a floor. */
bool ipm_describe_is_floor(const json_t *mechanism);

#endif
