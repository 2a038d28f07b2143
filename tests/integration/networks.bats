#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Attacks from many addresses: of one network, and on one user.

load lib

net=198.51.100.0/24

setup_file() {
        boot ssh.service
        inside systemctl enable --quiet banjod.service ssh.service
        # One more of the network, which never fails.
        inside ip -n attacker address add 198.51.100.99/32 dev lo
}

teardown_file() {
        shut_down
}

# Three failures ban an address and six a network: the first is banned before its network is.
spray() {
        wrong_passwords_at_once 198.51.100.66 3
        eventually is_banned sshd 198.51.100.66
        hold 198.51.100.99
        wrong_passwords 198.51.100.67 2
        caught_up
        connects 198.51.100.99 22
        wrong_passwords 198.51.100.68 1
        eventually is_banned sshd "$net"
}

is_out() {
        is_dropped "$1" 22 sshd
}

# Nobody of the network gets in, and everybody else does.
network_is_out() {
        is_out 198.51.100.66
        is_out 198.51.100.68
        is_out 198.51.100.99
        connects 203.0.113.5 22
        gets_in 203.0.113.6
}

the_only_ban_is() {
        [[ $(bans) == "sshd $1 "* ]] && (($(bans | wc -l) == 1))
}

# Of what it has done, banjod had told before it was asked for bans.
said() {
        inside journalctl --sync
        inside journalctl --quiet --no-pager -u banjod.service --grep "$1" >/dev/null
}

@test "failures from three addresses shut their network out, and the ban of one goes into it" {
        fresh_with <<<'[sshd]
maxretry = 3
networks = 24:6'
        spray
        network_is_out
        # The connection that was open has ended, too.
        eventually has_hung_up
        the_only_ban_is "$net"
        is_not_banned sshd 198.51.100.66
        said '^Banned 198\.51\.100\.0/24 in jail sshd for 1h \(6 failures, the last one "password"\)'
        said '^198\.51\.100\.66 in jail sshd stays banned'
        not said '^Unbanned 198'
}

@test "restart and reboot keep it" {
        inside systemctl restart banjod.service
        caught_up
        network_is_out
        the_only_ban_is "$net"

        "$container" reboot "$NAME"
        "$container" net "$NAME"
        inside ip -n attacker address add 198.51.100.99/32 dev lo
        eventually answers
        eventually is_banned sshd "$net"
        network_is_out
        the_only_ban_is "$net"
}

@test "unban of any of its addresses lets all of them in, and what was before does not count" {
        inside banctl unban 198.51.100.99
        is_not_banned sshd "$net"
        for address in 198.51.100.66 198.51.100.68 198.51.100.99; do
                connects "$address" 22
        done
        [[ -z $(bans) ]]

        for _ in 1 2; do
                for address in 198.51.100.66 198.51.100.67; do
                        wrong_passwords "$address" 1
                done
                inside systemctl restart banjod.service
                caught_up
        done
        wrong_passwords 198.51.100.68 1
        caught_up
        [[ -z $(bans) ]]
        wrong_passwords 198.51.100.68 1
        eventually is_banned sshd "$net"
}

@test "unban of the network does, too" {
        inside banctl unban sshd "$net"
        connects 198.51.100.66 22
        connects 198.51.100.99 22
        [[ -z $(bans) ]]
}

@test "an IPv6 network is one of several /64s" {
        fresh_with <<<'[sshd]
networks = 48:4 47:5'
        wrong_passwords 2001:db8:a::66 1
        wrong_passwords 2001:db8:a::67 2
        wrong_passwords 2001:db8:a:1::66 1
        # Four failures, of two addresses.
        wrong_passwords 2001:db8:b::66 1
        eventually is_banned sshd 2001:db8:a::/47
        is_out 2001:db8:a::66
        is_out 2001:db8:b::66
        connects 203.0.113.5 22
        the_only_ban_is 2001:db8:a::/47
}

@test "who goes on trying a user whom many have tried is banned at once" {
        fresh_with <<<'[sshd]
user_maxretry = 3
user_weight = 5'
        for address in 198.51.100.66 198.51.100.67 198.51.100.68; do
                wrong_passwords "$address" 1 alice
        done
        wrong_passwords 203.0.113.5 1 bob
        caught_up
        [[ -z $(bans) ]]

        # Also after a restart.
        inside systemctl restart banjod.service
        caught_up
        wrong_passwords 203.0.113.6 1 alice
        eventually is_banned sshd 203.0.113.6
        is_out 203.0.113.6
        connects 203.0.113.5 22
        the_only_ban_is 203.0.113.6
}
