#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Whether banjod, the kernel and the database have the same bans: what others did behind its back is
# found, told and put right. In a network namespace of its own, in a table that nobody owns, and with a
# banjod that does not hear what is done at nftables, as it would undo it at once. BANJOD and BANCTL name
# the binaries, DEAF the library made of deaf.c.

# ENTER of daemon.bash is words.
# shellcheck disable=SC2030,SC2031,SC2086

bats_require_minimum_version 1.5.0

load daemon

setup_file() {
        make_directory
        make_namespace -n
        inside ip link set lo up

        printf '[%s]\nenabled = yes\nports = %s\nfilter = %s\nbantime = %s\n' \
                sshd 22 sshd 1h mail 'smtp submission' postfix -1 >"$DIRECTORY/config/conf.d/jails.conf"

        printf '[banjo]\nownership = no\n' >"$DIRECTORY/config/conf.d/ownership.conf"

        start_bus
        export ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0
        start_deaf
}

start_deaf() {
        ENTER="$ENTER env LD_PRELOAD=$DEAF" start_banjod
}

teardown_file() {
        stop_banjod
        stop_bus
        kill "$NAMESPACE"
        rm -rf "$DIRECTORY"
}

setup() {
        cd "$DIRECTORY" || return
        banctl flush --yes --quiet
        banctl ban --quiet sshd 192.0.2.1 192.0.2.2 198.51.100.0/24 2001:db8:1::/64
        banctl ban --quiet mail 192.0.2.1
}

# Changes what another one may as well.
nft() {
        inside nft "$@"
}

change_store() {
        sqlite3 -cmd '.timeout 60000' state/banjo.db "$1" >/dev/null
}

# differs [KIND JAIL ADDRESS]...: what is found, and nothing else, in all bans and in the few of a sample
differs() {
        local wanted found options
        wanted=$(printf '%s %s %s\n' "$@" | sort)
        for options in '' --all; do
                run banctl verify --live $options --json=short
                found=$(jq -r '.differences[] | "\(.kind) \(.jail) \(.address)"' <<<"$output" | sort)
                [ "$status" = 7 ]
                if [ "$found" != "$wanted" ]; then
                        printf 'found: %s\n' "$found" >&2
                        return 1
                fi
        done
}

agrees() {
        run -0 banctl verify --live
        [[ $output == 'No difference in a sample of '* ]]
        run -0 banctl verify --live --all
        [ "$output" = "No difference in ${1:-5} bans." ]
}

# repaired TEXT: SIGUSR1 does it, and says so in one line
repaired() {
        local before
        before=$(wc -l <log)
        kill -USR1 "$(<banjod.pid)"
        wait_for said_since "$before" 'put right|as they should be'
        run said_since "$before" 'put right'
        [[ $output == *"put right: $1." ]]
        agrees "${2:-5}"
}

said_since() {
        tail -n "+$(($1 + 1))" log | grep -E "$2"
}

@test "what nobody touched agrees" {
        agrees
        run -0 banctl verify --live --json=short
        [ "$(jq -c 'del(.checked)' <<<"$output")" = '{"bans":5,"found":0,"differences":[]}' ]
        run -0 banctl verify --live --all --quiet
        [ -z "$output" ]

        kill -USR1 "$(<banjod.pid)"
        wait_for grep -q 'All 5 bans are in nftables and in the database as they should be.' log
}

@test "a ban that is longer than the kernel takes" {
        banctl ban sshd 192.0.2.200 --time=1000y --quiet
        agrees 6
        banctl unban 192.0.2.200 --quiet
}

@test "a ban that is missing in the kernel" {
        nft delete element inet banjo sshd-v4 '{ 192.0.2.1 }'
        differs missing-in-kernel sshd 192.0.2.1
        run -7 banctl verify --live --all
        [[ $output == *'banned, and not in nftables'* ]]
        [[ $output == *'1 difference, of 5 bans compared. `systemctl kill --signal=USR1 banjod` puts them right.' ]]
        run ! in_kernel sshd-v4 192.0.2.1
        repaired '1 missing in nftables'
        in_kernel sshd-v4 192.0.2.1
}

@test "all bans of a set are missing, and a prefix" {
        nft flush set inet banjo sshd-v4
        nft flush set inet banjo sshd-v4-24
        differs missing-in-kernel sshd 192.0.2.1 missing-in-kernel sshd 192.0.2.2 \
                missing-in-kernel sshd 198.51.100.0/24
        repaired '3 missing in nftables'
        in_kernel sshd-v4-24 198.51.100.0
}

@test "a ban with another end in the kernel, and a permanent one with an end" {
        nft delete element inet banjo sshd-v6-64 '{ 2001:db8:1:: }'
        nft add element inet banjo sshd-v6-64 '{ 2001:db8:1:: timeout 30m }'
        nft delete element inet banjo mail-v4 '{ 192.0.2.1 }'
        nft add element inet banjo mail-v4 '{ 192.0.2.1 timeout 1h }'
        differs other-end-in-kernel sshd 2001:db8:1::/64 other-end-in-kernel mail 192.0.2.1
        repaired '2 with another end in nftables'
}

@test "an address in the kernel that nobody banned" {
        nft add element inet banjo sshd-v4 '{ 192.0.2.99 timeout 1d, 192.0.2.98 }'
        differs unknown-in-kernel sshd 192.0.2.98 unknown-in-kernel sshd 192.0.2.99
        repaired '2 in nftables without a ban'
        run ! in_kernel sshd-v4 192.0.2.99
}

@test "a table that somebody changed" {
        nft flush chain inet banjo prerouting
        differs changed-table '' ''
        repaired 'the table was changed and is made anew'
        nft list chain inet banjo prerouting | grep -q vmap
}

@test "bans that are missing or different in the database, or are only there" {
        change_store "DELETE FROM bans WHERE jail = 'mail'"
        change_store "UPDATE bans SET end = end + 60000000 WHERE address = x'c0000202'"
        change_store "INSERT INTO bans SELECT jail, x'c0000263', 32, 4711, start, end, 5, pattern, reason, leaks
                FROM bans WHERE address = x'c0000201' AND jail = 'sshd'"
        differs missing-in-store mail 192.0.2.1 other-in-store sshd 192.0.2.2 unknown-in-store sshd 192.0.2.99
        repaired '1 missing in the database, 1 different in the database, 1 in the database without a ban'
        [ "$(sqlite3 -readonly state/banjo.db 'SELECT count(*) FROM bans')" = 5 ]
        # Which made nobody an offender.
        run -0 banctl why 192.0.2.99
        [[ $output == *'not running'* ]]
}

@test "rows of the database that make no sense do not hide those behind them" {
        change_store "WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 1250)
                INSERT INTO bans SELECT 'sshd', x'c0000263', i, 0, 0, 0, 0, '', NULL, 0 FROM n"
        change_store "INSERT INTO bans SELECT jail, x'c0000264', 32, 4712, start, end, 5, pattern, reason, leaks
                FROM bans WHERE address = x'c0000201' AND jail = 'sshd'"
        differs unknown-in-store sshd 192.0.2.100
        repaired '1 in the database without a ban'
        change_store 'DELETE FROM bans WHERE prefixlen >= 1000'
}

@test "what is repaired outlives a restart, and so do the others" {
        nft delete element inet banjo sshd-v4 '{ 192.0.2.1 }'
        change_store "DELETE FROM bans WHERE address = x'c0000201'"
        differs missing-in-kernel sshd 192.0.2.1 missing-in-store sshd 192.0.2.1 missing-in-store mail 192.0.2.1
        repaired '1 missing in nftables, 2 missing in the database'
        stop_banjod
        start_deaf
        agrees
}

@test "of many bans a sample is compared, and the first differences are told" {
        local i
        for i in {1..1100}; do printf '2001:db8:2::%x\n' "$i"; done |
                xargs "$BANCTL" --address="$ADDRESS" ban --quiet sshd
        agrees 1105
        run -0 banctl verify --live --json=short
        [ "$(jq -c '[.bans, .checked]' <<<"$output")" = '[1105,1000]' ]

        nft flush set inet banjo sshd-v6
        run -7 banctl verify --live --json=short
        (($(jq '.found' <<<"$output") > 500))
        [ "$(jq '.differences | length == (unique | length)' <<<"$output")" = true ]
        run -7 banctl verify --live --all --json=short
        [ "$(jq -c '[.checked, .found, (.differences | length)]' <<<"$output")" = '[1105,1100,1000]' ]
        repaired '1100 missing in nftables' 1105
}

@test "many may ask at a time" {
        local pids=() pid
        for ((i = 0; i < 5; i++)); do
                banctl verify --live --all >/dev/null &
                pids+=($!)
        done
        for pid in "${pids[@]}"; do
                wait "$pid"
        done
        agrees
}

@test "to compare all takes the right to" {
        ((EUID == 0)) || skip "for root"
        run -5 nobody "$BANCTL" --address="$ADDRESS" verify --live --all
}

@test "what does not go together is refused" {
        run -2 banctl verify --live /etc
        run -2 banctl verify --all
        run -2 banctl list --live
}
