#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# A worker that can only describe itself, always in the same way.
exec cat "$(dirname "$0")/describe.json"
