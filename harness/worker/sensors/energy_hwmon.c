/* SPDX-License-Identifier: MIT */
/*
 * energy_hwmon: energy counters of boards and of amd_energy, by the hwmon class.
 *
 * Energy inputs are meters (microjoules since boot, 64 bits: Documentation/hwmon).  Power
 * inputs are the watts of one moment or of the chip's averaging time; joules from them want
 * samples all through the window, which is to be silent.  They are shown as what they are,
 * at both ends, and make no energy.
 */
#include "base/cleanup.h"
#include "harness/worker/sensors/energy_zones.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Graphics cards count their own joules, of which IPC is no part. */
static bool is_elsewhere(const char *chip)
{
    static const char *const cards[] = {"i915", "xe", "amdgpu", "radeon", "nouveau"};
    for (size_t i = 0; i < sizeof(cards) / sizeof(cards[0]); i++) {
        if (strcmp(chip, cards[i]) == 0)
            return true;
    }
    return false;
}

/* The input's label as a word for names; CHIP_N where it has none. */
static void name_input(int folder, const char *chip, const char *type, int number,
                       char *text, size_t room)
{
    char attribute[32];
    (void)snprintf(attribute, sizeof(attribute), "%s%d_label", type, number);
    if (ipm_zone_attribute(folder, ".", attribute, text, room) != 0)
        (void)snprintf(text, room, "%.*s_%d", (int)room - 8, chip, number);
}

static void make_word(char *text)
{
    for (; *text != '\0'; text++)
        *text =
            (char)(isalnum((unsigned char)*text) ? tolower((unsigned char)*text) : '_');
}

/* amd_energy: sockets, and cores that are inside them.  False: not to be opened. */
static bool classify(struct ipm_zone *zone, const char *chip, const char *device)
{
    if (strcmp(chip, "amd_energy") != 0) {
        zone->kind = IPM_ZONE_BOARD;
        make_word(zone->name);
        /* Two chips may use one label: they are two rails. */
        (void)snprintf(zone->key, sizeof(zone->key), "%.32s/%s", device, zone->name);
        return true;
    }
    if (strncmp(zone->name, "Esocket", 7) != 0)
        return false; /* its read goes to that very core by an interrupt */
    char number[16];
    (void)snprintf(number, sizeof(number), "%.15s", zone->name + 7);
    zone->kind = IPM_ZONE_PACKAGE;
    (void)snprintf(zone->name, sizeof(zone->name), "package-%s", number);
    (void)snprintf(zone->key, sizeof(zone->key), "%s", zone->name);
    return true;
}

static int add_energy(struct ipm_zones *zones, int folder, const char *chip,
                      const char *device, int number, struct ipm_why *why)
{
    struct ipm_zone zone = {.fd = -1, .unit_uj = 1};
    char attribute[32];
    uint64_t ignored = 0;
    (void)snprintf(attribute, sizeof(attribute), "energy%d_input", number);
    name_input(folder, chip, "energy", number, zone.name, 24);
    (void)snprintf(zone.what, sizeof(zone.what), "%s of %s", attribute, zone.name);
    if (!classify(&zone, chip, device))
        return 0;
    zone.fd = openat(folder, attribute, O_RDONLY | O_CLOEXEC);
    ipm_auto_fd int fd = zone.fd;
    int error = fd < 0 ? -errno : ipm_zone_read_text(&zone, &ignored);
    if (error != 0)
        ipm_zone_refuse(&zone, error);
    else
        zone.fd = ipm_steal_fd(&fd);
    return ipm_zones_add(zones, &zone, why);
}

static void add_rail(struct ipm_zones *zones, int folder, const char *chip,
                     const char *attribute)
{
    if (zones->n_rails == IPM_RAILS)
        return;
    struct ipm_rail *rail = &zones->rails[zones->n_rails];
    name_input(folder, chip, "power", atoi(attribute + 5), rail->label,
               sizeof(rail->label));
    make_word(rail->label);
    for (int i = 0; i < zones->n_rails; i++) {
        /* One input both averaged and not, or another chip's label: the first holds. */
        if (strcmp(zones->rails[i].label, rail->label) == 0)
            return;
    }
    rail->fd = openat(folder, attribute, O_RDONLY | O_CLOEXEC);
    zones->n_rails += rail->fd >= 0;
}

static int is_input(const struct dirent *entry)
{
    int number = 0;
    int end = 0;
    return (sscanf(entry->d_name, "energy%d_input%n", &number, &end) == 1 && end > 0 &&
            entry->d_name[end] == '\0') ||
           (sscanf(entry->d_name, "power%d_input%n", &number, &end) == 1 && end > 0 &&
            entry->d_name[end] == '\0') ||
           (sscanf(entry->d_name, "power%d_average%n", &number, &end) == 1 && end > 0 &&
            entry->d_name[end] == '\0');
}

static int is_device(const struct dirent *entry)
{
    return strncmp(entry->d_name, "hwmon", 5) == 0;
}

static void free_names(struct dirent **names, int n)
{
    for (int i = 0; i < n; i++)
        free(names[i]);
    free(names);
}

/* Adds the inputs of one chip. */
static int add_chip(struct ipm_zones *zones, int above, const char *device,
                    struct ipm_why *why)
{
    char chip[24];
    if (ipm_zone_attribute(above, device, "name", chip, sizeof(chip)) != 0 ||
        is_elsewhere(chip))
        return 0;
    ipm_auto_fd int folder = openat(above, device, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct dirent **names = NULL;
    int n = folder < 0 ? -1 : scandirat(above, device, &names, is_input, versionsort);
    int error = 0;
    for (int i = 0; i < n && error == 0; i++) {
        if (names[i]->d_name[0] == 'e')
            error = add_energy(zones, folder, chip, device, atoi(names[i]->d_name + 6),
                               why);
        else
            add_rail(zones, folder, chip, names[i]->d_name);
    }
    if (n >= 0)
        free_names(names, n);
    return error;
}

/* Why no energy counter of the class can be used. */
static int no_counter(const struct ipm_zones *zones, struct ipm_why *why)
{
    if (zones->n > 0) {
        if (why != NULL)
            *why = zones->zones[0].why;
        return zones->zones[0].error;
    }
    return ipm_why_set(why, -ENOENT, "sys/class/hwmon has no energy input");
}

static int hwmon_scan(struct ipm_zones *out_zones,
                      const struct ipm_sensor_context *context, struct ipm_why *why)
{
    char path[PATH_MAX];
    struct dirent **names = NULL;
    (void)snprintf(path, sizeof(path), "%s/sys/class/hwmon", context->sysroot);
    ipm_auto_fd int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int n = folder < 0 ? -1 : scandir(path, &names, is_device, versionsort);
    if (n < 0)
        return ipm_why_set(why, -errno, "sys/class/hwmon: ");
    int error = 0;
    ipm_zones_init(out_zones);
    for (int i = 0; i < n && error == 0; i++)
        error = add_chip(out_zones, folder, names[i]->d_name, why);
    free_names(names, n);
    if (error == 0 && ipm_zones_open(out_zones) == 0 && out_zones->n_rails == 0)
        error = no_counter(out_zones, why);
    if (error != 0)
        ipm_zones_close(out_zones);
    return error;
}

const struct ipm_energy_source ipm_energy_hwmon = {
    .name = "hwmon",
    .provenance = "measured",
    .scan = hwmon_scan,
    .read = ipm_zone_read_text,
};
