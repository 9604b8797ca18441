/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/models/energy_power.h"

#include <math.h>
#include <stdbool.h>

#if IPM_HAVE_GSL
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_poly.h>
#endif

#if IPM_HAVE_GSL

/* Fieller's limits: the two rates between which (a + b x)^2 <= q (va + 2 x vab + x^2 vb). */
static void limits(const struct ipm_power_line *one, const struct ipm_power_line *other,
                   double level, double a, double b, struct ipm_crossover *crossover)
{
    double t = gsl_cdf_tdist_Pinv((1 + level) / 2, fmin(one->freedom, other->freedom));
    double q = t * t;
    double low;
    double high;
    double lead = b * b - q * (one->message_message + other->message_message);
    double middle = 2 * (a * b - q * (one->fixed_message + other->fixed_message));
    double rest = a * a - q * (one->fixed_fixed + other->fixed_fixed);
    if (lead <= 0 || gsl_poly_solve_quadratic(lead, middle, rest, &low, &high) != 2)
        return;
    crossover->low = low * 1e6;
    crossover->high = high * 1e6;
}

#else

static void limits(const struct ipm_power_line *one, const struct ipm_power_line *other,
                   double level, double a, double b, struct ipm_crossover *crossover)
{
    (void)one;
    (void)other;
    (void)level;
    (void)a;
    (void)b;
    (void)crossover;
}

#endif

static double draw(const struct ipm_power_line *line, double rate)
{
    return line->fixed_w + line->message_uj * rate / 1e6;
}

double ipm_power_at(const struct ipm_power_line *line, double rate)
{
    bool within = rate >= 0.99 * line->low_per_s && rate <= 1.01 * line->high_per_s;
    return within ? draw(line, rate) : NAN;
}

double ipm_battery_hours(double battery_wh, double base_w, double beyond_w)
{
    double power_w = base_w + beyond_w;
    return battery_wh > 0 && power_w > 0 ? battery_wh / power_w : NAN;
}

int ipm_power_crossover(const struct ipm_power_line *one,
                        const struct ipm_power_line *other, double level,
                        struct ipm_crossover *out_crossover)
{
    double a = one->fixed_w - other->fixed_w;
    double b = one->message_uj - other->message_uj;
    if (b == 0)
        return 1;
    *out_crossover = (struct ipm_crossover){-a / b * 1e6, NAN, NAN};
    limits(one, other, level, a, b, out_crossover);
    return 0;
}

/* Who draws least just above @rate. */
static size_t least(const struct ipm_power_line *const *lines, size_t n, double rate)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++) {
        double mine = draw(lines[i], rate);
        double other = draw(lines[best], rate);
        if (mine < other ||
            (mine == other && lines[i]->message_uj < lines[best]->message_uj))
            best = i;
    }
    return best;
}

size_t ipm_power_cheapest(const struct ipm_power_line *const *lines, size_t n,
                          double low_per_s, double high_per_s,
                          struct ipm_power_step *out_steps)
{
    if (n == 0 || !(low_per_s <= high_per_s))
        return 0;
    size_t steps = 0;
    size_t now = least(lines, n, low_per_s);
    double at = low_per_s;
    out_steps[steps++] = (struct ipm_power_step){now, at};
    /* Each next one rises less than the one before: n steps at most. */
    while (steps < n) {
        size_t next = now;
        double first = high_per_s;
        for (size_t i = 0; i < n; i++) {
            struct ipm_crossover meet;
            if (lines[i]->message_uj >= lines[now]->message_uj ||
                ipm_power_crossover(lines[now], lines[i], 0.95, &meet) != 0)
                continue;
            bool sooner =
                meet.value < first || (next != now && meet.value == first &&
                                       lines[i]->message_uj < lines[next]->message_uj);
            if (meet.value > at && meet.value <= high_per_s && sooner) {
                first = meet.value;
                next = i;
            }
        }
        if (next == now)
            break;
        now = next;
        at = first;
        out_steps[steps++] = (struct ipm_power_step){now, at};
    }
    return steps;
}
