/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The man page of schema.h. */
#include "base/cleanup.h"
#include "harness/describe.h"
#include "harness/schema.h"
#include "harness/schema_text.h"
#include "harness/troff.h"

#include <stdlib.h>
#include <string.h>

static const char head[] =
    ".SH NAME\n"
    "ipcmeter-config \\- what ipcmeter measures\n"
    ".SH DESCRIPTION\n"
    "A config is JSON with comments (// and /* */) and trailing commas: by habit "
    "NAME.jsonc.\n"
    "It is a list of sweeps.\n"
    "The workloads, mechanisms and axes of a sweep multiply; each combination that can "
    "be is a\n"
    "point, which is measured in several invocations.\n"
    "The others are skipped with a reason.\n"
    ".PP\n"
    "An axis takes a value, a list of values, or a range:\n"
    "{\"from\": 64, \"to\": \"1MiB\", \"factor\": 4} or {\"from\": 1, \"to\": 9, "
    "\"step\": 2}.\n"
    "Sizes are bytes or have IEC units (B, KiB, MiB, GiB).\n"
    "Durations have their unit (ns, us, ms, s, min, h).\n"
    ".PP\n"
    "All errors are told at once, each as FILE:LINE:COLUMN with the line it stands "
    "on.\n"
    "What differs from run to run needs no file of its own:\n"
    ".B \\-\\-set\n"
    "changes a key of the top, or an axis, the workloads or the mechanisms of every "
    "sweep.\n"
    "It leaves rows of\n"
    ".B include\n"
    "and\n"
    ".B exclude\n"
    "as they are.\n"
    ".PP\n"
    "This page is made by\n"
    ".BR \"ipcmeter schema \\-\\-man\" ;\n"
    ".B ipcmeter schema\n"
    "prints the same as JSON Schema for editors, and\n"
    ".B ipcmeter schema \\-\\-key\n"
    ".I KEY\n"
    "the part of one key.\n"
    ".SH EXAMPLE\n"
    ".nf\n"
    "{\n"
    "  \"$schema\": \"./ipcmeter.schema.json\",   // ipcmeter schema > "
    "ipcmeter.schema.json\n"
    "  \"name\": \"first look\",\n"
    "  \"repeat\": { \"invocations\": 6, \"window\": \"50ms\", \"budget\": \"3min\" "
    "},\n"
    "  \"sweeps\": [\n"
    "    {\n"
    "      \"name\": \"size\",\n"
    "      \"workloads\": \"pingpong\",\n"
    "      \"mechanisms\": [\"pipe\", \"shm_ring\"],\n"
    "      \"axes\": {\n"
    "        \"size\": { \"from\": 64, \"to\": \"1MiB\", \"factor\": 4 },\n"
    "        \"wait\": [\"block\", \"spin\"],\n"
    "      },\n"
    "      \"exclude\": [ { \"mechanism\": \"pipe\", \"wait\": \"spin\" } ],\n"
    "      \"include\": [ { \"workload\": \"stream\", \"mechanism\": \"pipe\", "
    "\"size\": "
    "\"16MiB\" } ],\n"
    "    },\n"
    "  ],\n"
    "}\n"
    ".fi\n";

static const char rows[] =
    ".SH ROWS OF A SWEEP\n"
    "A row is an object of factors: \"workload\", \"mechanism\", and the axes.\n"
    ".TP\n"
    ".B exclude\n"
    "leaves out a combination that matches all factors of a row; a factor has a value, "
    "a list\n"
    "or a range.\n"
    "What counts is the value that the point has, as\n"
    ".B ipcmeter plan \\-\\-points\n"
    "shows it: the default where no axis gives one.\n"
    "A row that matches nothing is noted in the plan.\n"
    ".TP\n"
    ".B include\n"
    "adds a point per row, which no row of\n"
    ".B exclude\n"
    "touches; \"workload\" and \"mechanism\" are a must, other factors have their "
    "defaults, not\n"
    "the values of the sweep.\n";

static const char tail[] = ".SH FILES\n"
                           "The configs that are installed: default (what runs when "
                           "none is named), smoke, all, full,\n"
                           "energy, ci, seed\\-model, time\\-model, "
                           "core\\-to\\-core and reference.\n"
                           ".SH SEE ALSO\n"
                           ".B ipcmeter plan\n"
                           ".I CONFIG\n"
                           "tells what a config comes down to, and\n"
                           ".B ipcmeter list\n"
                           "what there is.\n";

static void put(const char *text, FILE *out)
{
    ipm_troff_put(text, strlen(text), out);
}

static void put_line(const char *before, const char *text, const char *after, FILE *out)
{
    (void)fputs(before, out);
    put(text, out);
    (void)fputs(after, out);
}

static void put_key(const char *path, const json_t *key, FILE *out)
{
    ipm_auto_free char *allowed = ipm_schema_allowed(key);
    ipm_auto_free char *fallback = ipm_schema_default(key);
    put_line(".TP\n.B ", path, "\n", out);
    put_line("", ipm_describe_text(key, "description", "see below"), ".\n", out);
    if (allowed != NULL)
        put_line("Allowed: ", allowed, ".\n", out);
    if (fallback != NULL)
        put_line("Default: ", fallback, ".\n", out);
}

/* Keys and the keys in them.  Those of axes and rows come in sections of their own. */
static void put_keys(const char *above, const json_t *schema, FILE *out)
{
    const char *name;
    json_t *key;
    json_object_foreach((json_t *)(uintptr_t)ipm_schema_members(schema), name, key)
    {
        char path[128];
        (void)snprintf(path, sizeof(path), "%s%s%s", above, above[0] != '\0' ? "." : "",
                       name);
        put_key(path, key, out);
        if (strcmp(name, "axes") != 0 && strcmp(name, "exclude") != 0 &&
            strcmp(name, "include") != 0)
            put_keys(path, key, out);
    }
}

static void put_axes(const json_t *schema, bool options, FILE *out)
{
    const json_t *axes = NULL;
    const char *name;
    json_t *axis;
    if (ipm_schema_key(schema, "sweeps.axes", &axes, NULL) != 0)
        return;
    (void)fputs(options ? ".SH OPTIONS OF MECHANISMS\n"
                          "Axes of one mechanism each; others have no such factor.\n"
                        : ".SH AXES\n"
                          "An axis that a workload or a mechanism has no use for is "
                          "ignored there.\n",
                out);
    json_object_foreach((json_t *)(uintptr_t)ipm_schema_members(axes), name, axis)
    {
        if ((strchr(name, '.') != NULL) == options)
            put_key(name, axis, out);
    }
}

void ipm_schema_man(const json_t *schema, FILE *out)
{
    (void)fputs(".\\\" Made by `ipcmeter schema --man`: do not edit.\n"
                ".TH IPCMETER\\-CONFIG 5 \"\" \"ipcmeter " IPM_VERSION "\"\n",
                out);
    (void)fputs(head, out);
    (void)fputs(".SH KEYS\n", out);
    put_keys("", schema, out);
    put_axes(schema, false, out);
    put_axes(schema, true, out);
    (void)fputs(rows, out);
    (void)fputs(tail, out);
}
