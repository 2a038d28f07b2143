# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# A banjod that runs, with a message bus of its own, in namespaces of its own where make_namespace has
# made some. DIRECTORY is where all of it lies: config, journal, state, bus, and banjod's log. BANJOD
# and BANCTL name the binaries.

# ENTER is words: the beginning of a command, which makes it one in the namespace.
# shellcheck disable=SC2086

# Makes the directory, with the shipped filters and no jail.
make_directory() {
        # Not below bats' own directory, which is closed for nobody.
        DIRECTORY=$(mktemp -d)
        export DIRECTORY ADDRESS=unix:path=$DIRECTORY/bus
        chmod 755 "$DIRECTORY"
        mkdir -p "$DIRECTORY"/config/conf.d "$DIRECTORY"/{journal,state}
        cp -r "$(dirname "$(dirname "$BATS_TEST_DIRNAME")")/filters" "$DIRECTORY/config/"
}

# make_namespace OPTION...: of unshare(1) and nsenter(1), such as -n
make_namespace() {
        local root=()
        # Other users can be tried only by a root that is none of a user namespace alone.
        ((EUID == 0)) || root=(-r)
        unshare "${root[@]}" "$@" true || skip "no namespaces here"
        background /dev/null unshare "${root[@]}" "$@" sleep infinity
        export NAMESPACE=$!
        ((EUID == 0)) || root=(-U --preserve-credentials)
        export ENTER="nsenter -t $NAMESPACE ${root[*]} $* --"
        wait_for is_away
}

# For setup_file: a directory, a network namespace with a loopback device, and a message bus.
make_host() {
        make_directory
        make_namespace -n
        inside ip link set lo up
        start_bus
}

# For teardown_file.
remove_host() {
        [ -n "${DIRECTORY:-}" ] || return 0
        stop_bus
        kill "$NAMESPACE"
        rm -rf "$DIRECTORY"
}

# background FILE COMMAND...: with its output in the file, and none of the descriptors by which bats
# would wait for it. $! is the command itself.
background() {
        (
                exec </dev/null >>"$1" 2>&1
                for fd in /proc/self/fd/*; do
                        fd=${fd##*/}
                        ((fd < 3)) || eval "exec $fd>&-"
                done
                exec "${@:2}"
        ) &
}

# Runs a command in the namespace.
inside() {
        $ENTER "$@"
}

# wait_for COMMAND...: until it succeeds, for two thousand times 50 ms
wait_for() {
        local i
        for ((i = 0; i < 2000; i++)); do
                "$@" && return
                sleep 0.05
        done
        printf 'never happened: %s\n' "$*" >&2
        [ ! -e "$DIRECTORY/log" ] || cat "$DIRECTORY/log" >&2
        return 1
}

write_bus_conf() {
        cat >"$DIRECTORY/bus.conf" <<END
<busconfig>
        <type>system</type>
        <listen>$ADDRESS</listen>
        <auth>EXTERNAL</auth>
        <policy context="default">
                <allow user="*"/>
                <allow own="*"/>
                <allow send_type="method_call"/>
                <allow send_type="signal"/>
                <allow send_requested_reply="true" send_type="method_return"/>
                <allow send_requested_reply="true" send_type="error"/>
                <allow receive_type="method_call"/>
                <allow receive_type="method_return"/>
                <allow receive_type="error"/>
                <allow receive_type="signal"/>
        </policy>
</busconfig>
END
}

start_bus() {
        [ -e "$DIRECTORY/bus.conf" ] || write_bus_conf
        rm -f "$DIRECTORY/bus"
        background /dev/null $ENTER dbus-daemon --config-file="$DIRECTORY/bus.conf" --nofork --nopidfile
        echo $! >"$DIRECTORY/bus.pid"
        wait_for accepts "$DIRECTORY/bus"
}

stop_bus() {
        kill "$(<"$DIRECTORY/bus.pid")"
        wait_for gone "$(<"$DIRECTORY/bus.pid")"
}

# start_banjod [OPTION...]
start_banjod() {
        background "$DIRECTORY/log" $ENTER "$BANJOD" --config-dir="$DIRECTORY/config" \
                --state-dir="$DIRECTORY/state" --journal="$DIRECTORY/journal" --bus="$ADDRESS" "$@"
        echo $! >"$DIRECTORY/banjod.pid"
        wait_for on_bus
}

stop_banjod() {
        local pid
        pid=$(<"$DIRECTORY/banjod.pid")
        kill "$pid"
        wait_for gone "$pid"
        if grep 'Sanitizer' "$DIRECTORY/log"; then
                return 1
        fi
}

# unshare(1) is done, also with its mounts.
is_away() {
        [ "$(<"/proc/$NAMESPACE/comm")" = sleep ]
}

# Whether somebody listens at a socket, and has not only bound it yet.
accepts() {
        inside grep -q "^[^ ]* [^ ]* [^ ]* 00010000 .* $1\$" /proc/net/unix
}

gone() {
        ! kill -0 "$1" 2>/dev/null
}

on_bus() {
        busctl --address="$ADDRESS" status org.banjo1 >/dev/null 2>&1
}

banctl() {
        inside "$BANCTL" --address="$ADDRESS" "$@"
}

# Runs a command as somebody who may nothing.
nobody() {
        setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"
}

# call METHOD [SIGNATURE ARGUMENT...]
call() {
        busctl --address="$ADDRESS" call org.banjo1 /org/banjo1 org.banjo1.Manager "$@"
}

property() {
        busctl --address="$ADDRESS" get-property org.banjo1 /org/banjo1 org.banjo1.Manager "$1"
}

# in_kernel SET ADDRESS
in_kernel() {
        inside nft get element inet banjo "$1" "{ $2 }" >/dev/null 2>&1
}

# The map that leads from TCP ports to jails, which has another name when it says something else.
port_map() {
        inside nft list chain inet banjo prerouting | sed -n 's/.*tcp dport vmap @\([^ ]*\).*/\1/p'
}

# Whether a TCP port is guarded.
in_port_map() {
        inside nft get element inet banjo "$(port_map)" "{ $1 }" >/dev/null 2>&1
}

# fail_later SECONDS PID ADDRESS...: wrong passwords, so long after now; of one process each
fail_later() {
        fail_at $(($(date +%s) + $1)) "${@:2}"
}

# fail_at SECOND PID ADDRESS...
fail_at() {
        local pid=$2 address
        for address in "${@:3}"; do
                printf '__REALTIME_TIMESTAMP=%d000000\n__MONOTONIC_TIMESTAMP=%d000000\n' "$1" "$1"
                printf '_BOOT_ID=11111111111111111111111111111111\n_SYSTEMD_UNIT=ssh.service\n_UID=0\n'
                printf '_PID=%d\nMESSAGE=Failed password for root from %s port 4711 ssh2\n\n' $((pid++)) "$address"
        done >"$DIRECTORY/entries"
        /usr/lib/systemd/systemd-journal-remote --output="$DIRECTORY/journal/failures.journal" \
                "$DIRECTORY/entries" 2>/dev/null
}

# Five thousand addresses, others for each number.
thousands() {
        local n
        for ((n = 0; n < 5000; n++)); do
                echo "198.18.$(($1 * 20 + n / 250)).$((n % 250))"
        done
}

# exempt ADDRESS: whether the kernel lets it pass
exempt() {
        inside nft -j list table inet banjo | grep -q "\"$1\""
}
