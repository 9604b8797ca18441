/* SPDX-License-Identifier: MIT */
#include "mechanisms/registry.h"

#include "base/module.h"
#include "mechanisms/floor.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define IPM_MECHANISM(name) extern const struct ipm_mechanism ipm_mechanism_##name;
#include "mechanisms/list.def"
#undef IPM_MECHANISM

const char *const ipm_capability_names[] = {
    "framed", "duplex", "loan",      "pollfd",   "fanin",  "fdpass", "timed",
    "shared", "local",  "allocates", "threads",  "broker", "floor",  "token",
    "eof",    "lossy",  "fanout",    "volatile", "call",   NULL,
};

const char *const ipm_wait_names[] = {
    "none", "spin", "yield", "block", "spin_then_block", NULL};

static bool is_word(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
    return text != NULL && text[0] != '\0' && strspn(text, letters) == strlen(text);
}

static bool is_line(const char *text, size_t most)
{
    return text != NULL && text[0] != '\0' && strnlen(text, most + 1) <= most;
}

enum { LONGEST_NAME = 39, MOST_OPTIONS = 64 };

static const char *wrong_identity(const struct ipm_mechanism *m)
{
    if (!is_word(m->name))
        return "the name must match [a-z0-9_]+";
    if (strlen(m->name) > LONGEST_NAME)
        return "the name is longer than 39 characters";
    if (m->version < 1)
        return "versions start at 1";
    if (!is_line(m->family, 40) || !is_line(m->summary, 60))
        return "family and a summary of at most 60 characters are needed";
    return NULL;
}

static const char *wrong_hooks(const struct ipm_mechanism *m)
{
    bool loan = (m->capabilities & IPM_CAP_LOAN) != 0;
    if (m->create == NULL || m->destroy == NULL || m->attach == NULL ||
        m->detach == NULL || m->send_n == NULL || m->recv_n == NULL)
        return "a mandatory hook is missing";
    if (loan != (m->reserve_n != NULL && m->publish_n != NULL && m->peek_n != NULL &&
                 m->consume_n != NULL))
        return "loan hooks and the loan capability disagree";
    if (((m->capabilities & IPM_CAP_POLLFD) != 0) != (m->wait_fd != NULL))
        return "wait_fd and the pollfd capability disagree";
    if (((m->capabilities & IPM_CAP_BROKER) != 0) != (m->helper != NULL))
        return "helper and the broker capability disagree";
    if ((m->capabilities & IPM_CAP_LOSSY) != 0 && m->stats == NULL)
        return "lossy without stats: what is missed must be told";
    return NULL;
}

static const char *wrong_promises(const struct ipm_mechanism *m)
{
    bool loan = (m->capabilities & IPM_CAP_LOAN) != 0;
    const size_t known =
        sizeof(ipm_capability_names) / sizeof(ipm_capability_names[0]) - 1;
    if (m->capabilities >> known != 0)
        return "a capability that this worker does not know";
    if (m->waits >= IPM_WAIT_BIT(IPM_WAIT_COUNT))
        return "a wait strategy that this worker does not know";
    if ((m->waits & IPM_WAIT_BIT(IPM_WAIT_NONE)) != 0)
        return "no wait strategy is written as waits = 0";
    if (m->limits.min_length < 0 || m->limits.max_length < 0 ||
        m->limits.in_flight < 0 ||
        (m->limits.max_length != 0 && m->limits.max_length < m->limits.min_length))
        return "the limits contradict each other";
    if ((m->capabilities & IPM_CAP_TOKEN) != 0 && m->limits.max_length != 0)
        return "a token has no length limit";
    if (m->default_copies < 0 || m->default_copies >= IPM_MODES ||
        !m->modes[m->default_copies].supported)
        return "the default mode is not supported";
    for (int copies = 0; copies < IPM_MODES; copies++) {
        const struct ipm_mode *mode = &m->modes[copies];
        if (!loan && (mode->send_in_place || mode->receive_in_place))
            return "a mode works in place without the loan capability";
    }
    return NULL;
}

static const char *wrong_option(const struct ipm_mechanism *m,
                                const struct ipm_option *option)
{
    int64_t value = 0;
    if (!is_word(option->name))
        return "an option's name must match [a-z0-9_]+";
    if (ipm_option_find(m->options, option->name) != option)
        return "two options have one name";
    if ((unsigned)option->type > IPM_OPTION_CHOICE)
        return "an option has a type that this worker does not know";
    if (option->type == IPM_OPTION_CHOICE &&
        (option->choices == NULL || option->choices[0] == NULL))
        return "an option is a choice without choices";
    if (option->min > option->max)
        return "an option's min is above its max";
    if (option->unit == NULL || option->help == NULL)
        return "an option lacks unit or help (\"\" for none)";
    if (option->offset % _Alignof(int64_t) != 0 ||
        option->offset > m->options_size - sizeof(int64_t))
        return "an option lies outside options_size, or not as an int64_t does";
    if (option->fallback == NULL ||
        ipm_option_parse(option, option->fallback, &value, NULL) != 0)
        return "an option has no default that it would accept";
    return NULL;
}

static const char *wrong_options(const struct ipm_mechanism *m)
{
    if ((m->options != NULL) != (m->options_size > 0))
        return "options and options_size disagree";
    if (m->options == NULL)
        return NULL;
    if (m->options_size < sizeof(int64_t) || m->options_size > IPM_OPTIONS_SIZE_MAX)
        return "options_size is not 8 to 512 bytes";
    const char *text = NULL;
    int n = 0;
    for (; text == NULL && m->options[n].name != NULL; n++)
        text = n == MOST_OPTIONS ? "no end of the options: a row with a NULL name"
                                 : wrong_option(m, &m->options[n]);
    return text;
}

int ipm_mechanism_check(const struct ipm_mechanism *mechanism, struct ipm_why *why)
{
    /* Behind another ABI number nothing is where this header has it. */
    if (mechanism->abi != IPM_PLUGIN_ABI)
        return ipm_why_set(why, -EPROTO, "built for plug-in ABI %u, this worker has %d",
                           mechanism->abi, IPM_PLUGIN_ABI);
    const char *text = wrong_identity(mechanism);
    if (text == NULL)
        text = wrong_hooks(mechanism);
    if (text == NULL)
        text = wrong_promises(mechanism);
    if (text == NULL)
        text = wrong_options(mechanism);
    if (text == NULL)
        return 0;
    return ipm_why_set(why, -EINVAL, "mechanism '%s': %s",
                       is_word(mechanism->name) ? mechanism->name : "?", text);
}

/* --- modules: mechanisms that need a library ------------------------------------------- */

struct module {
    const char *object, *name;
    const char *build_package, *run_package;
    bool tried;
    struct ipm_why why; /* why it is absent, once tried */
};

static struct module modules[] = {
#define IPM_MODULE(object, name, family, summary, build_package, run_package)          \
    {#object, #name, build_package, run_package, false, {0, ""}},
#include "mechanisms/modules.def"
#undef IPM_MODULE
};

enum { MODULES = sizeof(modules) / sizeof(modules[0]) };

static int absent(const char *name, struct ipm_why *why)
{
    for (size_t i = 0; i < MODULES; i++) {
        if (strcmp(modules[i].name, name) == 0)
            return ipm_why_set(why, -EOPNOTSUPP, "%s", modules[i].why.text);
    }
    return -EOPNOTSUPP;
}

static int absent_create(struct ipm_channel *channel, struct ipm_why *why)
{
    return absent(channel->mechanism->name, why);
}

/* What stands in a module's place until it is loaded, and for good when it cannot be. */
#define IPM_MODULE(object, name, family, summary, build_package, run_package)          \
    static int absent_##name(struct ipm_why *why)                                      \
    {                                                                                  \
        return absent(#name, why);                                                     \
    }
#include "mechanisms/modules.def"
#undef IPM_MODULE

static const struct ipm_mechanism placeholders[] = {
#define IPM_MODULE(object, plugin, kind, text, build_package, run_package)             \
    {.abi = IPM_PLUGIN_ABI,                                                            \
     .name = #plugin,                                                                  \
     .version = 1,                                                                     \
     .family = kind,                                                                   \
     .summary = text,                                                                  \
     .modes = {[2] = {.supported = true, .facts = {.copies = 2}}},                     \
     .default_copies = 2,                                                              \
     .probe = absent_##plugin,                                                         \
     .create = absent_create,                                                          \
     .destroy = ipm_floor_destroy,                                                     \
     .attach = ipm_floor_attach,                                                       \
     .detach = ipm_floor_detach,                                                       \
     .send_n = ipm_floor_send_n,                                                       \
     .recv_n = ipm_floor_recv_n},
#include "mechanisms/modules.def"
#undef IPM_MODULE
};

/* The built-in ones, one place per module, then plug-ins in the order of loading. */
enum {
#define IPM_MECHANISM(name) BUILT_IN_##name,
#include "mechanisms/list.def"
#undef IPM_MECHANISM
    BUILT_IN,
};

static const struct ipm_mechanism *table[IPM_MECHANISMS_MAX + 1] = {
#define IPM_MECHANISM(name) &ipm_mechanism_##name,
#include "mechanisms/list.def"
#undef IPM_MECHANISM
};

static const struct ipm_mechanism **module_place(size_t module)
{
    return &table[BUILT_IN + module];
}

/* The array of an object, checked; NULL with the reason and *@out_error. */
static const struct ipm_mechanism *const *open_object(const char *path, int *out_error,
                                                      struct ipm_why *why)
{
    void *address = NULL;
    *out_error = ipm_object_open(path, "ipm_plugin_mechanisms", &address, why);
    if (*out_error != 0)
        return NULL;
    const struct ipm_mechanism *const *found = address;
    if (found[0] == NULL) {
        *out_error = ipm_why_set(why, -ENOEXEC,
                                 "%s has no mechanism in ipm_plugin_mechanisms", path);
        return NULL;
    }
    for (size_t i = 0; found[i] != NULL; i++) {
        *out_error = ipm_mechanism_check(found[i], why);
        if (*out_error != 0)
            return NULL;
    }
    *out_error = 0;
    return found;
}

static void load_module(size_t module)
{
    struct module *m = &modules[module];
    char path[PATH_MAX + NAME_MAX];
    m->tried = true;
    if (ipm_module_path(m->object, m->build_package, path, sizeof(path), &m->why) != 0)
        return;
    int error = 0;
    struct ipm_why why = {.error = 0, .text = ""};
    const struct ipm_mechanism *const *found = open_object(path, &error, &why);
    for (size_t i = 0; found != NULL && found[i] != NULL; i++) {
        if (strcmp(found[i]->name, m->name) == 0) {
            *module_place(module) = found[i];
            return;
        }
    }
    (void)ipm_why_set(&m->why, -EOPNOTSUPP, "install %s: %s", m->run_package,
                      found == NULL ? why.text : "the module does not have it");
}

static void fill_places(void)
{
    for (size_t i = 0; i < MODULES; i++) {
        if (*module_place(i) == NULL)
            *module_place(i) = &placeholders[i];
    }
}

const struct ipm_mechanism *const *ipm_mechanisms(void)
{
    fill_places();
    for (size_t i = 0; i < MODULES; i++) {
        if (!modules[i].tried)
            load_module(i);
    }
    return table;
}

const struct ipm_mechanism *const *ipm_mechanisms_of_plugins(void)
{
    return &table[BUILT_IN + MODULES];
}

const struct ipm_mechanism *ipm_mechanism_find(const char *name)
{
    fill_places();
    for (size_t i = 0; i < MODULES; i++) {
        if (!modules[i].tried && strcmp(modules[i].name, name) == 0)
            load_module(i);
    }
    for (const struct ipm_mechanism *const *at = table; *at != NULL; at++) {
        if (strcmp((*at)->name, name) == 0)
            return *at;
    }
    return NULL;
}

void ipm_mechanism_replace(const struct ipm_mechanism *mechanism,
                           const struct ipm_mechanism *by)
{
    for (size_t i = 0; table[i] != NULL; i++) {
        if (table[i] == mechanism)
            table[i] = by;
    }
}

static int add(const struct ipm_mechanism *mechanism, size_t place, struct ipm_why *why)
{
    const struct ipm_mechanism *same = ipm_mechanism_find(mechanism->name);
    if (same == mechanism)
        return ipm_why_set(why, -EEXIST, "'%s' is loaded already", mechanism->name);
    if (same != NULL)
        return ipm_why_set(why, -EEXIST, "a mechanism '%s' exists already",
                           mechanism->name);
    if (place == IPM_MECHANISMS_MAX)
        return ipm_why_set(why, -ENOSPC, "more than %d mechanisms", IPM_MECHANISMS_MAX);
    table[place] = mechanism;
    return 0;
}

int ipm_plugin_load(const char *path, struct ipm_why *why)
{
    char here[PATH_MAX];
    /* A bare name is a file of this directory, not of the library path. */
    bool bare = strchr(path, '/') == NULL && access(path, F_OK) == 0;
    if (bare && snprintf(here, sizeof(here), "./%s", path) < (int)sizeof(here))
        path = here;
    int error = 0;
    const struct ipm_mechanism *const *found = open_object(path, &error, why);
    fill_places();
    size_t first = 0;
    while (table[first] != NULL)
        first++;
    size_t used = first;
    for (; error == 0 && *found != NULL; found++)
        error = add(*found, used++, why);
    while (error != 0 && used-- > first)
        table[used] = NULL; /* all or none */
    return error;
}
