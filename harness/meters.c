/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/meters.h"

#include "harness/cgroup.h"
#include "harness/features.h"
#include "harness/sysroot.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define POWERCAP "sys/class/powercap"

const char *const ipm_powercap_names[] = {"unknown", "absent",   "masked",
                                          "denied",  "readable", NULL};
const char *const ipm_filtering_names[] = {"unknown", "none", "off", "on", NULL};

/* powercap also holds dtpm and idle injection, which count no energy. */
static bool is_meter(const char *entry)
{
    return strchr(entry, ':') != NULL && (strncmp(entry, "intel-rapl", 10) == 0 ||
                                          strncmp(entry, "amd-rapl", 8) == 0);
}

static const char *readers_of(const char *sysroot, const char *path)
{
    char full[PATH_MAX];
    struct stat file;
    int length = snprintf(full, sizeof(full), "%s/%s", sysroot, path);
    if (length >= (int)sizeof(full) || stat(full, &file) != 0)
        return NULL;
    return (file.st_mode & S_IROTH) != 0   ? "everyone"
           : (file.st_mode & S_IRGRP) != 0 ? "group"
                                           : "root";
}

static bool readable(const char *sysroot, const char *path)
{
    char text[64];
    return ipm_sysroot_text(sysroot, path, text, sizeof(text)) == 0;
}

/* Boards without RAPL meter their supplies; a meter of a battery is none of the CPUs'. */
static int count_inputs(const char *sysroot)
{
    static const char *const inputs[] = {"energy1_input", "power1_input",
                                         "power1_average"};
    char **names = NULL;
    int found = 0;
    int n = ipm_sysroot_list(sysroot, "sys/class/hwmon", "hwmon", &names);
    for (int i = 0; i < n; i++) {
        char path[192];
        char name[32] = "";
        (void)snprintf(path, sizeof(path), "sys/class/hwmon/%.32s/name", names[i]);
        (void)ipm_sysroot_text(sysroot, path, name, sizeof(name));
        if (strncmp(name, "BAT", 3) == 0)
            continue;
        for (size_t k = 0; k < sizeof(inputs) / sizeof(inputs[0]); k++) {
            (void)snprintf(path, sizeof(path), "sys/class/hwmon/%.32s/%s", names[i],
                           inputs[k]);
            if (readable(sysroot, path)) {
                found++;
                break;
            }
        }
    }
    if (n > 0)
        ipm_sysroot_list_free(names, n);
    return found;
}

static int count_events(const char *sysroot)
{
    char **names = NULL;
    int found = 0;
    int n = ipm_sysroot_list(sysroot, "sys/bus/event_source/devices/power/events",
                             "energy-", &names);
    for (int i = 0; i < n; i++)
        found += strchr(names[i], '.') == NULL; /* not their scales and units */
    if (n > 0)
        ipm_sysroot_list_free(names, n);
    return found;
}

void ipm_powercap_read(const char *sysroot, struct ipm_powercap *out_powercap)
{
    struct ipm_powercap found = {.rights = IPM_POWERCAP_UNKNOWN};
    char container[32];
    char **names = NULL;
    int n = ipm_sysroot_list(sysroot, POWERCAP, "", &names);
    for (int i = 0; i < n; i++) {
        char path[PATH_MAX];
        char text[64];
        if (!is_meter(names[i]))
            continue;
        found.zones++;
        (void)snprintf(path, sizeof(path), POWERCAP "/%s/energy_uj", names[i]);
        int error = ipm_sysroot_text(sysroot, path, text, sizeof(text));
        found.readable += error == 0;
        found.denied += error == -EACCES || error == -EPERM;
        if (found.readers == NULL)
            found.readers = readers_of(sysroot, path);
    }
    if (n > 0)
        ipm_sysroot_list_free(names, n);
    if (found.readable > 0)
        found.rights = IPM_POWERCAP_READABLE;
    else if (found.denied > 0 || n == -EACCES)
        found.rights = IPM_POWERCAP_DENIED;
    /* Engines hide what is behind the links, or empty the folder. */
    else if (found.zones > 0 ||
             (n == 0 && ipm_container(sysroot, container, sizeof(container)) == 1))
        found.rights = IPM_POWERCAP_MASKED;
    else if (ipm_sysroot_exists(sysroot, "sys/class"))
        found.rights = IPM_POWERCAP_ABSENT;
    found.other_inputs = count_inputs(sysroot);
    found.power_events = count_events(sysroot);
    *out_powercap = found;
}

/* Bit 0 of the register that switches the filter without SGX; -1: it cannot be read. */
static int filter_bit(const char *sysroot)
{
    enum { MISC_PACKAGE_CONTROLS = 0xBC };
    char path[PATH_MAX];
    uint64_t value = 0;
    (void)snprintf(path, sizeof(path), "%s/dev/cpu/0/msr", sysroot);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t got = pread(fd, &value, sizeof(value), MISC_PACKAGE_CONTROLS);
    (void)close(fd);
    return got == (ssize_t)sizeof(value) ? (int)(value & 1) : -1;
}

enum ipm_filtering ipm_filtering_read(const char *sysroot)
{
    char vendor[64];
    if (ipm_sysroot_field(sysroot, "proc/cpuinfo", "vendor_id", vendor,
                          sizeof(vendor)) != 0)
        return ipm_sysroot_field(sysroot, "proc/cpuinfo", "CPU implementer", vendor,
                                 sizeof(vendor)) == 0
                   ? IPM_FILTERING_NONE
                   : IPM_FILTERING_UNKNOWN;
    if (strcmp(vendor, "GenuineIntel") != 0)
        return IPM_FILTERING_NONE;
    if (ipm_cpu_flag(sysroot, "sgx") == 1)
        return IPM_FILTERING_ON;
    int bit = filter_bit(sysroot);
    return bit < 0    ? IPM_FILTERING_UNKNOWN
           : bit == 1 ? IPM_FILTERING_ON
                      : IPM_FILTERING_OFF;
}
