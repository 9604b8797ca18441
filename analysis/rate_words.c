/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/rate_words.h"

#include "analysis/text.h"
#include "base/units.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static const char p99[] = "response_p99_ns";

/* The series' point of that offered rate, if it was kept and has a tail. */
static const struct ipm_point *kept_at(const struct ipm_rate_series *series,
                                       double rate_per_s)
{
    for (size_t i = 0; i < series->n_points; i++) {
        const struct ipm_point *point = series->points[i];
        if (point->open_loop.offered_per_s == rate_per_s && ipm_rate_kept(point) &&
            !isnan(ipm_point_value(point, p99)))
            return point;
    }
    return NULL;
}

/* The highest rate at which all series can be compared; NaN: there is none. */
static double common_rate(const struct ipm_rate_set *set)
{
    const struct ipm_rate_series *first = &set->series[0];
    for (size_t i = first->n_points; i > 0; i--) {
        double rate_per_s = first->points[i - 1]->open_loop.offered_per_s;
        bool all = true;
        for (size_t k = 0; k < set->n_series && all; k++)
            all = kept_at(&set->series[k], rate_per_s) != NULL;
        if (all)
            return rate_per_s;
    }
    return NAN;
}

/* Do all series differ in their labels alone?  Then the rest is said once. */
static bool one_detail(const struct ipm_rate_set *set)
{
    bool same = true;
    for (size_t i = 1; i < set->n_series; i++)
        same = same && strcmp(set->series[0].detail, set->series[i].detail) == 0;
    return same;
}

static void put_series(FILE *out, const struct ipm_rate_set *set, size_t i)
{
    (void)fputs(set->series[i].label, out);
    if (!one_detail(set))
        (void)fprintf(out, " (%s)", set->series[i].detail);
}

static void put_rate(FILE *out, double rate_per_s)
{
    char text[IPM_UNITS_TEXT];
    (void)fprintf(out, "%s messages/s", ipm_format_count(text, rate_per_s));
}

static void put_ns(FILE *out, double ns)
{
    char text[IPM_UNITS_TEXT];
    (void)fputs(ipm_format_ns(text, ns), out);
}

static bool overlap(const struct ipm_point *a, const struct ipm_point *b)
{
    const struct ipm_estimate *x = &ipm_point_figure(a, p99)->estimate;
    const struct ipm_estimate *y = &ipm_point_figure(b, p99)->estimate;
    return x->high >= y->low && y->high >= x->low;
}

static void put_comparison(FILE *out, const struct ipm_rate_set *set, double rate_per_s)
{
    size_t best = 0;
    size_t worst = 0;
    for (size_t i = 1; i < set->n_series; i++) {
        double value = ipm_point_value(kept_at(&set->series[i], rate_per_s), p99);
        if (value < ipm_point_value(kept_at(&set->series[best], rate_per_s), p99))
            best = i;
        if (value > ipm_point_value(kept_at(&set->series[worst], rate_per_s), p99))
            worst = i;
    }
    const struct ipm_point *soonest = kept_at(&set->series[best], rate_per_s);
    (void)fprintf(out, "%s%sat ", one_detail(set) ? set->series[0].detail : "",
                  one_detail(set) ? ": " : "");
    put_rate(out, rate_per_s);
    (void)fputs(set->n_series > 1 ? ", the highest rate that all kept, "
                                  : ", the highest rate that it kept, ",
                out);
    put_series(out, set, best);
    (void)fputs(" keeps the 99th percentile of response at ", out);
    put_ns(out, ipm_point_value(soonest, p99));
    if (worst != best) {
        const struct ipm_point *last = kept_at(&set->series[worst], rate_per_s);
        (void)fputs(", ", out);
        put_series(out, set, worst);
        (void)fputs(" at ", out);
        put_ns(out, ipm_point_value(last, p99));
        if (overlap(soonest, last))
            (void)fputs("; their intervals overlap, so they are not told apart", out);
    }
}

/* The lowest rate from which on none was kept. */
static void put_lost(FILE *out, const struct ipm_rate_set *set, size_t i)
{
    const struct ipm_rate_series *series = &set->series[i];
    size_t from = series->n_points;
    while (from > 0 && !ipm_rate_kept(series->points[from - 1]))
        from--;
    if (from == series->n_points)
        return;
    (void)fputs("; ", out);
    put_series(out, set, i);
    (void)fputs(" did not keep ", out);
    put_rate(out, series->points[from]->open_loop.offered_per_s);
}

int ipm_rate_sentence(const struct ipm_rate_set *set, char **out_text,
                      struct ipm_why *why)
{
    *out_text = NULL;
    if (set->n_series == 0)
        return 0;
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (out == NULL)
        return ipm_why_set(why, -ENOMEM, "put the rates into words: ");
    double rate_per_s = common_rate(set);
    if (isnan(rate_per_s))
        (void)fputs("there is no offered rate that all kept and whose 99th percentile "
                    "can be told",
                    out);
    else
        put_comparison(out, set, rate_per_s);
    for (size_t i = 0; i < set->n_series; i++)
        put_lost(out, set, i);
    (void)fputc('.', out);
    if (fclose(out) != 0) {
        free(text);
        return ipm_why_set(why, -ENOMEM, "put the rates into words: ");
    }
    *out_text = text;
    return 0;
}

static void put_time(FILE *out, const struct ipm_point *point, const char *name)
{
    char text[IPM_UNITS_TEXT];
    (void)fprintf(out, "%11s", ipm_format_ns(text, ipm_point_value(point, name)));
}

static void put_point(FILE *out, const struct ipm_point *point)
{
    const struct ipm_open_loop_sums *sums = &point->open_loop;
    char offered[IPM_UNITS_TEXT];
    char achieved[IPM_UNITS_TEXT];
    (void)fprintf(out, "  %-10s%-10s", ipm_format_count(offered, sums->offered_per_s),
                  ipm_format_count(achieved, ipm_point_value(point, "messages_per_s")));
    put_time(out, point, "response_p50_ns");
    put_time(out, point, p99);
    put_time(out, point, "service_p50_ns");
    put_time(out, point, "service_p99_ns");
    put_time(out, point, "send_lag_p99_ns");
    if (sums->not_achieved > 0)
        (void)fprintf(out, "  %s %zu/%zu", ipm_rate_kept(point) ? "late" : "not kept",
                      sums->not_achieved, sums->invocations);
    (void)fputc('\n', out);
}

void ipm_rate_text(const struct ipm_rate_set *set, FILE *out)
{
    size_t shown = set->n_series < IPM_TEXT_RATES ? set->n_series : IPM_TEXT_RATES;
    if (set->n_series == 0)
        return;
    (void)fputs(
        "Response against rate: messages at planned times; response counts from "
        "the plan,\nservice from the sending, which hides what a late sender "
        "made wait (coordinated omission)\n\n",
        out);
    (void)fprintf(out, "  %-10s%-10s%11s%11s%11s%11s%11s\n", "offered", "achieved",
                  "response", "p99", "service", "p99", "lag p99");
    for (size_t i = 0; i < shown; i++) {
        const struct ipm_rate_series *series = &set->series[i];
        char capacity[IPM_UNITS_TEXT];
        ipm_text_put(out, series->label);
        (void)fputs(", ", out);
        ipm_text_put(out, series->detail);
        if (!isnan(series->capacity_per_s))
            (void)fprintf(out, ": 100 %% is %s/s",
                          ipm_format_count(capacity, series->capacity_per_s));
        (void)fputc('\n', out);
        for (size_t k = 0; k < series->n_points; k++)
            put_point(out, series->points[k]);
    }
    if (set->n_series > shown)
        (void)fprintf(out, "and %zu more, in report.json\n", set->n_series - shown);
    (void)fputc('\n', out);
}
