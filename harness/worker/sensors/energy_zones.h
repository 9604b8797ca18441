/* SPDX-License-Identifier: MIT */
/*
 * energy_zones: what the sources of energy have in common - a list of counters, each a part
 * of the machine that no other counter of its kind holds - and the table of the sources.
 *
 *     scan -> read, read ... -> ipm_zones_close
 *
 * A source finds its zones, drops the doubles it can tell by name, opens them and reads
 * them.  Differences, wraps, sums and words are made in one place for all (energy.c).
 */
#ifndef IPM_WORKER_ENERGY_ZONES_H
#define IPM_WORKER_ENERGY_ZONES_H

#include "base/energy_counter.h"
#include "base/why.h"
#include "harness/worker/sensors/sensor.h"

#include <stdbool.h>
#include <stdint.h>

enum ipm_zone_kind {
    IPM_ZONE_PACKAGE, /* a socket; core and uncore are inside it */
    IPM_ZONE_DRAM,
    IPM_ZONE_CORE,
    IPM_ZONE_UNCORE,
    IPM_ZONE_PSYS,  /* the platform: everything, so that it is added to nothing */
    IPM_ZONE_BOARD, /* a rail of a board, which may hold another rail */
    IPM_ZONE_KINDS,
};

/* "package", "dram" ... */
extern const char *const ipm_zone_kind_names[IPM_ZONE_KINDS];

struct ipm_zone {
    enum ipm_zone_kind kind;
    int rank;      /* the lower is preferred among those of one @key */
    char name[32]; /* "package-0", "dram" */
    char key[72];  /* the part of the machine: "package-0", "package-0/dram" */
    char mirror
        [72]; /* zones of one text may be one counter shown twice, and are when they
                        read the same; "": no such thing */
    char what[112];    /* the counter, for reasons: "energy_uj of package-0" */
    int fd;            /* -1: not open, @error and @why say why */
    double unit_uj;    /* of one count */
    uint64_t range;    /* counts; 0: 64 bits */
    double most_watts; /* more than it can draw; 0: as a part of its kind */
    int error;
    struct ipm_why why;
};

/* An input that shows power and no energy: two looks at it are no joules. */
struct ipm_rail {
    char label[24]; /* [a-z0-9_]+ */
    int fd;
};

enum { IPM_ZONES = 64, IPM_RAILS = 8 };

struct ipm_zones {
    int n;
    struct ipm_zone zones[IPM_ZONES];
    int n_rails;
    struct ipm_rail rails[IPM_RAILS];
    double low, high; /* an estimate's ends as multiples of its value; 0: no estimate */
    bool one_core;    /* a core zone, if any, counts one core of many (AMD) */
};

struct ipm_energy_source {
    const char *name; /* [a-z]+: the word in the config and the source of its metrics */
    bool by_name_only; /* never chosen by itself */
    const char
        *provenance; /* of its values where no hypervisor answers for the meter */
    /**
     * scan() - find and open every counter that is a part of its own
     *
     * Zones that cannot be read are in the list, with their reason: a sum that lacks one
     * of its parts must not look whole.
     *
     * Return: 0, one counter or rail at least is open; -ENOENT no such meter; -ENODATA it
     *         is there, but hidden or empty; -EACCES; -E2BIG more than IPM_ZONES; -EINVAL
     *         what was asked for is wrong; -errno.  On failure nothing is left open.
     */
    int (*scan)(struct ipm_zones *out_zones, const struct ipm_sensor_context *context,
                struct ipm_why *why);
    /* The counter now, in counts.  -ENODATA it reads empty; -EPROTO it reads no number, or
     * did not count all the time; -errno. */
    int (*read)(const struct ipm_zone *zone, uint64_t *out_count);
};

/* In the order of trust; NULL-terminated. */
extern const struct ipm_energy_source *const ipm_energy_sources[];

extern const struct ipm_energy_source ipm_energy_power;    /* perf's PMU of that name */
extern const struct ipm_energy_source ipm_energy_powercap; /* sys/class/powercap */
extern const struct ipm_energy_source ipm_energy_hwmon;    /* sys/class/hwmon */
extern const struct ipm_energy_source ipm_energy_estimated; /* watts times busy time */

/**
 * ipm_energy_choose() - open the source that was asked for
 * @out_zones: opened, as scan() does
 *
 * context->sensing's member "energy" is one of: absent or "auto": the first source that
 * can be opened and measures here; a source's name: that one or none; {"estimated":
 * {"watts_per_core": [low, typical, high]}}; {"simulated": ...}: no meter of this machine;
 * "off".
 *
 * Return: 0, and *@out_source, NULL with "simulated"; -ECANCELED with "off"; -EREMOTE all
 *         there is, is what a hypervisor answers, and nobody asked for that by name;
 *         -EINVAL no such word; else the -errno of the source that is nearest to working:
 *         denied before masked before absent.
 */
int ipm_energy_choose(struct ipm_zones *out_zones,
                      const struct ipm_sensor_context *context,
                      const struct ipm_energy_source **out_source, struct ipm_why *why);

/* The word for a source's values here: its own, "attributed" under a hypervisor, or what
 * context->sensing's member "energy_provenance" lowers it to. */
const char *ipm_energy_provenance(const struct ipm_energy_source *source,
                                  const struct ipm_sensor_context *context);

void ipm_zones_init(struct ipm_zones *zones);
void ipm_zones_close(struct ipm_zones *zones);

/* How many counters are open. */
int ipm_zones_open(const struct ipm_zones *zones);

/* Appends a zone, or keeps the better one of two with the same key: the one that is open,
 * then the lower rank.  The zone's descriptor is the list's.  -E2BIG (and it is closed). */
int ipm_zones_add(struct ipm_zones *zones, const struct ipm_zone *zone,
                  struct ipm_why *why);

/* Two zones that are one counter, by their texts and by what they read at both ends of a
 * window, in counts. */
bool ipm_zones_mirror(const struct ipm_zone *one, const uint64_t one_ends[2],
                      const struct ipm_zone *other, const uint64_t other_ends[2]);

/* What the arithmetic wants to know of a zone. */
struct ipm_energy_counter ipm_zone_counter(const struct ipm_zone *zone);

/* Reads a counter that is a number in a file, at offset 0.  As a source's read(). */
int ipm_zone_read_text(const struct ipm_zone *zone, uint64_t *out_count);

/* Reads FOLDER/ENTRY/ATTRIBUTE without its line feed.  -ENODATA: it is empty. */
int ipm_zone_attribute(int folder, const char *entry, const char *attribute, char *text,
                       size_t room);

/* Keeps in the zone why its counter cannot be read. */
void ipm_zone_refuse(struct ipm_zone *zone, int error);

/* One field of the first CPU in SYSROOT/proc/cpuinfo, with a blank before and after; this
 * machine's where a tree has no cpuinfo; "" when there is none. */
void ipm_cpuinfo_field(const char *sysroot, const char *field, char *text, size_t room);

/* Whether the CPU says that it is a virtual one. */
bool ipm_under_hypervisor(const char *sysroot);

/* Whether it is AMD's, or a descendant. */
bool ipm_cpu_is_amd(const char *sysroot);

#endif
