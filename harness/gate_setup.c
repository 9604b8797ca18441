/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/gate_setup.h"

#include "harness/commands.h"
#include "harness/signals.h"

#include <errno.h>
#include <stdlib.h>

static int complain(const struct ipm_gate_setup *setup, size_t arm,
                    const struct ipm_why *why)
{
    char what[16];
    (void)snprintf(what, sizeof(what), "arm %s: ", ipm_gate_arm_names[arm]);
    return ipm_run_words_complain(&setup->words, what, why->text);
}

static int make_arm(struct ipm_gate_setup *setup, size_t index, const char *line)
{
    struct ipm_why why = {0};
    struct ipm_arm *arm = &setup->arms[index];
    int error = ipm_arm_parse(line, &setup->words.run.request.worker, arm, &why);
    if (error == 0)
        error = ipm_arm_describe(arm, &ipm_signal_caught, &why);
    if (error == 1)
        return ipm_signals_status();
    return error == 0 ? 0 : complain(setup, index, &why);
}

int ipm_gate_setup(struct ipm_gate_setup *setup)
{
    struct ipm_request *request = &setup->words.run.request;
    struct ipm_why why = {0};
    request->interrupted = &ipm_signal_caught;
    request->gate = true;
    ipm_signals_listen();
    int status = make_arm(setup, IPM_GATE_A, setup->a);
    if (status == 0)
        status = make_arm(setup, IPM_GATE_B, setup->b);
    if (status == 0 && ipm_arms_together(setup->arms[IPM_GATE_A].describe,
                                         setup->arms[IPM_GATE_B].describe, &why) != 0) {
        (void)ipm_run_words_complain(&setup->words, "", why.text);
        status = IPM_EXIT_NOTHING;
    }
    if (status == 0) {
        request->worker = setup->arms[IPM_GATE_A].worker;
        status = ipm_prepare(request, &setup->prepared);
    }
    return status == 0 ? ipm_run_words_gated(&setup->words, &setup->prepared) : status;
}

void ipm_gate_setup_fini(struct ipm_gate_setup *setup)
{
    ipm_prepared_fini(&setup->prepared);
    for (size_t i = 0; i < 2; i++)
        ipm_arm_fini(&setup->arms[i]);
    free(setup->words.sets);
    setup->words.sets = NULL;
}
