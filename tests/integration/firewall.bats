#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What becomes of bans when others change the ruleset of the host: the kernel lets nobody (by
# default), or banjod undoes it (`ownership = no`), or older kernels let nobody as long as systemd
# keeps a socket.

load lib

setup_file() {
        boot ssh.service
        watch_packets
}

teardown_file() {
        shut_down
}

teardown() {
        inside systemctl --quiet stop 'knock-*.service' firewalld.service nftables.service || true
        inside nft delete table inet firewalld 2>/dev/null || true
}

# begin KEY=VALUE...: as [banjo] has them; with one ban by failures, a permanent one, and a /64.
begin() {
        fresh_with < <(banjo_section "$@")
        ban_some
}

banjo_section() {
        echo '[banjo]'
        (($# == 0)) || printf '%s\n' "$@"
}

ban_some() {
        ban_three
        eventually is_settled
}

is_settled() {
        inside nft list table inet banjo && not inside nft list table inet banjo-kept
}

# Counts what the banned addresses send, and what they get back, where no ruleset of the host matters.
watch_packets() {
        attacker nft -f - <<'EOT'
table inet probe {
        counter sent {
        }
        counter answered {
        }
        chain output {
                type filter hook output priority 0
                ip saddr { 198.51.100.66, 198.51.100.67 } tcp dport 22 tcp flags == syn counter name sent
                ip6 saddr 2001:db8:a::/64 tcp dport 22 tcp flags == syn counter name sent
        }
        chain input {
                type filter hook input priority 0
                ip daddr { 198.51.100.66, 198.51.100.67 } tcp sport 22 counter name answered
                ip6 daddr 2001:db8:a::/64 tcp sport 22 counter name answered
        }
}
EOT
}

# probe NAME: what was counted
probe() {
        local text

        text=$(attacker nft list counter inet probe "$1")
        [[ $text =~ packets\ ([0-9]+) ]] && echo "${BASH_REMATCH[1]}"
}

start_knocking() {
        let_three_knock
        eventually has_sent 100
        attacker nft reset counters table inet probe >/dev/null
}

has_sent() {
        (($(probe sent) >= $1))
}

# Nothing was answered from start_knocking() on, though the knocking has gone on until now.
nothing_passed() {
        eventually has_sent $(($(probe sent) + 100))
        echo "$(probe sent) packets sent, $(probe answered) answered"
        (($(probe answered) == 0))
}

# From now on nothing passes. Connections that came about meanwhile are still answered to, now and
# then, and say nothing.
nothing_passes() {
        is_dropped 198.51.100.66 22 sshd && is_dropped 198.51.100.67 22 sshd &&
                is_dropped 2001:db8:a::67 22 sshd
}

# What ends well, with a table that is owned: at no time did anything pass. Without an owner: it was
# undone, and the bans hold.
held() {
        bans_are_kept
        if [[ $1 == owned ]]; then
                nothing_passed
                not has_repaired
        else
                eventually has_repaired
                eventually kernel_has_bans
                eventually nothing_passes
        fi
}

# For what does not touch banjo's table.
held_untouched() {
        bans_are_kept
        nothing_passed
        not has_repaired
}

# Since the beginning of the test, which begins with an empty journal.
has_repaired() {
        inside journalctl --sync
        inside journalctl -q -u banjod.service -g 'that was undone' | grep -q .
}

bans_are_kept() {
        eventually answers
        diff "$BATS_TEST_TMPDIR/bans" <(bans)
        eventually kernel_has_bans
}

kernel_has_bans() {
        local jail address

        while read -r jail address _; do
                is_banned "$jail" "$address" || return 1
        done <"$BATS_TEST_TMPDIR/bans"
}

# with OWNERSHIP [LINE...]: begins, with these lines besides, and leaves `owned` or `unowned` in kind
with() {
        begin "ownership = $1" "${@:2}"
        kind=unowned
        [[ $1 == no ]] || kind=owned
        start_knocking
}

# ---- others, with and without an owner ----

flushed() {
        with "$1"
        inside nft flush ruleset
        held "$kind"
}

@test "nft flush ruleset passes an owned table by" {
        flushed auto
}

@test "nft flush ruleset is undone without an owner" {
        flushed no
}

nftables_restarted() {
        with "$1"
        inside systemctl restart nftables.service
        held "$kind"
        inside systemctl restart nftables.service
        inside systemctl stop nftables.service
        held "$kind"
}

@test "systemctl restart nftables passes an owned table by" {
        nftables_restarted auto
}

@test "systemctl restart nftables is undone without an owner" {
        nftables_restarted no
}

other_tables_rewritten() {
        local i

        with "$1"
        for i in 1 2 3; do
                inside nft -f - <<'EOT'
table inet other
delete table inet other
table inet other {
        set s {
                type ipv4_addr
                elements = { 198.51.100.66, 192.0.2.2 }
        }
        chain input {
                type filter hook input priority 0
                ip saddr @s accept
        }
        chain prerouting {
                type filter hook prerouting priority raw
                accept
        }
}
EOT
        done
        held_untouched
        inside nft delete table inet other
}

@test "other tables may be rewritten beside an owned table" {
        other_tables_rewritten auto
}

@test "other tables may be rewritten beside one without an owner" {
        other_tables_rewritten no
}

firewalld_reloaded() {
        with "$1"
        inside systemctl start firewalld.service
        inside firewall-cmd --quiet --reload
        inside firewall-cmd --quiet --complete-reload
        inside firewall-cmd --quiet --add-service=http
        connects 203.0.113.5 22
        held_untouched
        inside systemctl stop firewalld.service
        held_untouched
}

@test "firewalld starts, reloads and stops beside an owned table" {
        firewalld_reloaded auto
}

@test "firewalld starts, reloads and stops beside one without an owner" {
        firewalld_reloaded no
}

restart_failed() {
        with "$1"
        write /etc/systemd/system/banjod.service.d/broken.conf <<'EOT'
[Unit]
# However slowly: systemd gives up after so many starts.
StartLimitIntervalSec=1h
[Service]
ExecStart=
ExecStart=/usr/sbin/banjod-is-missing
EOT
        inside systemctl daemon-reload
        run ! inside systemctl restart banjod.service
        eventually has_failed
        kernel_has_bans
        nothing_passed

        inside rm /etc/systemd/system/banjod.service.d/broken.conf
        inside systemctl daemon-reload
        inside systemctl reset-failed banjod.service
        { banjo_section "ownership = $1"; printf '[sshd]\nmaxretry = banana\n'; } | configure
        run ! inside systemctl restart banjod.service
        eventually has_failed
        kernel_has_bans
        nothing_passed

        banjo_section "ownership = $1" | configure
        inside systemctl reset-failed banjod.service
        inside systemctl start banjod.service
        bans_are_kept
        eventually is_settled
        nothing_passed
}

has_failed() {
        [[ $(inside systemctl is-failed banjod.service) == failed ]]
}

@test "a restart that fails keeps the bans of an owned table" {
        restart_failed auto
}

@test "a restart that fails keeps the bans of one without an owner" {
        restart_failed no
}

@test "a single ban that somebody takes out of the kernel is back" {
        with no
        inside nft 'delete element inet banjo sshd-v4 { 198.51.100.67 }'
        eventually is_banned sshd 198.51.100.67
        held unowned
        [[ $(inside journalctl -q -u banjod -o json -n 1 BANJO_PROCESS=nft | jq -r .BANJO_CAUSE) == bans ]]
}

@test "a saved ruleset with the table does not load while it is owned, and is undone without an owner" {
        with no
        inside sh -c '{ echo flush ruleset; nft list ruleset; } >/root/saved.nft'
        inside banctl unban 198.51.100.67
        inside nft -f /root/saved.nft
        eventually has_repaired
        eventually is_not_banned sshd 198.51.100.67
        eventually attacker nc -z -w 1 -s 198.51.100.67 192.0.2.1 22
        inside banctl ban sshd 198.51.100.67 --time=permanent
        inside systemctl --quiet stop 'knock-*.service'

        with auto
        run ! inside nft -f /root/saved.nft
        held owned
}

@test "ownership changes by a reload and by a restart, and no packet passes" {
        local i

        with no
        for i in yes no; do
                banjo_section "ownership = $i" | configure
                inside systemctl reload banjod.service
                eventually is_settled
                bans_are_kept
        done
        for i in auto no; do
                banjo_section "ownership = $i" | configure
                inside systemctl restart banjod.service
                eventually is_settled
                bans_are_kept
        done
        nothing_passed
}

# ---- older kernels ----

# Has the kernel be one that knows owners and not that a table may outlive them.
age_kernel() {
        inside mkdir -p /usr/lib/banjo-tests /etc/systemd/system/banjod.service.d
        write /usr/lib/banjo-tests/without-persist.c <"$BATS_TEST_DIRNAME/../component/without-persist.c"
        inside gcc -D_GNU_SOURCE -shared -fPIC -o /usr/lib/banjo-tests/without-persist.so \
                /usr/lib/banjo-tests/without-persist.c
        write /etc/systemd/system/banjod.service.d/old.conf <<'EOT'
[Service]
Environment=LD_PRELOAD=/usr/lib/banjo-tests/without-persist.so
EOT
        inside systemctl daemon-reload
}

is_owned() {
        inside nft list table inet banjo | grep -q 'flags owner$' &&
                not inside nft 'add counter inet banjo theirs' 2>/dev/null
}

n_kept() {
        inside systemctl show -P NFileDescriptorStore banjod.service
}

@test "on an older kernel systemd keeps the owner's socket over restarts and deaths" {
        local pid

        fresh
        inside systemctl stop banjod.service
        inside nft delete table inet banjo
        age_kernel
        banjo_section 'ownership = yes' | configure
        inside systemctl start banjod.service
        eventually answers
        ban_some
        is_owned
        (($(n_kept) == 1))
        start_knocking

        inside nft flush ruleset
        inside systemctl restart banjod.service
        bans_are_kept
        eventually is_settled
        is_owned

        pid=$(inside systemctl show -P MainPID banjod.service)
        inside systemctl kill -s KILL banjod.service
        eventually runs_anew "$pid"
        bans_are_kept
        eventually is_settled
        is_owned
        inside nft flush ruleset
        (($(n_kept) == 1))
        held owned

        # A stop hands the bans to a table that stays, and the start takes them back.
        inside systemctl stop banjod.service
        run ! inside nft list table inet banjo
        nothing_passed
        inside systemctl start banjod.service
        bans_are_kept
        eventually is_settled
        is_owned
        nothing_passed

        # And systemd lets go of what is not needed any more.
        banjo_section 'ownership = auto' | configure
        inside systemctl reload banjod.service
        eventually is_settled
        eventually has_none_kept
        bans_are_kept
        nothing_passed
}

has_none_kept() {
        (($(n_kept) == 0))
}

runs_anew() {
        [[ $(inside systemctl is-active banjod.service) == active &&
                $(inside systemctl show -P MainPID banjod.service) != "$1" ]]
}
