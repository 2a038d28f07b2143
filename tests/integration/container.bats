#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tools/container itself: several side by side, and nothing is left behind.

load lib

setup_file() {
        RELEASE=${RELEASE:-bookworm}
        NAME=t-container-$RELEASE-$$
        export RELEASE NAME
        "$container" make "$RELEASE" >/dev/null
}

teardown() {
        local name

        for name in "$NAME" "$NAME-2"; do
                [[ ! -d /run/banjo-containers/$name ]] || "$container" remove --now "$name"
        done
}

# Prints what there is of the containers of this file: directories, cgroups, mounts, processes.
traces() {
        find /run/banjo-containers -maxdepth 1 -name "*$NAME*" 2>/dev/null || true
        find /sys/fs/cgroup -maxdepth 2 -name "banjo-$NAME*"
        grep -l "/run/banjo-containers/$NAME" /proc/[0-9]*/mountinfo 2>/dev/null || true
        pgrep -f "supervise $NAME|machine=$NAME" || true
}

nothing_is_left() {
        local left

        left=$(traces)
        echo "left: ${left:-nothing}"
        [[ -z $left ]]
}

boot_it() {
        "$container" boot --no-banjo --owner "${2:-$$}" "$1" "$RELEASE"
}

@test "it boots, says its release, runs commands with their status and their input" {
        boot_it "$NAME"
        [[ $(inside sh -c '. /etc/os-release; echo $VERSION_CODENAME') == "$RELEASE" ]]
        [[ $(inside uname -n) == "$NAME" ]]
        run -7 inside sh -c 'exit 7'
        [[ $(inside cat <<<'hello there') == 'hello there' ]]
        run -0 inside systemctl is-system-running
        [[ $output == running ]]
}

@test "two run side by side, and neither sees the other" {
        boot_it "$NAME" &
        boot_it "$NAME-2"
        wait
        inside touch /only-here
        not "$container" enter "$NAME-2" -- test -e /only-here
        [[ $(inside cat /etc/machine-id) != $("$container" enter "$NAME-2" -- cat /etc/machine-id) ]]
        run -1 "$container" boot --no-banjo "$NAME" "$RELEASE"
        [[ $output == *'runs already'* ]]
        "$container" list | grep -q "^$NAME "
        "$container" list | grep -q "^$NAME-2 "
        "$container" remove --now "$NAME" "$NAME-2"
        eventually nothing_is_left
}

@test "a reboot keeps the overlay and the machine's identity" {
        local id

        boot_it "$NAME"
        id=$(inside cat /etc/machine-id)
        inside touch /kept /run/gone
        "$container" reboot "$NAME"
        inside test -e /kept
        not inside test -e /run/gone
        [[ $(inside cat /etc/machine-id) == "$id" ]]
}

@test "power-off and removal leave nothing" {
        boot_it "$NAME"
        [[ -n $(traces) ]]
        "$container" remove "$NAME"
        eventually nothing_is_left
}

@test "it goes when its owner goes" {
        local owner

        sleep 1000 3>&- &
        owner=$!
        boot_it "$NAME" "$owner"
        kill "$owner"
        eventually nothing_is_left
}

@test "what a killed supervisor leaves is removed as stale" {
        local supervisor

        boot_it "$NAME"
        read -r supervisor _ <"/run/banjo-containers/$NAME/supervisor"
        kill -KILL "$supervisor"
        # The kernel ends the container with it; the directory and the cgroup remain.
        eventually not is_running
        "$container" remove --stale
        eventually nothing_is_left
}

is_running() {
        pgrep -f "machine=$NAME" >/dev/null
}

is_handed_over() {
        [[ $(cat "/run/banjo-containers/$NAME/owner" 2>/dev/null) == "$$ "* ]]
}

@test "an interrupted boot leaves nothing, wherever it is interrupted" {
        local signal after boot

        for signal in INT TERM KILL; do
                for after in 0.05 0.1 0.2 0.3; do
                        # As a terminal would: bash ignores SIGINT in what it puts into the background.
                        env --default-signal=INT,TERM \
                                "$container" boot --no-banjo --owner $$ "$NAME" "$RELEASE" >/dev/null 2>&1 3>&- &
                        boot=$!
                        # The one place where time matters: it is the subject.
                        sleep "$after"
                        kill -"$signal" "$boot" 2>/dev/null || true
                        # It may be up already.
                        if wait "$boot" || is_handed_over; then
                                "$container" remove --now "$NAME"
                        fi
                        # A boot that was killed is cleaned up by its supervisor, or else by the next.
                        if [[ $signal == KILL ]]; then
                                eventually not is_running
                                "$container" remove --stale
                        fi
                        eventually nothing_is_left
                done
        done
}

@test "wrong usage is refused" {
        run -2 "$container"
        run -2 "$container" nonsense
        run -1 "$container" boot --no-banjo 'Not A Name' "$RELEASE"
        run -1 "$container" boot --no-banjo "$NAME" sarge
        run -1 "$container" enter "$NAME" -- true
        run -1 "$container" remove "$NAME"
        "$container" --help | grep -q boot
}
