/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/cpu_list.h"
#include "base/json.h"
#include "harness/commands.h"
#include "harness/environment.h"
#include "harness/host.h"
#include "harness/sysroot.h"
#include "tests/support/tree.h"

#include <errno.h>

#define CPU          "sys/devices/system/cpu/"
#define CLOCKSOURCE  "sys/devices/system/clocksource/clocksource0/current_clocksource"
#define NO_RIGHTS    "Name:\tipcmeter\nCapEff:\t0000000000000000\nCpus_allowed_list:\t"
#define ALL_RIGHTS   "Name:\tipcmeter\nCapEff:\t000001ffffffffff\nCpus_allowed_list:\t"
#define INITIAL_MAP  "         0          0 4294967295\n"
#define QUIET_STAT   "cpu  1000 0 500 900000 10 0 20 0 0 0\n"
#define POWERCAP     "sys/class/powercap/"
#define EVENT_SOURCE "sys/bus/event_source/devices/"

/* What every Linux of today has, and what must never get into a result. */
static const struct ipm_tree_file common[] = {
    {"proc/loadavg", "0.01 0.02 0.03 1/300 4242\n"},
    {"proc/self/uid_map", INITIAL_MAP},
    {"proc/sys/kernel/osrelease", "6.1.0-28-amd64\n"},
    {"proc/sys/kernel/hostname", "secret-host-name\n"},
    {"proc/sys/kernel/randomize_va_space", "2\n"},
    {"proc/sys/fs/mqueue/msg_max", "10\n"},
    {"proc/sys/fs/mqueue/msgsize_max", "8192\n"},
    {"sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n"},
    {"etc/machine-id", "5ecre7machine1d\n"},
    {"sys/class/dmi/id/product_serial", "5ecre75er1a1\n"},
    {NULL, NULL},
};

static const struct ipm_tree_file intel_laptop[] = {
    {"proc/cpuinfo", "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\n"
                     "model\t\t: 142\nmodel name\t: Intel(R) Core(TM) i7-8650U CPU\n"
                     "stepping\t: 10\nmicrocode\t: 0xf6\nflags\t\t: fpu tsc\n"},
    {"proc/stat", QUIET_STAT},
    {"proc/meminfo", "MemTotal:       16123456 kB\nMemAvailable:    9000000 kB\n"
                     "SwapTotal:       8000000 kB\nSwapFree:        7000000 kB\n"},
    {"proc/self/status", NO_RIGHTS "0-7\n"},
    {"proc/self/cgroup", "0::/user.slice/secret-user.slice\n"},
    {"proc/sys/kernel/perf_event_paranoid", "4\n"},
    {"proc/sys/user/max_user_namespaces", "62000\n"},
    {"proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n"},
    {CPU "online", "0-7\n"},
    {CPU "isolated", "\n"},
    {CPU "smt/active", "1\n"},
    {CPU "intel_pstate/no_turbo", "0\n"},
    {CPU "cpufreq/policy0/scaling_driver", "intel_pstate\n"},
    {CPU "cpufreq/policy0/scaling_governor", "powersave\n"},
    {CPU "cpufreq/policy0/scaling_min_freq", "400000\n"},
    {CPU "cpufreq/policy0/scaling_max_freq", "4200000\n"},
    {CPU "cpufreq/policy0/base_frequency", "1900000\n"},
    {CPU "cpufreq/policy1/scaling_governor", "performance\n"},
    {CPU "cpufreq/policy1/scaling_min_freq", "400000\n"},
    {CPU "cpufreq/policy1/scaling_max_freq", "4200000\n"},
    {CLOCKSOURCE, "tsc\n"},
    {EVENT_SOURCE "cpu/type", "4\n"},
    {POWERCAP "intel-rapl/enabled", "1\n"},
    {POWERCAP "intel-rapl:0/energy_uj", "1234\n"},
    {"sys/fs/cgroup/cgroup.controllers", "cpu memory\n"},
    {"sys/fs/cgroup/user.slice/cpu.max", "max 100000\n"},
    {NULL, NULL},
};

static const struct ipm_tree_file amd_server[] = {
    {"proc/cpuinfo", "processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 25\n"
                     "model\t\t: 17\nmodel name\t: AMD EPYC 9654 96-Core Processor\n"
                     "stepping\t: 1\nmicrocode\t: 0xa101148\nflags\t\t: fpu tsc\n"},
    {"proc/stat", QUIET_STAT},
    {"proc/meminfo", "MemTotal:       1056500000 kB\nMemAvailable:    900000000 kB\n"
                     "SwapTotal:             0 kB\nSwapFree:              0 kB\n"},
    {"proc/self/status", ALL_RIGHTS "0-3\n"},
    {"proc/self/cgroup", "0::/system.slice/bench.service\n"},
    {"proc/sys/kernel/perf_event_paranoid", "2\n"},
    {"proc/sys/user/max_user_namespaces", "0\n"},
    {CPU "online", "0-3\n"},
    {CPU "isolated", "2-3\n"},
    {CPU "smt/active", "0\n"},
    {CPU "cpufreq/boost", "0\n"},
    {CPU "cpufreq/policy0/scaling_driver", "acpi-cpufreq\n"},
    {CPU "cpufreq/policy0/scaling_governor", "performance\n"},
    {CPU "cpufreq/policy0/scaling_min_freq", "2400000\n"},
    {CPU "cpufreq/policy0/scaling_max_freq", "2400000\n"},
    {CPU "cpu0/topology/physical_package_id", "0\n"},
    {CPU "cpu0/topology/core_id", "0\n"},
    {CPU "cpu1/topology/physical_package_id", "0\n"},
    {CPU "cpu1/topology/core_id", "1\n"},
    {CPU "cpu2/topology/physical_package_id", "1\n"},
    {CPU "cpu2/topology/core_id", "0\n"},
    {CPU "cpu3/topology/physical_package_id", "1\n"},
    {CPU "cpu3/topology/core_id", "0\n"},
    {CPU "cpu0/cache/index0/level", "1\n"},
    {CPU "cpu0/cache/index0/type", "Data\n"},
    {CPU "cpu0/cache/index0/size", "32K\n"},
    {CPU "vulnerabilities/meltdown", "Not affected\n"},
    {"sys/devices/system/node/online", "0-1\n"},
    {CLOCKSOURCE, "tsc\n"},
    {EVENT_SOURCE "cpu/type", "4\n"},
    {EVENT_SOURCE "power/type", "12\n"},
    {POWERCAP "intel-rapl:0/energy_uj", "1234\n"},
    {"sys/fs/cgroup/system.slice/bench.service/cpu.max", "max 100000\n"},
    {NULL, NULL},
};

static const struct ipm_tree_file container[] = {
    {"proc/cpuinfo", "processor\t: 0\nvendor_id\t: GenuineIntel\nflags\t\t: fpu tsc\n"},
    {"proc/stat", QUIET_STAT},
    {"proc/meminfo", "MemTotal:       64000000 kB\nMemAvailable:     200000 kB\n"},
    {"proc/self/status", ALL_RIGHTS "5\n"},
    {"proc/self/uid_map", "         0     100000      65536\n"},
    {"proc/self/cgroup", "0::/\n"},
    {"proc/sys/kernel/perf_event_paranoid", "3\n"},
    {CPU "online", "0-15\n"},
    {CPU "isolated", "\n"},
    {CLOCKSOURCE, "tsc\n"},
    {EVENT_SOURCE "cpu/type", "4\n"},
    {POWERCAP "intel-rapl:0/", ""},
    {"sys/fs/cgroup/cpu.max", "150000 100000\n"},
    {".dockerenv", ""},
    {NULL, NULL},
};

static const struct ipm_tree_file virtual_machine[] = {
    {"proc/cpuinfo",
     "processor\t: 0\nvendor_id\t: GenuineIntel\nflags\t\t: fpu hypervisor tsc\n"},
    {"proc/stat", "cpu  1000 0 500 8000 10 0 20 900 0 0\n"},
    {"proc/meminfo", "MemTotal:       4000000 kB\nMemAvailable:    3000000 kB\n"},
    {"proc/self/status", NO_RIGHTS "0-1\n"},
    {"proc/self/cgroup", "0::/\n"},
    {"proc/sys/kernel/perf_event_paranoid", "2\n"},
    {"proc/sys/user/max_user_namespaces", "0\n"},
    {CPU "online", "0-1\n"},
    {CPU "isolated", "\n"},
    {CPU "smt/active", "0\n"},
    {CLOCKSOURCE, "acpi_pm\n"},
    {EVENT_SOURCE "software/type", "1\n"},
    {EVENT_SOURCE "msr/type", "8\n"},
    {"sys/hypervisor/type", "xen\n"},
    {"sys/class/net/", ""},
    {"sys/fs/cgroup/cgroup.controllers", "cpu\n"},
    {NULL, NULL},
};

struct expectation {
    const char *name;
    enum ipm_check_status status;
    const char *text; /* part of it */
    const char *mend; /* part of it; NULL: there is nothing to do */
};

static const struct ipm_check *find(const struct ipm_doctor *doctor, const char *name)
{
    for (int i = 0; i < doctor->n; i++) {
        if (strcmp(doctor->checks[i].name, name) == 0)
            return &doctor->checks[i];
    }
    fail_msg("no check '%s'", name);
    return NULL;
}

static void examine(void **state, const struct ipm_tree_file *files,
                    const struct expectation *expected, struct ipm_doctor *out_doctor)
{
    ipm_tree_put_all(*state, common);
    ipm_tree_put_all(*state, files);
    ipm_doctor_examine(out_doctor, *state);
    for (; expected->name != NULL; expected++) {
        const struct ipm_check *check = find(out_doctor, expected->name);
        bool mended = expected->mend == NULL
                          ? strncmp(check->mend, "nothing to do", 13) == 0
                          : strstr(check->mend, expected->mend) != NULL;
        if (check->status != expected->status || !mended ||
            strstr(check->text, expected->text) == NULL)
            fail_msg("%s: %s '%s' -> '%s'", check->name,
                     ipm_check_status_names[check->status], check->text, check->mend);
    }
}

static void a_laptop_is_restless(void **state)
{
    static const struct expectation expected[] = {
        {"governor", IPM_CHECK_WARN, "powersave on 1 of 2", "-g performance"},
        {"frequency", IPM_CHECK_WARN, "400 and 4200 MHz", "-u 1900MHz"},
        {"turbo", IPM_CHECK_WARN, "on", "echo 1 | sudo tee /sys/devices/system/cpu/"},
        {"smt", IPM_CHECK_OK, "on", NULL},
        {"isolation", IPM_CHECK_OK, "no CPU", NULL},
        {"hypervisor", IPM_CHECK_OK, "none", NULL},
        {"steal", IPM_CHECK_OK, "0.0 %", NULL},
        {"container", IPM_CHECK_OK, "none", NULL},
        {"cpus", IPM_CHECK_OK, "8", NULL},
        {"cpu_quota", IPM_CHECK_OK, "none", NULL},
        {"load", IPM_CHECK_OK, "0.01 on 8", NULL},
        {"clocksource", IPM_CHECK_OK, "tsc", NULL},
        {"clock_cost", IPM_CHECK_UNKNOWN, "running machine", NULL},
        {"perf_paranoid", IPM_CHECK_WARN, "is 4: no counters", "=1"},
        {"pmu", IPM_CHECK_OK, "cpu", NULL},
        {"powercap", IPM_CHECK_OK, "1 of 1", NULL},
        {"namespaces", IPM_CHECK_WARN, "apparmor_restrict", "userns=0"},
        {"message_queues", IPM_CHECK_OK, "10 messages", NULL},
        {"huge_pages", IPM_CHECK_OK, "madvise", NULL},
        {"aslr", IPM_CHECK_OK, "on", NULL},
        {"memory", IPM_CHECK_OK, "8.58 GiB", NULL},
        {"swap", IPM_CHECK_WARN, "swapped out", "swapoff"},
        {NULL, IPM_CHECK_OK, NULL, NULL},
    };
    struct ipm_doctor doctor;
    examine(state, intel_laptop, expected, &doctor);
}

static void a_server_is_fit(void **state)
{
    static const struct expectation expected[] = {
        {"governor", IPM_CHECK_OK, "performance on all CPUs (acpi-cpufreq)", NULL},
        {"frequency", IPM_CHECK_OK, "fixed at 2400 MHz", NULL},
        {"turbo", IPM_CHECK_OK, "off", NULL},
        {"smt", IPM_CHECK_OK, "off", NULL},
        {"isolation", IPM_CHECK_OK, "CPUs 2-3", NULL},
        {"cpus", IPM_CHECK_OK, "4", NULL},
        {"perf_paranoid", IPM_CHECK_OK, "we may all the same", NULL},
        {"namespaces", IPM_CHECK_OK, "privileged", NULL},
        {"swap", IPM_CHECK_OK, "none", NULL},
        {NULL, IPM_CHECK_OK, NULL, NULL},
    };
    struct ipm_doctor doctor;
    examine(state, amd_server, expected, &doctor);
    for (int i = 0; i < doctor.n; i++) {
        /* The disk is this machine's. */
        if (strcmp(doctor.checks[i].name, "disk") != 0)
            assert_true(doctor.checks[i].status <= IPM_CHECK_UNKNOWN);
    }
}

static void a_container_hides_things(void **state)
{
    static const struct expectation expected[] = {
        {"container", IPM_CHECK_WARN, "inside one", "host"},
        {"cpus", IPM_CHECK_FAIL, "1 of 16", "cpuset"},
        {"cpu_quota", IPM_CHECK_FAIL, "1.50 CPUs", "--cpus"},
        {"powercap", IPM_CHECK_WARN, "masked: the", "systempaths"},
        {"perf_paranoid", IPM_CHECK_WARN, "is 3", "sysctl"},
        {"memory", IPM_CHECK_FAIL, "195 MiB", "end what fills it"},
        {"governor", IPM_CHECK_UNKNOWN, "no cpufreq", NULL},
        {"turbo", IPM_CHECK_UNKNOWN, "", NULL},
        {"smt", IPM_CHECK_UNKNOWN, "", NULL},
        {NULL, IPM_CHECK_OK, NULL, NULL},
    };
    struct ipm_doctor doctor;
    examine(state, container, expected, &doctor);
    assert_int_equal(ipm_doctor_grade(&doctor), IPM_CHECK_FAIL);
}

static void a_virtual_machine_is_shared(void **state)
{
    static const struct expectation expected[] = {
        {"hypervisor", IPM_CHECK_WARN, "xen", "bare metal"},
        {"steal", IPM_CHECK_FAIL, "8.6 %", "CPUs of its own"},
        {"clocksource", IPM_CHECK_FAIL, "acpi_pm", NULL},
        {"cpus", IPM_CHECK_WARN, "2", NULL},
        {"pmu", IPM_CHECK_WARN, "no hardware counters", "bare metal"},
        {"powercap", IPM_CHECK_WARN, "absent", NULL},
        {"perf_paranoid", IPM_CHECK_WARN, "kernel's side", "=1"},
        {"namespaces", IPM_CHECK_WARN, "max_user_namespaces is 0", "=15000"},
        {"governor", IPM_CHECK_UNKNOWN, "no cpufreq", NULL},
        {NULL, IPM_CHECK_OK, NULL, NULL},
    };
    struct ipm_doctor doctor;
    examine(state, virtual_machine, expected, &doctor);
}

/* Nothing to read is nothing known: neither ok nor an alarm. */
static void an_empty_tree_is_unknown(void **state)
{
    struct ipm_doctor doctor;
    ipm_doctor_examine(&doctor, *state);
    assert_true(doctor.n > 20);
    for (int i = 0; i < doctor.n; i++) {
        const char *name = doctor.checks[i].name;
        if (strcmp(name, "disk") == 0)
            continue; /* this machine's */
        assert_true(strlen(doctor.checks[i].mend) > strlen("nothing to do"));
        if (doctor.checks[i].status != IPM_CHECK_UNKNOWN)
            fail_msg("%s: %s", name, doctor.checks[i].text);
    }
}

static void quotas_of_outer_groups_count(void **state)
{
    static const struct expectation none[] = {{"cpu_quota", IPM_CHECK_OK, "none", NULL},
                                              {NULL, IPM_CHECK_OK, NULL, NULL}};
    static const struct expectation outer[] = {
        {"cpu_quota", IPM_CHECK_WARN, "3.00 CPUs", "CPUQuota"},
        {NULL, IPM_CHECK_OK, NULL, NULL}};
    static const struct expectation first_version[] = {
        {"cpu_quota", IPM_CHECK_FAIL, "0.50 CPUs", "CPUQuota"},
        {NULL, IPM_CHECK_OK, NULL, NULL}};
    struct ipm_doctor doctor;
    examine(state, amd_server, none, &doctor);
    ipm_tree_put(*state, "sys/fs/cgroup/system.slice/cpu.max", "300000 100000\n");
    ipm_tree_put(*state, "sys/fs/cgroup/cpu.max", "800000 100000\n");
    examine(state, amd_server, outer, &doctor);
    ipm_tree_put(*state, "sys/fs/cgroup/cpu/cpu.cfs_quota_us", "50000\n");
    ipm_tree_put(*state, "sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    examine(state, amd_server, first_version, &doctor);
}

/* One machine, one thing changed at a time. */
static void single_faults_are_seen(void **state)
{
    static const char flags[] =
        "processor\t: 0\nvendor_id\t: GenuineIntel\nflags\t\t: ";
    static const struct {
        const char *path, *text;
        struct expectation row;
    } faults[] = {
        {CPU "vulnerabilities/meltdown",
         "Mitigation: PTI\n",
         {"page_tables", IPM_CHECK_WARN, "isolated without PCID", NULL}},
        {"proc/cmdline",
         "ro nopcid quiet\n",
         {"page_tables", IPM_CHECK_WARN, "isolated without PCID", "without nopcid"}},
        {"proc/cmdline",
         "ro idle=poll -- mitigations=off\n",
         {"boot_options", IPM_CHECK_WARN, "idle CPUs spin", "without idle=poll"}},
        {"proc/cmdline",
         "ro mitigations=off\n",
         {"mitigations", IPM_CHECK_OK, "needs none", NULL}},
        {CPU "vulnerabilities/spectre_v2",
         "Vulnerable\n",
         {"mitigations", IPM_CHECK_WARN, "spectre_v2", "mitigations=off"}},
        {"proc/lockdep",
         "all lock classes:\n",
         {"kernel", IPM_CHECK_FAIL, "its own locks", "without debugging"}},
        {"sys/class/power_supply/AC/online",
         "0\n",
         {"mains", IPM_CHECK_WARN, "on battery", "plug"}},
        {"sys/class/thermal/thermal_zone0/temp",
         "96000\n",
         {"temperature", IPM_CHECK_WARN, "96 degrees", "cool"}},
        {"proc/self/limits",
         "Max open files  64  64  files\n"
         "Max locked memory  unlimited  unlimited  bytes\n",
         {"limits", IPM_CHECK_WARN, "64 open files", "ulimit -n"}},
        {"sys/fs/cgroup/system.slice/memory.max",
         "536870912\n",
         {"memory", IPM_CHECK_OK, "858 GiB", NULL}}, /* what is used is not told */
        {"sys/fs/cgroup/system.slice/memory.current",
         "367001600\n",
         {"memory", IPM_CHECK_FAIL, "below the cgroup's limit", "end what fills"}},
        {"sys/fs/cgroup/system.slice/memory.stat",
         "anon 52428800\ninactive_file 209715200\nactive_file 104857600\n",
         {"memory", IPM_CHECK_WARN, "462 MiB", "end what fills"}}, /* files give way */
        {"proc/meminfo",
         "MemTotal: 9 kB\nMemAvailable: 9223372036854775807 kB\n",
         {"memory", IPM_CHECK_UNKNOWN, "does not tell", NULL}},
        {CPU "cpufreq/policy0/energy_performance_preference",
         "power\n",
         {"energy_preference", IPM_CHECK_OK, "power", NULL}}, /* fixed all the same */
        {CPU "cpufreq/policy0/scaling_max_freq",
         "3700000\n",
         {"energy_preference", IPM_CHECK_WARN, "power on 1 of 1", "echo performance"}},
        {CPU "cpufreq/policy0/scaling_governor",
         "schedutil\n",
         {"frequency", IPM_CHECK_WARN, "between 2400 and 3700", "cpupower"}},
        {"proc/self/limits",
         "Max open files  1024  1024  files\nMax locked memory  65536  65536  bytes\n",
         {"limits", IPM_CHECK_OK, "1024 open files", NULL}}, /* CAP_IPC_LOCK */
        {POWERCAP "intel-rapl:0/energy_uj",
         "",
         {"powercap", IPM_CHECK_WARN, "masked: the", "systempaths"}},
        {EVENT_SOURCE "power/events/energy-pkg",
         "event=0x02\n",
         {"powercap", IPM_CHECK_OK, "perf's power PMU counts it", NULL}},
        /* All rights, but only over what is ours: they do not reach the machine. */
        {"proc/self/uid_map",
         "         0     100000      65536\n",
         {"limits", IPM_CHECK_WARN, "64 KiB of locked memory", "ulimit -l"}},
        {"proc/stat",
         QUIET_STAT,
         {"powercap", IPM_CHECK_WARN, "masked: the", "systempaths"}},
        {"proc/stat", QUIET_STAT, {"namespaces", IPM_CHECK_OK, "privileged", NULL}},
    };
    struct ipm_doctor doctor;
    ipm_tree_put_all(*state, common);
    ipm_tree_put_all(*state, amd_server);
    ipm_tree_put(*state, "proc/cpuinfo", flags);
    ipm_tree_put(*state, "sys/class/power_supply/AC/type", "Mains\n");
    ipm_tree_put(*state, "sys/class/thermal/thermal_zone0/type", "x86_pkg_temp\n");
    for (size_t i = 0; i < IPM_TEST_ROWS(faults); i++) {
        const struct expectation *row = &faults[i].row;
        ipm_tree_put(*state, faults[i].path, faults[i].text);
        ipm_doctor_examine(&doctor, *state);
        const struct ipm_check *check = find(&doctor, row->name);
        const char *mend = row->mend == NULL ? "nothing to do" : row->mend;
        if (check->status != row->status || strstr(check->text, row->text) == NULL ||
            strstr(check->mend, mend) == NULL)
            fail_msg("%s after %s: %s '%s' -> '%s'", row->name, faults[i].path,
                     ipm_check_status_names[check->status], check->text, check->mend);
    }
}

/* What is denied must not read as absent: as a user whom the mode bits hold. */
static int see_denied(void *context)
{
    struct ipm_doctor doctor;
    if (!ipm_become_nobody())
        return 77;
    ipm_doctor_examine(&doctor, context);
    const struct ipm_check *check = find(&doctor, "powercap");
    return check->status == IPM_CHECK_WARN &&
                   strncmp(check->text, "denied: 1", 9) == 0 &&
                   strstr(check->mend, "99-ipcmeter-energy.rules") != NULL
               ? 0
               : 1;
}

static void denied_counters_are_no_absent_ones(void **state)
{
    char path[256];
    ipm_tree_put_all(*state, common);
    ipm_tree_put_all(*state, intel_laptop);
    assert_int_equal(
        chmod(ipm_test_path(state, POWERCAP "intel-rapl:0/energy_uj", path), 0400), 0);
    assert_int_equal(chmod(*state, 0755), 0);
    if (geteuid() != 0)
        assert_int_equal(chmod(path, 0), 0); /* our own file: not even the owner */
    int status = ipm_test_in_child(see_denied, *state);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void the_worst_comes_first(void **state)
{
    struct ipm_doctor doctor;
    ipm_tree_put_all(*state, common);
    ipm_tree_put_all(*state, container);
    ipm_auto_json json_t *document = ipm_environment_json(*state);
    const json_t *list = json_object_get(document, "checks");
    ipm_doctor_examine(&doctor, *state);
    assert_int_equal(json_array_size(list), doctor.n);
    for (int i = 0; i < doctor.n; i++) {
        const json_t *check = json_array_get(list, (size_t)i);
        const json_t *mend = json_object_get(check, "mend");
        assert_string_equal(json_string_value(json_object_get(check, "status")),
                            ipm_check_status_names[doctor.checks[i].status]);
        assert_true(json_string_length(mend) > 0);
        assert_true(json_is_string(json_object_get(check, "topic")));
        assert_true(json_is_string(json_object_get(check, "text")));
        if (i > 0)
            assert_true(doctor.checks[i].status <= doctor.checks[i - 1].status);
    }
    assert_string_equal(json_string_value(json_object_get(document, "grade")), "fail");
}

static void the_host_tells_what_it_may(void **state)
{
    ipm_tree_put_all(*state, common);
    ipm_tree_put_all(*state, amd_server);
    ipm_auto_json json_t *document = ipm_environment_json(*state);
    const json_t *host = json_object_get(document, "host");
    const char *model = NULL;
    int64_t number = 0;
    assert_int_equal(ipm_json_get_text(host, "cpu_model", &model, NULL), 0);
    assert_string_equal(model, "AMD EPYC 9654 96-Core Processor");
    assert_int_equal(ipm_json_get_text(host, "model", &model, NULL), 0);
    assert_string_equal(model, "17");
    assert_int_equal(ipm_json_get_integer(host, "packages", &number, NULL), 0);
    assert_int_equal(number, 2);
    assert_int_equal(ipm_json_get_integer(host, "cores", &number, NULL), 0);
    assert_int_equal(number, 3);
    assert_int_equal(ipm_json_get_integer(host, "threads", &number, NULL), 0);
    assert_int_equal(number, 4);
    assert_int_equal(ipm_json_get_integer(host, "numa_nodes", &number, NULL), 0);
    assert_int_equal(number, 2);
    assert_int_equal(ipm_json_get_integer(host, "memory_gib", &number, NULL), 0);
    assert_int_equal(number, 1008);
    assert_true(json_is_false(json_object_get(host, "hypervisor")));
    const json_t *cache = json_array_get(json_object_get(host, "caches"), 0);
    assert_int_equal(json_integer_value(json_object_get(cache, "bytes")), 32768);
    assert_true(json_is_string(
        json_object_get(json_object_get(host, "mitigations"), "meltdown")));

    static const char *const secrets[] = {"secret-host-name", "secret-user",
                                          "5ecre7machine1d", "5ecre75er1a1"};
    char *text = json_dumps(document, 0);
    assert_non_null(text);
    for (size_t i = 0; i < IPM_TEST_ROWS(secrets); i++)
        assert_null(strstr(text, secrets[i]));
    assert_null(strstr(text, *state));
    free(text);
}

static const char *class_of(void **state, char text[IPM_HASH_TEXT])
{
    ipm_auto_json json_t *host = ipm_host_json(*state);
    const char *class = NULL;
    assert_int_equal(ipm_json_get_text(host, "class", &class, NULL), 0);
    (void)snprintf(text, IPM_HASH_TEXT, "%s", class);
    return text;
}

static void the_class_is_the_hardware(void **state)
{
    char first[IPM_HASH_TEXT];
    char second[IPM_HASH_TEXT];
    ipm_tree_put_all(*state, common);
    ipm_tree_put_all(*state, amd_server);
    class_of(state, first);

    /* Another kernel, which keeps a little more memory for itself. */
    ipm_tree_put(*state, "proc/sys/kernel/osrelease", "6.12.1\n");
    ipm_tree_put(*state, "proc/meminfo", "MemTotal:       1055000000 kB\n");
    ipm_tree_put(*state, CPU "vulnerabilities/meltdown", "Vulnerable\n");
    assert_string_equal(class_of(state, second), first);

    ipm_tree_put(*state, "proc/meminfo", "MemTotal:       528000000 kB\n");
    assert_string_not_equal(class_of(state, second), first);
    ipm_tree_put(*state, "proc/meminfo", "MemTotal:       1055000000 kB\n");
    assert_string_equal(class_of(state, second), first);
    ipm_tree_put(*state, CPU "cpu3/topology/core_id", "1\n");
    assert_string_not_equal(class_of(state, second), first);
}

static void cpu_lists_are_read(void **state)
{
    (void)state;
    assert_int_equal(ipm_cpu_list_count("0-3,8,10-11\n", NULL), 7);
    assert_int_equal(ipm_cpu_list_count("0-3,8", "2-9"), 3);
    assert_int_equal(ipm_cpu_list_count("", NULL), 0);
    assert_true(ipm_cpu_list_has("0-3,8", 8));
    assert_false(ipm_cpu_list_has("0-3,8", 4));
}

/* This very machine: whatever it is, the document holds together. */
static void this_machine_can_be_examined(void **state)
{
    (void)state;
    ipm_auto_json json_t *document = ipm_environment_json(NULL);
    assert_non_null(document);
    assert_true(json_array_size(json_object_get(document, "checks")) > 20);
    int64_t number = 0;
    const json_t *host = json_object_get(document, "host");
    assert_int_equal(ipm_json_get_integer(host, "memory_gib", &number, NULL), 0);
    assert_true(json_is_string(json_object_get(host, "kernel")));
}

/* A call of the command in a child, with its output in a file. */
struct call {
    const char *output;
    char *arguments[6]; /* NULL-terminated */
};

static int call_command(void *context)
{
    struct call *call = context;
    int argc = 0;
    while (call->arguments[argc] != NULL)
        argc++;
    if (freopen(call->output, "we", stdout) == NULL ||
        freopen("/dev/null", "we", stderr) == NULL)
        return 99;
    return ipm_cmd_doctor(argc, call->arguments);
}

static int exit_of(struct call *call)
{
    int status = ipm_test_in_child(call_command, call);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void the_command_has_its_exit_codes(void **state)
{
    char output[256];
    char word_doctor[] = "doctor";
    char word_json[] = "--json";
    char word_strict[] = "--strict";
    char word_sysroot[] = "--sysroot";
    char word_unknown[] = "--unknown";
    char *root = *state;
    ipm_tree_put_all(root, common);
    ipm_tree_put_all(root, container);
    ipm_test_path(state, "output", output);

    struct call fine = {output, {word_doctor, word_json, word_sysroot, root, NULL}};
    assert_int_equal(exit_of(&fine), 0);
    json_error_t problem;
    ipm_auto_json json_t *document = json_load_file(output, 0, &problem);
    assert_non_null(document);
    assert_string_equal(json_string_value(json_object_get(document, "grade")), "fail");

    struct call strict = {output, {word_doctor, word_strict, word_sysroot, root, NULL}};
    assert_int_equal(exit_of(&strict), 4);
    size_t length = 0;
    char *text = ipm_test_read(output, &length);
    assert_memory_equal(text, "CPUs\n  fail ", 12);
    assert_non_null(strstr(text, "\nmemory and disk\n"));
    assert_non_null(strstr(text, "This machine: fail ("));
    assert_null(strchr(text, '\033'));
    free(text);

    ipm_tree_put_all(root, amd_server);
    assert_int_equal(unlink(ipm_test_path(state, ".dockerenv", output)), 0);
    ipm_tree_put(root, "proc/self/uid_map", INITIAL_MAP);
    ipm_tree_put(root, "sys/fs/cgroup/cpu.max", "max 100000\n");
    ipm_test_path(state, "output", output);
    struct ipm_doctor doctor;
    ipm_doctor_examine(&doctor, root);
    assert_int_equal(exit_of(&strict),
                     find(&doctor, "disk")->status == IPM_CHECK_FAIL ? 4 : 0);

    struct call unknown = {output, {word_doctor, word_unknown, NULL}};
    assert_int_equal(exit_of(&unknown), 2);
    struct call extra = {output, {word_doctor, root, NULL}};
    assert_int_equal(exit_of(&extra), 2);
    struct call no_folder = {output, {word_doctor, word_sysroot, output, NULL}};
    assert_int_equal(exit_of(&no_folder), 2);
    char full[] = "/dev/full";
    struct call no_room = {full, {word_doctor, word_json, word_sysroot, root, NULL}};
    assert_int_equal(exit_of(&no_room), 1);
}

#define ROOTED(test)                                                                   \
    cmocka_unit_test_setup_teardown(test, ipm_test_directory, ipm_test_directory_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROOTED(a_laptop_is_restless),
        ROOTED(a_server_is_fit),
        ROOTED(a_container_hides_things),
        ROOTED(a_virtual_machine_is_shared),
        ROOTED(an_empty_tree_is_unknown),
        ROOTED(quotas_of_outer_groups_count),
        ROOTED(single_faults_are_seen),
        ROOTED(denied_counters_are_no_absent_ones),
        ROOTED(the_worst_comes_first),
        ROOTED(the_host_tells_what_it_may),
        ROOTED(the_class_is_the_hardware),
        cmocka_unit_test(cpu_lists_are_read),
        cmocka_unit_test(this_machine_can_be_examined),
        ROOTED(the_command_has_its_exit_codes),
    };
    return cmocka_run_group_tests_name("doctor", tests, NULL, NULL);
}
