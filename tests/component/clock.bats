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
        echo 0 >offset
}

teardown() {
        [ -z "${PID:-}" ] || kill "$PID"
        leave_directory
}

# attack SECOND ADDRESS: a wrong password, which the journal has at once
attack() {
        wrong "$@"
        journal journal/x.journal
}

start() {
        export ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0
        LD_PRELOAD=$SET_CLOCK CLOCK_OFFSET=$PWD/offset background log unshare -rn "$BANJOD" \
                --config-dir=config --state-dir=state --journal=journal --bus=none
        PID=$!
}

# The kernel's timeout of an address matches this.
kernel_has() {
        local table

        table=$(nsenter -t "$PID" -U -n --preserve-credentials nft list set inet banjo sshd-v4 2>/dev/null) || return
        [[ $table =~ $1[^,]*" timeout "$2 ]]
}

@test "what remains of a ban follows the clock" {
        attack 0 192.0.2.1
        start
        wait_for kernel_has 192.0.2.1 '(20m|19m5)'

        # Half an hour back: in the kernel it would end half an hour early.
        echo -1800 >offset
        attack 1 192.0.2.2
        wait_for kernel_has 192.0.2.1 '(50m|49m5)'
        kernel_has 192.0.2.2 '(50m|49m5)'

        # And forward again.
        echo 600 >offset
        attack 2 192.0.2.3
        wait_for kernel_has 192.0.2.1 '(10m|9m5)'
}

@test "a clock that is set past the end of a ban ends it" {
        attack 0 192.0.2.1
        start
        wait_for kernel_has 192.0.2.1 '(20m|19m5)'

        echo 1260 >offset
        attack 600 192.0.2.2
        wait_for kernel_has 192.0.2.2 '(9m|8m5)'
        wait_for is_ended C0000201
}

@test "who was banned while the clock was ahead is banned again when it is right" {
        jail sshd 'ports = 22' 'maxretry = 1' 'bantime = 5s'
        start
        wait_for test -e state/banjo.db
        attack 100000 192.0.2.1
        wait_for kernel_has 192.0.2.1 5s
        wait_for is_ended C0000201
        # Of the second after this one, since what was before the end does not count.
        attack $(($(date +%s) - BASE + 1)) 192.0.2.1
        wait_for kernel_has 192.0.2.1 '[1-5]s'
}

@test "a ban of before a boot in the past goes on when the clock is right" {
        attack 0 192.0.2.1
        start
        wait_for kernel_has 192.0.2.1 '(20m|19m5)'
        kill "$PID"
        wait_for gone "$PID"

        echo $((3600 - $(date +%s))) >offset
        start
        wait_for kernel_has 192.0.2.1 '(1h|59m5)'

        echo 0 >offset
        attack 1 192.0.2.2
        wait_for kernel_has 192.0.2.2 '(20m|19m5)'
        wait_for kernel_has 192.0.2.1 '(20m|19m5)'
}

@test "whose ban ended while the clock was a year ahead counts again when it is right, also over a restart" {
        local year=31536000
        jail sshd 'ports = 22' 'maxretry = 1' 'bantime = 1s'
        echo $year >offset
        attack $((year + 1)) 192.0.2.1
        attack $((year + 1)) 192.0.2.2
        start
        wait_for has_ended C0000201
        wait_for has_ended C0000202

        jail sshd 'ports = 22' 'maxretry = 1' 'bantime = 1h'
        kill -HUP "$PID"
        attack $((year + 10)) 192.0.2.3
        wait_for kernel_has 192.0.2.3 '(20m|19m5)'
        echo 0 >offset
        wait_for grep 'The clock was set' log
        attack $(($(date +%s) - BASE + 1)) 192.0.2.1
        wait_for kernel_has 192.0.2.1 '(1h|59m5)'

        kill "$PID"
        wait_for gone "$PID"
        start
        wait_for kernel_has 192.0.2.1 '(1h|59m5)'
        attack $(($(date +%s) - BASE + 1)) 192.0.2.2
        wait_for kernel_has 192.0.2.2 '(1h|59m5)'
}

has_ended() {
        [ "$(sqlite3 state/banjo.db "SELECT count(*) FROM ended WHERE hex(address) = '$1'" 2>/dev/null)" = 1 ]
}

is_ended() {
        [ "$(sqlite3 state/banjo.db "SELECT cause FROM ended WHERE hex(address) = '$1'")" = expired ]
}
