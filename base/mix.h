/* SPDX-License-Identifier: MIT */
/*
 * mix: messages of several sizes in one window - which sizes, and how often each.
 *
 *     fixed       every message has the point's size
 *     bimodal     64:9,4096:1
 *     imix        40:7,576:4,1500:1, the packets of the "simple IMIX" of network testers
 *     spread      16, 64, 256, 1024, 4096 and 16384 bytes, each as often
 *     SIZE:WEIGHT,SIZE:WEIGHT...   2 to 16 sizes; a weight is a decimal number, and shares
 *                 are weights divided by their sum
 *
 * A mix becomes a table of IPM_MIX_ENTRIES lengths that both sides walk in the same order,
 * over and over.  How often a size stands in it is fixed by the mix (largest remainders),
 * so that every invocation sends the same mixture; the seed gives the order.
 */
#ifndef IPM_BASE_MIX_H
#define IPM_BASE_MIX_H

#include "base/why.h"

#include <stddef.h>
#include <stdint.h>

enum {
    IPM_MIX_SIZES = 16,
    IPM_MIX_ENTRIES = 1024,    /* a power of two; no share may be below one entry */
    IPM_MIX_LONGEST = 1 << 30, /* bytes */
    IPM_MIX_TEXT = 16 * 40,    /* room for any mix as text */
};

struct ipm_mix {
    const char *word; /* "fixed", "bimodal" ...; NULL: sizes and weights were given */
    int n;            /* 0: fixed, and nothing below means anything */
    int64_t sizes[IPM_MIX_SIZES];   /* bytes, ascending, no two equal */
    int64_t weights[IPM_MIX_SIZES]; /* millionths */
    int64_t
        entries[IPM_MIX_SIZES]; /* how often it stands in the table; sum: all of it */
};

extern const char *const ipm_mix_words[]; /* NULL-terminated; the default first */

/* Return: 0; -EINVAL or -ERANGE with what is wrong in @why. */
int ipm_mix_parse(const char *text, struct ipm_mix *out_mix, struct ipm_why *why);

/* The word, or sizes in bytes, ascending, with their weights: parsed again it is the same
 * mix and the same text. */
const char *ipm_mix_format(const struct ipm_mix *mix, char text[IPM_MIX_TEXT]);

/* Of the table, bytes; not of a fixed one. */
double ipm_mix_mean(const struct ipm_mix *mix);

/* What stands for the mix where one number is wanted: the mean, rounded half up. */
int64_t ipm_mix_size(const struct ipm_mix *mix);

static inline int64_t ipm_mix_shortest(const struct ipm_mix *mix)
{
    return mix->sizes[0];
}

static inline int64_t ipm_mix_longest(const struct ipm_mix *mix)
{
    return mix->sizes[mix->n - 1];
}

struct ipm_mix_table {
    uint64_t total; /* bytes of one walk through the table */
    uint32_t lengths[IPM_MIX_ENTRIES];
};

/* Fills the table; not from a fixed mix.  The same seed gives the same order. */
void ipm_mix_draw(const struct ipm_mix *mix, uint64_t seed,
                  struct ipm_mix_table *out_table);

/* Length of message @number, counted from 0 in each direction and round. */
static inline size_t ipm_mix_length(const struct ipm_mix_table *table, uint64_t number)
{
    return table->lengths[number % IPM_MIX_ENTRIES];
}

/* Bytes of the first @messages messages. */
uint64_t ipm_mix_bytes(const struct ipm_mix_table *table, uint64_t messages);

#endif
