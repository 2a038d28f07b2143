#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# org.banjo1 on a message bus of the system: of dbus-daemon, of dbus-broker, and while it is away.

load lib

setup_file() {
        boot ssh.service
        add_carol
}

teardown_file() {
        shut_down
}

setup() {
        fresh
}

bus_is() {
        inside sh -c '[ "$(cat /proc/$(systemctl show -P MainPID dbus.service)/comm)" = "$0" ]' "$1"
}

# Stops the bus and starts it again; logind and polkit do not look for a new one by themselves.
restart_bus() {
        inside sh -s <<'EOT'
systemctl stop dbus.socket dbus.service
systemctl daemon-reload
systemctl start dbus.socket dbus.service
systemctl restart systemd-logind.service polkit.service
EOT
        eventually answers
}

# What a bus has to be good for.
serves_all() {
        local signals='timeout 1000 busctl --json=short --match=type=signal,sender=org.banjo1 monitor >/run/signals 2>/dev/null &'

        run -0 inside busctl introspect org.banjo1 /org/banjo1 org.banjo1.Manager
        [[ $output == *BanMany* && $output == *emits-change* ]]
        [[ $(inside busctl --list tree org.banjo1) == */org/banjo1/jail/sshd* ]]
        run -0 inside busctl get-property org.banjo1 /org/banjo1/jail/sshd org.banjo1.Jail MaxRetry
        [[ $output == 'u 5' ]]

        inside sh -c "$signals"
        eventually inside sh -c 'busctl emit / org.banjo1.Manager Here && busctl call org.banjo1 /org/banjo1 \
                org.banjo1.Manager Ban ssts sshd 198.51.100.9 0 x >/dev/null && grep -q Banned /run/signals'
        wrong_passwords 198.51.100.66 5
        eventually is_banned sshd 198.51.100.66
        eventually inside grep -q 198.51.100.66 /run/signals
        eventually inside grep -q RunningBans /run/signals

        run call_as alice Unban ss sshd 198.51.100.66
        ((status != 0))
        is_banned sshd 198.51.100.66
        run -0 call_as alice ListBans stu '' 0 0
        run -0 call_as carol Unban ss sshd 198.51.100.66
        [[ $output == 'u 1' ]]
        is_not_banned sshd 198.51.100.66
        run -0 inside banctl list
        # The descriptor of a pipe passes, too.
        run -0 inside busctl call org.banjo1 /org/banjo1 org.banjo1.Manager DumpBans
        [[ $output == h* ]]
}

@test "dbus-daemon serves all of it" {
        bus_is dbus-daemon
        serves_all
}

@test "systemctl service-log-level says how much is logged, to root" {
        [[ $(inside systemctl service-log-level banjod.service) == info ]]
        inside systemctl service-log-level banjod.service debug
        [[ $(inside systemctl service-log-level banjod.service) == debug ]]
        [[ $(inside systemctl service-log-target banjod.service) == journal ]]
        run inside runuser -u alice -- systemctl service-log-level banjod.service info
        ((status != 0))
        [[ $(inside systemctl service-log-level banjod.service) == debug ]]
        inside systemctl service-log-level banjod.service info
}

@test "while the bus is away bans are made, and the daemon comes back to it" {
        local before verb

        before=$(inside systemctl show -P MainPID banjod.service)
        inside systemctl stop dbus.socket dbus.service
        wrong_passwords 198.51.100.66 5
        eventually is_banned sshd 198.51.100.66
        # Nobody is told that it does not run.
        for verb in status list metrics; do
                run -5 inside runuser -u alice -- banctl $verb
                [[ $output == 'banctl: There is no message bus, and only root reaches banjod without.' ]]
        done
        restart_bus
        [[ $(inside systemctl show -P MainPID banjod.service) == "$before" ]]
        manager ListBans stu '' 0 0 | jq -e '.data[0] | any(.[2] == "198.51.100.66")'
        # Whoever may is asked anew.
        run call_as alice Unban ss sshd 198.51.100.66
        ((status != 0))
        run -0 call_as carol Unban ss sshd 198.51.100.66
}

@test "dbus-broker serves all of it" {
        inside systemctl enable dbus-broker.service
        restart_bus
        bus_is dbus-broker-lau
        serves_all
        inside systemctl disable dbus-broker.service
        restart_bus
        bus_is dbus-daemon
}
