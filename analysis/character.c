/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/character.h"

#include <stdio.h>
#include <stdlib.h>

size_t ipm_character(const char *at, uint32_t *out_point)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *bytes = (const unsigned char *)at;
    size_t length = bytes[0] < 0x80           ? 1
                    : (bytes[0] >> 5) == 0x06 ? 2
                    : (bytes[0] >> 4) == 0x0e ? 3
                    : (bytes[0] >> 3) == 0x1e ? 4
                                              : 0;
    uint32_t point = length < 2 ? bytes[0] : bytes[0] & (0x7fU >> length);
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xc0) !=
            0x80) /* the end of the text is no continuation either */
            return 0;
        point = point << 6 | (bytes[i] & 0x3f);
    }
    if (length == 0 || point < least[length] || point > 0x10ffff ||
        (point >= 0xd800 && point <= 0xdfff))
        return 0;
    *out_point = point;
    return length;
}

bool ipm_character_hidden(uint32_t point)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0x00, 0x1f},        {0x7f, 0x9f},     {0xad, 0xad},       {0x034f, 0x034f},
        {0x061c, 0x061c},    {0x115f, 0x1160}, {0x180b, 0x180f},   {0x200b, 0x200f},
        {0x2028, 0x202e},    {0x2060, 0x206f}, {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},
        {0xfff0, 0xfffb},    {0xfffe, 0xffff}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
        {0xf0000, 0x10ffff},
    };
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        if (point >= ranges[i].first && point <= ranges[i].last)
            return true;
    }
    return (point & 0xfffe) == 0xfffe;
}

char *ipm_character_shown(const char *text)
{
    char *shown = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&shown, &size);
    if (out == NULL)
        return NULL;
    while (*text != '\0') {
        uint32_t point = 0;
        size_t length = ipm_character(text, &point);
        if (length == 0)
            (void)fprintf(out, "\\x%02X", (unsigned char)*text);
        else if (ipm_character_hidden(point))
            (void)fprintf(out, "\\u%04X", (unsigned)point);
        else
            (void)fwrite(text, 1, length, out);
        text += length == 0 ? 1 : length;
    }
    if (fclose(out) == 0)
        return shown;
    free(shown);
    return NULL;
}
