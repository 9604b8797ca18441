/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * baseline_session: what a result folder of `ipcmeter run` says of its points, one figure each.
 */
#ifndef IPM_HARNESS_BASELINE_SESSION_H
#define IPM_HARNESS_BASELINE_SESSION_H

#include "base/json.h"
#include "base/why.h"

/**
 * ipm_baseline_session() - read a result folder
 * @out_session: the caller's:
 *     directory  as it was given
 *     run, started, build, boot   texts; "" where the manifest does not say
 *     manifest   all of it
 *     notes      what a reader should know: [text]
 *     points     {name: {id, mechanism, workload, class, control, versions, values, failure}}
 *                name: as `ipcmeter plan --points` has it (analysis/export_parts.h)
 *                class: that its placement was resolved to; ""
 *                control: it is a floor
 *                versions: [mechanism's, workload's], null where the worker does not say
 *                values: {metric: median over the invocations of the timing pass that count},
 *                of the metrics of harness/gate_value.h that all of these have
 *                failure: null, or why the point cannot be judged by this session
 *
 * The last line of records may be torn; anything else that is no record or no manifest is an error.
 * Pairs of a core-to-core map are left out, since numbers of CPUs mean nothing after a boot
 * of a guest.
 *
 * Return: 0; -ENOENT no such folder; -ENODATA it holds no result, or no invocation of the timing
 *         pass was measured; -EINVAL it holds what cannot be read; -ENOMEM; -errno of reading.
 */
int ipm_baseline_session(const char *directory, json_t **out_session,
                         struct ipm_why *why);

/**
 * ipm_baseline_folders() - the result folders that a word of the command line means
 * @out_list: the caller's: [text]; the folder itself where it has records or a manifest, else all
 *            below it, one level, that have, sorted; gates' folders are passed over
 *
 * Return: 0; -ENOENT no such folder; -ENODATA none; -errno.
 */
int ipm_baseline_folders(const char *directory, json_t **out_list, struct ipm_why *why);

#endif
