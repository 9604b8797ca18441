/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * plot_winners: the winner map as a picture - sizes across, questions down, and in each
 * field who is best, by how much, and by colour whose it is.
 *
 * The colours are those of Okabe and Ito, which the colour-blind can tell apart; names stand in
 * the fields as well, so that none is needed to read it.
 */
#ifndef IPM_ANALYSIS_PLOT_WINNERS_H
#define IPM_ANALYSIS_PLOT_WINNERS_H

#include "base/json.h"
#include "base/why.h"

enum {
    IPM_PLOT_WINNERS_ROWS = 48, /* of more, the first so many are drawn; it says so */
    IPM_PLOT_WINNERS_SIZES = 12 /* the same */
};

/**
 * ipm_plot_winners() - write plots/winners.{dat,gp,svg}, with joules winners-WORD, WORD
 *                      being their provenance
 * @document: report.json's content
 * @out_json: as ipm_plot_write() makes it
 *
 * Return: 0; -ENOMEM; -errno of writing the script or the data.
 */
int ipm_plot_winners(const json_t *document, const char *directory, json_t **out_json,
                     struct ipm_why *why);

#endif
