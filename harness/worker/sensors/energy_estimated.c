/* SPDX-License-Identifier: MIT */
/*
 * energy_estimated: watts per busy core, as somebody says, times the time that all CPUs
 * were busy.
 *
 * It is CPU time in another unit.  Nothing that depends on how work uses a core can be
 * learnt from it, and no coefficient may be fitted to it; it is here for those who need a
 * number of joules and know what it is worth, hence by explicit request only, with a range.
 */
#include "base/cleanup.h"
#include "harness/worker/sensors/energy_zones.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

/* Busy ticks of all CPUs since boot: user, nice, system, irq and softirq. */
static int estimated_read(const struct ipm_zone *zone, uint64_t *out_count)
{
    char text[512];
    uint64_t user, nice, system, idle, iowait, irq, softirq;
    ssize_t got = pread(zone->fd, text, sizeof(text) - 1, 0);
    if (got < 0)
        return -errno;
    text[got] = '\0';
    if (sscanf(text,
               "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
               " %" SCNu64 " %" SCNu64,
               &user, &nice, &system, &idle, &iowait, &irq, &softirq) != 7)
        return -EPROTO;
    *out_count = user + nice + system + irq + softirq;
    return 0;
}

/* Watts per busy core: low, typical and high. */
static int parse_watts(const json_t *sensing, double watts[3], struct ipm_why *why)
{
    const json_t *list = json_object_get(
        json_object_get(json_object_get(sensing, "energy"), "estimated"),
        "watts_per_core");
    for (size_t i = 0; i < 3; i++)
        watts[i] = json_number_value(json_array_get(list, i));
    if (json_array_size(list) != 3 || !(watts[0] >= 0) || !(watts[1] > 0) ||
        watts[0] > watts[1] || watts[1] > watts[2] || !isfinite(watts[2]) ||
        watts[2] > 1000)
        return ipm_why_set(why, -EINVAL,
                           "'estimated' wants watts_per_core: [low, typical, high], "
                           "rising, at most 1000");
    return 0;
}

static int estimated_scan(struct ipm_zones *out_zones,
                          const struct ipm_sensor_context *context, struct ipm_why *why)
{
    double watts[3];
    int error = parse_watts(context->sensing, watts, why);
    if (error != 0)
        return error;
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/proc/stat", context->sysroot);
    ipm_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return ipm_why_set(why, -errno, "proc/stat: ");
    struct ipm_zone zone = {
        .kind = IPM_ZONE_PACKAGE,
        .name = "all-cpus",
        .key = "all-cpus",
        .what = "the busy time in proc/stat",
        .fd = fd,
        /* One tick at the typical watts. */
        .unit_uj = watts[1] * 1e6 / (double)sysconf(_SC_CLK_TCK),
        /* Of all CPUs, however many: beyond a package's, and no counter to be reset. */
        .most_watts = INFINITY,
    };
    uint64_t ignored = 0;
    error = estimated_read(&zone, &ignored);
    if (error != 0)
        return ipm_why_set(why, error, "proc/stat: ");
    ipm_zones_init(out_zones);
    out_zones->low = watts[0] / watts[1];
    out_zones->high = watts[2] / watts[1];
    (void)ipm_steal_fd(&fd);
    return ipm_zones_add(out_zones, &zone, why);
}

const struct ipm_energy_source ipm_energy_estimated = {
    .name = "estimated",
    .by_name_only = true,
    .provenance = "estimated",
    .scan = estimated_scan,
    .read = estimated_read,
};
