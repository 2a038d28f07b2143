#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# banjod while the clock is set. BANJOD names the binary, SET_CLOCK the library made of set-clock.c.

# shellcheck disable=SC2030,SC2031

bats_require_minimum_version 1.5.0

setup_file() {
        [ -x /usr/lib/systemd/systemd-journal-remote ] || skip "systemd-journal-remote is not installed"
        unshare -rn true || skip "no network namespaces here"
        SOURCE=$(dirname "$(dirname "$BATS_TEST_DIRNAME")")
        export SOURCE
}

setup() {
        # 40 minutes ago, so that 20 remain of a ban of an hour.
        BASE=$(($(date +%s) - 2400))
        DIRECTORY=$(mktemp -d)
        cd "$DIRECTORY" || return
        mkdir -p config/conf.d state journal
        cp -r "$SOURCE/filters" config/
        printf '[sshd]\nenabled = yes\nports = 22\nmaxretry = 1\nbantime = 1h\n' >config/conf.d/sshd.conf
        echo 0 >offset
}

teardown() {
        [ -z "${PID:-}" ] || kill "$PID"
        cd / || return
        rm -rf "$DIRECTORY"
}

# wrong SECOND ADDRESS: a wrong password, so many seconds after the beginning
wrong() {
        printf '%s\n' "__REALTIME_TIMESTAMP=$((BASE + $1))000000" "__MONOTONIC_TIMESTAMP=$((1000 + $1))000000" \
                _BOOT_ID=11111111111111111111111111111111 _SYSTEMD_UNIT=ssh.service _UID=0 "_PID=$((1000 + $1))" \
                "MESSAGE=Failed password for root from $2 port 4711 ssh2" '' |
                /usr/lib/systemd/systemd-journal-remote --output=journal/x.journal - 2>/dev/null
}

start() {
        (
                exec </dev/null >log 2>&1
                for fd in /proc/self/fd/*; do
                        fd=${fd##*/}
                        ((fd < 3)) || eval "exec $fd>&-"
                done
                export ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0
                LD_PRELOAD=$SET_CLOCK CLOCK_OFFSET=$PWD/offset exec unshare -rn "$BANJOD" --config-dir=config \
                        --state-dir=state --journal=journal --bus=none
        ) &
        PID=$!
}

wait_for() {
        local i

        for ((i = 0; i < 200; i++)); do
                "$@" && return
                sleep 0.05
        done
        printf 'never happened: %s\n' "$*" >&2
        cat log >&2
        return 1
}

# The kernel's timeout of an address matches this.
kernel_has() {
        local table

        table=$(nsenter -t "$PID" -U -n --preserve-credentials nft list set inet banjo sshd-v4 2>/dev/null) || return
        [[ $table =~ $1" timeout "$2 ]]
}

@test "what remains of a ban follows the clock" {
        wrong 0 192.0.2.1
        start
        wait_for kernel_has 192.0.2.1 '(20m|19m5)'

        # Half an hour back: in the kernel it would end half an hour early.
        echo -1800 >offset
        wrong 1 192.0.2.2
        wait_for kernel_has 192.0.2.1 '(50m|49m5)'
        kernel_has 192.0.2.2 '(50m|49m5)'

        # And forward again.
        echo 600 >offset
        wrong 2 192.0.2.3
        wait_for kernel_has 192.0.2.1 '(10m|9m5)'
}

@test "a clock that is set past the end of a ban ends it" {
        wrong 0 192.0.2.1
        start
        wait_for kernel_has 192.0.2.1 '(20m|19m5)'

        echo 1260 >offset
        wrong 600 192.0.2.2
        wait_for kernel_has 192.0.2.2 '(9m|8m5)'
        wait_for is_ended C0000201
}

@test "who was banned while the clock was ahead is banned again when it is right" {
        printf '[sshd]\nenabled = yes\nports = 22\nmaxretry = 1\nbantime = 5s\n' >config/conf.d/sshd.conf
        start
        wait_for test -e state/banjo.db
        wrong 100000 192.0.2.1
        wait_for kernel_has 192.0.2.1 5s
        wait_for is_ended C0000201
        # Of the second after this one, since what was before the end does not count.
        wrong $(($(date +%s) - BASE + 1)) 192.0.2.1
        wait_for kernel_has 192.0.2.1 '[1-5]s'
}

is_ended() {
        [ "$(sqlite3 state/banjo.db "SELECT cause FROM ended WHERE hex(address) = '$1'")" = expired ]
}
