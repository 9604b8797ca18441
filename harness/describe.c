/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/describe.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/process.h"
#include "harness/spawn.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

enum {
    PROTOCOL = 1,
    DESCRIBE_LIMIT = 8 << 20, /* bytes */
    DESCRIBE_SECONDS = 60,    /* probes try everything once: well below a second */
};

int ipm_program_beside(const char *name, char path[IPM_WORKER_PATH],
                       struct ipm_why *why)
{
    ssize_t length = readlink("/proc/self/exe", path, IPM_WORKER_PATH - 1);
    if (length < 0)
        return ipm_why_set(why, -errno, "readlink /proc/self/exe: ");
    path[length] = '\0';
    char *file = strrchr(path, '/');
    file = file == NULL ? path : file + 1;
    if ((size_t)(file - path) + strlen(name) >= IPM_WORKER_PATH)
        return ipm_why_set(why, -ENAMETOOLONG, "path of %s: ", name);
    (void)strcpy(file, name);
    if (access(path, X_OK) != 0)
        return ipm_why_set(why, -errno, "%s: ", path);
    return 0;
}

int ipm_worker_find(struct ipm_worker *worker, struct ipm_why *why)
{
    const char *given = getenv("IPCMETER_WORKER");
    if (worker->path[0] != '\0')
        return 0;
    char path[IPM_WORKER_PATH];
    if (given != NULL && given[0] != '\0') {
        if (strlen(given) >= sizeof(path))
            return ipm_why_set(why, -ENAMETOOLONG, "IPCMETER_WORKER: ");
        (void)strcpy(path, given);
        if (access(path, X_OK) != 0)
            return ipm_why_set(why, -errno, "worker %s: ", path);
    } else {
        int error = ipm_program_beside("ipcmeter-worker", path, why);
        if (error != 0) {
            ipm_why_prefix(why, "worker ");
            return error;
        }
    }
    (void)strcpy(worker->path, path);
    return 0;
}

static int parse(const char *text, size_t length, json_t **out_describe,
                 struct ipm_why *why)
{
    json_error_t problem;
    ipm_auto_json json_t *describe =
        json_loadb(text, length, JSON_REJECT_DUPLICATES, &problem);
    if (describe == NULL)
        return ipm_why_set(why, -EBADMSG, "line %d: %s", problem.line, problem.text);
    int error = ipm_describe_check(describe, why);
    if (error == 0)
        *out_describe = ipm_steal(&describe);
    return error;
}

size_t ipm_worker_arguments(const struct ipm_worker *worker,
                            const char *argv[IPM_WORKER_ARGUMENTS])
{
    size_t n = 0;
    argv[n++] = worker->path;
    for (size_t i = 0; i < worker->n_words; i++)
        argv[n++] = worker->words[i];
    for (size_t i = 0; i < worker->n_plugins; i++) {
        argv[n++] = "--plugin";
        argv[n++] = worker->plugins[i];
    }
    argv[n] = NULL;
    return n;
}

int ipm_describe_worker(const struct ipm_worker *worker,
                        const volatile sig_atomic_t *interrupted, json_t **out_describe,
                        struct ipm_why *why)
{
    const char *argv[IPM_WORKER_ARGUMENTS];
    ipm_auto_free char *sensing = json_object_size(worker->sensing) > 0
                                      ? ipm_json_canonical(worker->sensing)
                                      : NULL;
    size_t n = ipm_worker_arguments(worker, argv);
    if (worker->sysroot != NULL && worker->sysroot[0] != '\0') {
        argv[n++] = "--sysroot";
        argv[n++] = worker->sysroot;
    }
    if (sensing != NULL) {
        argv[n++] = "--sensors";
        argv[n++] = sensing;
    }
    /* Limits differ: the sandbox raises those of the kernel's queues. */
    if (worker->no_sandbox)
        argv[n++] = "--no-sandbox";
    argv[n++] = "describe";
    argv[n] = NULL;

    struct ipm_spawn spawn = {
        .argv = argv,
        .output_limit = DESCRIBE_LIMIT,
        .deadline_ns = ipm_now_ns() + DESCRIBE_SECONDS * IPM_NS_PER_SECOND,
        .interrupted = interrupted,
    };
    ipm_auto_free char *text = NULL;
    size_t length = 0;
    int status = 0;
    int error = ipm_spawn_worker(&spawn, &text, &length, &status, why);
    if (error == IPM_SPAWN_INTERRUPTED)
        return 1;
    if (error == IPM_SPAWN_TIMED_OUT)
        return ipm_why_set(why, -EIO, "%s describe took more than %d s", worker->path,
                           DESCRIBE_SECONDS);
    if (error < 0)
        return error;
    if (status != 0) {
        char words[IPM_STATUS_TEXT];
        bool refused = WIFEXITED(status) && WEXITSTATUS(status) == 2;
        return ipm_why_set(why, refused ? -EINVAL : -EIO, "%s describe %s",
                           worker->path, ipm_status_text(status, words));
    }
    error = parse(text, length, out_describe, why);
    if (error != 0)
        ipm_why_prefix(why, "%s describe: ", worker->path);
    return error;
}

static bool is_word(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
    return text != NULL && text[0] != '\0' && strlen(text) < IPM_WORD &&
           strspn(text, letters) == strlen(text);
}

/* Every entry is an object with a name; @words: names are [a-z0-9_]+. */
static int check_list(const json_t *describe, const char *kind, bool words,
                      struct ipm_why *why)
{
    const json_t *list = json_object_get(describe, kind);
    if (!json_is_array(list))
        return ipm_why_set(why, -EBADMSG, "no list of %s", kind);
    size_t index;
    const json_t *entry;
    json_array_foreach(list, index, entry)
    {
        const char *name = json_string_value(json_object_get(entry, "name"));
        if (name == NULL || strlen(name) >= IPM_WORD || (words && !is_word(name)))
            return ipm_why_set(why, -EBADMSG, "%s: entry %zu has no sane name", kind,
                               index);
    }
    return 0;
}

static int check_mechanism(const json_t *mechanism, struct ipm_why *why)
{
    const json_t *modes = json_object_get(mechanism, "modes");
    int64_t copies = ipm_describe_integer(mechanism, "default_copies", -1);
    bool found = false;
    size_t index;
    const json_t *mode;
    json_array_foreach(modes, index, mode) found =
        found || ipm_describe_integer(mode, "copies", -1) == copies;
    if (copies < 0 || !found)
        return ipm_why_set(why, -EBADMSG, "its default_copies is none of its modes");
    if (!json_is_array(json_object_get(mechanism, "waits")) ||
        !json_is_array(json_object_get(mechanism, "capabilities")) ||
        !json_is_object(json_object_get(mechanism, "limits")) ||
        !json_is_boolean(json_object_get(mechanism, "available")) ||
        !json_is_integer(json_object_get(mechanism, "version")))
        return ipm_why_set(why, -EBADMSG,
                           "waits, capabilities, limits, available or version missing");
    const json_t *wait;
    json_array_foreach(json_object_get(mechanism, "waits"), index, wait)
    {
        if (!is_word(json_string_value(wait)))
            return ipm_why_set(why, -EBADMSG, "a wait strategy is no word");
    }
    return 0;
}

int ipm_describe_check(const json_t *describe, struct ipm_why *why)
{
    int64_t highest = ipm_describe_integer(describe, "protocol", -1);
    int64_t lowest = ipm_describe_integer(describe, "protocol_lowest", highest);
    if (highest < PROTOCOL)
        return ipm_why_set(why, -EPROTO,
                           "the highest protocol it speaks is %lld, this driver "
                           "speaks %d",
                           (long long)highest, PROTOCOL);
    if (lowest > PROTOCOL)
        return ipm_why_set(why, -EPROTO,
                           "the lowest protocol it speaks is %lld, this driver "
                           "speaks %d",
                           (long long)lowest, PROTOCOL);
    int error = check_list(describe, "mechanisms", true, why);
    if (error == 0)
        error = check_list(describe, "workloads", true, why);
    if (error == 0)
        error = check_list(describe, "axes", true, why);
    if (error == 0)
        error = check_list(describe, "sensors", true, why);
    if (error == 0)
        error = check_list(describe, "passes", false, why);
    if (error == 0 && json_object_get(describe, "policies") != NULL)
        error = check_list(describe, "policies", true, why);
    if (error != 0)
        return error;

    size_t index;
    const json_t *entry;
    json_array_foreach(json_object_get(describe, "mechanisms"), index, entry)
    {
        error = check_mechanism(entry, why);
        if (error != 0) {
            ipm_why_prefix(why,
                           "mechanism '%s': ", ipm_describe_text(entry, "name", ""));
            return error;
        }
    }
    json_array_foreach(json_object_get(describe, "workloads"), index, entry)
    {
        if (json_array_size(json_object_get(entry, "roles")) == 0 ||
            !json_is_integer(json_object_get(entry, "version")))
            return ipm_why_set(why, -EBADMSG, "workload '%s': roles or version missing",
                               ipm_describe_text(entry, "name", ""));
    }
    if (ipm_describe_find(describe, "passes", "timing") == NULL)
        return ipm_why_set(why, -EBADMSG, "no pass 'timing'");
    return 0;
}

const json_t *ipm_describe_find(const json_t *describe, const char *kind,
                                const char *name)
{
    size_t index;
    const json_t *entry;
    json_array_foreach(json_object_get(describe, kind), index, entry)
    {
        if (strcmp(ipm_describe_text(entry, "name", ""), name) == 0)
            return entry;
    }
    return NULL;
}

bool ipm_describe_lists(const json_t *list, const char *text)
{
    size_t index;
    const json_t *entry;
    json_array_foreach(list, index, entry)
    {
        if (json_is_string(entry) && strcmp(json_string_value(entry), text) == 0)
            return true;
    }
    return false;
}

const char *ipm_describe_text(const json_t *object, const char *key,
                              const char *otherwise)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : otherwise;
}

int64_t ipm_describe_integer(const json_t *object, const char *key, int64_t otherwise)
{
    const json_t *value = json_object_get(object, key);
    return json_is_integer(value) ? (int64_t)json_integer_value(value) : otherwise;
}

bool ipm_describe_is_floor(const json_t *mechanism)
{
    return strcmp(ipm_describe_text(mechanism, "kind", ""), "floor") == 0;
}
