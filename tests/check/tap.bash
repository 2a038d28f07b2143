# SPDX-License-Identifier: GPL-2.0-or-later
#
# For the scripts beside it: cases in the Test Anything Protocol, with what is wrong as diagnostics.
# shellcheck shell=bash

# The end of a pipe runs here and not in a process of its own, so that cases can be counted.
shopt -s lastpipe

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$top" || exit 1

n_cases=0
n_bad=0

# check TITLE: fails if something comes in, which is what is wrong, one line each.
check() {
    local wrong
    wrong=$(cat)
    n_cases=$((n_cases + 1))
    if [[ -z $wrong ]]; then
        printf 'ok %d - %s\n' "$n_cases" "$1"
    else
        printf 'not ok %d - %s\n' "$n_cases" "$1"
        printf '# %s\n' "${wrong//$'\n'/$'\n# '}"
        n_bad=$((n_bad + 1))
    fi
}

finish() {
    printf '1..%d\n' "$n_cases"
    ((n_bad == 0))
    exit
}
