/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/digest_pack.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST = -22, MOST = 22, BIAS = 32, PLACES = 6 /* after the point of "%.6e" */ };

static const char letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The powers that are doubles. */
static const double powers[MOST + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                        1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                        1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

void ipm_digest_pack(double value, char *text)
{
    char decimal[40];
    uint32_t digits = 0;
    memset(text, letters[0], IPM_DIGEST_DIGITS);
    if (!isfinite(value) || !(value > 0))
        return;
    (void)snprintf(decimal, sizeof(decimal), "%.*e", PLACES, value);
    const char *at = decimal;
    for (; *at != '\0' && *at != 'e'; at++) {
        if (*at >= '0' && *at <= '9') /* not the point, whatever the locale's is */
            digits = digits * 10 + (uint32_t)(*at - '0');
    }
    long exponent = *at == 'e' ? strtol(at + 1, NULL, 10) - PLACES : MOST + 1;
    if (exponent < LEAST || exponent > MOST)
        return;
    for (int i = IPM_DIGEST_DIGITS - 2; i >= 0; i--) {
        text[i] = letters[digits & 63];
        digits >>= 6;
    }
    text[IPM_DIGEST_DIGITS - 1] = letters[exponent + BIAS];
}

/* What each letter stands for; 64 and more for what is none. */
static void make_values(unsigned char values[256])
{
    memset(values, 64, 256);
    for (unsigned char i = 0; i < 64; i++)
        values[(unsigned char)letters[i]] = i;
}

bool ipm_digest_unpack(const char *text, size_t n, double *figures)
{
    unsigned char values[256];
    unsigned wrong = 0;
    make_values(values);
    for (size_t i = 0; i < n; i++) {
        const unsigned char *at = (const unsigned char *)text + i * IPM_DIGEST_DIGITS;
        const unsigned parts[] = {values[at[0]], values[at[1]], values[at[2]],
                                  values[at[3]], values[at[4]]};
        wrong |= parts[0] | parts[1] | parts[2] | parts[3] | parts[4];
        unsigned digits = parts[0] << 18 | parts[1] << 12 | parts[2] << 6 | parts[3];
        int exponent = (int)parts[4] - BIAS;
        if (digits == 0) {
            figures[i] = NAN;
        } else if (exponent < LEAST || exponent > MOST) {
            return false;
        } else {
            double mantissa = digits;
            figures[i] = exponent < 0 ? mantissa / powers[-exponent]
                                      : mantissa * powers[exponent];
        }
    }
    return wrong < 64;
}
