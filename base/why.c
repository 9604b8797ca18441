/* SPDX-License-Identifier: MIT */
#include "base/why.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int ipm_why_set(struct ipm_why *why, int error, const char *format, ...)
{
    if (why == NULL)
        return error;
    why->error = error;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(why->text, sizeof(why->text), format, arguments);
    va_end(arguments);

    size_t used = strlen(why->text);
    size_t length = strlen(format);
    if (length >= 2 && strcmp(format + length - 2, ": ") == 0 &&
        used + 1 < sizeof(why->text))
        (void)snprintf(why->text + used, sizeof(why->text) - used, "%s",
                       strerror(-error));
    return error;
}

void ipm_why_prefix(struct ipm_why *why, const char *format, ...)
{
    if (why == NULL)
        return;
    char tail[sizeof(why->text)];
    memcpy(tail, why->text, sizeof(tail));
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(why->text, sizeof(why->text), format, arguments);
    va_end(arguments);
    size_t used = strlen(why->text);
    (void)snprintf(why->text + used, sizeof(why->text) - used, "%s", tail);
}

const char *ipm_why_class(int error)
{
    switch (-error) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
    case ENOSYS:
    case EOPNOTSUPP:
    case EPROTONOSUPPORT:
    case EAFNOSUPPORT:
    case ENOTTY:
        return "absent";
    case EACCES:
    case EPERM:
    case EROFS:
        return "denied";
    case ENODATA:
        return "masked";
    case ETIME:
        return "too_short";
    case ECANCELED:
        return "off";
    case EREMOTE:
        return "attributed";
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOSPC:
    case EAGAIN:
    case EDQUOT:
        return "exhausted";
    default:
        return "failed";
    }
}
