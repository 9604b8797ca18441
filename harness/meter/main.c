/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ipcmeter-meter: the simulated energy meter as a program, lines of JSON in and out.
 *
 * Without --params the first line are the parameters, answered by all of them with their
 * values.  Each further line is a window, answered by what the counter read at its ends.
 */
#include "base/cleanup.h"
#include "harness/meter/meter.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { OK = 0, INTERNAL = 1, USAGE = 2 };

static const char usage[] =
    "usage: ipcmeter-meter [--params JSON] < WINDOWS\n"
    "\n"
    "  {\"elapsed_ns\", \"gap_ns\", \"switches\", \"messages\", \"bytes\"} per line "
    "gives\n"
    "  {\"start_uj\", \"stop_uj\", \"range_uj\"} per line, as a counter that wraps "
    "would\n"
    "  read.  --params: p_idle_w, e_switch_uj, e_message_uj, e_byte_nj, unit_uj,\n"
    "  range_uj, update_ns, noise_uj, drift_w_per_s, seed; without it the first line "
    "is\n"
    "  such an object.\n";

static int complain(size_t line, const char *text)
{
    if (line > 0)
        (void)fprintf(stderr, "ipcmeter-meter: line %zu: %s\n", line, text);
    else
        (void)fprintf(stderr, "ipcmeter-meter: %s\n", text);
    return USAGE;
}

static int take_parameters(struct ipm_meter *meter, const char *text, size_t line)
{
    json_error_t problem;
    struct ipm_why why = {0};
    struct ipm_meter_parameters parameters;
    ipm_auto_json json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &problem);
    if (json == NULL)
        return complain(line, problem.text);
    if (ipm_meter_parameters_read(json, &parameters, &why) != 0)
        return complain(line, why.text);
    ipm_meter_init(meter, &parameters);
    return OK;
}

static int answer(json_t *json)
{
    int error = json == NULL ||
                json_dumpf(json, stdout, JSON_COMPACT | JSON_REAL_PRECISION(17)) != 0;
    json_decref(json);
    /* Whoever asked waits for this line. */
    if (error != 0 || putchar('\n') == EOF || fflush(stdout) != 0)
        return INTERNAL;
    return OK;
}

static int take_window(struct ipm_meter *meter, const char *text, size_t line)
{
    json_error_t problem;
    struct ipm_why why = {0};
    struct ipm_meter_window window;
    struct ipm_meter_reading reading;
    ipm_auto_json json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &problem);
    if (json == NULL)
        return complain(line, problem.text);
    if (ipm_meter_window_read(json, &window, &why) != 0)
        return complain(line, why.text);
    ipm_meter_measure(meter, &window, &reading);
    return answer(json_pack("{s:I,s:I,s:I}", "start_uj", (json_int_t)reading.start_uj,
                            "stop_uj", (json_int_t)reading.stop_uj, "range_uj",
                            (json_int_t)reading.range_uj));
}

static int serve(const char *parameters)
{
    struct ipm_meter meter;
    bool ready = parameters != NULL;
    int status = ready ? take_parameters(&meter, parameters, 0) : OK;
    ipm_auto_free char *line = NULL;
    size_t room = 0;
    for (size_t n = 1; status == OK && getline(&line, &room, stdin) >= 0; n++) {
        if (ready) {
            status = take_window(&meter, line, n);
            continue;
        }
        status = take_parameters(&meter, line, n);
        if (status == OK)
            status = answer(ipm_meter_parameters_json(&meter.parameters));
        ready = true;
    }
    if (status == OK && ferror(stdin))
        status = INTERNAL;
    return status;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return fputs(usage, stdout) < 0 ? INTERNAL : OK;
    if (argc == 1)
        return serve(NULL);
    if (argc == 3 && strcmp(argv[1], "--params") == 0)
        return serve(argv[2]);
    (void)fputs(usage, stderr);
    return USAGE;
}
