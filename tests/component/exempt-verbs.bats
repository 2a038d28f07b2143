#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What is allowed, paused and flushed by hand with banctl. BANJOD and BANCTL name the binaries.

# shellcheck disable=SC2030,SC2031

bats_require_minimum_version 1.5.0

load daemon

setup_file() {
        export LC_ALL=C.UTF-8
        make_directory
        make_namespace -n
        cd "$DIRECTORY" || return
        inside ip link set lo up
        printf '[%s]\nenabled = yes\nports = 22\nfilter = %s\nbantime = 1h\n' sshd sshd mail postfix >config/conf.d/jails.conf
        start_bus
        start_banjod --firewall=none
}

teardown_file() {
        stop_banjod
        stop_bus
        kill "$NAMESPACE"
        rm -rf "$DIRECTORY"
}

setup() {
        cd "$DIRECTORY" || return
}

@test "who is allowed is not banned, until that is removed" {
        banctl ban sshd 192.0.2.7 --quiet
        run -0 banctl allow 192.0.2.7 --time=2h --reason='a test'
        [ "$output" = 'Allowed 192.0.2.7 for 2h.' ]
        banctl list --json=short | jq -e '. == []'
        run -4 banctl ban sshd 192.0.2.7
        banctl allow --json=short | jq -e 'length == 1 and .[0].address == "192.0.2.7" and
                .[0].reason == "a test" and .[0].until_usec - .[0].since_usec == 7200000000'
        run -0 banctl allow
        [[ ${lines[0]} =~ ^'ADDRESS '\ +AGE\ REMAINING\ REASON$ && ${lines[1]} =~ ^'192.0.2.7 '.*' a test'$ ]]

        run -0 banctl allow --remove 192.0.2.7 192.0.2.8
        [ "$output" = $'192.0.2.7 is not allowed any more.\n192.0.2.8 was not allowed.' ]
        [ "$(banctl allow --json=short)" = '[]' ]
        banctl ban sshd 192.0.2.7 --quiet
        banctl unban 192.0.2.7 --quiet
}

@test "several are allowed, also from the standard input" {
        printf '192.0.2.0/28 # ours\n\n2001:db8::/64\n' | banctl allow 203.0.113.1 - --quiet
        [ "$(banctl allow --no-legend | wc -l)" = 3 ]
        banctl allow --remove 192.0.2.0/28 2001:db8::/64 203.0.113.1 --json=short |
                jq -e 'map(.removed) == [true, true, true]'
}

@test "wrong ways to allow" {
        run -2 banctl allow --remove
        run -2 banctl allow --time=1h
        run -2 banctl allow 192.0.2.1 --time=never
        run -2 banctl allow 192.0.2.1 --remove --time=1h
        run -2 banctl allow 192.0.2.300
        run -1 banctl allow 0.0.0.0/0
        [ "$(banctl allow --json=short)" = '[]' ]
}

@test "a jail that pauses bans nobody, and status says so" {
        banctl pause sshd
        banctl jails --json=short | jq -e 'map(select(.paused).name) == ["sshd"]'
        banctl status --json=short | jq -e 'any(.warnings[]; .kind == "paused" and .jail == "sshd")'
        banctl jails | grep -q '^sshd paused '
        banctl resume sshd
        banctl jails --json=short | jq -e 'map(select(.paused)) == []'
        run -1 banctl pause nowhere
        [[ $output == *nowhere* ]]
        run -2 banctl pause
}

@test "one jail is flushed, and not the other" {
        banctl ban sshd 192.0.2.1 192.0.2.2 --quiet
        banctl ban mail 192.0.2.3 --quiet
        run -0 banctl flush --yes --jail=sshd
        [ "$output" = '2 bans lifted.' ]
        banctl list --json=short | jq -e 'map(.address) == ["192.0.2.3"]'
        banctl flush --yes --quiet
        run -3 "$BANCTL" --address=unix:path=/nowhere flush --yes --jail=sshd --state-dir="$DIRECTORY/nothing"
}
