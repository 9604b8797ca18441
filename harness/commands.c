/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/commands.h"

const struct ipm_command *const ipm_commands[] = {
    &ipm_command_doctor,     &ipm_command_list,
    &ipm_command_plan,       &ipm_command_run,
    &ipm_command_report,     &ipm_command_advise,
    &ipm_command_compare,    &ipm_command_gate,
    &ipm_command_counts,     &ipm_command_export,
    &ipm_command_import,     &ipm_command_schema,
    &ipm_command_conform,    &ipm_command_selftest,
    &ipm_command_completion, NULL,
};
