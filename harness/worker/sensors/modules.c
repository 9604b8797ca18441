/* SPDX-License-Identifier: MIT */
#include "harness/worker/sensors/modules.h"

#include "base/module.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

struct module {
    const char *object, *name;
    const char *build_package, *run_package;
    bool tried;
    const struct ipm_sensor *loaded; /* NULL: not, and @why says why once tried */
    struct ipm_why why;
};

static struct module modules[] = {
#define IPM_SENSOR_MODULE(object, name, family, summary, pass, back_end,               \
                          build_package, run_package, ...)                             \
    {#object, #name, build_package, run_package, false, NULL, {0, ""}},
#include "harness/worker/sensors/modules.def"
#undef IPM_SENSOR_MODULE
};

static int absent(const char *name, struct ipm_why *why)
{
    for (size_t i = 0; i < IPM_SENSOR_MODULES; i++) {
        if (strcmp(modules[i].name, name) == 0)
            return ipm_why_set(why, -EOPNOTSUPP, "%s",
                               modules[i].tried ? modules[i].why.text
                                                : "its module was not asked for");
    }
    return -EOPNOTSUPP;
}

#define IPM_SENSOR_MODULE(object, name, family, summary, pass, back_end,               \
                          build_package, run_package, ...)                             \
    static int absent_##name(const struct ipm_sensor_context *context,                 \
                             struct ipm_why *why)                                      \
    {                                                                                  \
        (void)context;                                                                 \
        return absent(#name, why);                                                     \
    }                                                                                  \
    static const struct ipm_sensor_row rows_##name[] = {__VA_ARGS__, {NULL, NULL}};
#include "harness/worker/sensors/modules.def"
#undef IPM_SENSOR_MODULE

/* The hooks below stand in a sensor whose probe refuses: they are never called. */
static int absent_open(void *state, const struct ipm_sensor_context *context,
                       struct ipm_why *why)
{
    (void)state;
    (void)context;
    return ipm_why_set(why, -EOPNOTSUPP, "its module is not loaded");
}

static void absent_turn(void *state)
{
    (void)state;
}

static size_t absent_read(void *state, struct ipm_metric *out_metrics, size_t room)
{
    (void)state;
    (void)out_metrics;
    (void)room;
    return 0;
}

static const struct ipm_sensor placeholders[] = {
#define IPM_SENSOR_MODULE(object, sensor, kind, text, its_pass, its_back_end,          \
                          build_package, run_package, ...)                             \
    {.name = #sensor,                                                                  \
     .version = 1,                                                                     \
     .family = kind,                                                                   \
     .summary = text,                                                                  \
     .source = #object,                                                                \
     .scope = IPM_SCOPE_TASK,                                                          \
     .pass = its_pass,                                                                 \
     .back_end = its_back_end,                                                         \
     .metrics = rows_##sensor,                                                         \
     .probe = absent_##sensor,                                                         \
     .open = absent_open,                                                              \
     .start = absent_turn,                                                             \
     .stop = absent_turn,                                                              \
     .read = absent_read,                                                              \
     .close = absent_turn},
#include "harness/worker/sensors/modules.def"
#undef IPM_SENSOR_MODULE
};

/* One of the object's sensors, checked. */
static const struct ipm_sensor *find(const struct ipm_sensor *const *sensors,
                                     const char *name, struct ipm_why *why)
{
    for (; *sensors != NULL; sensors++) {
        if (ipm_sensor_check(*sensors, why) != 0)
            return NULL;
        if (strcmp((*sensors)->name, name) == 0)
            return *sensors;
    }
    (void)ipm_why_set(why, -EOPNOTSUPP, "the module does not have it");
    return NULL;
}

static void load(struct module *m)
{
    char path[PATH_MAX + NAME_MAX];
    struct ipm_why why = {.error = 0, .text = ""};
    void *sensors = NULL;
    m->tried = true;
    if (ipm_module_path(m->object, m->build_package, path, sizeof(path), &m->why) != 0)
        return;
    if (ipm_object_open(path, "ipm_module_sensors", &sensors, &why) == 0)
        m->loaded = find(sensors, m->name, &why);
    if (m->loaded == NULL)
        (void)ipm_why_set(&m->why, -EOPNOTSUPP, "install %s: %s", m->run_package,
                          why.text);
}

const struct ipm_sensor *ipm_sensor_module(size_t index, bool wanted)
{
    if (index >= IPM_SENSOR_MODULES)
        return NULL;
    struct module *m = &modules[index];
    if (wanted && !m->tried)
        load(m);
    return m->loaded != NULL ? m->loaded : &placeholders[index];
}
