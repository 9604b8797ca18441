/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/environment.h"

#include "harness/host.h"
#include "harness/state.h"

json_t *ipm_environment_examined(const struct ipm_doctor *doctor, const char *sysroot)
{
    return json_pack("{s:s, s:o, s:o, s:o}", "grade",
                     ipm_check_status_names[ipm_doctor_grade(doctor)], "checks",
                     ipm_doctor_json(doctor), "state", ipm_state_json(sysroot), "host",
                     ipm_host_json(sysroot));
}

json_t *ipm_environment_json(const char *sysroot)
{
    const char *root = sysroot != NULL ? sysroot : "";
    struct ipm_doctor doctor;
    ipm_doctor_examine(&doctor, root);
    return ipm_environment_examined(&doctor, root);
}
