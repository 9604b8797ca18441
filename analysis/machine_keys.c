/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/machine_keys.h"

#include "analysis/member.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { NAME = 160 };

/* A build is what a gate compares.  The clock source and the tagging of address spaces are
 * chosen by the kernel for a machine, and each system call or clock read pays for another. */
static const struct ipm_machine_key keys[] = {
    {"architecture", true, IPM_MACHINE_HARD},
    {"cpu_model", true, IPM_MACHINE_HARD},
    {"vendor", true, IPM_MACHINE_HARD},
    {"family", true, IPM_MACHINE_HARD},
    {"model", true, IPM_MACHINE_HARD},
    {"stepping", true, IPM_MACHINE_HARD},
    {"packages", true, IPM_MACHINE_HARD},
    {"cores", true, IPM_MACHINE_HARD},
    {"threads", true, IPM_MACHINE_HARD},
    {"caches", true, IPM_MACHINE_HARD},
    {"numa_nodes", true, IPM_MACHINE_HARD},
    {"hypervisor", true, IPM_MACHINE_HARD},
    {"emulated", true, IPM_MACHINE_HARD},
    {"core_kinds", true, IPM_MACHINE_HARD},
    {"kernel", true, IPM_MACHINE_HARD},
    {"libc", true, IPM_MACHINE_HARD},
    {"compiler", true, IPM_MACHINE_HARD},
    {"mitigations", true, IPM_MACHINE_HARD},
    {"version", true, IPM_MACHINE_HARD},
    {"boot_options", true, IPM_MACHINE_HARD},
    {"page_table_isolation", true, IPM_MACHINE_HARD},
    {"pcid", false, IPM_MACHINE_HARD},
    {"invpcid", false, IPM_MACHINE_HARD},
    {"clocksource", false, IPM_MACHINE_HARD},
    {"build", true, IPM_MACHINE_ASIDE},
    {"topology_reason", false, IPM_MACHINE_ASIDE}, /* `topology` in words */
    {NULL, false, IPM_MACHINE_SOFT},
};

/* Checks of the doctor that show a setting, not what the machine was doing. */
static const char *const settings[] = {
    "governor",      "energy_preference", "turbo",          "idle_states", "isolation",
    "huge_pages",    "numa_balancing",    "aslr",           "cpu_quota",   "mains",
    "perf_paranoid", "realtime",          "message_queues", NULL};

const struct ipm_machine_key *ipm_machine_key(const char *key)
{
    size_t length = strcspn(key, ".");
    const struct ipm_machine_key *row = keys;
    while (row->name != NULL &&
           (strlen(row->name) != length || memcmp(row->name, key, length) != 0))
        row++;
    return row;
}

static bool is_setting(const char *name)
{
    size_t i = 0;
    while (settings[i] != NULL && strcmp(settings[i], name) != 0)
        i++;
    return settings[i] != NULL;
}

/* Adds a member, and of an object each member of its own, one level deep. */
static void add(json_t *flat, const char *prefix, const char *key, json_t *value)
{
    char name[NAME];
    const char *inner;
    json_t *member;
    if (json_is_object(value) && prefix[0] == '\0') {
        json_object_foreach(value, inner, member) add(flat, key, inner, member);
        return;
    }
    (void)snprintf(name, sizeof(name), "%.60s%s%.80s", prefix,
                   prefix[0] == '\0' ? "" : ".", key);
    (void)json_object_set(flat, name, value);
}

json_t *ipm_machine_flat(const json_t *manifest)
{
    static const char *const tops[] = {"build", "version", "quick"};
    json_t *flat = json_object();
    const char *key;
    json_t *value;
    size_t i;
    json_object_foreach(json_object_get(manifest, "host"), key, value)
    {
        if (strcmp(key, "class") != 0) /* a hash of the others */
            add(flat, "", key, value);
    }
    for (i = 0; i < sizeof(tops) / sizeof(tops[0]); i++) {
        value = json_object_get(manifest, tops[i]);
        if (value != NULL)
            (void)json_object_set(flat, tops[i], value);
    }
    const json_t *before = json_object_get(manifest, "environment_before");
    json_array_foreach(json_object_get(before, "checks"), i, value)
    {
        json_t *text = json_object_get(value, "text");
        if (text != NULL && is_setting(ipm_member_text(value, "name")))
            add(flat, "setting", ipm_member_text(value, "name"), text);
    }
    return flat;
}
