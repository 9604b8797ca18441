/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * schema: what a config may say, told to editors and to people.
 *
 * All of it comes from the tables that check a config (spec_keys.h, spec_axes.h,
 * spec_sensors.h) and from what the worker describes: the JSON Schema is made of these, help
 * and man page are made of the JSON Schema.
 */
#ifndef IPM_HARNESS_SCHEMA_H
#define IPM_HARNESS_SCHEMA_H

#include "base/json.h"
#include "base/why.h"

#include <stdio.h>

/**
 * ipm_schema_json() - JSON Schema, draft 2020-12, of a config
 *
 * It takes all that ipm_spec_load() takes here; of what that refuses, it lets pass what a
 * schema cannot say (the order of a range's ends, say).  Beside the standard's words:
 * "allowComments" and "allowTrailingCommas", which editors know, and on each key "x-allowed",
 * what may stand there in words.
 *
 * Returns a new reference; NULL: no memory.
 */
json_t *ipm_schema_json(const json_t *describe);

/**
 * ipm_schema_key() - the part of a schema about one key
 * @path: "repeat.window", "sweeps.axes.size", "sensors.energy.simulated.seed"; the name of an
 *        axis alone will do; "" is the whole
 *
 * Return: 0 (@out_key borrows from @schema); -ENOENT with what might have been meant.
 */
int ipm_schema_key(const json_t *schema, const char *path, const json_t **out_key,
                   struct ipm_why *why);

/* Help of one key: what it is, what is allowed, the default, and the keys in it. */
void ipm_schema_help(const json_t *key, const char *path, FILE *out);

/* The man page ipcmeter-config(5), in the man macros of troff. */
void ipm_schema_man(const json_t *schema, FILE *out);

#endif
