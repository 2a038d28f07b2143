#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The command line of banctl, as far as it needs no banjod. BANCTL names the binary.

bats_require_minimum_version 1.5.0

setup() {
        export LC_ALL=C.UTF-8
}

# usage ARGUMENT...: is wrong usage, for which there is one line of reason
usage() {
        run -2 --separate-stderr "$BANCTL" "$@"
        [ -z "$output" ]
        [ "${#stderr_lines[@]}" = 1 ]
}

verbs() {
        "$BANCTL" --help | awk '/^  [a-z]/ { print $1 }'
}

@test "every verb has a help of its own, which fits 80 columns" {
        local verb

        [ "$(verbs | wc -l)" -ge 14 ]
        for verb in '' $(verbs); do
                # shellcheck disable=SC2086
                "$BANCTL" $verb --help >"$BATS_TEST_TMPDIR/help"
                [ "$(awk 'length > 80' "$BATS_TEST_TMPDIR/help")" = '' ]
                grep -q "^banctl $verb" "$BATS_TEST_TMPDIR/help"
                grep -q '^Options' "$BATS_TEST_TMPDIR/help"
                # shellcheck disable=SC2086
                diff "$BATS_TEST_TMPDIR/help" <("$BANCTL" help $verb)
        done
        "$BANCTL" ban --help | grep -q -- '--reason=TEXT'
        run -0 "$BANCTL" list --help
        [[ $output != *--reason* ]]
}

@test "what the examples of the help use, the verbs have" {
        local verb example

        for verb in $(verbs); do
                while read -r example; do
                        for option in $(grep -oE -- '--[a-z-]+' <<<"$example"); do
                                { "$BANCTL" "$verb" --help; "$BANCTL" --help; } | grep -qE -- "^  (-., )?$option"
                        done
                done < <("$BANCTL" "$verb" --help | sed -n '/^Examples/,$p' | grep -oE "banctl $verb [^|&]*")
        done
}

@test "an option of another verb is refused, with the verbs that have it" {
        usage list --time=1h
        [[ $stderr == 'banctl: list has no option --time: it belongs to ban'* ]]
        usage --since=-1h jails
        [ "$stderr" = 'banctl: jails has no option --since: it belongs to history, stats, test and log.' ]
        usage --explain
        [ "$stderr" = 'banctl: status has no option --explain: it belongs to test.' ]
        # Its name is a part of another verb's.
        usage unban 192.0.2.1 --force
        [ "$stderr" = 'banctl: unban has no option --force: it belongs to ban.' ]
}

@test "options that are not there, and values that are missing or too much" {
        usage list --no-legnd
        [ "$stderr" = 'banctl: There is no option --no-legnd. Did you mean --no-legend?' ]
        usage --xyzzy
        [ "$stderr" = 'banctl: There is no option --xyzzy; see banctl --help.' ]
        usage -x
        [ "$stderr" = 'banctl: There is no option -x; see banctl --help.' ]
        usage list -H
        [[ $stderr == 'banctl: -H takes a value'* ]]
        usage history --since
        [[ $stderr == 'banctl: --since takes a value'* ]]
        usage list --quiet=yes
        [ "$stderr" = 'banctl: --quiet takes no value.' ]
        usage list --json=long
        [ "$stderr" = 'banctl: --json=long: should be pretty, short or off.' ]
}

@test "verbs that are not there, and arguments that are missing or too many" {
        usage lsit
        [ "$stderr" = 'banctl: There is no verb "lsit". Did you mean list?' ]
        usage xyzzy
        [ "$stderr" = 'banctl: There is no verb "xyzzy"; see banctl --help.' ]
        usage lsit --help
        usage why
        [ "$stderr" = 'banctl: Usage: banctl why ADDRESS' ]
        usage list a b
}

@test "a jail is named once" {
        usage ban 192.0.2.1
        [[ $stderr == 'banctl: In which jail?'* ]]
        usage ban sshd 192.0.2.1 --jail=mail
        [ "$stderr" = 'banctl: Which jail: sshd, or --jail=mail?' ]
        usage unban --all-jails --jail=mail 192.0.2.1
        usage list sshd --jail=mail
}

@test "what reads files of this host is not asked of another" {
        local arguments

        for arguments in 'why 192.0.2.1' 'show sshd' verify 'test sshd'; do
                # shellcheck disable=SC2086
                usage $arguments --host=root@host.example
                [[ $stderr == *'--host= is not for it. Try `ssh root@host.example banctl '* ]]
        done
}
