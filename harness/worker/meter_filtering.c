/* SPDX-License-Identifier: MIT */
#include "base/cleanup.h"
#include "harness/worker/meter.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* IA32_MISC_PACKAGE_CTLS, bit 0: energy filtering. */
enum { MSR_PACKAGE_CONTROLS = 0xbc };

enum ipm_filtering ipm_energy_filtering(const char *sysroot, char *text, size_t room)
{
    char field[8192];
    char path[PATH_MAX];
    uint64_t controls = 0;
    ipm_cpuinfo_field(sysroot, "vendor_id", field, sizeof(field));
    if (strcmp(field, " GenuineIntel ") != 0) {
        (void)snprintf(text, room, "a matter of Intel CPUs");
        return IPM_FILTERING_NONE;
    }
    ipm_cpuinfo_field(sysroot, "flags", field, sizeof(field));
    if (strstr(field, " sgx ") != NULL) {
        (void)snprintf(text, room, "SGX is on, and with it energy filtering");
        return IPM_FILTERING_ON;
    }
    (void)snprintf(path, sizeof(path), "%s/dev/cpu/0/msr", sysroot);
    ipm_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || pread(fd, &controls, sizeof(controls), MSR_PACKAGE_CONTROLS) !=
                      (ssize_t)sizeof(controls)) {
        (void)snprintf(text, room, "MSR 0xBC cannot be read, by which it is switched");
        return IPM_FILTERING_UNKNOWN;
    }
    bool on = (controls & 1) != 0;
    (void)snprintf(text, room, "bit 0 of MSR 0xBC is %d", on);
    return on ? IPM_FILTERING_ON : IPM_FILTERING_OFF;
}
