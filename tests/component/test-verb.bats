#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# banctl test on a real journal and on what the real journalctl makes of it. BANCTL names the
# binary.

# shellcheck disable=SC2030,SC2031,SC2034

bats_require_minimum_version 1.5.0

load journals

setup_file() {
        need_journals
        DIRECTORY=$(mktemp -d)
        export DIRECTORY TZ=UTC
        cd "$DIRECTORY" || return
        mkdir -p config/{conf.d,filters}
        : >config/banjo.conf

        # Not the one that is shipped, which others change.
        cat >config/filters/sshd.conf <<'END'
[filter]
units = ssh.service
require = _UID=0
session = _PID
[define]
peer = '<ADDR> port <PORT>'
[fail]
password = 'Failed password for <USER> from <peer> ssh2'
pam = 'error: PAM: .* for <USER> from <ADDR>'
[once]
closed = 'Connection closed by (?:authenticating|invalid) user <USER> <peer> \[preauth\]'
[context]
unknown-user = 'Invalid user <USER> from <peer>'
END

        BASE=1795500000
        # A password; a name without an address before; a line for nobody; a session that ends.
        sshd 1 100 'Failed password for root from 192.0.2.1 port 22 ssh2'
        sshd 2 101 'Invalid user bob from 192.0.2.2 port 4711'
        sshd 3 101 'Connection closed by invalid user bob 192.0.2.2 port 4711 [preauth]'
        sshd 4 102 'Failed publickey for root from 192.0.2.3 port 22 ssh2'
        sshd 5 100 'Connection closed by authenticating user root 192.0.2.1 port 22 [preauth]'
        sshd 6 103 'Failed password for a=b: [7] from 2001:db8::1 port 22 ssh2'
        entry 7 _SYSTEMD_UNIT=web.service _COMM=web SYSLOG_IDENTIFIER=web _PID=9 'MESSAGE=hello'
        journal
}

teardown_file() {
        rm -rf "$DIRECTORY"
}

setup() {
        cd "$DIRECTORY" || return
}

banctl() {
        "$BANCTL" test --config-dir=config "$@"
}

# What became of each line, without the line itself.
outcome() {
        jq -c '[.result, .pattern, .address, .fields, .session, .failures]'
}

show() {
        journalctl --file=x.journal --no-pager "$@"
}

@test "each format of journalctl gives the same results" {
        show -o json | banctl sshd - --json | outcome >expected
        run cat expected
        echo "$output"
        [ "${#lines[@]}" -eq 7 ]
        [ "${lines[0]}" = '["fail","password","192.0.2.1",{"user":"root","port":"22"},"100",1]' ]
        [ "${lines[1]}" = '["context","unknown-user","192.0.2.2",{"user":"bob","port":"4711"},"101",0]' ]
        [ "${lines[2]}" = '["once","closed","192.0.2.2",{"user":"bob","port":"4711"},"101",1]' ]
        [ "${lines[3]}" = '["miss",null,null,{},"102",0]' ]
        [ "${lines[4]}" = '["once","closed","192.0.2.1",{"user":"root","port":"22"},"100",0]' ]
        [ "${lines[5]}" = '["fail","password","2001:db8::1",{"user":"a=b: [7]","port":"22"},"103",1]' ]
        [ "${lines[6]}" = '["miss",null,null,{},"9",0]' ]

        for format in export short short-iso short-precise short-full short-iso-precise; do
                show -o "$format" | banctl sshd - --json | outcome >got
                diff expected got
                show -o "$format" >file
                banctl sshd file --json --format="$format" | outcome >got
                diff expected got
        done
}

@test "messages alone have no session, so closing lines count" {
        run -0 bash -c 'journalctl --file=x.journal -o cat | "$BANCTL" test --config-dir=config sshd - --json'
        echo "$output"
        [ "$(outcome <<<"${lines[0]}")" = '["fail","password","192.0.2.1",{"user":"root","port":"22"},null,1]' ]
        [ "$(jq -c '[.result, .failures]' <<<"${lines[4]}")" = '["once",1]' ]
}

@test "the journal itself: what the filter's units say" {
        run -0 banctl sshd --journal=x.journal --json
        [ "${#lines[@]}" -eq 6 ]
        printf '%s\n' "${lines[@]}" | outcome | diff - <(head -6 expected)
}

@test "the journal itself: by unit, glob and time" {
        run -1 banctl sshd --journal=x.journal --unit=web --json
        [ "${#lines[@]}" -eq 1 ]
        run -0 banctl sshd --journal=x.journal --unit='w*' --unit=ssh.service --json
        [ "${#lines[@]}" -eq 7 ]
        run -0 banctl sshd --journal=x.journal --since=@1795500003 --until='2026-11-24 06:00:05' --json
        echo "$output"
        [ "${#lines[@]}" -eq 3 ]
        [ "$(jq -r .session <<<"${lines[0]}")" = 101 ]
}

@test "a pattern without a filter" {
        run -0 banctl --pattern='Failed publickey for <USER> from <ADDR> port <PORT> ssh2' --journal=x.journal
        echo "$output"
        [[ $output == *'[fail] 1'*1* ]]
        [[ $output == *192.0.2.3* ]]
        run -1 banctl --pattern='nothing like <ADDR>' --journal=x.journal
        run -2 banctl --pattern='a(' --journal=x.journal
        [[ $output == *"missing closing parenthesis"* ]]
}

@test "the summary names what hit, what never did and what looks like failure" {
        run -0 banctl sshd --journal=x.journal
        echo "$output"
        [[ $output == *'[fail] password '*' 2'* ]]
        [[ $output == *'[fail] pam '*never* ]]
        [[ $output == *'1 x  Failed publickey for # from # port # #'* ]]
        [[ $output == *'6 lines (journal): 2 fail, 2 once, 0 ignore, 1 context, 0 begin, 0 clear, 1 miss.'* ]]
        [[ $output == *'3 failures of 3 addresses.'* ]]
}

@test "a single line that is missed is explained" {
        run -1 banctl sshd - <<<'Failed password for root from 192.0.2.1 port 22 ssh3'
        echo "$output"
        [[ $output == *"nearest: [fail] password"* ]]
        [ "$(grep -A1 '^ *Failed password' <<<"$output" | tail -1)" = '                                                            ^' ]
}

@test "lines are printed when asked for" {
        run -0 banctl sshd --journal=x.journal --print=once
        [ "$(grep -c '^once ' <<<"$output")" -eq 2 ]
        run -0 banctl sshd --journal=x.journal --print=session,miss
        [ "$(grep -c '^\(miss\|context\) ' <<<"$output")" -eq 2 ]
        run -2 banctl sshd --journal=x.journal --print=some
}

@test "bytes that are no text reach neither terminal nor JSON" {
        printf 'Failed password for \033[31m\377 from 192.0.2.1 port 22 ssh2\n' >bytes
        run -0 banctl sshd bytes --print=all
        [[ $output == *'for \x1b[31m\xff from'* ]]
        run -0 banctl sshd bytes --json
        [ "$(jq -r .fields.user <<<"$output")" = $'\033[31m\\xff' ]
        [ "$(jq -r .address <<<"$output")" = 192.0.2.1 ]

        # journalctl leaves such messages out of the short format, and that is said.
        printf '__REALTIME_TIMESTAMP=1795500000000000\n__MONOTONIC_TIMESTAMP=1\n' >entries
        printf '_BOOT_ID=11111111111111111111111111111111\nSYSLOG_IDENTIFIER=sshd\n_PID=1\nMESSAGE\n\53\0\0\0\0\0\0\0' >>entries
        printf 'Failed password for \377 from 192.0.2.1 port 1\n\n' >>entries
        journal bytes.journal
        for format in json export; do
                journalctl --file=bytes.journal -o $format >bytes
                run banctl --pattern='Failed password for <USER> from <ADDR> port <PORT>' bytes --json
                echo "$format: $output"
                [ "$(jq -r .fields.user <<<"$output")" = '\xff' ]
        done
        journalctl --file=bytes.journal -o short >bytes
        run -1 banctl sshd bytes
        [[ $output == *'1 messages were left out by journalctl'* ]]
}

@test "a jail has its groups, a filter all of them" {
        printf '[filter]\nunits = a.service\n[fail]\none = "one <ADDR>"\n[fail.more]\ntwo = "two <ADDR>"\n' >config/filters/mine.conf
        printf '[mine-jail]\nenabled = yes\nfilter = mine\nports = 22\n' >config/conf.d/mine.conf
        printf 'one 192.0.2.1\ntwo 192.0.2.2\n' >few
        run -0 banctl mine few --json
        [ "$(jq -r .result <<<"$output" | tr '\n' ' ')" = 'fail fail ' ]
        run -0 banctl mine few --json --groups=normal
        [ "$(jq -r .result <<<"$output" | tr '\n' ' ')" = 'fail miss ' ]
        run -0 banctl mine-jail few --json
        [ "$(jq -r .result <<<"$output" | tr '\n' ' ')" = 'fail miss ' ]
        run -0 banctl mine-jail few --json --groups=more
        [ "$(jq -r .result <<<"$output" | tr '\n' ' ')" = 'fail fail ' ]
        run -0 banctl ./config/filters/mine.conf few
        [[ $output == *'[fail.more] two'* ]]
        run -2 banctl mine few --groups=less
}

@test "wrong usage is 2" {
        run -2 banctl
        run -2 banctl nothing few
        run -2 banctl sshd no-such-file
        run -2 banctl sshd few --format=xml
        run -2 banctl sshd few --since=today
        run -2 banctl sshd --since=whenever
        run -2 banctl --pattern=x a b
}

@test "a jail that counts bans has nothing to test" {
        printf '[again]\nsource = bans\nports = any\n' >config/conf.d/again.conf
        run -2 banctl again
        [ "$output" = 'banctl: The jail "again" counts the bans of others: it has no filter to test.' ]
}
