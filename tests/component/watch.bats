#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# banjod beside others who change its table of bans, or keep it, in a network namespace of its own:
# `ownership` and `on_stop`. BANJOD and BANCTL name the binaries.

# ENTER of daemon.bash is words.
# shellcheck disable=SC2086

bats_require_minimum_version 1.5.0

load daemon

setup_file() {
        make_host
        printf '[sshd]\nenabled = yes\nports = 22\nfilter = sshd\nbantime = 1h\n' \
                >"$DIRECTORY/config/conf.d/jails.conf"
}

teardown_file() {
        remove_host
}

teardown() {
        stop_banjod
        inside nft flush ruleset
        rm -f "$DIRECTORY"/state/* "$DIRECTORY/log"
}

# start_with KEY=VALUE...: as [banjo] has them
start_with() {
        configure "$@"
        start_banjod
        wait_for is_settled
}

configure() {
        { echo '[banjo]'; printf '%s\n' "$@"; } >"$DIRECTORY/config/conf.d/banjo.conf"
}

is_settled() {
        inside nft list table inet banjo && ! inside nft list table inet banjo-kept
} >/dev/null 2>&1

# Whether others may change the table.
is_open() {
        inside nft 'add counter inet banjo theirs; delete counter inet banjo theirs' 2>/dev/null
}

is_closed() {
        ! is_open
}

is_awake() {
        [[ $(inside nft list table inet banjo) != *dormant* ]]
}

# How often it was undone what others did.
repairs() {
        grep -c 'and that was undone' "$DIRECTORY/log" || true
}

has_repaired() {
        (($(repairs) >= $1))
}

is_gone() {
        ! in_kernel "$@"
}

# The rules lead to the ban: the packets of a port come to the chain of its jail.
is_whole() {
        in_kernel sshd-v4 192.0.2.1 && in_kernel sshd-v4 192.0.2.2 && is_settled && in_port_map 22
}

ban_two() {
        banctl ban sshd 192.0.2.1 --quiet
        banctl ban sshd 192.0.2.2 --time=permanent --quiet
        is_whole
}

@test "what others do to the table is undone, and the message says who did it" {
        local n=0 change

        start_with ownership=no
        ban_two
        for change in 'flush ruleset' 'delete table inet banjo' 'flush chain inet banjo prerouting' \
                "flush map inet banjo $(port_map)" 'delete element inet banjo sshd-v4 { 192.0.2.1 }' \
                'flush set inet banjo sshd-v4' 'add table inet banjo { flags dormant; }'; do
                inside nft "$change"
                n=$((n + 1))
                wait_for has_repaired $n
                wait_for is_whole
                wait_for is_awake
        done
        grep -qE 'Somebody else \(nft, process [0-9]+\) changed the nftables table inet banjo' "$DIRECTORY/log"
        grep -qE 'Somebody else \(nft, process [0-9]+\) changed bans in' "$DIRECTORY/log"
}

@test "bans that others add or change are what banjod says" {
        start_with ownership=no
        ban_two
        inside nft 'add element inet banjo sshd-v4 { 192.0.2.3, 192.0.2.4 }'
        wait_for is_gone sshd-v4 192.0.2.3
        wait_for is_gone sshd-v4 192.0.2.4
        inside nft 'delete element inet banjo sshd-v4 { 192.0.2.2 }; add element inet banjo sshd-v4 { 192.0.2.2 timeout 1s }'
        wait_for has_no_end 192.0.2.2
        is_whole
}

has_no_end() {
        inside nft get element inet banjo sshd-v4 "{ $1 }" >"$DIRECTORY/element" 2>/dev/null &&
                ! grep -q timeout <(sed 1,/elements/d "$DIRECTORY/element") && ! grep -q expires "$DIRECTORY/element"
}

@test "a ruleset saved with the table and loaded again brings no ban back" {
        # nft cannot read what it prints of elements that count.
        start_with ownership=no '[default]' counters=0
        ban_two
        banctl ban sshd 192.0.2.3 --time=permanent --quiet
        { echo 'flush ruleset'; inside nft list ruleset; } >"$DIRECTORY/saved.nft"
        banctl unban 192.0.2.3 --quiet
        inside nft -f "$DIRECTORY/saved.nft"
        wait_for is_gone sshd-v4 192.0.2.3
        wait_for is_whole
}

@test "who changes the table in a loop is undone now and then, and at last" {
        local begin=$SECONDS

        start_with ownership=no
        ban_two
        inside sh -c 'i=0; while [ $i -lt 1500 ]; do i=$((i + 1)); echo "delete table inet banjo" |
                nft -f - 2>/dev/null; done; exit 0'
        wait_for is_whole
        # The first within 13 seconds, with pauses that double, and then one in ten seconds.
        echo "$(repairs) repairs within $((SECONDS - begin)) s"
        (($(repairs) >= 1 && $(repairs) <= 9 + (SECONDS - begin) / 10))
        # And still decides and answers.
        banctl ban sshd 192.0.2.9 --quiet
        wait_for in_kernel sshd-v4 192.0.2.9
}

@test "the repair is signalled" {
        start_with ownership=no
        ban_two
        background "$DIRECTORY/heard" busctl --address="$ADDRESS" monitor
        wait_for grep -q Monitoring "$DIRECTORY/heard"
        inside nft flush ruleset
        tells_of_rules() {
                grep -A5 Member=FirewallRepaired "$DIRECTORY/heard" | grep -q 'STRING "rules"'
        }
        wait_for tells_of_rules
        kill $!
}

@test "changes at other tables are nobody's business" {
        start_with ownership=no
        ban_two
        inside nft 'add table inet other; add set inet other s { type ipv4_addr; elements = { 192.0.2.1 }; }; delete table inet other'
        inside nft 'delete element inet banjo sshd-v4 { 192.0.2.1 }'
        wait_for has_repaired 1
        (($(repairs) == 1))
        is_whole
}

@test "ownership changes by a reload, and by a restart" {
        start_with ownership=no
        ban_two
        wait_for is_open
        configure ownership=yes
        banctl reload
        wait_for is_closed
        wait_for is_whole
        configure ownership=no
        banctl reload
        wait_for is_open
        wait_for is_whole
        stop_banjod
        start_with ownership=auto
        wait_for is_closed
        wait_for is_whole
        stop_banjod
        start_with ownership=no
        wait_for is_open
        wait_for is_whole
}

@test "a second banjod says that the table is owned" {
        start_with ownership=yes
        mkdir -p "$DIRECTORY/state2"
        run inside "$BANJOD" --config-dir="$DIRECTORY/config" --state-dir="$DIRECTORY/state2" \
                --journal="$DIRECTORY/journal" --bus=none
        ((status != 0))
        [[ $output == *'Another process owns the nftables table inet banjo'* ]]
}

@test "on_stop says whether bans stay in the kernel" {
        start_with on_stop=keep
        ban_two
        stop_banjod
        is_whole
        start_with on_stop=remove
        is_whole
        stop_banjod
        [[ -z $(inside nft list tables) ]]
        # None of them ended.
        start_with on_stop=remove
        wait_for is_whole
        # Only a clean end is one.
        kill -KILL "$(<"$DIRECTORY/banjod.pid")"
        wait_for gone "$(<"$DIRECTORY/banjod.pid")"
        is_whole
        start_with on_stop=keep
}
