/* SPDX-License-Identifier: MIT */
#include "mechanisms/delay.h"

#include "base/clock.h"
#include "base/units.h"
#include "mechanisms/registry.h"

#include <errno.h>
#include <string.h>

static const struct ipm_mechanism *original;
static struct ipm_mechanism delayed;
static int64_t delay_ns;

enum { MOST_NS = 1000000000 };

/* Not relaxed: what is planted is time on this CPU, whatever else it could do meanwhile. */
static void spin(size_t n)
{
    int64_t end_ns = ipm_now_ns() + (int64_t)n * delay_ns;
    while (ipm_now_ns() < end_ns)
        ;
}

static int delayed_send_n(struct ipm_endpoint *endpoint,
                          const struct ipm_span *messages, size_t n,
                          int64_t deadline_ns, size_t *out_n)
{
    spin(n);
    return original->send_n(endpoint, messages, n, deadline_ns, out_n);
}

static int delayed_publish_n(struct ipm_endpoint *endpoint, size_t n)
{
    spin(n);
    return original->publish_n(endpoint, n);
}

int ipm_delay_plant(const char *text, struct ipm_why *why)
{
    char name[64];
    const char *colon = strchr(text, ':');
    size_t length = colon == NULL ? 0 : (size_t)(colon - text);
    int64_t ns = 0;
    if (length == 0 || length >= sizeof(name) ||
        ipm_parse_integer(colon + 1, &ns, NULL) != 0 || ns < 1 || ns > MOST_NS)
        return ipm_why_set(why, -EINVAL, "expected NAME:NS, not '%.80s'", text);
    if (original != NULL)
        return ipm_why_set(why, -EALREADY, "one delay at a time");
    (void)memcpy(name, text, length);
    name[length] = '\0';
    const struct ipm_mechanism *found = ipm_mechanism_find(name);
    if (found == NULL)
        return ipm_why_set(why, -ENOENT, "there is no mechanism '%s'", name);
    original = found;
    delay_ns = ns;
    delayed = *found;
    delayed.send_n = delayed_send_n;
    if (found->publish_n != NULL)
        delayed.publish_n = delayed_publish_n;
    ipm_mechanism_replace(found, &delayed);
    return 0;
}

bool ipm_delay_planted(void)
{
    return original != NULL;
}
