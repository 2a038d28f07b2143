#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Letting somebody in again, and who may.

load lib

setup_file() {
        boot ssh.service
}

teardown_file() {
        shut_down
}

setup() {
        fresh
}

# Banned by failures, and let in by a command, which is the argument.
let_in_by() {
        wrong_passwords 198.51.100.66 5
        eventually is_banned sshd 198.51.100.66
        is_dropped 198.51.100.66 22 sshd
        "$@"
        # At once: the answer comes after the kernel's.
        is_not_banned sshd 198.51.100.66
        connects 198.51.100.66 22
        gets_in 198.51.100.66
        [[ -z $(bans) ]]
}

# The failures from before must not count, so it takes five again.
takes_five_again() {
        wrong_passwords 198.51.100.66 4
        caught_up
        is_not_banned sshd 198.51.100.66
        wrong_passwords 198.51.100.66 1
        eventually is_banned sshd 198.51.100.66
}

@test "banctl unban lets it in again at once, and the failures from before do not count" {
        let_in_by inside banctl unban 198.51.100.66
        takes_five_again
}

@test "banctl unban with the jail does the same" {
        let_in_by inside banctl unban sshd 198.51.100.66
}

@test "busctl call Unban lets it in again at once, and the failures from before do not count" {
        let_in_by manager Unban ss sshd 198.51.100.66
        takes_five_again
}

@test "an unban holds over a restart: the failures from before do not count then either" {
        let_in_by inside banctl unban 198.51.100.66
        inside systemctl restart banjod.service
        caught_up
        is_not_banned sshd 198.51.100.66
        takes_five_again
}

@test "unbanning an address of a banned /64 lets the /64 in" {
        wrong_passwords 2001:db8:a::66 5
        eventually is_banned sshd 2001:db8:a::/64
        inside banctl unban 2001:db8:a::66
        is_not_banned sshd 2001:db8:a::/64
        connects 2001:db8:a::67 22
}

@test "banctl ban and busctl call Ban shut out at once, and end open connections" {
        hold 198.51.100.66
        inside banctl ban sshd 198.51.100.66
        is_banned sshd 198.51.100.66
        eventually not has_connections_with 198.51.100.66
        is_dropped 198.51.100.66 22 sshd
        manager Ban ssts sshd 198.51.100.67 60000000 'by hand'
        is_banned sshd 198.51.100.67
        run -0 inside banctl list
        [[ $output == *198.51.100.66* && $output == *198.51.100.67*'by hand'* ]]
}

@test "flush lifts all bans, with and without the daemon" {
        inside banctl ban sshd 198.51.100.66 198.51.100.67
        inside banctl flush --yes
        is_not_banned sshd 198.51.100.66
        connects 198.51.100.67 22

        inside banctl ban sshd 198.51.100.66 198.51.100.67
        inside systemctl stop banjod.service banjod.socket
        is_dropped 198.51.100.66 22 sshd
        inside banctl flush --yes
        connects 198.51.100.66 22
        inside systemctl start banjod.service
        eventually answers
        [[ -z $(bans) ]]
        connects 198.51.100.67 22
}

@test "bans and unbans are messages with an identity, and signals on the bus" {
        inside sh -c 'timeout 600 busctl --json=short --match="type=signal,interface=org.banjo1.Manager" monitor >/run/signals 2>/dev/null &'
        # busctl is there when the bus knows one more monitor; a signal of ours shows it.
        eventually inside sh -c 'busctl emit / org.banjo1.Manager Here && grep -q Here /run/signals'
        wrong_passwords 198.51.100.66 5
        eventually is_banned sshd 198.51.100.66
        inside banctl unban 198.51.100.66
        eventually inside grep -q '"Banned"' /run/signals
        eventually inside grep -q '"Unbanned"' /run/signals
        inside grep '"Banned"' /run/signals | jq -e '.payload.data[0:2] == ["sshd", "198.51.100.66"]'

        inside journalctl --sync
        inside journalctl -o json MESSAGE_ID=a177b87d71174984b96c434c71d4d024 |
                jq -e 'select(.BANJO_JAIL == "sshd" and .BANJO_ADDRESS == "198.51.100.66" and .BANJO_FAILURES == "5")'
        inside journalctl -o json MESSAGE_ID=1214dda838614d87be1bc4f4017a3bd0 |
                jq -e 'select(.BANJO_JAIL == "sshd" and .BANJO_ADDRESS == "198.51.100.66")'
        inside journalctl -x MESSAGE_ID=a177b87d71174984b96c434c71d4d024 | grep -q 'banctl unban 198.51.100.66'
}

@test "whoever is not root may look, and change nothing" {
        inside banctl ban sshd 198.51.100.66
        run -0 inside runuser -u alice -- banctl list
        [[ $output == *198.51.100.66* ]]
        run -5 inside runuser -u alice -- banctl unban 198.51.100.66
        run -5 inside runuser -u alice -- banctl ban sshd 198.51.100.67
        for call in 'Ban ssts sshd 198.51.100.67 0 x' 'Unban ss sshd 198.51.100.66' Reload Flush; do
                # shellcheck disable=SC2086
                run inside runuser -u alice -- busctl call org.banjo1 /org/banjo1 org.banjo1.Manager $call
                ((status != 0))
                [[ $output == *[Aa]'ccess denied'* || $output == *root* ]]
        done
        run inside runuser -u alice -- busctl --address=unix:path=/run/banjo.socket tree
        ((status != 0))
        is_banned sshd 198.51.100.66
        is_not_banned sshd 198.51.100.67
}

@test "without a message bus banctl reaches the daemon by its socket" {
        inside systemctl stop dbus.socket dbus.service
        run -0 inside banctl ban sshd 198.51.100.66
        run -0 inside banctl list
        [[ $output == *198.51.100.66* ]]
        run -0 inside banctl unban 198.51.100.66
        # logind does not look for a new bus by itself, and every login would wait for it.
        inside systemctl start dbus.socket
        inside systemctl restart systemd-logind.service
        connects 198.51.100.66 22
}

@test "a ban that would lock somebody out is refused without --force" {
        # The host's own addresses, its gateway, its resolver.
        run -4 inside banctl ban sshd 192.0.2.1
        run -4 inside banctl ban sshd 2001:db8:0:1::1
        run -4 inside banctl ban sshd 127.0.0.1
        run -4 inside banctl ban sshd 192.0.2.2
        run -4 inside banctl ban sshd 192.0.2.0/24
        inside sh -c 'echo nameserver 203.0.113.53 >/etc/resolv.conf'
        inside systemctl restart banjod.service
        eventually answers
        run -4 inside banctl ban sshd 203.0.113.53

        # The ssh session that asks.
        run -4 attacker sshpass -p sesame-root ssh "${ssh_options[@]}" -b 198.51.100.67 \
                root@192.0.2.1 banctl ban sshd 198.51.100.67
        [[ -z $(bans) ]]

        run -0 inside banctl ban --force sshd 203.0.113.53
        is_banned sshd 203.0.113.53
}

@test "failures of the gateway ban nobody, and are told" {
        wrong_passwords 192.0.2.2 6
        eventually inside sh -c 'journalctl -q MESSAGE_ID=b63178cc782b4769919c29d3a738b5c5 | grep -q 192.0.2.2'
        is_not_banned sshd 192.0.2.2
        gets_in 192.0.2.2
}

@test "banctl status warns when nothing listens on a jail's ports, and of another ban daemon" {
        run -0 inside banctl status
        [[ $output != *Warning* ]]

        # sshd elsewhere.
        inside sh -c 'echo Port 2222 >/etc/ssh/sshd_config.d/00-port.conf; systemctl restart ssh.service'
        run -0 inside banctl status
        [[ $output == *Warning*22*2222* ]]
        inside sh -c 'rm /etc/ssh/sshd_config.d/00-port.conf; systemctl restart ssh.service'

        # It is known by the name of its process, which it has once it runs (not when it was forked).
        inside sh -c 'cp /usr/bin/sleep /usr/local/bin/fail2ban-server'
        inside systemd-run --quiet --property=Type=exec --unit=fail2ban \
                /usr/local/bin/fail2ban-server infinity
        run -0 inside banctl status
        [[ $output == *Warning*fail2ban* ]]
        inside systemctl stop fail2ban.service
}
