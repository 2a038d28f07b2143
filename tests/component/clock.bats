#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# banjod while the clock is set. BANJOD names the binary, SET_CLOCK the library made of set-clock.c.

# shellcheck disable=SC2030,SC2031

bats_require_minimum_version 1.5.0

load daemon
load journals

setup_file() {
        need_journals
        need_namespaces
}

setup() {
        # 40 minutes ago, so that 20 remain of a ban of an hour.
        enter_directory -2400
        jail sshd 'ports = 22' 'maxretry = 1' 'bantime = 1h'
        set_clock 2400
}

teardown() {
        [ -z "${MONITOR:-}" ] || kill "$MONITOR"
        [ -z "${PID:-}" ] || stop
        leave_directory
}

# set_clock SECOND: banjod's clock stands still there, so many seconds after BASE. It never reads half a
# file.
set_clock() {
        echo "@$((BASE + $1))" >clock.new
        mv clock.new clock
}

# attack SECOND ADDRESS: a wrong password, which the journal has at once
attack() {
        wrong "$@"
        journal journal/x.journal
}

start() {
        export ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0
        LD_PRELOAD=$SET_CLOCK CLOCK_OFFSET=$PWD/clock background log unshare -rn "$BANJOD" \
                --config-dir=config --state-dir=state --journal=journal --bus=none
        PID=$!
}

stop() {
        kill "$PID"
        wait_for gone "$PID"
}

# In the namespaces of banjod.
beside() {
        nsenter -t "$PID" -U -n --preserve-credentials "$@"
}

# kernel_has ADDRESS TIMEOUT
kernel_has() {
        local table

        table=$(beside nft list set inet banjo sshd-v4 2>/dev/null) || return
        [[ $table =~ $1[^,]*" timeout $2 " ]]
}

@test "what remains of a ban follows the clock" {
        attack 0 192.0.2.1
        start
        wait_for kernel_has 192.0.2.1 20m

        # Half an hour back: in the kernel it would end half an hour early.
        set_clock 600
        attack 1 192.0.2.2
        wait_for kernel_has 192.0.2.1 50m
        wait_for kernel_has 192.0.2.2 50m1s

        # And forward again.
        set_clock 3000
        attack 2 192.0.2.3
        wait_for kernel_has 192.0.2.1 10m
}

@test "a clock that is set past the end of a ban ends it" {
        attack 0 192.0.2.1
        start
        wait_for kernel_has 192.0.2.1 20m

        set_clock 3660
        attack 600 192.0.2.2
        wait_for kernel_has 192.0.2.2 9m
        wait_for is_ended C0000201
}

@test "who was banned while the clock was ahead is banned again when it is right" {
        local now
        # The clock goes on, as the ban ends by it.
        rm clock
        jail sshd 'ports = 22' 'maxretry = 1' 'bantime = 5s'
        start
        wait_for test -e state/banjo.db
        monitor
        attack 100000 192.0.2.1
        wait_for is_ended C0000201
        wait_for grep -qE 'banjo sshd-v4 \{ 192\.0\.2\.1 .*timeout 5s ' monitored

        jail sshd 'ports = 22' 'maxretry = 1' 'bantime = 1h'
        reload
        # Of the second after this one, since what was before the end does not count.
        now=$(($(date +%s) - BASE))
        set_clock $now
        attack $((now + 1)) 192.0.2.1
        wait_for kernel_has 192.0.2.1 1h
}

# Begins to write down what happens to nftables.
monitor() {
        background monitored nsenter -t "$PID" -U -n --preserve-credentials nft monitor
        MONITOR=$!
        is_monitored() {
                beside nft 'add table inet test; delete table inet test'
                grep -q 'inet test' monitored
        }
        wait_for is_monitored
}

@test "a ban of before a boot in the past goes on when the clock is right" {
        attack 0 192.0.2.1
        start
        wait_for kernel_has 192.0.2.1 20m
        stop

        set_clock $((3600 - BASE))
        start
        wait_for kernel_has 192.0.2.1 1h

        set_clock 2400
        attack 1 192.0.2.2
        wait_for kernel_has 192.0.2.2 20m1s
        wait_for kernel_has 192.0.2.1 20m
}

@test "whose ban ended while the clock was a year ahead counts again when it is right, also over a restart" {
        local year=31536000
        jail sshd 'ports = 22' 'maxretry = 1' 'bantime = 1s'
        set_clock $((year + 2400))
        attack $((year + 1)) 192.0.2.1
        attack $((year + 1)) 192.0.2.2
        start
        wait_for has_ended C0000201
        wait_for has_ended C0000202

        jail sshd 'ports = 22' 'maxretry = 1' 'bantime = 1h'
        reload
        attack $((year + 10)) 192.0.2.3
        wait_for kernel_has 192.0.2.3 20m10s
        set_clock 2400
        attack 2401 192.0.2.1
        wait_for kernel_has 192.0.2.1 1h

        stop
        start
        wait_for kernel_has 192.0.2.1 1h
        attack 2402 192.0.2.2
        wait_for kernel_has 192.0.2.2 1h
}

# Once it is done with.
reload() {
        kill -HUP "$PID"
        wait_for grep 'Configuration reloaded' log
}

has_ended() {
        [ "$(sqlite3 state/banjo.db "SELECT count(*) FROM ended WHERE hex(address) = '$1'" 2>/dev/null)" = 1 ]
}

is_ended() {
        [ "$(sqlite3 state/banjo.db "SELECT cause FROM ended WHERE hex(address) = '$1'")" = expired ]
}
