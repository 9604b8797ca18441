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
static int64_t read_ns; /* what a look at the clock takes at the least */

enum { MOST_NS = 1000000000, TRIES = 1000, READS = 16 };

static int64_t measure_read_ns(void)
{
    int64_t least_ns = INT64_MAX;
    for (int try = 0; try < TRIES; try++) {
        int64_t begun_ns = ipm_now_ns();
        int64_t ended_ns = begun_ns;
        for (int i = 0; i < READS; i++)
            ended_ns = ipm_now_ns();
        if (ended_ns - begun_ns < least_ns)
            least_ns = ended_ns - begun_ns;
    }
    return least_ns / READS;
}

/* Not relaxed: what is planted is time on this CPU, whatever else it could do meanwhile.  What
 * comes before the first reading and after the last is one look at the clock. */
static void spin(size_t n)
{
    int64_t end_ns = ipm_now_ns() + (int64_t)n * delay_ns - read_ns;
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
    read_ns = measure_read_ns();
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
