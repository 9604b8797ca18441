/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/gate_arm.h"

#include "base/cleanup.h"
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char plugin_word[] = "plugin=";

enum { FILE_LIMIT = 512 << 20 /* bytes of a program that is hashed */ };

/* Reads one word from *@from to *@to, which never overtakes it.  Return: 0; 1 there is none;
 * -EINVAL. */
static int next_word(const char **from, char **to, const char **out_word)
{
    const char *at = *from + strspn(*from, " \t\n");
    char *out = *to;
    char quote = '\0';
    if (*at == '\0')
        return 1;
    *out_word = out;
    for (; *at != '\0' && (quote != '\0' || strchr(" \t\n", *at) == NULL); at++) {
        if (*at == '\\' && quote != '\'') {
            if (*++at == '\0')
                return -EINVAL;
            *out++ = *at;
        } else if (quote == '\0' ? *at == '\'' || *at == '"' : *at == quote) {
            quote = quote == '\0' ? *at : '\0';
        } else {
            *out++ = *at;
        }
    }
    if (quote != '\0')
        return -EINVAL;
    *from = *at == '\0' ? at : at + 1;
    *out++ = '\0';
    *to = out;
    return 0;
}

static bool is_program(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) &&
           access(path, X_OK) == 0;
}

/* As execvp(3) does, but once, so that both arms are what they were when they began. */
static int find_program(const char *name, char path[IPM_WORKER_PATH],
                        struct ipm_why *why)
{
    if (strlen(name) >= IPM_WORKER_PATH)
        return ipm_why_set(why, -ENAMETOOLONG, "%.60s...: ", name);
    if (strchr(name, '/') != NULL) {
        (void)strcpy(path, name);
        if (!is_program(path))
            return ipm_why_set(why, access(path, F_OK) == 0 ? -EACCES : -ENOENT,
                               "%s: ", name);
        return 0;
    }
    const char *folder = getenv("PATH") ?: "/usr/bin:/bin";
    while (*folder != '\0') {
        size_t length = strcspn(folder, ":");
        int needed =
            snprintf(path, IPM_WORKER_PATH, "%.*s/%s", (int)length, folder, name);
        if (length > 0 && needed < IPM_WORKER_PATH && is_program(path))
            return 0;
        folder += length + (folder[length] == ':');
    }
    return ipm_why_set(why, -ENOENT, "%s is nowhere in $PATH: ", name);
}

static int take_plugins(struct ipm_arm *arm, const char *const *words, size_t n,
                        struct ipm_why *why)
{
    struct ipm_worker *worker = &arm->worker;
    for (size_t i = 0; i < n; i++) {
        if (strncmp(words[i], plugin_word, strlen(plugin_word)) != 0)
            return ipm_why_set(why, -EINVAL,
                               "'%s' beside plugin=: our own worker takes "
                               "nothing else",
                               words[i]);
        if (worker->n_plugins == IPM_PLUGINS_MAX)
            return ipm_why_set(why, -E2BIG, "too many plug-ins");
        worker->plugins[worker->n_plugins++] = words[i] + strlen(plugin_word);
    }
    arm->own = true;
    return ipm_worker_find(worker, why);
}

static int split(struct ipm_arm *arm, const char *line, struct ipm_why *why)
{
    const char *words[IPM_WORDS_MAX + 1];
    size_t n = 0;
    int state;
    char *to = strdup(line);
    const char *from = line;
    arm->text = to;
    if (to == NULL)
        return ipm_why_set(why, -ENOMEM, "no memory");
    const char *word = NULL;
    while ((state = next_word(&from, &to, &word)) == 0) {
        if (n == IPM_WORDS_MAX + 1)
            return ipm_why_set(why, -E2BIG, "more than %d words", IPM_WORDS_MAX + 1);
        words[n++] = word;
    }
    if (state < 0)
        return ipm_why_set(why, -EINVAL, "a quote or a backslash is left open in: %s",
                           line);
    if (n == 0)
        return ipm_why_set(why, -EINVAL, "there is no word in it");
    if (strncmp(words[0], plugin_word, strlen(plugin_word)) == 0)
        return take_plugins(arm, words, n, why);
    memcpy(arm->worker.words, words + 1, (n - 1) * sizeof(words[0]));
    arm->worker.n_words = n - 1;
    return find_program(words[0], arm->worker.path, why);
}

int ipm_arm_parse(const char *line, const struct ipm_worker *common,
                  struct ipm_arm *out_arm, struct ipm_why *why)
{
    struct ipm_arm arm = {.worker = *common, .own = line == NULL};
    arm.worker.path[0] = '\0';
    arm.worker.n_words = 0;
    int error =
        line == NULL ? ipm_worker_find(&arm.worker, why) : split(&arm, line, why);
    if (error != 0)
        ipm_arm_fini(&arm);
    else
        *out_arm = arm;
    return error;
}

/* A file's contents where the word names one, else the word itself. */
static void hash_word(const char *word, char text[IPM_HASH_TEXT])
{
    struct stat status;
    ipm_auto_fd int fd = open(word, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ipm_auto_free char *content = NULL;
    size_t length = 0;
    bool is_file = fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
                   ipm_read_all(fd, FILE_LIMIT, &content, &length) == 0;
    if (is_file)
        ipm_hash_text(content, length, text);
    else
        ipm_hash_text(word, strlen(word), text);
}

static void hash_arm(struct ipm_arm *arm)
{
    const char *argv[IPM_WORKER_ARGUMENTS];
    size_t n = ipm_worker_arguments(&arm->worker, argv);
    char all[IPM_WORKER_ARGUMENTS * IPM_HASH_TEXT] = "";
    for (size_t i = 0; i < n; i++)
        hash_word(argv[i], all + i * (IPM_HASH_TEXT - 1));
    ipm_hash_text(all, strlen(all), arm->hash);
}

int ipm_arm_describe(struct ipm_arm *arm, const volatile sig_atomic_t *interrupted,
                     struct ipm_why *why)
{
    json_t *describe = NULL;
    int error = ipm_describe_worker(&arm->worker, interrupted, &describe, why);
    if (error != 0)
        return error;
    json_decref(arm->describe);
    arm->describe = describe;
    hash_arm(arm);
    return 0;
}

int ipm_arms_together(const json_t *a, const json_t *b, struct ipm_why *why)
{
    static const struct {
        const char *key, *name;
    } facts[] = {
        {"architecture", "architectures"}, {"kernel", "kernels"}, {"boot", "boots"}};
    const json_t *first = json_object_get(a, "machine");
    const json_t *second = json_object_get(b, "machine");
    for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
        const char *of_a = ipm_describe_text(first, facts[i].key, NULL);
        const char *of_b = ipm_describe_text(second, facts[i].key, NULL);
        if (of_a != NULL && of_b != NULL && strcmp(of_a, of_b) != 0)
            return ipm_why_set(why, -EXDEV,
                               "cannot gate: the arms run under different %s (%.60s, "
                               "%.60s); measure each by itself and use compare",
                               facts[i].name, of_a, of_b);
    }
    return 0;
}

static int has_one(const json_t *a, const json_t *b, const char *kind, const char *name,
                   struct ipm_why *why)
{
    const json_t *of_a = ipm_describe_find(a, kind, name);
    const json_t *of_b = ipm_describe_find(b, kind, name);
    int length = (int)strlen(kind) - 1;
    if (of_b == NULL)
        return ipm_why_set(why, -ENOENT, "arm b has no %.*s '%s': renamed or gone",
                           length, kind, name);
    int64_t version_a = ipm_describe_integer(of_a, "version", 0);
    int64_t version_b = ipm_describe_integer(of_b, "version", 0);
    if (version_a != version_b)
        return ipm_why_set(why, -EPROTO,
                           "%.*s '%s' has version %" PRId64 " in arm a and %" PRId64
                           " in arm b: the two do not mean the same by it",
                           length, kind, name, version_a, version_b);
    if (json_is_false(json_object_get(of_b, "available")))
        return ipm_why_set(why, -ENODEV, "arm b cannot use '%s' here: %s", name,
                           ipm_describe_text(of_b, "reason", "it does not say why"));
    return 0;
}

int ipm_arm_has(const json_t *a, const json_t *b, const struct ipm_factors *factors,
                struct ipm_why *why)
{
    int error = has_one(a, b, "workloads", factors->workload, why);
    return error == 0 ? has_one(a, b, "mechanisms", factors->mechanism, why) : error;
}

void ipm_arm_fini(struct ipm_arm *arm)
{
    free(arm->text);
    json_decref(arm->describe);
    *arm = (struct ipm_arm){0};
}
