/* SPDX-License-Identifier: MIT */
/*
 * why: the text that explains a failure, carried upward beside a negative errno.
 *
 * A function that can fail takes `struct ipm_why *why` as its last parameter and
 * writes it only when it fails.  Callers may pass NULL.  Nothing here allocates.
 */
#ifndef IPM_BASE_WHY_H
#define IPM_BASE_WHY_H

#ifdef __cplusplus
extern "C" {
#endif

struct ipm_why {
    int error;      /* negative errno of the failure; 0: nothing recorded */
    char text[248]; /* one line, outermost context first, NUL-terminated */
};

/**
 * ipm_why_set() - record why an operation failed
 * @why:    may be NULL
 * @error:  negative errno
 * @format: printf-like; when it ends in a colon and a blank, the errno's text follows
 *
 * Return: @error, so that `return ipm_why_set(why, -errno, "open %s: ", path);` reads well.
 */
int ipm_why_set(struct ipm_why *why, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/**
 * ipm_why_prefix() - put context in front of a recorded reason
 *
 * Does nothing when @why is NULL.  Text that does not fit is cut at its end.
 */
void ipm_why_prefix(struct ipm_why *why, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/**
 * ipm_why_class() - one word for what kind of "not available" an errno is
 * @error: negative errno
 *
 * Return: "absent" (the kernel or hardware lacks it), "denied" (it is there, we may
 *         not), "masked" (it is there, but hidden or empty: -ENODATA), "exhausted" (a
 *         limit was hit), "too_short" (-ETIME), "off" (nobody asked: -ECANCELED),
 *         "attributed" (somebody else's word for it: -EREMOTE) or "failed" (anything
 *         else).
 */
const char *ipm_why_class(int error);

#ifdef __cplusplus
}
#endif

#endif
