/* SPDX-License-Identifier: MIT */
#include "harness/worker/sensors/pfm.h"

#include <errno.h>
#include <string.h>

#if IPM_HAVE_PFM

#include <dlfcn.h>
#include <perfmon/pfmlib_perf_event.h>

/* What is used of the library. */
struct library {
    int (*initialize)(void);
    int (*encode)(const char *text, int levels, pfm_os_t os, void *argument);
    const char *(*say)(int code);
    int (*pmu)(pfm_pmu_t pmu, pfm_pmu_info_t *info);
};

#if IPM_PFM_LINKED
static int load(struct library *library, struct ipm_why *why)
{
    (void)why;
    *library = (struct library){pfm_initialize, pfm_get_os_event_encoding, pfm_strerror,
                                pfm_get_pmu_info};
    return 0;
}
#else
static int load(struct library *library, struct ipm_why *why)
{
    void *handle = dlopen("libpfm.so.4", RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL)
        return ipm_why_set(why, -ENOENT, "libpfm4 is not installed: %s", dlerror());
    const struct {
        const char *name;
        void *slot;
    } rows[] = {
        {"pfm_initialize", &library->initialize},
        {"pfm_get_os_event_encoding", &library->encode},
        {"pfm_strerror", &library->say},
        {"pfm_get_pmu_info", &library->pmu},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        void *symbol = dlsym(handle, rows[i].name);
        if (symbol == NULL)
            return ipm_why_set(why, -ENOENT, "libpfm.so.4 has no %s", rows[i].name);
        memcpy(rows[i].slot, &symbol, sizeof(symbol));
    }
    return 0;
}
#endif

/* Once; every later call says the same. */
static int ready(struct library **out_library, struct ipm_why *why)
{
    static struct library library;
    static struct ipm_why reason;
    static int state = 1; /* 1: not tried */
    if (state == 1) {
        state = load(&library, &reason);
        int code = state == 0 ? library.initialize() : PFM_SUCCESS;
        if (code != PFM_SUCCESS)
            state = ipm_why_set(&reason, -ENOENT, "libpfm4 does not start: %s",
                                library.say(code));
    }
    if (state != 0)
        return ipm_why_set(why, state, "%s", reason.text);
    *out_library = &library;
    return 0;
}

int ipm_pfm_encode(const char *text, struct ipm_event_code *out_code,
                   struct ipm_why *why)
{
    struct library *library = NULL;
    int error = ready(&library, why);
    if (error != 0)
        return error;
    struct perf_event_attr attributes = {.size = sizeof(attributes)};
    pfm_perf_encode_arg_t argument = {.attr = &attributes, .size = sizeof(argument)};
    int code = library->encode(text, PFM_PLM0 | PFM_PLM3, PFM_OS_PERF_EVENT, &argument);
    if (code == PFM_ERR_NOTFOUND)
        return ipm_why_set(why, -ENOENT, "libpfm4 knows no event '%s' on this CPU",
                           text);
    if (code != PFM_SUCCESS)
        return ipm_why_set(why, code == PFM_ERR_NOTSUPP ? -ENOENT : -EINVAL,
                           "libpfm4 on '%s': %s", text, library->say(code));
    if (attributes.exclude_user || attributes.exclude_kernel)
        return ipm_why_set(why, -EINVAL,
                           "'%s' is of one side alone: name the event without u and k, "
                           "user and kernel are counted apart",
                           text);
    *out_code = (struct ipm_event_code){attributes.type, attributes.config,
                                        attributes.config1, attributes.config2};
    return 0;
}

int ipm_pfm_knows(const char *name, struct ipm_why *why)
{
    struct library *library = NULL;
    int error = ready(&library, why);
    if (error != 0)
        return error;
    for (int pmu = PFM_PMU_NONE; pmu < PFM_PMU_MAX; pmu++) {
        pfm_pmu_info_t info = {.size = sizeof(info)};
        if (library->pmu((pfm_pmu_t)pmu, &info) == PFM_SUCCESS &&
            strcmp(info.name, name) == 0)
            return 0;
    }
    return ipm_why_set(why, -ENOENT, "this libpfm4 knows no PMU '%s'", name);
}

#else

int ipm_pfm_encode(const char *text, struct ipm_event_code *out_code,
                   struct ipm_why *why)
{
    (void)out_code;
    return ipm_why_set(why, -ENOENT, "'%s': this worker was built without libpfm4",
                       text);
}

int ipm_pfm_knows(const char *name, struct ipm_why *why)
{
    (void)name;
    return ipm_why_set(why, -ENOENT, "this worker was built without libpfm4");
}

#endif
