#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Reads OpenMetrics text from the standard input, and is content with nothing that the standard does
# not allow for gauges, counters and infos. Prints each sample as NAME{LABELS} VALUE.

import re
import sys

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\n"])*"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)?\}})? (-?[0-9]+(?:\.[0-9]+)?)")
SUFFIXES = {"gauge": "", "counter": "_total", "info": "_info"}


def fail(line, why):
    sys.exit(f"{why}: {line!r}")


def main():
    text = sys.stdin.buffer.read().decode("utf-8")
    if not text.endswith("# EOF\n"):
        fail(text[-20:], "does not end with # EOF")

    families, family, samples = {}, None, set()
    for line in text.split("\n")[:-2]:
        if line.startswith("# "):
            kind, name, value = line[2:].split(" ", 2)
            if kind not in ("HELP", "TYPE", "UNIT") or not re.fullmatch(NAME, name):
                fail(line, "is no description")
            if family != name:
                if name in families:
                    fail(line, "a family stands in one place")
                family = name
                families[name] = {}
            if kind in families[name] or "samples" in families[name]:
                fail(line, "is said once, and first")
            families[name][kind] = value
            continue

        match = SAMPLE.fullmatch(line)
        if not match:
            fail(line, "is no sample")
        name, labels, value = match.groups()
        about = families.get(family, {})
        if about.get("TYPE") not in SUFFIXES or not about.get("HELP"):
            fail(line, "has no type or help")
        if name != family + SUFFIXES[about["TYPE"]]:
            fail(line, "is of no family")
        if "UNIT" in about and not family.endswith("_" + about["UNIT"]):
            fail(line, "a family ends in its unit")
        if about["TYPE"] == "counter" and value.startswith("-"):
            fail(line, "a counter only grows")
        if (name, labels) in samples:
            fail(line, "is there twice")
        samples.add((name, labels))
        about["samples"] = True
        print(line)


main()
