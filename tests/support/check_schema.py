#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Do configs keep to a schema?  check_schema.py [--broken] SCHEMA CONFIG...

Without --broken all must, with it none may but those below; texts that are no JSON are left
out there.  Comments and trailing commas are taken away as ipcmeter does.
"""
import json
import os
import re
import sys

from jsonschema import Draft202012Validator

# What a schema cannot say.
MAY_PASS = {"duplicate_key",          # other parsers take the last one
            "range_from_zero",        # one value depends on another
            "range_too_long",         # arithmetic
            "too_many_combinations",  # arithmetic
            "size_beside_mix",        # one factor depends on another
            "energy_estimated"}       # the order of three values

TOKENS = re.compile(r'"(?:[^"\\\n]|\\.)*"|//[^\n]*|/\*.*?\*/|,(?=(?:\s|//[^\n]*|/\*.*?\*/)*[}\]])',
                    re.DOTALL)


def read(path):
    with open(path, encoding="utf-8-sig") as file:
        text = file.read()
    return json.loads(TOKENS.sub(lambda m: m[0] if m[0].startswith('"') else " ", text))


def main(arguments):
    broken = arguments[0] == "--broken"
    if broken:
        del arguments[0]
    with open(arguments[0], encoding="utf-8") as file:
        schema = json.load(file)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    failed = False
    checked = 0
    for path in arguments[1:]:
        name = os.path.basename(path).removesuffix(".jsonc")
        try:
            config = read(path)
        except ValueError:  # JSON and UTF-8 errors are of this class
            if broken:
                continue
            raise
        errors = list(validator.iter_errors(config))
        checked += 1
        for error in errors if not broken else []:
            print(f"{path}: {error.json_path}: {error.message[:200]}")
            failed = True
        if broken and (errors == []) != (name in MAY_PASS):
            print(f"{path}: {'passes' if errors == [] else 'is refused'}, which was not expected")
            failed = True
    if checked < (25 if broken else 5):
        print(f"only {checked} configs were looked at")
        failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
