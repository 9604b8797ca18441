/* SPDX-License-Identifier: MIT */
/*
 * event_sysfs: events by the words of /sys/bus/event_source/devices, which the kernel keeps
 * for the PMUs that it drives: format/TERM says which bits a term fills
 * ("config:0-7,32-35"), events/NAME which terms an event consists of.
 */
#include "base/process.h"
#include "harness/worker/sensors/event_name.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct pmu {
    char folder[PATH_MAX];
    const char *name;
    struct ipm_event_code *code;
};

/* A name that may stand in a path. */
static bool is_word(const char *text)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    return text[0] != '\0' && text[0] != '.' && strlen(text) < 64 &&
           strspn(text, letters) == strlen(text);
}

static int read_in(const struct pmu *pmu, const char *folder, const char *file,
                   char *text, size_t room)
{
    char path[PATH_MAX + 160];
    (void)snprintf(path, sizeof(path), "%s/%s%s", pmu->folder, folder, file);
    return ipm_read_file(path, text, room);
}

/* Hexadecimal with 0x, else decimal, as perf(1) reads them: 010 is ten. */
static bool number(const char *text, uint64_t *out_value)
{
    char *end = NULL;
    bool hexadecimal = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    errno = 0;
    *out_value = strtoull(text, &end, hexadecimal ? 16 : 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0;
}

/* Puts a value into the bits that @format lists, lowest bits first. */
static int fill(const struct pmu *pmu, const char *term, const char *format,
                uint64_t value, struct ipm_why *why)
{
    static const char *const fields[] = {"config:", "config1:", "config2:"};
    uint64_t *const targets[] = {&pmu->code->config, &pmu->code->config1,
                                 &pmu->code->config2};
    uint64_t *target = NULL;
    const char *at = format;
    for (int i = 0; i < 3 && target == NULL; i++) {
        if (strncmp(format, fields[i], strlen(fields[i])) == 0) {
            target = targets[i];
            at = format + strlen(fields[i]);
        }
    }
    uint64_t left = value;
    while (target != NULL && *at != '\0') {
        char *end = NULL;
        unsigned long low = strtoul(at, &end, 10);
        unsigned long high = *end == '-' ? strtoul(end + 1, &end, 10) : low;
        if (end == at || low > high || high > 63 || (*end != ',' && *end != '\0')) {
            target = NULL;
            break;
        }
        for (unsigned long bit = low; bit <= high; bit++, left >>= 1) {
            *target &= ~(UINT64_C(1) << bit);
            *target |= (left & 1) << bit;
        }
        at = *end == ',' ? end + 1 : end;
    }
    if (target == NULL)
        return ipm_why_set(why, -EPROTO,
                           "format/%s of PMU %s is '%.60s', which is not "
                           "understood",
                           term, pmu->name, format);
    if (left != 0)
        return ipm_why_set(why, -ERANGE,
                           "%s=%#llx does not fit into the bits of PMU %s (%.60s)",
                           term, (unsigned long long)value, pmu->name, format);
    return 0;
}

static int add_terms(const struct pmu *pmu, char *terms, bool named,
                     struct ipm_why *why);

/* One "TERM", "TERM=VALUE" or, where @named, event of the PMU's own list. */
static int add_term(const struct pmu *pmu, char *term, bool named, struct ipm_why *why)
{
    char text[256];
    char *equals = strchr(term, '=');
    uint64_t value = 1;
    if (equals != NULL) {
        *equals = '\0';
        if (!number(equals + 1, &value))
            return ipm_why_set(why, -EINVAL, "'%.60s' is no number for term %.60s",
                               equals + 1, term);
    }
    if (!is_word(term))
        return ipm_why_set(why, -EINVAL, "'%.60s' is no term of an event", term);
    uint64_t *whole = strcmp(term, "config") == 0    ? &pmu->code->config
                      : strcmp(term, "config1") == 0 ? &pmu->code->config1
                      : strcmp(term, "config2") == 0 ? &pmu->code->config2
                                                     : NULL;
    if (whole != NULL) {
        *whole = value;
        return 0;
    }
    if (equals == NULL && named &&
        read_in(pmu, "events/", term, text, sizeof(text)) == 0)
        return add_terms(pmu, text, false, why);
    int error = read_in(pmu, "format/", term, text, sizeof(text));
    if (error == 0)
        return fill(pmu, term, text, value, why);
    return ipm_why_set(why, error, "PMU %s has no %s '%s'", pmu->name,
                       equals == NULL && named ? "event or term" : "term", term);
}

static int add_terms(const struct pmu *pmu, char *terms, bool named,
                     struct ipm_why *why)
{
    char *next = NULL;
    int error = 0;
    for (char *term = strtok_r(terms, ",", &next); term != NULL && error == 0;
         term = strtok_r(NULL, ",", &next))
        error = add_term(pmu, term, named, why);
    return error;
}

static void folder_of(const char *name, const char *sysroot, char folder[PATH_MAX])
{
    (void)snprintf(folder, PATH_MAX, "%s/sys/bus/event_source/devices/%s", sysroot,
                   name);
}

int ipm_event_pmu_type(const char *name, const char *sysroot, uint32_t *out_type)
{
    struct pmu pmu = {.name = name};
    char text[32];
    uint64_t type = 0;
    if (!is_word(name))
        return -ENOENT;
    folder_of(name, sysroot, pmu.folder);
    int error = read_in(&pmu, "", "type", text, sizeof(text));
    if (error != 0)
        return error;
    if (!number(text, &type) || type > UINT32_MAX)
        return -EPROTO;
    *out_type = (uint32_t)type;
    return 0;
}

int ipm_event_sysfs(const char *text, const char *sysroot,
                    struct ipm_event_code *out_code, struct ipm_why *why)
{
    char name[256];
    char mask[64];
    struct ipm_event_code code = {.type = 0};
    struct pmu pmu = {.name = name, .code = &code};
    if (strlen(text) >= sizeof(name))
        return ipm_why_set(why, -EINVAL, "the event's name is too long");
    (void)strcpy(name, text);
    char *terms = strchr(name, '/');
    char *end = terms == NULL ? NULL : strchr(terms + 1, '/');
    if (end == NULL || end == terms + 1)
        return ipm_why_set(why, -EINVAL, "an event of sysfs is written PMU/TERMS/");
    if (end[1] != '\0')
        return ipm_why_set(why, -EINVAL,
                           "nothing stands behind PMU/TERMS/: user and kernel are "
                           "counted apart");
    *terms++ = *end = '\0';
    int error = ipm_event_pmu_type(name, sysroot, &code.type);
    if (error != 0)
        return ipm_why_set(why, error,
                           "no PMU '%.64s' in /sys/bus/event_source/devices", name);
    folder_of(name, sysroot, pmu.folder);
    if (read_in(&pmu, "", "cpumask", mask, sizeof(mask)) == 0)
        return ipm_why_set(why, -EINVAL,
                           "PMU %s counts for a whole package (it has a cpumask), not "
                           "for a task",
                           name);
    error = add_terms(&pmu, terms, true, why);
    if (error == 0)
        *out_code = code;
    return error;
}
