/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ipcmeter completion: what a shell sources, so that it can complete a command line.
 */
#include "base/cleanup.h"
#include "harness/commands.h"
#include "harness/prepare.h"

#include <string.h>

static const struct ipm_command_operand completion_operands[] = {
    {.name = "bash", .kind = IPM_OPERAND_WORDS},
    {.name = NULL},
};

const struct ipm_command ipm_command_completion = {
    .name = "completion",
    .run = ipm_cmd_completion,
    .summary = "what bash sources to complete these words",
    .operands = completion_operands,
    .about =
        "Prints what bash is to source, so that it completes verbs, options and their "
        "words, settings and files. An installation has it where bash looks by "
        "itself; else: source <(ipcmeter completion bash)",
};

int ipm_cmd_completion(int argc, char **argv)
{
    struct ipm_arguments arguments;
    ipm_arguments_init(&arguments, &ipm_command_completion, argc, argv);
    for (int code; (code = ipm_arguments_next(&arguments)) != IPM_ARGUMENTS_END;) {
        bool help = code == IPM_ARGUMENTS_HELP;
        ipm_command_usage(&ipm_command_completion, help ? stdout : stderr);
        return help ? IPM_EXIT_OK : IPM_EXIT_USAGE;
    }
    if (arguments.n_operands != 1 || strcmp(arguments.operands[0], "bash") != 0) {
        ipm_command_usage(&ipm_command_completion, stderr);
        return IPM_EXIT_USAGE;
    }
    struct ipm_request request = {0};
    ipm_auto_json json_t *describe = NULL;
    int status = ipm_prepare_describe(&request, &describe);
    if (status != 0)
        return status;
    ipm_command_bash(describe, stdout);
    return fflush(stdout) == 0 ? IPM_EXIT_OK : IPM_EXIT_INTERNAL;
}
