/* SPDX-License-Identifier: MIT */
#include "base/base64.h"

#include <errno.h>
#include <string.h>

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void ipm_base64_encode(const uint8_t *bytes, size_t length, char *text)
{
    for (size_t i = 0; i < length; i += 3) {
        size_t left = length - i;
        uint32_t group = (uint32_t)bytes[i] << 16 |
                         (uint32_t)(left > 1 ? bytes[i + 1] : 0) << 8 |
                         (uint32_t)(left > 2 ? bytes[i + 2] : 0);
        *text++ = alphabet[group >> 18];
        *text++ = alphabet[group >> 12 & 63];
        *text++ = left > 1 ? alphabet[group >> 6 & 63] : '=';
        *text++ = left > 2 ? alphabet[group & 63] : '=';
    }
    *text = '\0';
}

static int digit(char letter)
{
    if (letter >= 'A' && letter <= 'Z')
        return letter - 'A';
    if (letter >= 'a' && letter <= 'z')
        return letter - 'a' + 26;
    if (letter >= '0' && letter <= '9')
        return letter - '0' + 52;
    return letter == '+' ? 62 : letter == '/' ? 63 : -1;
}

int ipm_base64_decode(const char *text, uint8_t *bytes, size_t room, size_t *out_length)
{
    size_t length = strlen(text);
    if (length % 4 != 0)
        return -EINVAL;
    size_t used = 0;
    for (size_t i = 0; i < length; i += 4) {
        size_t padding = 0;
        if (i + 4 == length)
            padding = text[i + 2] == '=' ? 2 : text[i + 3] == '=' ? 1 : 0;
        uint32_t group = 0;
        for (size_t k = 0; k < 4; k++) {
            int value =
                k >= 4 - padding ? (text[i + k] == '=' ? 0 : -1) : digit(text[i + k]);
            if (value < 0)
                return -EINVAL;
            group = group << 6 | (uint32_t)value;
        }
        if (used + 3 - padding > room)
            return -ENOSPC;
        for (size_t k = 0; k < 3 - padding; k++)
            bytes[used++] = (uint8_t)(group >> (16 - 8 * k));
    }
    *out_length = used;
    return 0;
}
