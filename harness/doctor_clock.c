/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * doctor_clock: the clock that times every message.
 */
#include "base/clock.h"
#include "base/units.h"
#include "harness/doctor_checks.h"
#include "harness/sysroot.h"

#include <stdbool.h>
#include <string.h>

#define CLOCK_FOLDER "sys/devices/system/clocksource/clocksource0/"

/* Words of a list that blanks separate. */
static bool among(const char *word, const char *list)
{
    size_t length = strlen(word);
    for (const char *at = list; (at = strstr(at, word)) != NULL; at += length) {
        if ((at == list || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
            return true;
    }
    return false;
}

/* The kernel drops tsc from the list of what may be chosen once it has found it unstable. */
static void mend_clock(const struct ipm_patient *patient, struct ipm_check *check)
{
    char available[128] = "";
    (void)ipm_sysroot_text(patient->sysroot, CLOCK_FOLDER "available_clocksource",
                           available, sizeof(available));
    if (among("tsc", available))
        ipm_check_mend(check,
                       "echo tsc | sudo tee /" CLOCK_FOLDER "current_clocksource");
    else if (patient->hypervisor == 1)
        ipm_check_leave(check, "the hypervisor offers no tsc that stays in step");
    else
        ipm_check_mend(check, "find out from the kernel log why tsc was given up: "
                              "dmesg | grep -i tsc");
}

void ipm_check_clocksource(const struct ipm_patient *patient, struct ipm_check *check)
{
    static const char good[] = "tsc arch_sys_counter riscv_clocksource timebase";
    static const char paged[] = "kvm-clock hyperv_clocksource_tsc_page";
    char name[64];
    if (ipm_sysroot_text(patient->sysroot, CLOCK_FOLDER "current_clocksource", name,
                         sizeof(name)) != 0) {
        ipm_check_say(check, IPM_CHECK_UNKNOWN, "the kernel does not tell");
        ipm_check_leave(check, "see clock_cost for what a read takes");
    } else if (among(name, good)) {
        ipm_check_say(check, IPM_CHECK_OK, "%s", name);
    } else if (among(name, paged)) {
        ipm_check_say(check, IPM_CHECK_WARN,
                      "%s: read without a system call, but scaled by the hypervisor",
                      name);
        mend_clock(patient, check);
    } else {
        ipm_check_say(check, IPM_CHECK_FAIL, "%s: every clock read is a system call",
                      name);
        mend_clock(patient, check);
    }
}

void ipm_check_clock_cost(const struct ipm_patient *patient, struct ipm_check *check)
{
    if (!patient->live) {
        ipm_check_say(check, IPM_CHECK_UNKNOWN, "only a running machine can be asked");
        ipm_check_leave(check, "run the doctor there");
        return;
    }
    struct ipm_clock_cost cost;
    char text[IPM_UNITS_TEXT];
    ipm_clock_measure(&cost);
    ipm_check_say(check,
                  cost.median_ns > 1000  ? IPM_CHECK_FAIL
                  : cost.median_ns > 200 ? IPM_CHECK_WARN
                                         : IPM_CHECK_OK,
                  "%s for one read", ipm_format_ns(text, cost.median_ns));
    if (check->status != IPM_CHECK_OK)
        ipm_check_mend(check, "see clocksource; batches get longer to hide it");
}
