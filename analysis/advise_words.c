/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/advise_words.h"

#include "analysis/contest_json.h"
#include "analysis/html.h"
#include "analysis/text.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool is(const char *text, const char *word)
{
    return strcmp(text, word) == 0;
}

void ipm_paragraph_begin(struct ipm_paragraph *words)
{
    words->text = NULL;
    words->line = open_memstream(&words->text, &words->length);
}

/* Ends a paragraph behind its heading. */
void ipm_paragraph_end(struct ipm_paragraph *words, const char *heading)
{
    bool whole = words->line != NULL && fclose(words->line) == 0;
    if (whole && heading != NULL) {
        (void)fprintf(words->out, "%-*s", IPM_ADVISE_INDENT, heading);
        ipm_text_wrap(words->out, IPM_ADVISE_INDENT, words->text);
    }
    free(words->text);
    words->line = NULL;
}

void ipm_paragraph_say(struct ipm_paragraph *words, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (words->line != NULL)
        (void)vfprintf(words->line, format, arguments);
    va_end(arguments);
}

void ipm_paragraph_name(struct ipm_paragraph *words, const json_t *entrant)
{
    if (words->line != NULL)
        ipm_entrant_name(entrant, words->line);
}

/* A reason without the name of the mechanism that it may begin with. */
static const char *reason_of(const json_t *left_out)
{
    const char *reason = ipm_member_text(left_out, "reason");
    const char *name = ipm_member_text(left_out, "mechanism");
    size_t length = strlen(name);
    bool named =
        length > 0 && strncmp(reason, name, length) == 0 && reason[length] == ' ';
    return reason + (named ? length + 1 : 0);
}

/* Whether two reasons say the same, numbers behind the colon apart. */
static bool same_class(const char *a, const char *b)
{
    size_t length = strcspn(a, ":");
    return strcspn(b, ":") == length && memcmp(a, b, length) == 0;
}

/* All with the reason of entry @i, in one paragraph; numbers where they differ. */
static void put_reason(struct ipm_paragraph *words, const json_t *list, size_t i,
                       const char *heading)
{
    const char *reason = reason_of(json_array_get(list, i));
    bool uniform = true;
    size_t named = 0;
    size_t more = 0;
    size_t k;
    const json_t *other;
    json_array_foreach(list, k, other) uniform =
        uniform &&
        (!same_class(reason, reason_of(other)) || is(reason, reason_of(other)));
    ipm_paragraph_begin(words);
    ipm_paragraph_say(
        words, "%.*s: ", uniform ? (int)strlen(reason) : (int)strcspn(reason, ":"),
        reason);
    json_array_foreach(list, k, other)
    {
        const char *text = reason_of(other);
        if (!same_class(reason, text))
            continue;
        if (named == IPM_ADVISE_NAMED) {
            more++;
            continue;
        }
        ipm_paragraph_say(words, "%s", named++ == 0 ? "" : "; ");
        ipm_paragraph_name(words, other);
        if (!uniform)
            ipm_paragraph_say(words, "%s", text + strcspn(text, ":"));
    }
    if (more > 0)
        ipm_paragraph_say(words, " and %zu more", more);
    ipm_paragraph_end(words, heading);
}

void ipm_advise_left_out(struct ipm_paragraph *words, const json_t *list)
{
    const char *heading = "  left out";
    size_t i;
    const json_t *first;
    json_array_foreach(list, i, first)
    {
        bool said = false;
        for (size_t k = 0; k < i && !said; k++)
            said = same_class(reason_of(json_array_get(list, k)), reason_of(first));
        if (said)
            continue;
        put_reason(words, list, i, heading);
        heading = "";
    }
}
