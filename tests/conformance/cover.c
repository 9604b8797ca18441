/* SPDX-License-Identifier: MIT */
#include "tests/conformance/cover.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Which pairs of values have met in a row. */
struct meetings {
    bool seen[IPM_COVER_AXES][IPM_COVER_LEVELS][IPM_COVER_AXES][IPM_COVER_LEVELS];
};

/* The row of "NAME=VALUE" in the table, and its value; NULL with the reason. */
static const struct ipm_option *parse_fixed(const struct ipm_option *options,
                                            const char *text, int64_t *out_value,
                                            struct ipm_why *why)
{
    char name[64];
    const char *equals = strchr(text, '=');
    if (equals == NULL || (size_t)(equals - text) >= sizeof(name)) {
        (void)ipm_why_set(why, -EINVAL, "'%s' is not NAME=VALUE", text);
        return NULL;
    }
    (void)snprintf(name, sizeof(name), "%.*s", (int)(equals - text), text);
    const struct ipm_option *option = ipm_option_find(options, name);
    if (option == NULL) {
        (void)ipm_why_set(why, -EINVAL, "no option '%s'", name);
        return NULL;
    }
    if (ipm_option_parse(option, equals + 1, out_value, why) != 0) {
        ipm_why_prefix(why, "%s: ", name);
        return NULL;
    }
    return option;
}

static bool is_fixed(const struct ipm_cover *cover, const struct ipm_option *option)
{
    for (size_t i = 0; i < cover->n_fixed; i++) {
        int64_t value = 0;
        if (parse_fixed(cover->options, cover->fixed[i], &value, NULL) == option)
            return true;
    }
    return false;
}

static int add_axis(struct ipm_cover *cover, const struct ipm_option *option,
                    struct ipm_why *why)
{
    int64_t fallback = 0;
    size_t levels = 2;
    if (option->type == IPM_OPTION_CHOICE) {
        for (levels = 0; option->choices[levels] != NULL;)
            levels++;
    }
    if (cover->n_axes == IPM_COVER_AXES || levels > IPM_COVER_LEVELS)
        return ipm_why_set(why, -E2BIG,
                           "%s: more than %d options, or than %d values of one",
                           option->name, IPM_COVER_AXES, IPM_COVER_LEVELS);
    int error = ipm_option_parse(option, option->fallback, &fallback, why);
    if (error != 0)
        return error;
    cover->axes[cover->n_axes] = option;
    cover->levels[cover->n_axes] = (unsigned char)levels;
    cover->defaults[cover->n_axes] = (unsigned char)fallback;
    cover->n_axes++;
    return 0;
}

static int add_row(struct ipm_cover *cover, const unsigned char row[IPM_COVER_AXES])
{
    if (cover->n_rows == IPM_COVER_ROWS)
        return -E2BIG;
    void *larger = realloc(cover->rows, (cover->n_rows + 1) * sizeof(*cover->rows));
    if (larger == NULL)
        return -ENOMEM;
    cover->rows = larger;
    memcpy(cover->rows[cover->n_rows++], row, sizeof(*cover->rows));
    return 0;
}

static void meet(const struct ipm_cover *cover, struct meetings *meetings,
                 const unsigned char *row)
{
    for (size_t a = 0; a < cover->n_axes; a++) {
        for (size_t b = 0; b < cover->n_axes; b++)
            meetings->seen[a][row[a]][b][row[b]] = true;
    }
}

/* Values of @axis with the values chosen so far that have not met yet.  An axis has also to
 * meet itself: with one axis alone this is what takes every value of it. */
static int gain(const struct ipm_cover *cover, const struct meetings *meetings,
                const unsigned char *row, const bool *chosen, size_t axis,
                unsigned char level)
{
    int fresh = !meetings->seen[axis][level][axis][level];
    for (size_t b = 0; b < cover->n_axes; b++)
        fresh += b != axis && chosen[b] && !meetings->seen[axis][level][b][row[b]];
    return fresh;
}

/* The first pair that has not met; false: all have. */
static bool first_strangers(const struct ipm_cover *cover,
                            const struct meetings *meetings, unsigned char *row,
                            bool *chosen)
{
    for (size_t a = 0; a < cover->n_axes; a++) {
        for (size_t b = 0; b < cover->n_axes; b++) {
            for (unsigned char i = 0; i < cover->levels[a]; i++) {
                for (unsigned char j = 0; j < cover->levels[b]; j++) {
                    if ((a == b && i != j) || meetings->seen[a][i][b][j])
                        continue;
                    row[a] = i;
                    row[b] = j;
                    chosen[a] = chosen[b] = true;
                    return true;
                }
            }
        }
    }
    return false;
}

/* Greedy: each row starts with the first pair that has not met, then takes axis by axis the
 * value that meets most strangers; the default where nothing is gained. */
static int choose_pairs(struct ipm_cover *cover)
{
    struct meetings *meetings = calloc(1, sizeof(*meetings));
    if (meetings == NULL)
        return -ENOMEM;
    int error = add_row(cover, cover->defaults);
    meet(cover, meetings, cover->defaults);
    while (error == 0) {
        unsigned char row[IPM_COVER_AXES] = {0};
        bool chosen[IPM_COVER_AXES] = {false};
        if (!first_strangers(cover, meetings, row, chosen))
            break;
        for (size_t axis = 0; axis < cover->n_axes; axis++) {
            if (chosen[axis])
                continue;
            unsigned char best = cover->defaults[axis];
            int most = gain(cover, meetings, row, chosen, axis, best);
            for (unsigned char level = 0; level < cover->levels[axis]; level++) {
                int gained = gain(cover, meetings, row, chosen, axis, level);
                if (gained > most) {
                    most = gained;
                    best = level;
                }
            }
            row[axis] = best;
            chosen[axis] = true;
        }
        meet(cover, meetings, row);
        error = add_row(cover, row);
    }
    free(meetings);
    return error;
}

static int choose_all(struct ipm_cover *cover)
{
    unsigned char row[IPM_COVER_AXES] = {0};
    int error = add_row(cover, cover->defaults);
    for (bool more = true; error == 0 && more;) {
        if (memcmp(row, cover->defaults, sizeof(row)) != 0)
            error = add_row(cover, row);
        more = false;
        for (size_t axis = cover->n_axes; !more && axis-- > 0;) {
            more = ++row[axis] < cover->levels[axis];
            if (!more)
                row[axis] = 0;
        }
    }
    return error;
}

int ipm_cover_init(struct ipm_cover *out_cover, const struct ipm_option *options,
                   const char *const *fixed, size_t n_fixed, bool full,
                   struct ipm_why *why)
{
    *out_cover =
        (struct ipm_cover){.options = options, .fixed = fixed, .n_fixed = n_fixed};
    for (size_t i = 0; i < n_fixed; i++) {
        struct ipm_why reason = {.error = 0, .text = ""};
        int64_t value = 0;
        if (parse_fixed(options, fixed[i], &value, &reason) == NULL)
            return ipm_why_set(why, reason.error, "%s", reason.text);
    }
    int error = 0;
    for (; error == 0 && options != NULL && options->name != NULL; options++) {
        bool countable =
            options->type == IPM_OPTION_CHOICE || options->type == IPM_OPTION_FLAG;
        if (countable && !is_fixed(out_cover, options))
            error = add_axis(out_cover, options, why);
    }
    if (error != 0)
        return error;
    error = full ? choose_all(out_cover) : choose_pairs(out_cover);
    if (error != 0) {
        ipm_cover_fini(out_cover);
        return ipm_why_set(why, error, "combinations of the options: ");
    }
    return 0;
}

void ipm_cover_fini(struct ipm_cover *cover)
{
    free(cover->rows);
    cover->rows = NULL;
    cover->n_rows = 0;
}

static void put(const struct ipm_option *option, void *values, int64_t value)
{
    memcpy((char *)values + option->offset, &value, sizeof(value));
}

void ipm_cover_values(const struct ipm_cover *cover, size_t row, void *values)
{
    ipm_option_defaults(cover->options, values);
    for (size_t i = 0; i < cover->n_fixed; i++) {
        int64_t value = 0;
        const struct ipm_option *option =
            parse_fixed(cover->options, cover->fixed[i], &value, NULL);
        if (option != NULL)
            put(option, values, value);
    }
    for (size_t axis = 0; axis < cover->n_axes; axis++)
        put(cover->axes[axis], values, cover->rows[row][axis]);
}

const char *ipm_cover_text(const struct ipm_cover *cover, size_t row,
                           char text[IPM_COVER_TEXT])
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < cover->n_fixed && used < IPM_COVER_TEXT; i++)
        used += (size_t)snprintf(text + used, IPM_COVER_TEXT - used, "%s%s",
                                 used > 0 ? " " : "", cover->fixed[i]);
    for (size_t axis = 0; axis < cover->n_axes && used < IPM_COVER_TEXT; axis++) {
        const struct ipm_option *option = cover->axes[axis];
        unsigned char value = cover->rows[row][axis];
        char word[32];
        if (value != cover->defaults[axis])
            used += (size_t)snprintf(text + used, IPM_COVER_TEXT - used, "%s%s=%s",
                                     used > 0 ? " " : "", option->name,
                                     ipm_option_format(option, value, word));
    }
    if (used == 0)
        (void)snprintf(text, IPM_COVER_TEXT, "defaults");
    return text;
}
