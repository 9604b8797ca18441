/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/host.h"

#include "base/cleanup.h"
#include "base/cpu_list.h"
#include "base/units.h"
#include "harness/cgroup.h"
#include "harness/features.h"
#include "harness/sysroot.h"
#include "harness/topology_trust.h"

#include <errno.h>
#include <gnu/libc-version.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

#define CPU_FOLDER "sys/devices/system/cpu"

/* Text of a look-up, or null. */
static json_t *text_or_null(int error, const char *text)
{
    json_t *json = error == 0 ? json_string(text) : NULL;
    return json != NULL ? json : json_null();
}

static json_t *cpuinfo(const char *sysroot, const char *key)
{
    char text[128];
    return text_or_null(
        ipm_sysroot_field(sysroot, "proc/cpuinfo", key, text, sizeof(text)), text);
}

/* One name where x86 and Arm use different ones. */
static json_t *cpuinfo_either(const char *sysroot, const char *key, const char *other)
{
    json_t *json = cpuinfo(sysroot, key);
    if (!json_is_null(json))
        return json;
    json_decref(json);
    return cpuinfo(sysroot, other);
}

/* The name under which a hypervisor answers CPUID, which only this machine can be asked. */
static const char *signature(void)
{
#if defined(__x86_64__) || defined(__i386__)
    static const struct {
        const char *signature;
        const char *name;
    } known[] = {{"KVMKVMKVM", "kvm"},       {"Microsoft Hv", "hyperv"},
                 {"VMwareVMware", "vmware"}, {"XenVMMXenVMM", "xen"},
                 {"TCGTCGTCGTCG", "qemu"},   {"bhyve bhyve ", "bhyve"},
                 {"ACRNACRNACRN", "acrn"}};
    unsigned a = 0;
    unsigned text[4] = {0};
    __cpuid(0x40000000, a, text[0], text[1], text[2]);
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strncmp((const char *)text, known[i].signature, 12) == 0)
            return known[i].name;
    }
#endif
    return NULL;
}

/* The maker's name that virtual firmware gives itself, and the device tree that a
 * hypervisor makes up; NULL: neither tells. */
static const char *of_firmware(const char *sysroot)
{
    static const struct {
        const char *maker;
        const char *name;
    } makers[] = {{"QEMU", "qemu"},           {"VMware", "vmware"},
                  {"innotek", "virtualbox"},  {"Xen", "xen"},
                  {"Parallels", "parallels"}, {"BHYVE", "bhyve"},
                  {"Bochs", "qemu"}};
    char text[64];
    if (ipm_sysroot_text(sysroot, "sys/firmware/devicetree/base/hypervisor/compatible",
                         text, sizeof(text)) == 0)
        return strstr(text, "xen") != NULL ? "xen" : "unknown";
    if (ipm_sysroot_text(sysroot, "sys/firmware/devicetree/base/compatible", text,
                         sizeof(text)) == 0 &&
        strcmp(text, "linux,dummy-virt") == 0)
        return "unknown";
    if (ipm_sysroot_text(sysroot, "sys/class/dmi/id/sys_vendor", text, sizeof(text)) !=
        0)
        return NULL;
    for (size_t i = 0; i < sizeof(makers) / sizeof(makers[0]); i++) {
        if (strncmp(text, makers[i].maker, strlen(makers[i].maker)) == 0)
            return makers[i].name;
    }
    return NULL;
}

/* A board names itself in its device tree; the trees of guests are known above. */
static bool on_real_board(const char *sysroot)
{
    return ipm_sysroot_exists(sysroot, "sys/firmware/devicetree/base/model");
}

int ipm_hypervisor(const char *sysroot, char *name, size_t room)
{
    char flags[8192];
    char type[32];
    int error =
        ipm_sysroot_field(sysroot, "proc/cpuinfo", "flags", flags, sizeof(flags));
    if (error == 0) {
        size_t length = strlen(flags);
        (void)snprintf(flags + length, sizeof(flags) - length, " ");
        if (strstr(flags, " hypervisor ") == NULL)
            return 0;
    }
    const char *known = sysroot[0] == '\0' && error == 0 ? signature() : NULL;
    if (known == NULL &&
        ipm_sysroot_text(sysroot, "sys/hypervisor/type", type, sizeof(type)) == 0)
        known = type;
    if (known == NULL)
        known = of_firmware(sysroot);
    if (known == NULL && error != 0)
        return on_real_board(sysroot) ? 0 : -ENODATA;
    (void)snprintf(name, room, "%s", known != NULL ? known : "unknown");
    return 1;
}

static json_t *hypervisor(const char *sysroot)
{
    char name[32];
    int found = ipm_hypervisor(sysroot, name, sizeof(name));
    return found == 0 ? json_false() : found == 1 ? json_string(name) : json_null();
}

/* Sizes as the kernel writes them: "48K", "36608K". */
static json_t *cache_bytes(const char *text)
{
    char *end = NULL;
    long long value = strtoll(text, &end, 10);
    int shift = *end == 'K' ? 10 : *end == 'M' ? 20 : 0;
    if (end == text || value <= 0 || value > INT64_MAX >> shift)
        return json_null();
    return json_integer(value << shift);
}

/* Caches of CPU 0, which stands for all. */
static json_t *caches(const char *sysroot)
{
    json_t *list = json_array();
    char **names = NULL;
    int n = ipm_sysroot_list(sysroot, CPU_FOLDER "/cpu0/cache", "index", &names);
    for (int i = 0; i < n; i++) {
        char path[256];
        char type[32];
        char size[32];
        int64_t level = 0;
        (void)snprintf(path, sizeof(path), CPU_FOLDER "/cpu0/cache/%.32s/level",
                       names[i]);
        int error = ipm_sysroot_integer(sysroot, path, &level);
        (void)snprintf(path, sizeof(path), CPU_FOLDER "/cpu0/cache/%.32s/type",
                       names[i]);
        error |= ipm_sysroot_text(sysroot, path, type, sizeof(type));
        (void)snprintf(path, sizeof(path), CPU_FOLDER "/cpu0/cache/%.32s/size",
                       names[i]);
        error |= ipm_sysroot_text(sysroot, path, size, sizeof(size));
        if (error != 0)
            continue;
        (void)json_array_append_new(list, json_pack("{s:I, s:s, s:o}", "level",
                                                    (json_int_t)level, "type", type,
                                                    "bytes", cache_bytes(size)));
    }
    if (n > 0)
        ipm_sysroot_list_free(names, n);
    if (json_array_size(list) > 0)
        return list;
    json_decref(list);
    return json_null();
}

/* Counts packages, cores and threads from each CPU's topology folder. */
static void count_cpus(const char *sysroot, json_t *host)
{
    char **names = NULL;
    int n = ipm_sysroot_list(sysroot, CPU_FOLDER, "cpu", &names);
    ipm_auto_json json_t *cores = json_object();
    ipm_auto_json json_t *packages = json_object();
    int threads = 0;
    for (int i = 0; i < n; i++) {
        char path[256];
        char key[64];
        int64_t package = 0;
        int64_t core = 0;
        if (strspn(names[i] + 3, "0123456789") != strlen(names[i] + 3))
            continue;
        (void)snprintf(path, sizeof(path),
                       CPU_FOLDER "/%.16s/topology/physical_package_id", names[i]);
        if (ipm_sysroot_integer(sysroot, path, &package) != 0)
            continue; /* offline */
        (void)snprintf(path, sizeof(path), CPU_FOLDER "/%.16s/topology/core_id",
                       names[i]);
        if (ipm_sysroot_integer(sysroot, path, &core) != 0)
            continue;
        threads++;
        (void)snprintf(key, sizeof(key), "%lld", (long long)package);
        (void)json_object_set_new(packages, key, json_true());
        (void)snprintf(key, sizeof(key), "%lld/%lld", (long long)package,
                       (long long)core);
        (void)json_object_set_new(cores, key, json_true());
    }
    if (n > 0)
        ipm_sysroot_list_free(names, n);
    static const char *const keys[] = {"packages", "cores", "threads"};
    const size_t counts[] = {json_object_size(packages), json_object_size(cores),
                             (size_t)threads};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        (void)json_object_set_new(host, keys[i],
                                  counts[i] > 0 ? json_integer((json_int_t)counts[i])
                                                : json_null());
}

static json_t *numa_nodes(const char *sysroot)
{
    char text[256];
    if (ipm_sysroot_text(sysroot, "sys/devices/system/node/online", text,
                         sizeof(text)) != 0)
        return json_null();
    return json_integer(ipm_cpu_list_count(text, NULL));
}

static json_t *mitigations(const char *sysroot)
{
    char **names = NULL;
    int n = ipm_sysroot_list(sysroot, CPU_FOLDER "/vulnerabilities", "", &names);
    if (n <= 0)
        return json_null();
    json_t *json = json_object();
    for (int i = 0; i < n; i++) {
        char text[256];
        int error = ipm_mitigation(sysroot, names[i], text, sizeof(text));
        (void)json_object_set_new(json, names[i], text_or_null(error, text));
    }
    ipm_sysroot_list_free(names, n);
    return json;
}

/*
 * The hash of what makes machines comparable.  The kernel keeps a part of the memory for
 * itself, another one with each version: memory counts in sixteenths of its power of two.
 */
static void set_class(json_t *host, double memory_gib)
{
    static const char *const stable[] = {
        "architecture", "cpu_model", "vendor",  "family", "model",      "stepping",
        "packages",     "cores",     "threads", "caches", "numa_nodes", "hypervisor"};
    ipm_auto_json json_t *identity = json_object();
    for (size_t i = 0; i < sizeof(stable) / sizeof(stable[0]); i++)
        (void)json_object_set(identity, stable[i], json_object_get(host, stable[i]));
    if (memory_gib > 0) {
        double step = fmax(1, exp2(floor(log2(memory_gib))) / 16);
        (void)json_object_set_new(identity, "memory_gib",
                                  ipm_json_number(ceil(memory_gib / step) * step));
    }
    char hash[IPM_HASH_TEXT];
    ipm_json_hash(identity, hash);
    (void)json_object_set_new(host, "class", json_string(hash));
}

static json_t *yes_or_no(int found)
{
    return found < 0 ? json_null() : json_boolean(found);
}

static void set_features(const char *sysroot, json_t *host)
{
    struct ipm_core_kinds kinds;
    char name[32];
    bool several = ipm_core_kinds(sysroot, &kinds);
    int contained = ipm_container(sysroot, name, sizeof(name));
    (void)json_object_set_new(host, "pcid", yes_or_no(ipm_cpu_flag(sysroot, "pcid")));
    (void)json_object_set_new(host, "invpcid",
                              yes_or_no(ipm_cpu_flag(sysroot, "invpcid")));
    (void)json_object_set_new(host, "page_table_isolation",
                              yes_or_no(ipm_page_table_isolation(sysroot)));
    (void)json_object_set_new(
        host, "core_kinds",
        several ? json_pack("{s:s, s:s}", "fast", kinds.fast, "slow", kinds.small)
                : json_null());
    (void)json_object_set_new(host, "boot_options", ipm_boot_options(sysroot));
    (void)json_object_set_new(host, "container",
                              contained == 1   ? json_string(name)
                              : contained == 0 ? json_false()
                                               : json_null());
}

static const char *compiler(void)
{
#if defined(__clang__)
    return "clang " __clang_version__;
#else
    return "gcc " __VERSION__;
#endif
}

json_t *ipm_host_json(const char *sysroot)
{
    struct utsname name;
    char text[256];
    int64_t memory_kib = 0;
    json_t *host = json_object();
    (void)json_object_set_new(host, "class", json_null()); /* first, filled last */
    (void)json_object_set_new(host, "architecture",
                              text_or_null(uname(&name), name.machine));
    (void)json_object_set_new(host, "cpu_model",
                              cpuinfo_either(sysroot, "model name", "uarch"));
    (void)json_object_set_new(host, "vendor",
                              cpuinfo_either(sysroot, "vendor_id", "CPU implementer"));
    (void)json_object_set_new(
        host, "family", cpuinfo_either(sysroot, "cpu family", "CPU architecture"));
    (void)json_object_set_new(host, "model",
                              cpuinfo_either(sysroot, "model", "CPU part"));
    (void)json_object_set_new(host, "stepping",
                              cpuinfo_either(sysroot, "stepping", "CPU revision"));
    (void)json_object_set_new(host, "microcode", cpuinfo(sysroot, "microcode"));
    count_cpus(sysroot, host);
    (void)json_object_set_new(host, "caches", caches(sysroot));
    (void)json_object_set_new(host, "numa_nodes", numa_nodes(sysroot));
    int error =
        ipm_sysroot_field_integer(sysroot, "proc/meminfo", "MemTotal", &memory_kib);
    double memory_gib = error == 0 ? (double)memory_kib / (1 << 20) : 0;
    (void)json_object_set_new(host, "memory_gib",
                              error == 0 ? ipm_json_number(round(memory_gib))
                                         : json_null());
    (void)json_object_set_new(host, "hypervisor", hypervisor(sysroot));
    const char *trust = ipm_topology_trust(sysroot, text, sizeof(text));
    (void)json_object_set_new(host, "topology",
                              trust != NULL ? json_string(trust) : json_null());
    (void)json_object_set_new(host, "topology_reason",
                              text[0] != '\0' ? json_string(text) : json_null());
    error = ipm_sysroot_text(sysroot, "proc/sys/kernel/osrelease", text, sizeof(text));
    (void)json_object_set_new(host, "kernel", text_or_null(error, text));
    error = ipm_sysroot_text(
        sysroot, "sys/devices/system/clocksource/clocksource0/current_clocksource",
        text, sizeof(text));
    (void)json_object_set_new(host, "clocksource", text_or_null(error, text));
    (void)json_object_set_new(host, "mitigations", mitigations(sysroot));
    set_features(sysroot, host);
    (void)snprintf(text, sizeof(text), "glibc %s", gnu_get_libc_version());
    (void)json_object_set_new(host, "libc", json_string(text));
    (void)json_object_set_new(host, "compiler", json_string(compiler()));
    (void)json_object_set_new(host, "libraries", ipm_library_versions());
    set_class(host, memory_gib);
    return host;
}
