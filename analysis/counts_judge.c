/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Counts against the kept table. */
#include "analysis/counts.h"
#include "analysis/export_parts.h"
#include "analysis/member.h"
#include "analysis/text.h"
#include "base/cleanup.h"

#include <math.h>
#include <string.h>

/* In the order in which one of them makes the verdict of a whole. */
enum verdict { ERROR, REGRESSION, IMPROVED, PASS, VERDICTS };

static const char *const verdicts[] = {
    [ERROR] = "error",
    [REGRESSION] = "regression",
    [IMPROVED] = "improved",
    [PASS] = "pass",
};

static const char *const words[] = {
    [IPM_COUNT_CALLS] = "system calls",
    [IPM_COUNT_RETRIED] = "system calls in vain",
    [IPM_COUNT_BYTES] = "bytes through the kernel",
    [IPM_COUNT_SWITCHES] = "voluntary switches",
};

/* Of a point, while it is judged. */
struct finding {
    enum verdict verdict;
    double weight; /* of the worst: how many times the table's value */
    FILE *reason;
    bool any; /* reason has something */
};

static void begin(struct finding *finding, enum verdict verdict)
{
    finding->verdict = verdict < finding->verdict ? verdict : finding->verdict;
    (void)fputs(finding->any ? "; " : "", finding->reason);
    finding->any = true;
}

/* ": getppid 0 -> 1" for calls that differ by more than a tenth a message. */
static void put_calls(FILE *out, const struct ipm_counts_point *point,
                      const json_t *wanted)
{
    char texts[2][IPM_EXPORT_NUMBER];
    const char *parting = " (";
    const char *name;
    json_t *value;
    ipm_auto_json json_t *all = json_copy((json_t *)(uintptr_t)wanted);
    (void)json_object_update_missing(all, point->calls);
    json_object_foreach(all, name, value)
    {
        double was = json_number_value(json_object_get(wanted, name));
        double is = json_number_value(json_object_get(point->calls, name)) /
                    point->sums[IPM_COUNT_CALLS].messages;
        if (fabs(is - was) <= 0.1)
            continue;
        (void)fprintf(out, "%s%s %s -> %s", parting, name,
                      ipm_export_number(texts[0], was),
                      ipm_export_number(texts[1], round(is * 1000) / 1000));
        parting = ", ";
    }
    (void)fputs(parting[0] == ',' ? ")" : "", out);
}

static void judge_count(struct finding *finding, const struct ipm_counts_point *point,
                        enum ipm_count which, const json_t *wanted, const json_t *calls)
{
    const struct ipm_count_sum *sum = &point->sums[which];
    char texts[2][IPM_EXPORT_NUMBER];
    bool exact = json_is_number(wanted);
    if (sum->n == 0) {
        begin(finding, ERROR);
        (void)fprintf(finding->reason, "no value of %s: %s", words[which],
                      sum->reason == NULL ? "the run has no pass for it" : sum->reason);
        return;
    }
    double low = exact ? json_number_value(wanted) : ipm_member_number(wanted, "low");
    double high = exact ? low : ipm_member_number(wanted, "high");
    double is = sum->total / sum->messages;
    /* A loaded machine has windows of few messages, with a sleep at either end. */
    double ends = exact || which == IPM_COUNT_SWITCHES
                      ? ipm_counts_ends(which, low, sum->n) / sum->messages
                      : 0;
    if (is <= high + ends && is >= low - ends)
        return;
    bool above = is > high;
    begin(finding, above ? REGRESSION : IMPROVED);
    if (above)
        finding->weight = fmax(finding->weight, (is + 1) / (high + 1));
    (void)fprintf(finding->reason, "%s %s a message, the table %s %s",
                  ipm_export_number(texts[0], round(is * 1000) / 1000), words[which],
                  exact   ? "has"
                  : above ? "allows"
                          : "wants at least",
                  ipm_export_number(texts[1], above ? high : low));
    if (which == IPM_COUNT_CALLS && json_is_object(calls))
        put_calls(finding->reason, point, calls);
}

static void judge_versions(struct finding *finding,
                           const struct ipm_counts_point *point, const json_t *wanted)
{
    const int64_t is[] = {point->mechanism_version, point->workload_version};
    static const char *const keys[] = {"mechanism_version", "workload_version"};
    static const char *const names[] = {"mechanism", "workload"};
    for (int i = 0; i < 2; i++) {
        int64_t was = -1;
        (void)ipm_json_get_integer(wanted, keys[i], &was, NULL);
        if (was == is[i])
            continue;
        begin(finding, ERROR);
        (void)fprintf(finding->reason,
                      "version %lld of the %s, the table is of version %lld: make it "
                      "anew",
                      (long long)is[i], names[i], (long long)was);
    }
}

static void judge_point(struct finding *finding, const struct ipm_counts_point *point,
                        const json_t *wanted, size_t n_new)
{
    if (point == NULL) {
        begin(finding, ERROR);
        (void)fputs("the run has no such point", finding->reason);
        if (n_new > 0)
            (void)fprintf(finding->reason, ", and %zu that the table has not: renamed?",
                          n_new);
        return;
    }
    judge_versions(finding, point, wanted);
    if (point->failed > 0) {
        char count[IPM_TEXT_COUNT];
        begin(finding, ERROR);
        (void)fprintf(
            finding->reason, "%s failed: %s",
            ipm_text_count(count, (double)point->failed, "invocation", "invocations"),
            point->failure == NULL ? "" : point->failure);
    }
    /* Counts of what is another thing, or broke, are no regression. */
    for (enum ipm_count i = 0; finding->verdict == PASS && i < IPM_COUNTS; i++) {
        const json_t *count = json_object_get(wanted, ipm_count_names[i]);
        if (count != NULL && point->sums[i].n == 0)
            judge_count(finding, point, i, count, NULL);
    }
    bool judged = finding->verdict == PASS;
    for (enum ipm_count i = 0; judged && i < IPM_COUNTS; i++) {
        const json_t *count = json_object_get(wanted, ipm_count_names[i]);
        if (count != NULL)
            judge_count(finding, point, i, count, json_object_get(wanted, "calls"));
    }
}

static json_t *finding_json(const char *name, const struct ipm_counts_point *point,
                            const json_t *wanted, size_t n_new, size_t n[VERDICTS])
{
    ipm_auto_free char *reason = NULL;
    size_t size = 0;
    struct finding finding = {.verdict = PASS,
                              .reason = open_memstream(&reason, &size)};
    if (finding.reason == NULL)
        return NULL;
    judge_point(&finding, point, wanted, n_new);
    if (fclose(finding.reason) != 0)
        return NULL;
    n[finding.verdict]++;
    return json_pack("{s:s,s:s,s:o,s:o}", "point", name, "verdict",
                     verdicts[finding.verdict], "reason", ipm_json_text(reason),
                     "weight", ipm_json_number(finding.weight));
}

static json_t *sentence(enum verdict verdict, const size_t n[VERDICTS])
{
    static const char *const tails[] = {
        [ERROR] = "not all could be judged: this is no pass, whatever the others are",
        [REGRESSION] = "more is done for a message than the table says",
        [IMPROVED] = "less than the table says: make a new one, to see the way back",
        [PASS] = "all as in the table",
    };
    return json_sprintf("%zu errors, %zu regressions, %zu improved, %zu pass: %s",
                        n[ERROR], n[REGRESSION], n[IMPROVED], n[PASS], tails[verdict]);
}

static json_t *surplus(const struct ipm_counts *counts, const json_t *points)
{
    json_t *list = json_array();
    for (size_t i = 0; i < counts->n; i++) {
        if (json_object_get(points, counts->points[i].name) == NULL)
            (void)json_array_append_new(list, json_string(counts->points[i].name));
    }
    return list;
}

static json_t *notes(const struct ipm_counts *counts, const json_t *table)
{
    const char *was = ipm_member_text(table, "architecture");
    const char *is = counts->architecture == NULL ? "" : counts->architecture;
    json_t *list = json_array();
    if (was[0] != '\0' && is[0] != '\0' && strcmp(was, is) != 0)
        (void)json_array_append_new(
            list, json_sprintf("the table is of %s, the run of %s: libraries may make "
                               "other calls there",
                               was, is));
    return list;
}

json_t *ipm_counts_judge(const struct ipm_counts *counts, const json_t *table)
{
    const json_t *points = json_object_get(table, "points");
    json_t *findings = json_array();
    json_t *new_ones = surplus(counts, points);
    size_t n[VERDICTS] = {0};
    size_t complete = 0;
    const char *name;
    json_t *wanted;
    json_object_foreach((json_t *)(uintptr_t)points, name, wanted)
    {
        const json_t *place = json_object_get(counts->places, name);
        const struct ipm_counts_point *point =
            place == NULL ? NULL : &counts->points[json_integer_value(place)];
        json_t *finding =
            finding_json(name, point, wanted, json_array_size(new_ones), n);
        complete += json_array_append_new(findings, finding) == 0;
    }
    enum verdict verdict = ERROR;
    while (verdict < PASS && n[verdict] == 0)
        verdict++;
    if (verdict == PASS && n[PASS] == 0)
        verdict = ERROR;
    json_t *document =
        json_pack("{s:i,s:s,s:s,s:I,s:o,s:o,s:o,s:o}", "schema", IPM_COUNTS_SCHEMA,
                  "kind", "counts", "verdict", verdicts[verdict], "judged",
                  (json_int_t)(n[REGRESSION] + n[IMPROVED] + n[PASS]), "sentence",
                  sentence(verdict, n), "points", findings, "not_in_table", new_ones,
                  "notes", notes(counts, table));
    if (complete != json_object_size(points)) {
        json_decref(document);
        document = NULL;
    }
    return document;
}
