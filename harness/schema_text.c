/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/schema_text.h"

#include "base/cleanup.h"
#include "harness/describe.h"
#include "harness/diagnostics.h"
#include "harness/schema.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const json_t *ipm_schema_members(const json_t *schema)
{
    const json_t *members = json_object_get(schema, "properties");
    const json_t *items = json_object_get(schema, "items");
    size_t index;
    const json_t *form;
    if (members != NULL)
        return members;
    if (items != NULL)
        return ipm_schema_members(items);
    json_array_foreach(json_object_get(schema, "anyOf"), index, form)
    {
        /* Lists among the forms are of the same values: only an object has keys. */
        members = json_object_get(form, "properties");
        if (members != NULL)
            return members;
    }
    return NULL;
}

/* A shared axis is a key of its own; the bounds of a range are not. */
static const json_t *find(const json_t *schema, const char *path, struct ipm_why *why)
{
    const json_t *members = ipm_schema_members(schema);
    const json_t *whole = json_object_get(members, path);
    if (path[0] == '\0')
        return schema;
    if (whole != NULL) /* the name of an option has a dot of its own */
        return whole;
    const char *dot = strchr(path, '.');
    ipm_auto_free char *key =
        dot != NULL ? strndup(path, (size_t)(dot - path)) : strdup(path);
    const json_t *member = json_object_get(members, key != NULL ? key : "");
    if (member != NULL && dot != NULL)
        return find(member, dot + 1, why);
    size_t n = 0;
    ipm_auto_free const char **names =
        calloc(json_object_size(members) + 1, sizeof(*names));
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)members, name, value)
    {
        if (names != NULL)
            names[n++] = name;
    }
    char mend[IPM_MEND];
    (void)ipm_mend_word(mend, path, names);
    if (why != NULL)
        (void)ipm_why_set(why, -ENOENT, "there is no key '%.60s'%s%s", path,
                          n > 0 ? "; " : "", n > 0 ? mend : "");
    return NULL;
}

int ipm_schema_key(const json_t *schema, const char *path, const json_t **out_key,
                   struct ipm_why *why)
{
    const json_t *key = find(schema, path, why);
    const json_t *axes = key == NULL ? find(schema, "sweeps.axes", NULL) : NULL;
    if (axes != NULL)
        key = find(axes, path, NULL);
    if (key == NULL)
        return -ENOENT;
    *out_key = key;
    return 0;
}

/* A scalar as a config writes it; a text as it is. */
static void print_scalar(const json_t *value, FILE *out)
{
    if (json_is_string(value))
        (void)fputs(json_string_value(value), out);
    else
        (void)json_dumpf(value, out, JSON_ENCODE_ANY | JSON_REAL_PRECISION(12));
}

static void print_words(const json_t *schema, FILE *out)
{
    const json_t *words = json_object_get(schema, "enum");
    const char *told = ipm_describe_text(schema, "x-allowed", NULL);
    const char *type = ipm_describe_text(schema, "type", "");
    size_t index;
    const json_t *word;
    if (told != NULL) {
        (void)fputs(told, out);
        return;
    }
    json_array_foreach(words, index, word)
    {
        (void)fputs(index > 0 ? ", " : "", out);
        print_scalar(word, out);
    }
    json_array_foreach(json_object_get(schema, "anyOf"), index, word)
    {
        (void)fputs(index > 0 ? ", or " : "", out);
        if (strcmp(ipm_describe_text(word, "type", ""), "array") == 0)
            (void)fputs("a list of these", out);
        else
            print_words(word, out);
    }
    if (words == NULL && strcmp(type, "string") == 0)
        (void)fputs("a text", out);
    if (strcmp(type, "object") == 0) {
        const char *name;
        json_t *member;
        const char *before = "an object of ";
        json_object_foreach(json_object_get(schema, "properties"), name, member)
        {
            (void)fprintf(out, "%s%s", before, name);
            before = ", ";
        }
    }
    if (strcmp(type, "array") == 0)
        (void)fputs("a list of objects", out);
}

static char *print_to_text(void (*print)(const json_t *json, FILE *out),
                           const json_t *json)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (out == NULL)
        return NULL;
    print(json, out);
    if (fclose(out) == 0 && length > 0)
        return text;
    free(text);
    return NULL;
}

char *ipm_schema_allowed(const json_t *schema)
{
    /* Long lists of keys say nothing: they have entries of their own. */
    const char *type = ipm_describe_text(schema, "type", "");
    if (strcmp(type, "object") == 0)
        return strdup("an object");
    return print_to_text(print_words, schema);
}

char *ipm_schema_default(const json_t *schema)
{
    const json_t *value = json_object_get(schema, "default");
    return value != NULL ? print_to_text(print_scalar, value) : NULL;
}

static bool takes_range(const json_t *schema)
{
    return json_object_get(ipm_schema_members(schema), "from") != NULL;
}

void ipm_schema_help(const json_t *key, const char *path, FILE *out)
{
    ipm_auto_free char *allowed = ipm_schema_allowed(key);
    ipm_auto_free char *fallback = ipm_schema_default(key);
    const char *help = ipm_describe_text(key, "description", NULL);
    const char *name;
    json_t *member;
    (void)fprintf(out, "%s\n", path[0] != '\0' ? path : "a config");
    if (help != NULL)
        (void)fprintf(out, "  %s\n", help);
    if (allowed != NULL)
        (void)fprintf(out, "  allowed: %s\n", allowed);
    if (fallback != NULL)
        (void)fprintf(out, "  default: %s\n", fallback);
    if (takes_range(key))
        (void)fputs(
            "  a list or a range will do: {\"from\": 1, \"to\": 64, \"factor\": 2}, "
            "or \"step\"\n",
            out);
    const json_t *members = ipm_schema_members(key);
    if (members == NULL || takes_range(key))
        return;
    (void)fputs("  keys:\n", out);
    json_object_foreach((json_t *)(uintptr_t)members, name, member)(void) fprintf(
        out, "    %-24s %s\n", name, ipm_describe_text(member, "description", ""));
}
