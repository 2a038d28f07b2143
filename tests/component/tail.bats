#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# How banjod follows a journal that is being written. BANJOD and HALF_WRITTEN name the binaries.

# ENTER of daemon.bash is words.
# shellcheck disable=SC2086

bats_require_minimum_version 1.5.0

load daemon
load journals

setup_file() {
        need_journals
        make_host
}

teardown_file() {
        remove_host
}

teardown() {
        stop_banjod
}

failures_are() {
        [ "$(property Failures)" = "t $1" ]
}

@test "an entry that was half written when banjod looked is read without another one" {
        local file=journal/failures.journal field=_SYSTEMD_UNIT=ssh.service pid before after

        cd "$DIRECTORY"
        jail sshd 'ports = 22' 'maxretry = 9' 'filter = sshd'
        start_banjod
        fail_later -1 1 192.0.2.1
        wait_for failures_are 1
        pid=$(<banjod.pid)

        kill -STOP "$pid"
        before=$("$HALF_WRITTEN" $file $field)
        fail_later 0 2 192.0.2.2
        after=$("$HALF_WRITTEN" $file $field "$before")
        ((after == before + 1))
        kill -CONT "$pid"
        # Both are behind a look at the journal.
        failures_are 1
        failures_are 1

        "$HALF_WRITTEN" $file $field "$after"
        # What journald does a moment after it has written.
        touch $file
        wait_for failures_are 2
}
