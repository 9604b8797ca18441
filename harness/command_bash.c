/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The completion of command.h for bash: the fixed part knows bash, the rest is the tables. */
#include "harness/command.h"
#include "harness/spec_axes.h"
#include "harness/spec_keys.h"
#include "harness/topology.h"

#include <string.h>

/* bash parts words at '=', so that the value of KEY=VALUE is a word of its own. */
static const char helpers[] =
    "# SPDX-License-Identifier: GPL-3.0-or-later\n"
    "# Made by `ipcmeter completion bash`: do not edit.\n"
    "\n"
    "# words WORDS: those that begin as what is typed\n"
    "_ipcmeter_words()\n"
    "{\n"
    "    mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$current\")\n"
    "}\n"
    "\n"
    "_ipcmeter_paths()\n"
    "{\n"
    "    mapfile -t COMPREPLY < <(compgen \"$1\" -- \"$current\")\n"
    "    compopt -o filenames 2>/dev/null || true\n"
    "}\n"
    "\n"
    "# The first column of `ipcmeter list KIND`; names alone, whatever else it "
    "prints.\n"
    "_ipcmeter_listed()\n"
    "{\n"
    "    \"${COMP_WORDS[0]}\" list \"$1\" 2>/dev/null | grep -oE '^ *[a-z0-9_]+ ' | "
    "tr -d ' '\n"
    "}\n"
    "\n"
    "# The last of a list with commas.\n"
    "_ipcmeter_list()\n"
    "{\n"
    "    local before=\n"
    "    [[ $current != *,* ]] || before=${current%,*},\n"
    "    current=${current##*,}\n"
    "    _ipcmeter_words \"$1\"\n"
    "    COMPREPLY=(\"${COMPREPLY[@]/#/$before}\")\n"
    "}\n"
    "\n";

static const char frame[] =
    "_ipcmeter()\n"
    "{\n"
    "    local current=${COMP_WORDS[COMP_CWORD]} options='' at=$COMP_CWORD\n"
    "    COMPREPLY=()\n"
    "    if [[ $current == = ]]; then\n"
    "        current=''\n"
    "        at=$((COMP_CWORD + 1))\n"
    "    fi\n"
    "    local previous=${COMP_WORDS[at - 1]}\n"
    "    if [[ $previous == = ]]; then\n"
    "        previous=${COMP_WORDS[at - 2]}\n"
    "        if ((at > 3)) && [[ ${COMP_WORDS[at - 3]} == --set ]]; then\n"
    "            _ipcmeter_value \"$previous\"\n"
    "            return\n"
    "        fi\n"
    "    fi\n";

static bool has_rows(const struct ipm_command *command)
{
    return command->options != NULL && command->options->name != NULL;
}

/* "auto|plain" with blanks in between. */
static void put_words(const char *words, FILE *out)
{
    for (; *words != '\0'; words++)
        (void)fputc(*words == '|' ? ' ' : *words, out);
}

static void put_proposal(enum ipm_operand_kind kind, const char *words, FILE *out)
{
    switch (kind) {
    case IPM_OPERAND_TEXT:
        (void)fputs(":", out);
        break;
    case IPM_OPERAND_FILE:
        (void)fputs("_ipcmeter_paths -f", out);
        break;
    case IPM_OPERAND_FOLDER:
        (void)fputs("_ipcmeter_paths -d", out);
        break;
    case IPM_OPERAND_WORDS:
        (void)fputs("_ipcmeter_words '", out);
        put_words(words, out);
        (void)fputs("'", out);
        break;
    case IPM_OPERAND_SETTING:
        (void)fputs("_ipcmeter_key", out);
        break;
    }
}

static void put_verb(const struct ipm_command *command, FILE *out)
{
    const struct ipm_command_operand *operand = command->operands;
    (void)fprintf(out, "    %s)\n        case $previous in\n", command->name);
    for (const struct ipm_command_option *row = command->options;
         has_rows(command) && row->name != NULL; row++) {
        if (row->value == NULL)
            continue;
        (void)fprintf(out, "        --%s) ", row->name);
        put_proposal(row->kind, row->value, out);
        (void)fputs("; return ;;\n", out);
    }
    (void)fputs("        esac\n        options='--help", out);
    for (const struct ipm_command_option *row = command->options;
         has_rows(command) && row->name != NULL; row++)
        (void)fprintf(out, " --%s", row->name);
    (void)fputs("'\n", out);
    if (operand != NULL && operand->name != NULL) {
        /* A file may stand where a folder stands first: the wider kind of both. */
        enum ipm_operand_kind kind = operand->kind;
        for (const struct ipm_command_operand *other = operand; other->name != NULL;
             other++)
            kind = other->kind == IPM_OPERAND_FILE ? IPM_OPERAND_FILE : kind;
        (void)fputs("        [[ $current == -* ]] || ", out);
        put_proposal(kind, operand->name, out);
        (void)fputs("\n", out);
    }
    (void)fputs("        ;;\n", out);
}

/* Keys of the top that hold one value, those of objects behind their name. */
static void put_keys(const struct ipm_key *keys, const char *above, FILE *out)
{
    for (const struct ipm_key *key = keys; key->name != NULL; key++) {
        if (key->type == IPM_KEY_OBJECT)
            put_keys(key->members, key->name, out);
        else if (key->type != IPM_KEY_SWEEPS && key->name[0] != '$')
            (void)fprintf(out, " %s%s%s", above, above[0] != '\0' ? "." : "",
                          key->name);
    }
}

static void put_choices(const char *above, const char *name, const char *const *words,
                        FILE *out)
{
    if (words == NULL || words[0] == NULL)
        return;
    (void)fprintf(out, "    %s%s%s) _ipcmeter_list '", above,
                  above[0] != '\0' ? "." : "", name);
    for (size_t i = 0; words[i] != NULL; i++)
        (void)fprintf(out, "%s%s", i > 0 ? " " : "", words[i]);
    (void)fputs("' ;;\n", out);
}

static void put_key_choices(const struct ipm_key *keys, const char *above, FILE *out)
{
    for (const struct ipm_key *key = keys; key->name != NULL; key++) {
        if (key->type == IPM_KEY_OBJECT)
            put_key_choices(key->members, key->name, out);
        else
            put_choices(above, key->name, key->choices, out);
    }
}

static void put_axis_choices(const json_t *describe, const char *name, FILE *out)
{
    struct ipm_axis axis;
    char mend[IPM_MEND];
    static const char *const flags[] = {"true", "false", NULL};
    if (ipm_axis_find(describe, name, &axis, mend) != 0)
        return;
    if (axis.type == IPM_AXIS_PLACEMENT)
        put_choices("", name, ipm_placement_words, out);
    else if (axis.type == IPM_AXIS_FLAG)
        put_choices("", name, flags, out);
    else
        put_choices("", name, axis.choices, out);
}

/* What --set takes: the axes of all mechanisms, and the keys of the top. */
static void put_settings(const json_t *describe, FILE *out)
{
    ipm_auto_json json_t *axes = ipm_axis_names(describe);
    size_t i;
    json_t *axis;
    (void)fputs("_ipcmeter_key()\n{\n    _ipcmeter_words '", out);
    (void)fputs("mechanisms workloads", out);
    json_array_foreach(axes, i, axis)
    {
        if (strchr(json_string_value(axis), '.') == NULL)
            (void)fprintf(out, " %s", json_string_value(axis));
    }
    put_keys(ipm_spec_keys, "", out);
    (void)fputs("'\n    COMPREPLY=(\"${COMPREPLY[@]/%/=}\")\n"
                "    compopt -o nospace 2>/dev/null || true\n}\n\n"
                "# value KEY: what --set KEY= may be\n"
                "_ipcmeter_value()\n{\n    case $1 in\n"
                "    mechanisms) _ipcmeter_list \"all floors $(_ipcmeter_listed "
                "mechanisms)\" ;;\n"
                "    workloads) _ipcmeter_list \"all $(_ipcmeter_listed workloads)\" "
                ";;\n",
                out);
    json_array_foreach(axes, i, axis)
    {
        if (strchr(json_string_value(axis), '.') == NULL)
            put_axis_choices(describe, json_string_value(axis), out);
    }
    put_key_choices(ipm_spec_keys, "", out);
    (void)fputs("    esac\n}\n\n", out);
}

void ipm_command_bash(const json_t *describe, FILE *out)
{
    (void)fputs(helpers, out);
    put_settings(describe, out);
    (void)fputs(frame, out);
    (void)fputs("    if ((COMP_CWORD == 1)); then\n"
                "        _ipcmeter_words '",
                out);
    for (const struct ipm_command *const *verb = ipm_commands; *verb != NULL; verb++)
        (void)fprintf(out, "%s ", (*verb)->name);
    (void)fputs("--help --version --man'\n"
                "        return\n"
                "    fi\n"
                "    case ${COMP_WORDS[1]} in\n",
                out);
    for (const struct ipm_command *const *verb = ipm_commands; *verb != NULL; verb++)
        put_verb(*verb, out);
    (void)fputs("    esac\n"
                "    [[ $current != -* ]] || _ipcmeter_words \"$options\"\n"
                "}\n"
                "\n"
                "complete -F _ipcmeter ipcmeter\n",
                out);
}
