/* SPDX-License-Identifier: MIT */
#include "base/mix.h"

#include "base/random.h"
#include "base/units.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { MILLION = 1000000, FRACTION_DIGITS = 6, MOST_WEIGHT = 1000000000 };

const char *const ipm_mix_words[] = {"fixed", "bimodal", "imix", "spread", NULL};

/* By word. */
static const char *const meanings[] = {
    NULL,
    "64:9,4096:1",
    "40:7,576:4,1500:1",
    "16:1,64:1,256:1,1024:1,4096:1,16384:1",
};

/* "7", "0.25": digits, at most six of them behind a point.  -EINVAL, -ERANGE. */
static int parse_weight(const char *text, int64_t *out_millionths)
{
    size_t whole = strspn(text, "0123456789");
    int64_t value = 0;
    size_t digits = 0;
    const char *at = text;
    for (; at < text + whole; at++) {
        value = 10 * value + (*at - '0');
        if (value > MOST_WEIGHT)
            return -ERANGE;
    }
    if (*at == '.') {
        at++;
        for (; at[digits] >= '0' && at[digits] <= '9' && digits < FRACTION_DIGITS;
             digits++)
            value = 10 * value + (at[digits] - '0');
        at += digits;
        if (digits == 0)
            return -EINVAL;
    }
    if (whole == 0 || *at != '\0')
        return -EINVAL;
    for (; digits < FRACTION_DIGITS; digits++)
        value *= 10;
    *out_millionths = value;
    return value > 0 ? 0 : -ERANGE;
}

/* Keeps the sizes in order.  -EEXIST: it is there already. */
static int insert(struct ipm_mix *mix, int64_t size, int64_t weight)
{
    int place = mix->n;
    for (int i = 0; i < mix->n; i++) {
        if (mix->sizes[i] == size)
            return -EEXIST;
    }
    for (; place > 0 && mix->sizes[place - 1] > size; place--) {
        mix->sizes[place] = mix->sizes[place - 1];
        mix->weights[place] = mix->weights[place - 1];
    }
    mix->sizes[place] = size;
    mix->weights[place] = weight;
    mix->n++;
    return 0;
}

/* "SIZE:WEIGHT" into the mix. */
static int parse_entry(struct ipm_mix *mix, const char *entry, struct ipm_why *why)
{
    char size_text[IPM_UNITS_TEXT];
    int64_t size = 0;
    int64_t weight = 0;
    const char *colon = strchr(entry, ':');
    if (colon == NULL || (size_t)(colon - entry) >= sizeof(size_text))
        return ipm_why_set(why, -EINVAL, "'%s' is not SIZE:WEIGHT", entry);
    memcpy(size_text, entry, (size_t)(colon - entry));
    size_text[colon - entry] = '\0';
    int error = ipm_parse_size(size_text, &size, why);
    if (error != 0)
        return error;
    if (size > IPM_MIX_LONGEST)
        return ipm_why_set(why, -ERANGE, "'%s' is more than %d bytes", size_text,
                           IPM_MIX_LONGEST);
    error = parse_weight(colon + 1, &weight);
    if (error == -ERANGE)
        return ipm_why_set(why, error, "weight '%s' is not above 0 and at most %d",
                           colon + 1, MOST_WEIGHT);
    if (error != 0)
        return ipm_why_set(why, error,
                           "'%s' is not a weight: digits, and six behind the point at "
                           "the most",
                           colon + 1);
    if (mix->n == IPM_MIX_SIZES)
        return ipm_why_set(why, -EINVAL, "a mix has at most %d sizes", IPM_MIX_SIZES);
    if (insert(mix, size, weight) != 0)
        return ipm_why_set(why, -EINVAL, "size '%s' stands there twice", size_text);
    return 0;
}

/* Shares of the table: whole entries by weight, what is left to the largest remainders. */
static int allot(struct ipm_mix *mix, struct ipm_why *why)
{
    int64_t remainders[IPM_MIX_SIZES];
    int64_t sum = 0;
    int64_t left = IPM_MIX_ENTRIES;
    for (int i = 0; i < mix->n; i++)
        sum += mix->weights[i];
    for (int i = 0; i < mix->n; i++) {
        int64_t scaled = mix->weights[i] * IPM_MIX_ENTRIES;
        mix->entries[i] = scaled / sum;
        remainders[i] = scaled % sum;
        left -= mix->entries[i];
        if (mix->entries[i] == 0)
            return ipm_why_set(why, -ERANGE,
                               "size %" PRId64 " has a share below 1 in %d",
                               mix->sizes[i], IPM_MIX_ENTRIES);
    }
    for (; left > 0; left--) {
        int most = 0;
        for (int i = 1; i < mix->n; i++)
            most = remainders[i] > remainders[most] ? i : most;
        mix->entries[most]++;
        remainders[most] = -1;
    }
    return 0;
}

int ipm_mix_parse(const char *text, struct ipm_mix *out_mix, struct ipm_why *why)
{
    struct ipm_mix mix = {0};
    char entry[IPM_UNITS_TEXT * 2];
    const char *list = text;
    for (size_t i = 0; ipm_mix_words[i] != NULL; i++) {
        if (strcmp(ipm_mix_words[i], text) == 0) {
            mix.word = ipm_mix_words[i];
            list = meanings[i];
        }
    }
    for (bool more = list != NULL; more;) {
        size_t length = strcspn(list, ",");
        if (length >= sizeof(entry))
            return ipm_why_set(why, -EINVAL, "'%.40s...' is not SIZE:WEIGHT", list);
        memcpy(entry, list, length);
        entry[length] = '\0';
        int error = parse_entry(&mix, entry, why);
        if (error != 0)
            return error;
        more = list[length] == ',';
        list += length + more;
    }
    if (mix.n == 1)
        return ipm_why_set(why, -EINVAL, "one size alone is no mix: it is the size");
    int error = mix.n > 0 ? allot(&mix, why) : 0;
    if (error == 0)
        *out_mix = mix;
    return error;
}

const char *ipm_mix_format(const struct ipm_mix *mix, char text[IPM_MIX_TEXT])
{
    if (mix->word != NULL)
        return strcpy(text, mix->word);
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < mix->n; i++) {
        used += (size_t)snprintf(text + used, IPM_MIX_TEXT - used,
                                 "%s%" PRId64 ":%" PRId64, i > 0 ? "," : "",
                                 mix->sizes[i], mix->weights[i] / MILLION);
        if (mix->weights[i] % MILLION == 0)
            continue;
        used += (size_t)snprintf(text + used, IPM_MIX_TEXT - used, ".%06" PRId64,
                                 mix->weights[i] % MILLION);
        while (text[used - 1] == '0')
            text[--used] = '\0';
    }
    return text;
}

static int64_t total_bytes(const struct ipm_mix *mix)
{
    int64_t total = 0;
    for (int i = 0; i < mix->n; i++)
        total += mix->sizes[i] * mix->entries[i];
    return total;
}

double ipm_mix_mean(const struct ipm_mix *mix)
{
    return (double)total_bytes(mix) / IPM_MIX_ENTRIES;
}

int64_t ipm_mix_size(const struct ipm_mix *mix)
{
    return (total_bytes(mix) + IPM_MIX_ENTRIES / 2) / IPM_MIX_ENTRIES;
}

void ipm_mix_draw(const struct ipm_mix *mix, uint64_t seed,
                  struct ipm_mix_table *out_table)
{
    size_t order[IPM_MIX_ENTRIES];
    size_t at = 0;
    uint64_t state = seed;
    for (size_t i = 0; i < IPM_MIX_ENTRIES; i++)
        order[i] = i;
    ipm_random_shuffle(&state, order, IPM_MIX_ENTRIES);
    for (int i = 0; i < mix->n; i++) {
        for (int64_t k = 0; k < mix->entries[i]; k++)
            out_table->lengths[order[at++]] = (uint32_t)mix->sizes[i];
    }
    out_table->total = (uint64_t)total_bytes(mix);
}

uint64_t ipm_mix_bytes(const struct ipm_mix_table *table, uint64_t messages)
{
    uint64_t bytes = messages / IPM_MIX_ENTRIES * table->total;
    for (uint64_t i = 0; i < messages % IPM_MIX_ENTRIES; i++)
        bytes += table->lengths[i];
    return bytes;
}
