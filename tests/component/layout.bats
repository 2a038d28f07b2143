#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a reload makes of banjod's table of bans, in a network namespace of its own: `hook` and
# `devices`, and jails that begin and cease to share ports. BANJOD and BANCTL name the binaries.

# ENTER of daemon.bash is words.
# shellcheck disable=SC2086

bats_require_minimum_version 1.5.0

load daemon

setup_file() {
        make_host
}

teardown_file() {
        remove_host
}

setup() {
        jail sshd 22
        banjo hook=prerouting
}

teardown() {
        stop_banjod
        inside nft flush ruleset
        rm -f "$DIRECTORY"/state/* "$DIRECTORY/log" "$DIRECTORY"/config/conf.d/*
}

# jail NAME PORTS
jail() {
        printf '[%s]\nenabled = yes\nports = %s\nfilter = sshd\nbantime = 1h\n' "$1" "$2" \
                >"$DIRECTORY/config/conf.d/$1.conf"
}

# banjo KEY=VALUE...: as [banjo] has them
banjo() {
        { echo '[banjo]'; printf '%s\n' "$@"; } >"$DIRECTORY/config/conf.d/banjo.conf"
}

# has_base_chains NAME...: these and no others, which are in the order in which they were made.
has_base_chains() {
        [ "$(inside nft list table inet banjo | grep -B1 'type filter hook' | sed -n 's/^\tchain \(.*\) {/\1/p' | sort)" = "$(printf '%s\n' "$@" | sort)" ]
}

is_gone() {
        ! in_kernel "$@"
}

has_no_gate() {
        ! inside nft list set inet banjo .gate-v4
}

# Whether the chain of jails that share ports looks into the gate.
is_gated() {
        inside nft list chain inet banjo "$1" 2>/dev/null | grep -q 'saddr @.gate-v4 goto'
}

@test "a reload changes the hook" {
        start_banjod
        banctl ban sshd 192.0.2.1 --quiet
        has_base_chains prerouting

        banjo hook=input
        banctl reload --quiet
        has_base_chains input
        in_kernel sshd-v4 192.0.2.1

        banjo hook=ingress 'devices=lo later0'
        banctl reload --quiet
        has_base_chains ingress-lo
        in_kernel sshd-v4 192.0.2.1
        wait_for grep -q 'Not all of the network devices are there' "$DIRECTORY/log"

        banjo hook=prerouting
        banctl reload --quiet
        has_base_chains prerouting
}

# are_missing DEVICE...: what banctl says of devices that the configuration names
are_missing() {
        [ "$(banctl status --json=short | jq -r '.warnings[] | select(.kind == "missing-device").text' |
                sed -n 's/.*device \(.*\), which.*/\1/p' | xargs)" = "$*" ]
}

@test "a network device that comes, goes and comes again is taken in" {
        local ownership

        for ownership in yes no; do
                banjo hook=ingress 'devices=later0 lo later2' "ownership=$ownership"
                start_banjod
                banctl ban sshd 192.0.2.1 --quiet
                has_base_chains ingress-lo
                are_missing later0 later2

                inside ip link add later0 type veth peer name later1
                wait_for has_base_chains ingress-lo ingress-later0
                inside ip link delete later0
                wait_for has_base_chains ingress-lo
                inside ip link add other type veth peer name later2
                wait_for has_base_chains ingress-lo ingress-later2
                inside ip link delete later2
                inside ip link add later0 type veth peer name later2
                wait_for has_base_chains ingress-lo ingress-later0 ingress-later2
                are_missing
                in_kernel sshd-v4 192.0.2.1

                # One of the same name is another one.
                inside ip link set later0 name away
                inside ip link set later2 name later0
                wait_for has_base_chains ingress-lo ingress-later0
                inside ip link delete away
                wait_for has_base_chains ingress-lo

                banjo hook=prerouting "ownership=$ownership"
                banctl reload --quiet
                inside ip link add later0 type veth peer name later2
                banctl reload --quiet
                has_base_chains prerouting
                inside ip link delete later0
                stop_banjod
                inside nft flush ruleset
        done
}

@test "a map of ports is never changed while packets look into it" {
        local first

        start_banjod
        first=$(port_map)
        banctl reload --quiet
        [ "$(port_map)" = "$first" ]

        jail sshd 2222
        banctl reload --quiet
        [ "$(port_map)" != "$first" ]
        in_port_map 2222
        run -1 in_port_map 22
        ! inside nft list map inet banjo "$first"
}

@test "who is allowed for a time leaves the others in the gate" {
        jail other 22
        start_banjod
        banctl ban sshd 192.0.2.1 --quiet
        wait_for is_gated ports-sshd.other

        banctl allow 198.51.100.7 --quiet
        wait_for is_gated ports-sshd.other
        in_kernel .gate-v4 192.0.2.1

        banctl allow --remove 198.51.100.7 --quiet
        wait_for is_gated ports-sshd.other
        in_kernel .gate-v4 192.0.2.1
}

@test "jails that share ports since a reload have their bans in the gate" {
        start_banjod
        banctl ban sshd 192.0.2.1 --time=12h --quiet
        banctl ban sshd 192.0.2.2 --time=permanent --quiet
        is_gone .gate-v4 192.0.2.1

        jail other 22,80
        banctl reload --quiet
        wait_for is_gated ports-sshd.other
        in_kernel .gate-v4 192.0.2.1
        in_kernel .gate-v4 192.0.2.2

        # For as long as the longest has it.
        banctl ban other 192.0.2.1 --time=2d --quiet
        inside nft get element inet banjo .gate-v4 '{ 192.0.2.1 }' | grep -q 'expires 1d23h'
        banctl unban other 192.0.2.1 --quiet
        inside nft get element inet banjo .gate-v4 '{ 192.0.2.1 }' | grep -qE 'expires 1[12]h'
        banctl unban sshd 192.0.2.1 --quiet
        is_gone .gate-v4 192.0.2.1

        # A restart finds it and fills it anew.
        stop_banjod
        start_banjod
        wait_for is_gated ports-sshd.other
        in_kernel .gate-v4 192.0.2.2

        rm "$DIRECTORY/config/conf.d/other.conf"
        banctl reload --quiet
        in_kernel sshd-v4 192.0.2.2
        has_no_gate
}
