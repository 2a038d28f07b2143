# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What the integration tests share. Each .bats file boots one container of the release that RELEASE
# names, and attacks it from the network namespace `attacker` inside it. Nothing here sleeps for a
# time: everything waits for a condition, under a timeout.

bats_require_minimum_version 1.5.0

# Its functions, of which enter() is called so often that a new bash each time would be felt. It
# sets `top` and `self`.
# shellcheck source=tools/container
source "$(dirname "${BASH_SOURCE[0]}")/../../tools/container"
# bats tells failures apart by itself.
set +uo pipefail
container=$self

# Addresses; see root/usr/local/sbin/attacker-net.
server4=192.0.2.1
server6=2001:db8:0:1::1

# ---- the container ----

# For setup_file: boots the container of this file with the attacker's network, and starts units.
boot() {
        NAME=t-$(basename "$BATS_TEST_FILENAME" .bats)-${RELEASE:-bookworm}-$$
        export NAME
        "$container" boot --owner $$ "$NAME" "${RELEASE:-bookworm}" >&2
        "$container" net "$NAME"
        (($# == 0)) || inside systemctl start "$@"
}

# For teardown_file.
shut_down() {
        "$container" remove --now "$NAME"
}

# Runs a command in the container.
inside() {
        # bats traces every command, which multiplies what enter() costs.
        (
                set +T
                trap - DEBUG ERR
                enter "$NAME" "$@"
        )
}

# Runs a command in the attacker's namespace.
attacker() {
        inside ip netns exec attacker "$@"
}

# Writes a file of the container from stdin.
write() {
        inside sh -c "mkdir -p \"\${0%/*}\" && cat >\"\$0\"" "$1"
}

# Writes a drop-in for /etc/banjo/conf.d from stdin.
configure() {
        write /etc/banjo/conf.d/50-test.conf
}

# For the beginning of a test: banjod as it is on a host where nothing has happened yet, with what
# stdin says beside the configuration that is installed.
fresh_with() {
        local drop_in

        drop_in=$(cat)
        inside sh -s <<'EOT'
systemctl --quiet stop banjod.service banjod.socket
nft delete table inet banjo 2>/dev/null
rm -rf /var/lib/banjo/* /etc/banjo /etc/systemd/system/banjod.service.d
systemctl daemon-reload
systemctl reset-failed
# A rotation does not wait for what journald has not read yet.
journalctl --sync
journalctl --quiet --rotate
journalctl --quiet --vacuum-time=1us
EOT
        configure <<<"$drop_in"
        inside systemctl start banjod.socket banjod.service
        eventually answers
}

fresh() {
        fresh_with </dev/null
}

# ---- waiting ----

# Tries a command until it succeeds or the seconds are over.
within() {
        local end=$((SECONDS + $1))
        shift

        until "$@" >/dev/null 2>&1; do
                ((SECONDS < end)) || return 1
                sleep 0.03
        done
}

# The same for what has to happen, however busy the machine is.
eventually() {
        within 120 "$@" && return
        printf 'did not happen in time: %s\n' "$*"
        # Once more, to show why.
        "$@"
}

# Turns an exit code around, for conditions; bats does not notice a failing `! command`.
not() {
        ! "$@"
}

# ---- asking ----

# For setup_file: carol may do what administrators may.
add_carol() {
        inside sh -s <<'EOT'
useradd --create-home --shell /bin/bash --groups sudo carol
echo carol:sesame-carol | chpasswd
EOT
}

# call_as USER METHOD [SIGNATURE ARGUMENT...]: without a session of logind's
call_as() {
        inside setpriv --reuid="$1" --regid="$1" --init-groups busctl call org.banjo1 /org/banjo1 org.banjo1.Manager "${@:2}"
}

# alice_types COMMAND: has her run a command on a terminal, where it asks for a password.
alice_types() {
        inside sh -s -- "$1" <<'EOT'
chmod 1777 /run
rm -f /run/typed /run/shown /run/asked
mkfifo /run/typed
(
        sleep 1000 >/run/typed &
        script -qefc "runuser -u alice -- $1" /run/shown </run/typed >/dev/null 2>&1
        echo $? >/run/asked
) >/dev/null 2>&1 &
EOT
        eventually inside grep -q 'Password:' /run/shown
}

# The command that alice was asked for it by ends, with the status that asked() prints.
type_password() {
        # pkttyagent asks, then turns the echo off, and throws away what was typed before.
        eventually inside sh -c 'stty -F "/dev/$(ps -o tty= -C pkttyagent)" | grep -qwe -echo'
        inside sh -c 'echo "$0" >/run/typed' "$1"
        eventually inside test -s /run/asked
        inside cat /run/shown
}

asked() {
        inside cat /run/asked
}

# ---- attacks ----

ssh_options=(
        -o BatchMode=no -o ConnectTimeout=60 -o LogLevel=ERROR -o PreferredAuthentications=password
        -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null
)

# The server's address for a client's.
server_for() {
        if [[ $1 == *:* ]]; then
                echo "$server6"
        else
                echo "$server4"
        fi
}

# wrong_passwords FROM COUNT [USER]: that many wrong passwords, each in a connection of its own.
wrong_passwords() {
        attacker sh -s -- "$2" "${ssh_options[@]}" -b "$1" -o NumberOfPasswordPrompts=1 \
                "${3:-alice}@$(server_for "$1")" <<'EOT'
count=$1
shift
while [ "$count" -gt 0 ]; do
        sshpass -p wrong ssh "$@" true </dev/null >/dev/null 2>&1
        count=$((count - 1))
done
EOT
}

# wrong_passwords_at_once FROM COUNT [USER]: that many wrong passwords within one connection.
wrong_passwords_at_once() {
        attacker sh -s -- "${ssh_options[@]}" -b "$1" -o NumberOfPasswordPrompts="$2" \
                "${3:-alice}@$(server_for "$1")" <<'EOT'
printf '#!/bin/sh\necho wrong\n' >/run/wrong
chmod +x /run/wrong
SSH_ASKPASS=/run/wrong SSH_ASKPASS_REQUIRE=force ssh "$@" true </dev/null >/dev/null 2>&1
:
EOT
}

# gets_in FROM: whether alice can log in from there.
gets_in() {
        attacker sshpass -p sesame-alice ssh "${ssh_options[@]}" -b "$1" \
                "alice@$(server_for "$1")" echo welcome | grep -qx welcome
}

# wrong_auth FROM PORT MECHANISM: one failed SMTP AUTH.
wrong_auth() {
        local -a tls=()

        case $2 in
                587) tls=(--tls) ;;
                465) tls=(--tlsc) ;;
        esac
        attacker swaks --server "$(server_for "$1")" --port "$2" --local-interface "$1" --timeout 60 \
                --ehlo attacker.example --from x@attacker.example --to bob@mail.example.org \
                --auth "$3" --auth-user bob --auth-password wrong "${tls[@]}" >/dev/null 2>&1 || true
}

# connects FROM PORT: whether a TCP connection to the server comes about.
connects() {
        attacker nc -z -w 10 -s "$1" "$(server_for "$1")" "$2"
}

# is_dropped FROM PORT JAIL: a connection times out, is not refused or reset, and the kernel counts
# its packets as dropped by the jail.
is_dropped() {
        local before after

        before=$(dropped_packets "$3")
        # bats sets both of them.
        local status output
        run attacker nc -v -z -w 1 -s "$1" "$(server_for "$1")" "$2"
        echo "$output"
        ((status != 0)) && [[ $output == *'timed out'* ]] || return 1
        after=$(dropped_packets "$3")
        echo "dropped by $3: $before packets before, $after after"
        ((after > before))
}

# One ban by failures, a permanent one, and one of a /64 that ends tomorrow.
ban_three() {
        wrong_passwords_at_once 198.51.100.66 5
        eventually is_banned sshd 198.51.100.66
        inside banctl ban sshd 198.51.100.67 --time=permanent
        inside banctl ban sshd 2001:db8:a::/64 --time=1d
        bans >"$BATS_TEST_TMPDIR/bans"
        (($(wc -l <"$BATS_TEST_TMPDIR/bans") == 3))
}

# They knock at the door, every 3 ms.
let_three_knock() {
        local from

        for from in 198.51.100.66 198.51.100.67 2001:db8:a::67; do
                inside systemd-run --quiet --unit="knock-${from//:/-}" \
                        ip netns exec attacker knock "$from" "$(server_for "$from")" 22 3
        done
}

# hold FROM: opens a connection to sshd and keeps it, without a word. has_hung_up says whether the
# client has lost it.
hold() {
        attacker sh -s -- "$1" "$(server_for "$1")" <<'EOT'
nc -s "$1" "$2" 22 </dev/null >/run/held.log 2>&1 &
echo $! >/run/held.pid
EOT
        eventually has_connections_with "$1"
}

has_hung_up() {
        inside sh -c '! kill -0 "$(cat /run/held.pid)"'
}

# Connections that sshd has with an address, or any of a prefix.
has_connections_with() {
        [[ -n $(inside ss -Htn state connected src :22 dst "[$1]") ]]
}

# ---- what the kernel holds ----

# counter TABLE NAME: the packets that a counter has counted. Read from nft's text, as jq takes 30 ms
# to start and this is called in loops.
counter() {
        local text

        text=$(inside nft list counter inet "$1" "$2")
        [[ $text =~ packets\ ([0-9]+) ]] && echo "${BASH_REMATCH[1]}"
}

# The packets that a jail has dropped.
dropped_packets() {
        counter banjo "$1"
}

# The set that a banned address or network is in. IPv6 addresses are banned as /64: 2001:db8:a::/64.
set_of() {
        local name=$1-v4

        [[ $2 != *:* ]] || name=$1-v6
        [[ $2 != */* ]] || name+=-${2#*/}
        echo "$name"
}

# element JAIL ADDRESS: the element of a banned address, as { val, timeout, expires }, the latter two
# in seconds and only with an end. Fails if there is none.
element() {
        inside nft -j list set inet banjo "$(set_of "$@")" |
                jq -ce --arg address "${2%/*}" '.nftables[].set? | select(.) | .elem[]? |
                        (.elem? // { val: . }) | select(.val == $address)'
}

is_banned() {
        inside nft get element inet banjo "$(set_of "$@")" "{ ${2%/*} }" >/dev/null 2>&1
}

is_not_banned() {
        # The set has to be there, or nothing is said.
        inside nft list set inet banjo "$(set_of "$@")" >/dev/null || return
        ! is_banned "$@"
}

# is_over FROM: waits until a short ban by sshd has ended by itself.
is_over() {
        eventually attacker nc -z -w 1 -s "$1" "$(server_for "$1")" 22
        eventually is_not_banned sshd "$1"
}

# ---- what banjod says ----

# A property of the manager.
property() {
        local text

        text=$(inside busctl get-property org.banjo1 /org/banjo1 org.banjo1.Manager "$1") || return
        echo "${text#* }"
}

# Whether it can be asked on the bus, whose name it does not wait for when it starts.
answers() {
        property State
}

# manager METHOD SIGNATURE ARGUMENT...
manager() {
        inside busctl --json=short call org.banjo1 /org/banjo1 org.banjo1.Manager "$@"
}

# The bans, one a line: jail, address, and the end in microseconds.
bans() {
        manager ListBans stu '' 0 100000 | jq -r '.data[0][] | "\(.[1]) \(.[2]) \(.[4])"' | sort
}

# Waits until banjod has read everything that was logged until now. It reads in the order of the
# journal, so it has when it knows of a failure that is logged now, of an address that occurs nowhere
# else. The jail sshd must not ban at the first.
caught_up() {
        local marker

        n_markers=$((n_markers + 1))
        marker=$(printf '2001:db8:ffff:%02x%02x::1' "$BATS_TEST_NUMBER" "$n_markers")

        eventually answers
        all_is_logged
        inside logger -t sshd "Failed password for nobody from $marker port 1 ssh2"
        eventually knows_of "$marker"
}

n_markers=0

# Waits until the journal has what servers say of clients that are gone, and all others have said.
all_is_logged() {
        # sshd answers first and then logs, and another process of it has the connection until it has.
        eventually nobody_is_left_waiting
        inside journalctl --sync
}

# Whether no server has an end of a connection open whose client is gone.
nobody_is_left_waiting() {
        [[ -z $(inside ss -Htn state close-wait) ]]
}

# Whether banjod has counted a failure of an address, which is not banned.
knows_of() {
        manager Lookup s "$1" | jq -e '.data[0].Windows.data | length > 0'
}

failures_are() {
        (($(property Failures) == $1))
}

# The status banjod.service ended with.
exit_status() {
        inside systemctl show -P ExecMainStatus banjod.service
}
