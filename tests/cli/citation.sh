#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# CITATION.cff has the form of the Citation File Format 1.2.0 and the version of the program.
# (Its schema guide: github.com/citation-file-format/citation-file-format.)
set -euo pipefail
ipcmeter=${IPM_BIN:?}/ipcmeter
version=$("$ipcmeter" --version)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for python in python3 /usr/bin/python3 ""; do
    [[ -n $python ]] && "$python" -c 'import yaml' 2>/dev/null && break
done
if [[ -z $python ]]; then
    # No reader of YAML: the lines of the top, which need none.
    for line in "cff-version: 1.2.0" "version: ${version#ipcmeter }"; do
        grep -qxF "$line" "${IPM_SOURCE:?}/CITATION.cff" || { echo "FAILED: no line '$line'"; exit 1; }
    done
    echo "skipped: the form of CITATION.cff: python3 with PyYAML is not installed"
    exit 77
fi
"$python" - "${IPM_SOURCE:?}/CITATION.cff" "$version" <<'CHECK'
import copy
import datetime
import re
import sys

import yaml

ALLOWED = {
    "abstract", "authors", "cff-version", "commit", "contact", "date-released", "doi",
    "identifiers", "keywords", "license", "license-url", "message", "preferred-citation",
    "references", "repository", "repository-artifact", "repository-code", "title", "type",
    "url", "version",
}
PERSON = {
    "address", "affiliation", "alias", "city", "country", "email", "family-names", "fax",
    "given-names", "name-particle", "name-suffix", "orcid", "post-code", "region", "tel",
    "website",
}
ENTITY = {
    "address", "alias", "city", "country", "date-end", "date-start", "email", "fax", "location",
    "name", "orcid", "post-code", "region", "tel", "website",
}


def text(value):
    return isinstance(value, str) and value.strip() != ""


def problems(cff, version):
    found = []

    def need(holds, what):
        if not holds:
            found.append(what)

    need(isinstance(cff, dict), "no mapping")
    if found:
        return found
    need(set(cff) <= ALLOWED, "unknown key: %s" % sorted(set(cff) - ALLOWED))
    need(cff.get("cff-version") == "1.2.0", "cff-version")
    for key in ("message", "title"):
        need(text(cff.get(key)), key)
    need(cff.get("type", "software") in ("software", "dataset"), "type")
    need("ipcmeter %s" % cff.get("version") == version, "version is not that of the program")
    authors = cff.get("authors")
    need(isinstance(authors, list) and authors, "authors")
    for author in authors or []:
        need(isinstance(author, dict) and author
             and (set(author) <= PERSON or (text(author.get("name")) and set(author) <= ENTITY)),
             "author: %s" % author)
    licences = cff.get("license", [])
    for licence in licences if isinstance(licences, list) else [licences]:
        need(licence in ("MIT", "GPL-3.0-or-later"), "licence: %s" % licence)
    keywords = cff.get("keywords", ["x"])
    need(isinstance(keywords, list) and keywords and all(map(text, keywords)), "keywords")
    need("abstract" not in cff or text(cff["abstract"]), "abstract")
    released = cff.get("date-released")
    need(released is None or isinstance(released, datetime.date)
         or re.fullmatch(r"\d{4}-\d\d-\d\d", str(released)), "date-released")
    return found


cff = yaml.safe_load(open(sys.argv[1], encoding="utf-8"))
failures = problems(cff, sys.argv[2])
for key in ("cff-version", "message", "title", "authors", "version"):
    broken = copy.deepcopy(cff)
    del broken[key]
    if not problems(broken, sys.argv[2]):
        failures.append("a file without %s is not seen" % key)
if not problems(dict(cff, surprise=1), sys.argv[2]):
    failures.append("a key too many is not seen")
for failure in failures:
    print("FAILED:", failure)
sys.exit(bool(failures))
CHECK
