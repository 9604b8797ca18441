/* SPDX-License-Identifier: MIT */
/*
 * ipm_rapl: an energy meter whose readings are known.
 *
 * Registers the powercap control type `intel-rapl` with the zones package-0 and, below it,
 * core and dram, and package-0's sibling psys, so that the kernel's own powercap core serves
 * them: names, rights and ranges are those of a real machine.  The energy is a function of
 * what the guest did, with parameters of the module's:
 *
 *     core    = core_mw x busy time + switch_nj x context switches
 *     dram    = dram_mw x time
 *     package = core + dram + idle_mw x time
 *     psys    = package + psys_mw x time
 *
 * Busy time is that of all tasks but the idle ones; both it and the switches come from the
 * scheduler's own tracepoint.  As on hardware the counters move once a period (period_us)
 * and wrap at a range (max_uj).  In /sys/module/ipm_rapl/parameters:
 *
 *     truth      the same figures without period and range, all of one instant:
 *                `time_ns busy_ns switches core_uj dram_uj package_uj psys_uj`
 *     readings   the truth at each of the last readings of package-0, oldest first, divided
 *                by semicolons: what a window between two of them really took
 *     wrap_in_uj write N: the counter of package-0 wraps when N uJ more are used
 */
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/powercap.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/tracepoint.h>

static ulong core_mw = 10000;
module_param(core_mw, ulong, 0444);
static ulong idle_mw = 2000;
module_param(idle_mw, ulong, 0444);
static ulong dram_mw = 1000;
module_param(dram_mw, ulong, 0444);
static ulong psys_mw = 3000;
module_param(psys_mw, ulong, 0444);
static ulong switch_nj = 5000;
module_param(switch_nj, ulong, 0444);
static ulong period_us = 1000;
module_param(period_us, ulong, 0444);
static ulong max_uj =
    262143328850UL; /* 2^32 of the units of 61 uJ, as client parts have */
module_param(max_uj, ulong, 0644);

enum { READINGS = 16 };

enum { PACKAGE, CORE, DRAM, PSYS, ZONES };

static const char *const zone_names[ZONES] = {"package-0", "core", "dram", "psys"};

/* What one CPU did; written by its own scheduler, read by anyone under the lock. */
struct activity {
    raw_spinlock_t lock;
    u64 busy_ns;
    u64 switches;
    u64 since_ns; /* when the task that runs now began; 0: an idle one */
};

struct snapshot {
    u64 time_ns;
    u64 busy_ns;
    u64 switches;
    u64 uj[ZONES];
};

static DEFINE_PER_CPU(struct activity, activity);
static u64 begun_ns;
static struct powercap_control_type *control_type;
static struct powercap_zone zones[ZONES];
static int n_zones;
static struct tracepoint *sched_switch;

/* The counters as they stood at the last period, for all zones alike. */
static DEFINE_SPINLOCK(latch_lock);
static struct snapshot latched;
static u64 latched_period;
static bool has_latched;
static u64 offset_uj; /* of all counters, before the wrap */
static struct snapshot readings[READINGS];
static unsigned int n_readings;

/* As the tracepoint calls it since Linux 5.18. */
static void on_switch(void *data, bool preempt, struct task_struct *previous,
                      struct task_struct *next, unsigned int previous_state)
{
    struct activity *mine = this_cpu_ptr(&activity);
    u64 now_ns = ktime_get_mono_fast_ns();

    raw_spin_lock(&mine->lock);
    if (mine->since_ns != 0 && now_ns > mine->since_ns)
        mine->busy_ns += now_ns - mine->since_ns;
    mine->since_ns = is_idle_task(next) ? 0 : now_ns;
    mine->switches++;
    raw_spin_unlock(&mine->lock);
}

/* mW x ns = pJ; kept apart so that days do not overflow. */
static u64 energy_uj(ulong mw, u64 ns)
{
    u64 ms = div_u64(ns, 1000000);
    u64 rest_ns = ns - ms * 1000000;

    return ms * mw + div_u64(rest_ns * mw, 1000000);
}

static void look(struct snapshot *out)
{
    u64 now_ns;
    int cpu;

    memset(out, 0, sizeof(*out));
    now_ns = ktime_get_mono_fast_ns();
    for_each_online_cpu(cpu)
    {
        struct activity *theirs = per_cpu_ptr(&activity, cpu);
        unsigned long flags;

        raw_spin_lock_irqsave(&theirs->lock, flags);
        out->busy_ns += theirs->busy_ns;
        if (theirs->since_ns != 0 && now_ns > theirs->since_ns)
            out->busy_ns += now_ns - theirs->since_ns;
        out->switches += theirs->switches;
        raw_spin_unlock_irqrestore(&theirs->lock, flags);
    }
    out->time_ns = now_ns - begun_ns;
    out->uj[CORE] =
        energy_uj(core_mw, out->busy_ns) + div_u64(out->switches * switch_nj, 1000);
    out->uj[DRAM] = energy_uj(dram_mw, out->time_ns);
    out->uj[PACKAGE] = out->uj[CORE] + out->uj[DRAM] + energy_uj(idle_mw, out->time_ns);
    out->uj[PSYS] = out->uj[PACKAGE] + energy_uj(psys_mw, out->time_ns);
}

/* The reader of a period's first reading moves the counters on; exact enough, since who
 * reads twice in a period sees them stand still, and who reads seldom sees them fresh. */
static int get_energy_uj(struct powercap_zone *zone, u64 *out_uj)
{
    u64 period, range = max(max_uj, 1UL);
    int which = (int)(zone - zones);

    if (which < 0 || which >= ZONES)
        return -EINVAL;
    spin_lock(&latch_lock);
    period = div_u64(ktime_get_mono_fast_ns(), (u32)max(period_us, 1UL) * 1000);
    if (!has_latched || period != latched_period) {
        look(&latched);
        latched_period = period;
        has_latched = true;
    }
    *out_uj = latched.uj[which] + offset_uj;
    if (which == PACKAGE)
        look(&readings[n_readings++ % READINGS]);
    spin_unlock(&latch_lock);
    div64_u64_rem(*out_uj, range, out_uj);
    return 0;
}

static int get_max_energy_range_uj(struct powercap_zone *zone, u64 *out_uj)
{
    *out_uj = max(max_uj, 1UL);
    return 0;
}

static int release_zone(struct powercap_zone *zone)
{
    return 0;
}

static const struct powercap_zone_ops zone_ops = {
    .get_energy_uj = get_energy_uj,
    .get_max_energy_range_uj = get_max_energy_range_uj,
    .release = release_zone,
};

static int print(char *text, int at, const struct snapshot *snapshot, const char *end)
{
    return at + sysfs_emit_at(text, at, "%llu %llu %llu %llu %llu %llu %llu%s",
                              snapshot->time_ns, snapshot->busy_ns, snapshot->switches,
                              snapshot->uj[CORE], snapshot->uj[DRAM],
                              snapshot->uj[PACKAGE], snapshot->uj[PSYS], end);
}

/* A limit that limits nothing: the kernel makes no zone without one. */
static int get_limit(struct powercap_zone *zone, int id, u64 *out)
{
    *out = 0;
    return 0;
}

static int set_limit(struct powercap_zone *zone, int id, u64 value)
{
    return -EPERM;
}

static const char *limit_name(struct powercap_zone *zone, int id)
{
    return "long_term";
}

static const struct powercap_zone_constraint_ops limit_ops = {
    .set_power_limit_uw = set_limit,
    .get_power_limit_uw = get_limit,
    .set_time_window_us = set_limit,
    .get_time_window_us = get_limit,
    .get_name = limit_name,
};

static int get_truth(char *text, const struct kernel_param *parameter)
{
    struct snapshot now;

    look(&now);
    return print(text, 0, &now, "\n");
}

static int get_readings(char *text, const struct kernel_param *parameter)
{
    unsigned int i;
    int at = 0;

    spin_lock(&latch_lock);
    for (i = n_readings > READINGS ? n_readings - READINGS : 0; i < n_readings; i++)
        at = print(text, at, &readings[i % READINGS], i + 1 < n_readings ? ";" : "");
    spin_unlock(&latch_lock);
    return at + sysfs_emit_at(text, at, "\n");
}

static int set_wrap(const char *text, const struct kernel_param *parameter)
{
    u64 wanted_uj, range = max(max_uj, 1UL), used_uj;
    struct snapshot now;
    int error = kstrtou64(text, 0, &wanted_uj);

    if (error)
        return error;
    if (wanted_uj > range)
        return -ERANGE;
    look(&now);
    div64_u64_rem(now.uj[PACKAGE] + wanted_uj, range, &used_uj);
    spin_lock(&latch_lock);
    offset_uj = range - used_uj;
    spin_unlock(&latch_lock);
    return 0;
}

static const struct kernel_param_ops truth_ops = {.get = get_truth};
module_param_cb(truth, &truth_ops, NULL, 0444);
static const struct kernel_param_ops readings_ops = {.get = get_readings};
module_param_cb(readings, &readings_ops, NULL, 0444);
static const struct kernel_param_ops wrap_ops = {.set = set_wrap};
module_param_cb(wrap_in_uj, &wrap_ops, NULL, 0200);

static void find_switch(struct tracepoint *tracepoint, void *data)
{
    if (strcmp(tracepoint->name, "sched_switch") == 0)
        sched_switch = tracepoint;
}

static void leave(void)
{
    while (n_zones > 0)
        powercap_unregister_zone(control_type, &zones[--n_zones]);
    if (!IS_ERR_OR_NULL(control_type))
        powercap_unregister_control_type(control_type);
    if (sched_switch) {
        tracepoint_probe_unregister(sched_switch, on_switch, NULL);
        tracepoint_synchronize_unregister();
    }
}

static int __init ipm_rapl_init(void)
{
    int error;
    int cpu;

    for_each_possible_cpu(cpu) raw_spin_lock_init(&per_cpu_ptr(&activity, cpu)->lock);
    begun_ns = ktime_get_mono_fast_ns();
    for_each_kernel_tracepoint(find_switch, NULL);
    if (!sched_switch)
        return -ENOENT;
    error = tracepoint_probe_register(sched_switch, on_switch, NULL);
    if (error) {
        sched_switch = NULL;
        return error;
    }
    control_type = powercap_register_control_type(NULL, "intel-rapl", NULL);
    if (IS_ERR(control_type)) {
        error = PTR_ERR(control_type);
        leave();
        return error;
    }
    for (n_zones = 0; n_zones < ZONES; n_zones++) {
        bool inside = n_zones == CORE || n_zones == DRAM;
        struct powercap_zone *zone = powercap_register_zone(
            &zones[n_zones], control_type, zone_names[n_zones],
            inside ? &zones[PACKAGE] : NULL, &zone_ops, 1, &limit_ops);

        if (IS_ERR(zone)) {
            leave();
            return PTR_ERR(zone);
        }
    }
    return 0;
}

static void __exit ipm_rapl_exit(void)
{
    leave();
}

module_init(ipm_rapl_init);
module_exit(ipm_rapl_exit);
MODULE_DESCRIPTION("An energy meter whose readings are known");
MODULE_AUTHOR("ipcmeter");
/* MIT as the files around it; the kernel's word for that. */
MODULE_LICENSE("Dual MIT/GPL");
