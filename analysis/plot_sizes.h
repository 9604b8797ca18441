/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * plot_sizes: what a message costs against its size, and how fast a stream of them gets.
 */
#ifndef IPM_ANALYSIS_PLOT_SIZES_H
#define IPM_ANALYSIS_PLOT_SIZES_H

#include "base/json.h"
#include "base/why.h"

enum { IPM_PLOT_SERIES = 14 /* lines that can be told apart; more are counted only */ };

/**
 * ipm_plot_latency_size() - write plots/latency_size.{dat,gp,svg} under a directory
 * @document: report.json's content
 * @out_json: as ipm_plot_write() makes it
 *
 * The median round trip of the ping-pong points with touch none, with its interval, the 99th
 * percentile and the 99.9th: one line for all points that differ in the size alone, if there
 * are IPM_SERIES_POINTS of them.  In grey the floors: memcpy, a system call, a cache line.
 *
 * Return: 0; -ENOMEM; -errno of writing the script or the data.
 */
int ipm_plot_latency_size(const json_t *document, const char *directory,
                          json_t **out_json, struct ipm_why *why);

/**
 * ipm_plot_throughput_size() - the same for plots/throughput_size: bytes per second
 *
 * The stream points, and above them, in grey, what one CPU copies (floor_memcpy).
 */
int ipm_plot_throughput_size(const json_t *document, const char *directory,
                             json_t **out_json, struct ipm_why *why);

#endif
