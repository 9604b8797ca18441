/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/html.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char blank[] = " \t\r\n";

/* Where we are in the file, and how the result is to be named. */
struct copy {
    const char *at;
    const char *name, *label;
    FILE *out;
    struct ipm_why *why;
};

/* A part of the file. */
struct span {
    const char *start;
    size_t length;
};

static bool span_is(struct span span, const char *text)
{
    return strlen(text) == span.length && memcmp(span.start, text, span.length) == 0;
}

static void put_span(FILE *out, struct span span)
{
    (void)fwrite(span.start, 1, span.length, out);
}

static int refuse(const struct copy *copy, const char *what, struct span span)
{
    int length = span.length < 40 ? (int)span.length : 40;
    return ipm_why_set(copy->why, -EINVAL,
                       "the picture holds what no page takes from it: %s '%.*s'", what,
                       length, span.start);
}

static int torn(const struct copy *copy)
{
    return ipm_why_set(copy->why, -EINVAL, "the picture is no whole SVG");
}

/* Moves past @end, which ends what is being skipped. */
static int skip_past(struct copy *copy, const char *end)
{
    const char *found = strstr(copy->at, end);
    if (found == NULL)
        return torn(copy);
    copy->at = found + strlen(end);
    return 0;
}

static bool drawn_with(struct span element)
{
    static const char *const names[] = {
        "svg",     "g",       "defs",     "path",        "rect",     "circle",
        "ellipse", "line",    "polyline", "polygon",     "text",     "tspan",
        "use",     "title",   "desc",     "pattern",     "clipPath", "mask",
        "filter",  "feFlood", "marker",   "feComposite", "stop",     "linearGradient",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (span_is(element, names[i]))
            return true;
    }
    return false;
}

/* A value with every url(#ID) renamed; one that points elsewhere refuses the picture. */
static int put_value(struct copy *copy, struct span value)
{
    static const char url[] = "url(";
    enum { URL = sizeof(url) - 1 };
    const char *end = value.start + value.length;
    for (const char *at = value.start; at < end;) {
        const char *found = memmem(at, (size_t)(end - at), url, URL);
        if (found == NULL) {
            put_span(copy->out, (struct span){at, (size_t)(end - at)});
            break;
        }
        if (found + URL >= end || found[URL] != '#')
            return refuse(copy, "address", value);
        put_span(copy->out, (struct span){at, (size_t)(found + URL + 1 - at)});
        (void)fprintf(copy->out, "%s-", copy->name);
        at = found + URL + 1;
    }
    return 0;
}

static int put_attribute(struct copy *copy, struct span name, struct span value,
                         char quote)
{
    bool refers = span_is(name, "xlink:href") || span_is(name, "href");
    if (span_is(name, "xmlns:xlink"))
        return 0;
    if (name.length > 2 && strncasecmp(name.start, "on", 2) == 0)
        return refuse(copy, "attribute", name);
    if (refers && (value.length == 0 || value.start[0] != '#'))
        return refuse(copy, "address", value);
    (void)fputc(' ', copy->out);
    if (refers)
        (void)fprintf(copy->out, "href=%c#%s-%.*s%c", quote, copy->name,
                      (int)value.length - 1, value.start + 1, quote);
    else if (span_is(name, "id"))
        (void)fprintf(copy->out, "id=%c%s-%.*s%c", quote, copy->name, (int)value.length,
                      value.start, quote);
    else {
        put_span(copy->out, name);
        (void)fprintf(copy->out, "=%c", quote);
        int error = put_value(copy, value);
        (void)fputc(quote, copy->out);
        return error;
    }
    return 0;
}

static int copy_attribute(struct copy *copy)
{
    struct span name = {copy->at, strcspn(copy->at, " \t\r\n=<>/\"'")};
    copy->at += name.length;
    copy->at += strspn(copy->at, blank);
    if (name.length == 0 || *copy->at != '=')
        return torn(copy);
    copy->at++;
    copy->at += strspn(copy->at, blank);
    char quote = *copy->at;
    if (quote != '"' && quote != '\'')
        return torn(copy);
    const char *end = strchr(copy->at + 1, quote);
    if (end == NULL)
        return torn(copy);
    struct span value = {copy->at + 1, (size_t)(end - copy->at - 1)};
    copy->at = end + 1;
    return put_attribute(copy, name, value, quote);
}

/* gnuplot names the picture and every curve: a browser would show that as a tip. */
static bool repeats_name(const struct copy *copy, struct span element)
{
    return span_is(element, "desc") ||
           (span_is(element, "title") &&
            strncmp(copy->at, copy->name, strlen(copy->name)) == 0);
}

static int copy_element(struct copy *copy)
{
    bool end_tag = copy->at[1] == '/';
    copy->at += end_tag ? 2 : 1;
    struct span element = {copy->at, strcspn(copy->at, " \t\r\n/<>")};
    if (!drawn_with(element))
        return refuse(copy, "element", element);
    copy->at += element.length;
    if (!end_tag && *copy->at == '>') {
        copy->at++;
        if (repeats_name(copy, element))
            return skip_past(copy, span_is(element, "desc") ? "</desc>" : "</title>");
        copy->at--;
    }
    (void)fputs(end_tag ? "</" : "<", copy->out);
    put_span(copy->out, element);
    if (!end_tag && span_is(element, "svg"))
        ipm_html_put(copy->out, " role=\"img\" aria-label=\"%s\"", copy->label);
    for (;;) {
        copy->at += strspn(copy->at, blank);
        if (*copy->at == '>' || (copy->at[0] == '/' && copy->at[1] == '>'))
            break;
        int error = copy_attribute(copy);
        if (error != 0)
            return error;
    }
    (void)fputs(*copy->at == '/' ? "/>" : ">", copy->out);
    copy->at += *copy->at == '/' ? 2 : 1;
    return 0;
}

static int copy_all(struct copy *copy)
{
    int error = 0;
    while (error == 0 && *copy->at != '\0') {
        size_t length = strcspn(copy->at, "<");
        put_span(copy->out, (struct span){copy->at, length});
        copy->at += length;
        if (*copy->at == '\0')
            break;
        if (strncmp(copy->at, "<?", 2) == 0)
            error = skip_past(copy, "?>");
        else if (strncmp(copy->at, "<!--", 4) == 0)
            error = skip_past(copy, "-->");
        else if (strncmp(copy->at, "<!DOCTYPE", 9) == 0)
            error = skip_past(copy, ">");
        else
            error = copy_element(copy);
    }
    return error;
}

int ipm_html_svg(const char *svg, const char *name, const char *label, char **out_text,
                 struct ipm_why *why)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (out == NULL)
        return ipm_why_set(why, -ENOMEM, "put a picture into the page: ");
    struct copy copy = {
        .at = svg, .name = name, .label = label, .out = out, .why = why};
    int error = strstr(svg, "</svg>") == NULL ? torn(&copy) : copy_all(&copy);
    if (fclose(out) != 0 && error == 0)
        error = ipm_why_set(why, -ENOMEM, "put a picture into the page: ");
    if (error != 0) {
        free(text);
        return error;
    }
    *out_text = text;
    return 0;
}
