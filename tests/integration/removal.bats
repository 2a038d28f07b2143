#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# How bans leave the kernel: when banjod stops, if it shall, when banjo is removed, and all at once.
# And what brings them back that should not, a ruleset saved with them.

load lib

setup_file() {
        boot ssh.service
}

teardown_file() {
        shut_down
}

# begin KEY=VALUE...: as [banjo] has them, and with two bans
begin() {
        fresh_with < <(echo '[banjo]'; (($# == 0)) || printf '%s\n' "$@")
        ban_some
}

ban_some() {
        inside banctl ban sshd 198.51.100.66 --time=1h
        inside banctl ban sshd 2001:db8:a::/64 --time=permanent
        bans >"$BATS_TEST_TMPDIR/bans"
        (($(wc -l <"$BATS_TEST_TMPDIR/bans") == 2))
}

bans_are_kept() {
        eventually answers
        diff "$BATS_TEST_TMPDIR/bans" <(bans)
        eventually is_banned sshd 198.51.100.66
        eventually is_banned sshd 2001:db8:a::/64
}

@test "on_stop = remove takes the bans out of the kernel, and the start puts them back" {
        begin 'on_stop = remove'
        inside systemctl stop banjod.service
        run ! inside nft list table inet banjo
        connects 198.51.100.66 22
        inside systemctl start banjod.service
        bans_are_kept
        is_dropped 198.51.100.66 22 sshd
        inside systemctl restart banjod.service
        bans_are_kept
        is_dropped 198.51.100.66 22 sshd
}

@test "removing banjo leaves no table behind" {
        begin
        run ! inside banjod --remove-table
        [[ $output == *'systemctl stop banjod.socket banjod.service'* ]]
        bans_are_kept

        inside systemctl disable --quiet --now banjod.service banjod.socket
        is_dropped 198.51.100.66 22 sshd
        inside banjod --remove-table
        [[ $(inside nft list tables) != *banjo* ]]
        connects 198.51.100.66 22
        inside banjod --remove-table

        # Should it come back, it knows them.
        inside systemctl start banjod.service
        bans_are_kept
}

@test "banctl flush lifts every ban, with banjod and without" {
        begin
        inside banctl flush --yes
        [[ -z $(bans) ]]
        connects 198.51.100.66 22

        ban_some
        inside systemctl stop banjod.service banjod.socket
        is_dropped 198.51.100.66 22 sshd
        inside banctl flush --yes
        [[ $(inside nft list tables) != *banjo* ]]
        connects 198.51.100.66 22
        inside systemctl start banjod.service
        eventually answers
        [[ -z $(bans) ]]
}

# ---- saved rulesets ----

@test "a ruleset that is loaded at boot and has the table is warned of" {
        begin 'ownership = no'
        run -0 inside banctl status
        [[ $output != *saved.nft* ]]

        inside sh -c 'mkdir -p /etc/nftables.d && nft list table inet banjo >/etc/nftables.d/saved.nft'
        inside chmod 600 /etc/nftables.d/saved.nft
        inside cp -a /etc/nftables.conf /root/nftables.conf
        inside sh -c 'echo "include \"/etc/nftables.d/*.nft\"" >>/etc/nftables.conf'

        run -0 inside banctl status
        [[ $output == */etc/nftables.d/saved.nft* ]]
        run inside banctl verify
        [[ $output == *'/etc/nftables.d/saved.nft: contains the table inet banjo'* ]]

        # banjod sees what it may read.
        inside systemctl reload banjod.service
        run inside journalctl -q -u banjod.service -g 'contains the table'
        [[ -z $output ]]
        inside chmod 644 /etc/nftables.d/saved.nft
        inside systemctl reload banjod.service
        eventually has_warned_of_ruleset
        inside cp -a /root/nftables.conf /etc/nftables.conf
        inside rm -r /etc/nftables.d
}

has_warned_of_ruleset() {
        inside journalctl -q -u banjod.service -g 'saved.nft contains the table inet banjo' | grep -q .
}
