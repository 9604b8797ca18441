/* SPDX-License-Identifier: MIT */
/* base64: RFC 4648 section 4, with padding, no line breaks. */
#ifndef IPM_BASE_BASE64_H
#define IPM_BASE_BASE64_H

#include <stddef.h>
#include <stdint.h>

/* @text needs 4 * ceil(length / 3) + 1 bytes; it is NUL-terminated. */
void ipm_base64_encode(const uint8_t *bytes, size_t length, char *text);

/* Return: 0; -EINVAL when @text is not base64; -ENOSPC when @room is too small. */
int ipm_base64_decode(const char *text, uint8_t *bytes, size_t room,
                      size_t *out_length);

#endif
