#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What bans dropped, of packets over the loopback interface of a network namespace of its own. BANJOD and
# BANCTL name the binaries.

# ENTER of daemon.bash is words.
# shellcheck disable=SC2030,SC2031,SC2086

bats_require_minimum_version 1.5.0

load daemon

setup_file() {
        make_directory
        make_namespace -n
        inside ip link set lo up
        local i
        for i in 1 2 3 4; do inside ip address add 192.0.2.$i/32 dev lo; done

        printf '[banjo]\nownership = no\n[sshd]\nenabled = yes\nports = 22\nfilter = sshd\nbantime = 1h\n%s\n' \
                'counters = 2' >"$DIRECTORY/config/conf.d/jails.conf"
        start_bus
        start_banjod
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
        local i
        # The address of this host itself, in this order.
        for i in 1 2 3; do banctl ban --quiet --force sshd 192.0.2.$i; done
}

# send ADDRESS COUNT: so many datagrams of 60 bytes and more that begin a connection
send() {
        inside python3 - "$1" "$2" <<'END'
import socket, sys
for _ in range(int(sys.argv[2])):
    s = socket.socket()
    s.bind((sys.argv[1], 0))
    s.setblocking(False)
    s.connect_ex(("192.0.2.4", 22))
    s.close()
END
}

# dropped ADDRESS: packets, and whether bytes fit to them
dropped() {
        banctl list --json=short | jq -c --arg a "$1" '.[] | select(.address == $a) |
                [.packets, if .packets then .bytes >= 40 * .packets else .bytes end]'
}

# The kernel may take a packet up later than it was sent.
dropped_is() {
        [ "$(dropped "$1")" = "$2" ]
}

dropped_by_jail_is() {
        [ "$(dropped_by_jail)" = "$1" ]
}

dropped_by_jail() {
        banctl jails --json=short | jq '.[] | select(.name == "sshd").dropped_packets'
}

@test "a ban counts what it drops, as does its jail" {
        local before
        before=$(dropped_by_jail)
        [ "$(dropped 192.0.2.1)" = '[0,true]' ]
        send 192.0.2.1 5
        send 192.0.2.2 1
        wait_for dropped_is 192.0.2.1 '[5,true]'
        wait_for dropped_is 192.0.2.2 '[1,true]'
        wait_for dropped_by_jail_is $((before + 6))

        run -0 banctl list
        [[ ${lines[0]} == 'JAIL ADDRESS '*' DROPPED '* ]]
        [[ ${lines[1]} =~ ^sshd\ 192.0.2.1\ .*\ 5\ by\ hand ]]
        run -0 banctl why 192.0.2.1
        [[ $output =~ 'Dropped: 5 packets, '[0-9]+' bytes' ]]
        run -0 call ListCounters stu '' 0 0
        [[ $output =~ ^'a(tsstt) 2 '[0-9]+' "sshd" "192.0.2.1" 5 '[0-9]+ ]]
}

@test "more bans than counters have none, until one ends" {
        local before
        before=$(dropped_by_jail)
        send 192.0.2.3 2
        wait_for dropped_by_jail_is $((before + 2))
        [ "$(dropped 192.0.2.3)" = '[null,null]' ]
        run -0 banctl list
        [[ ${lines[3]} =~ ^sshd\ 192.0.2.3\ .*\ -\ by\ hand ]]
        run -0 banctl why 192.0.2.3
        [[ $output != *Dropped:* ]]

        banctl unban --quiet 192.0.2.1
        banctl unban --quiet 192.0.2.3
        banctl ban --quiet --force sshd 192.0.2.3
        send 192.0.2.3 2
        wait_for dropped_is 192.0.2.3 '[2,true]'
}

@test "a terminal says why some are not counted" {
        run -0 inside script -qec "$BANCTL --address=$ADDRESS --no-pager list" /dev/null
        [[ $output == *'1 of these bans has no counter; see `counters` in banjo.conf(5).'* ]]
        run -0 inside script -qec "$BANCTL --address=$ADDRESS --no-pager --quiet list" /dev/null
        [[ $output == *192.0.2.1* && $output != *'no counter'* ]]
}

@test "a ban that is made longer goes on counting" {
        send 192.0.2.1 3
        wait_for dropped_is 192.0.2.1 '[3,true]'
        banctl ban --quiet --force sshd 192.0.2.1 --time=2h
        send 192.0.2.1 1
        wait_for dropped_is 192.0.2.1 '[4,true]'
}

@test "counts go on over a restart" {
        local before
        send 192.0.2.1 3
        wait_for dropped_is 192.0.2.1 '[3,true]'
        before=$(dropped_by_jail)
        stop_banjod
        send 192.0.2.1 1
        start_banjod
        wait_for dropped_is 192.0.2.1 '[4,true]'
        wait_for dropped_by_jail_is $((before + 1))
        send 192.0.2.1 1
        wait_for dropped_is 192.0.2.1 '[5,true]'
        wait_for dropped_by_jail_is $((before + 2))
}

@test "the count of a jail does not go back when somebody removes the table" {
        local before
        send 192.0.2.1 3
        wait_for dropped_is 192.0.2.1 '[3,true]'
        before=$(dropped_by_jail)
        inside nft flush ruleset
        wait_for in_kernel sshd-v4 192.0.2.1
        send 192.0.2.1 2
        wait_for dropped_by_jail_is $((before + 2))
        wait_for dropped_is 192.0.2.1 '[2,true]'
}

@test "a jail without counters counts as a whole" {
        sed -i 's/^counters = .*/counters = 0/' config/conf.d/jails.conf
        banctl reload
        banctl flush --yes --quiet
        banctl ban --quiet --force sshd 192.0.2.1
        local before
        before=$(dropped_by_jail)
        send 192.0.2.1 2
        wait_for dropped_by_jail_is $((before + 2))
        [ "$(dropped 192.0.2.1)" = '[null,null]' ]
}
