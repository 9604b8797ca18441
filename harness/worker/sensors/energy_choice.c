/* SPDX-License-Identifier: MIT */
#include "harness/worker/sensors/energy_zones.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const struct ipm_energy_source *const ipm_energy_sources[] = {
    &ipm_energy_power,
    &ipm_energy_powercap,
    &ipm_energy_hwmon,
    &ipm_energy_estimated,
    NULL,
};

/* From the best to the least. */
static const char *const words[] = {"measured", "measured_coarse", "attributed",
                                    "estimated", NULL};

static int rank(const char *word)
{
    for (int i = 0; word != NULL && words[i] != NULL; i++) {
        if (strcmp(words[i], word) == 0)
            return i;
    }
    return 0;
}

const char *ipm_energy_provenance(const struct ipm_energy_source *source,
                                  const struct ipm_sensor_context *context)
{
    int found =
        rank(json_string_value(json_object_get(context->sensing, "energy_provenance")));
    int own = rank(source->provenance);
    if (own == rank("measured") && ipm_under_hypervisor(context->sysroot))
        own = rank("attributed");
    return words[found > own ? found : own];
}

/* How near a source that failed is to working. */
static int nearness(int error)
{
    const char *class = ipm_why_class(error);
    return strcmp(class, "denied") == 0   ? 3
           : strcmp(class, "masked") == 0 ? 2
           : strcmp(class, "absent") != 0 ? 1
                                          : 0;
}

/* Whether a source that was opened may be taken without being named; if not, closes it. */
static int may_choose(const struct ipm_energy_source *source, struct ipm_zones *zones,
                      const struct ipm_sensor_context *context, struct ipm_why *why)
{
    int error = 0;
    if (ipm_zones_open(zones) == 0)
        error =
            ipm_why_set(why, -ENOENT,
                        "%s has power inputs only, and joules from them want samples "
                        "inside the window",
                        source->name);
    else if (rank(ipm_energy_provenance(source, context)) >= rank("attributed"))
        error =
            ipm_why_set(why, -EREMOTE,
                        "a hypervisor answers for %s here; it is read only when it is "
                        "asked for by name",
                        source->name);
    if (error != 0)
        ipm_zones_close(zones);
    return error;
}

static int choose_first(struct ipm_zones *zones,
                        const struct ipm_sensor_context *context,
                        const struct ipm_energy_source **out_source,
                        struct ipm_why *why)
{
    int nearest = ipm_why_set(
        why, -ENOENT,
        "no event of a perf PMU 'power', no RAPL zone in sys/class/powercap, "
        "no energy input in sys/class/hwmon");
    for (const struct ipm_energy_source *const *at = ipm_energy_sources; *at != NULL;
         at++) {
        if ((*at)->by_name_only)
            continue;
        struct ipm_why own = {.error = 0};
        int error = (*at)->scan(zones, context, &own);
        if (error == 0)
            error = may_choose(*at, zones, context, &own);
        if (error == 0) {
            *out_source = *at;
            return 0;
        }
        if (nearness(error) > nearness(nearest)) {
            nearest = error;
            if (why != NULL)
                *why = own;
        }
    }
    return nearest;
}

int ipm_energy_choose(struct ipm_zones *out_zones,
                      const struct ipm_sensor_context *context,
                      const struct ipm_energy_source **out_source, struct ipm_why *why)
{
    const json_t *wanted = json_object_get(context->sensing, "energy");
    const char *word = json_string_value(wanted);
    if (json_object_get(wanted, "simulated") != NULL) {
        ipm_zones_init(out_zones);
        *out_source = NULL;
        return 0;
    }
    if (json_object_get(wanted, "estimated") != NULL)
        word = ipm_energy_estimated.name;
    if (wanted == NULL || json_is_null(wanted) ||
        (word != NULL && strcmp(word, "auto") == 0))
        return choose_first(out_zones, context, out_source, why);
    if (word != NULL && (strcmp(word, "off") == 0 || strcmp(word, "none") == 0))
        return ipm_why_set(why, -ECANCELED, "nobody asked for energy");
    for (const struct ipm_energy_source *const *at = ipm_energy_sources; *at != NULL;
         at++) {
        if (word == NULL || strcmp((*at)->name, word) != 0)
            continue;
        *out_source = *at;
        return (*at)->scan(out_zones, context, why);
    }
    return ipm_why_set(why, -EINVAL, "no source of energy is called '%.40s'",
                       word != NULL ? word : "(not a word)");
}
