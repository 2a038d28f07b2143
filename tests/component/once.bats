#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# banjod --once on journals made from text, in network namespaces of its own. BANJOD and
# WITHOUT_NETFILTER name the binaries.

# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2059,SC2129

bats_require_minimum_version 1.5.0

load daemon
load journals

setup_file() {
        need_journals
        need_namespaces
}

setup() {
        # Everything lies five minutes in the past, so that bans of an hour run and those of a minute
        # are over.
        enter_directory -300
        jail sshd 'ports = 22'
}

teardown() {
        leave_directory
}

# Runs to the end of the journal, in a namespace of its own where the kernel has no bans.
once() {
        export BANJOD
        run unshare -rn "$BANJOD" --config-dir=config --state-dir=state --journal=x.journal --once "$@"
        echo "$output"
}

# What the database has.
bans() {
        sqlite3 state/banjo.db "SELECT jail || ' ' || hex(address) || '/' || prefixlen || ' ' ||
                coalesce(end - start, 'permanent') || ' ' || failures || ' ' || pattern FROM bans ORDER BY id"
}

ended() {
        sqlite3 state/banjo.db "SELECT jail || ' ' || hex(address) || ' ' || cause FROM ended ORDER BY id"
}

# Runs to the end, on a host that commands have made what it is.
once_after() {
        export BANJOD
        run unshare -rn sh -c "ip link set lo up; $1"'
                exec "$BANJOD" --config-dir=config --state-dir=state --journal=x.journal --once'
        echo "$output"
}

# Runs to the end, and then a command in the same namespace.
once_then() {
        export BANJOD
        run unshare -rn sh -c '"$BANJOD" --config-dir=config --state-dir=state --journal=x.journal --once >/dev/null 2>&1; '"$1"
        echo "$output"
}

@test "five failures ban, in the store and in the kernel" {
        for i in 1 2 3 4 5; do wrong $i 192.0.2.1; done
        for i in 6 7 8 9; do wrong $i 192.0.2.2; done
        journal
        once
        [ "$status" -eq 0 ]
        [[ "$output" == *"9 entries read, 9 failures counted, 1 bans decided, 1 running"* ]]
        [[ "$output" == *"Banned 192.0.2.1 in jail sshd for 1h (5 failures, the last one \"password\")."* ]]
        [ "$(bans)" = "sshd C0000201/32 3600000000 5 password" ]

        rm -r state/*
        once_then 'nft list set inet banjo sshd-v4'
        [ "$status" -eq 0 ]
        [[ "$output" == *"192.0.2.1 timeout"*"expires 5"[0-9]"m"* ]]
        [[ "$output" != *192.0.2.2* ]]
}

@test "the same journal again changes nothing" {
        for i in 1 2 3 4 5; do wrong $i 192.0.2.1; done
        journal
        once
        before=$(sqlite3 state/banjo.db .dump)
        once
        [ "$status" -eq 0 ]
        [[ "$output" == *"0 entries read, 0 failures counted, 0 bans decided, 1 running"* ]]
        [[ "$output" != *Banned* ]]
        [ "$(sqlite3 state/banjo.db .dump)" = "$before" ]
}

@test "a gap in the journal is reported once" {
        wrong 1 192.0.2.1
        entry 100 _SYSTEMD_UNIT=cron.service _UID=0 MESSAGE=seen
        journal
        once
        [[ "$output" != *dropped* ]]

        # What was seen is gone: no gap.
        rm x.journal
        entry 100 _SYSTEMD_UNIT=cron.service _UID=0 MESSAGE=seen
        journal
        once
        [[ "$output" != *dropped* ]]

        rm x.journal
        entry 200 _SYSTEMD_UNIT=cron.service _UID=0 MESSAGE=left
        journal
        once
        [ "$status" -eq 0 ]
        [[ "$output" == *"The journal dropped entries from $(date -d @$((BASE + 100)) '+%F %T')"*" to $(date -d @$((BASE + 200)) '+%F %T')"*" before they were read"* ]]
        once
        [[ "$output" != *dropped* ]]
}

# suppressed SECOND N UNIT [FIELD=VALUE...]: as journald says it
suppressed() {
        entry "$1" _SYSTEMD_UNIT=systemd-journald.service _UID=0 _TRANSPORT="${4:-driver}" \
                SYSLOG_IDENTIFIER=systemd-journald MESSAGE_ID=a596d6fe7bfa4994828e72309e95d61e \
                N_DROPPED="$2" "MESSAGE=Suppressed $2 messages from $3" "${@:5}"
}

@test "what journald suppressed of a unit that a jail reads is reported, once a minute" {
        jail quiet 'filter = postfix' 'ports = 25'
        suppressed 1 12 ssh.service
        suppressed 2 13 cron.service
        suppressed 3 14 ssh.service syslog # a user's
        suppressed 4 15 ssh.service driver _NAMESPACE=web
        suppressed 30 16 ssh.service
        suppressed 59 17 ssh.service
        suppressed 61 18 ssh.service
        suppressed 62 19 postfix@-.service
        journal
        once
        [ "$status" -eq 0 ]
        [ "$(grep -c suppressed <<<"$output")" -eq 3 ]
        [[ "$output" == *"journald suppressed 12 messages of ssh.service, which jail sshd reads"* ]]
        [[ "$output" == *"journald suppressed 51 messages of ssh.service, which jail sshd reads"* ]]
        [[ "$output" == *"journald suppressed 19 messages of postfix@-.service, which jail quiet reads"* ]]
        once
        [[ "$output" != *suppressed* ]]
}

@test "bans that are stored are in the kernel again" {
        for i in 1 2 3 4 5; do wrong $i 192.0.2.1; done
        journal
        once
        once_then 'nft list set inet banjo sshd-v4'
        [[ "$output" == *"192.0.2.1 timeout"* ]]
}

@test "failures from before the stop count with those after it" {
        for i in 1 2 3; do wrong $i 192.0.2.1; done
        journal
        once
        [[ "$output" == *"3 entries read, 3 failures counted, 0 bans decided"* ]]
        for i in 4 5; do wrong $i 192.0.2.1; done
        journal
        once
        [[ "$output" == *"2 entries read, 2 failures counted, 1 bans decided, 1 running"* ]]
        [ "$(bans)" = "sshd C0000201/32 3600000000 5 password" ]
}

@test "sessions from before the stop go on after it" {
        jail sshd 'ports = 22' 'maxretry = 2'
        sshd 1 7 'Failed password for root from 192.0.2.1 port 1 ssh2'
        journal
        once
        sshd 2 7 'Connection closed by authenticating user root 192.0.2.1 port 1 [preauth]'
        journal
        once
        [[ "$output" == *"1 entries read, 0 failures counted, 0 bans decided"* ]]
}

@test "failures from before a ban do not count after it again" {
        for i in 1 2 3 4 5; do wrong $i 192.0.2.1; done
        wrong 6 192.0.2.1
        journal
        once
        wrong 7 192.0.2.1
        journal
        once
        [[ "$output" == *"1 entries read, 0 failures counted, 0 bans decided, 1 running"* ]]
        [ "$(bans | wc -l)" -eq 1 ]
}

@test "a ban that would be over by now is recorded and not applied" {
        jail sshd 'ports = 22' 'bantime = 1min'
        for i in 1 2 3 4 5; do wrong $i 192.0.2.1; done
        journal
        once
        [ "$status" -eq 0 ]
        [[ "$output" == *"1 bans decided, 0 running"* ]]
        [[ "$output" != *Banned* ]]
        over() {
                date -d "@$((BASE + $1))" '+%F %T'
        }
        [[ "$output" == *"A ban of 192.0.2.1 in jail sshd, from $(over 5) to $(over 65), would be over (5 failures, the last one \"password\")."* ]]
        [ -z "$(bans)" ]
        [ "$(ended)" = "sshd C0000201 over when decided" ]
}

@test "what was done during a ban that is over does not count" {
        jail sshd 'ports = 22' 'bantime = 1min'
        for i in 1 2 3 4 5; do wrong $i 192.0.2.1; done
        for i in 10 20 30 40 50 60; do wrong $i 192.0.2.1; done
        for i in 70 71 72 73; do wrong $i 192.0.2.1; done
        journal
        once
        [[ "$output" == *"9 failures counted, 1 bans decided"* ]]
        # Nor when the windows are filled anew.
        once
        wrong 74 192.0.2.1
        journal
        once
        [[ "$output" == *"1 failures counted, 1 bans decided"* ]]
}

@test "a stored ban that is over ends" {
        for i in 1 2 3 4 5; do wrong $i 192.0.2.1; done
        journal
        once
        sqlite3 state/banjo.db 'UPDATE bans SET end = start + 1000000'
        once
        [[ "$output" == *"Unbanned 192.0.2.1 in jail sshd (expired)."* ]]
        [ -z "$(bans)" ]
        [ "$(ended)" = "sshd C0000201 expired" ]
}

@test "an entry of a clock that was wrong spoils nothing" {
        for i in 1 2 3; do wrong $i 192.0.2.1; done
        sshd 315360000 99 'Server listening on 0.0.0.0 port 22.'
        for i in 4 5; do wrong $i 192.0.2.1; done
        journal
        once
        [ "$status" -eq 0 ]
        [[ "$output" == *"1 bans decided, 1 running"* ]]

        for i in 6 7 8 9 10; do wrong $i 192.0.2.2; done
        journal
        once
        [[ "$output" == *"1 bans decided, 2 running"* ]]
}

@test "an entry of a clock that was ahead forgets nobody, wherever banjod pauses" {
        jail sshd 'ports = 22' 'maxretry = 3' 'findtime = 60'
        for i in 1 2; do wrong $i 192.0.2.1; done
        for i in {4..1000}; do sshd 3 99 'Server listening on 0.0.0.0 port 22.'; done
        wrong 200 192.0.2.2 # the thousandth
        wrong 30 192.0.2.1
        journal
        once
        [[ "$output" == *"1 bans decided, 1 running"* ]]
}

@test "a ban by a clock that was a year ahead does not last a year in the kernel" {
        for i in 1 2 3 4 5; do wrong $((31536000 + i)) 192.0.2.1; done
        for i in 6 7 8 9 10; do wrong $i 192.0.2.2; done
        journal
        once_then 'nft list set inet banjo sshd-v4'
        [ "$status" -eq 0 ]
        [[ "$output" =~ 192.0.2.1" timeout 1h" ]]
        [[ "$output" =~ 192.0.2.2" timeout "5[0-9]m ]]
        # And nor after a restart.
        once_then 'nft list set inet banjo sshd-v4'
        [[ "$output" =~ 192.0.2.1" timeout 1h" ]]
        [[ "$output" =~ 192.0.2.2" timeout "5[0-9]m ]]
}

@test "what failed before a boot counts after it" {
        for i in 1 2 3; do wrong $i 192.0.2.1; done
        BOOT=2 UP=3
        for i in 4 5; do wrong $i 192.0.2.1; done
        BOOT=3 UP=5
        wrong 6 192.0.2.2
        journal
        once
        [ "$status" -eq 0 ]
        [ "$(bans)" = "sshd C0000201/32 3600000000 5 password" ]

        # And after a restart, whose windows reach back over two boots.
        BOOT=4 UP=6
        for i in 7 8 9 10; do wrong $i 192.0.2.2; done
        journal
        once
        [[ "$output" == *"4 entries read, 4 failures counted, 1 bans decided, 2 running"* ]]
}

@test "a damaged file keeps no other from being read" {
        for i in {1..40}; do sshd $i 1 "Failed password for root from 2001:db8:0:$i::1 port 4711 ssh2"; done
        journal
        size=$(grep -abo 2001:db8:0:20::1 x.journal | cut -d: -f1)
        mv x.journal journal/a.journal
        truncate --size="$size" journal/a.journal
        for i in 50 51 52 53 54; do wrong $i 192.0.2.1; done
        journal
        mv x.journal journal/b.journal
        printf garbage >journal/c.journal
        : >journal/d.journal

        once --journal=journal
        [ "$status" -eq 0 ]
        [ "$(bans)" = "sshd C0000201/32 3600000000 5 password" ]
        once --journal=journal
        [ "$status" -eq 0 ]
        [[ "$output" == *"0 entries read, 0 failures counted, 0 bans decided, 1 running"* ]]
}

@test "bantime = -1 is for good, in the store and in the kernel" {
        jail sshd 'ports = 22' 'bantime = -1' 'maxretry = 1'
        wrong 1 192.0.2.1
        journal
        once
        [[ "$output" == *"Banned 192.0.2.1 in jail sshd for good"* ]]
        [ "$(bans)" = "sshd C0000201/32 permanent 1 password" ]
        once_then 'nft list set inet banjo sshd-v4'
        [[ "$output" == *"elements = { 192.0.2.1 }"* ]]
}

@test "the /64 of an IPv6 address is banned" {
        for i in 1 2 3 4 5; do wrong $i 2001:db8:1:2::$i; done
        journal
        once
        [ "$(bans)" = "sshd 20010DB8000100020000000000000000/64 3600000000 5 password" ]
        once_then 'nft list set inet banjo sshd-v6-64'
        [[ "$output" == *"2001:db8:1:2:: timeout"* ]]
}

# spray FIRST HOST...: a wrong password from each, a second apart
spray() {
        local i=$1
        shift
        for host; do wrong $((i++)) "$host"; done
}

@test "a network is banned, and the bans of its addresses go into it" {
        jail sshd 'ports = 22' 'maxretry = 2' 'networks = 24:7 56:3'
        spray 1 192.0.2.1 192.0.2.1 192.0.2.2 198.51.100.1 198.51.100.1 192.0.2.3 192.0.2.4 192.0.2.4
        journal
        once
        [ "$(bans | wc -l)" -eq 3 ]

        # By hand, and for longer: these stay.
        sqlite3 state/banjo.db "INSERT INTO bans (jail, address, prefixlen, id, start, end, failures, pattern, leaks)
                SELECT jail, x'C0000208', 32, 100, start, NULL, 2, pattern, 0 FROM bans WHERE address = x'C0000201';
                INSERT INTO bans (jail, address, prefixlen, id, start, end, failures, pattern, leaks)
                SELECT jail, x'C0000209', 32, 101, start, end, 0, 'by hand', 0 FROM bans WHERE address = x'C0000201';
                UPDATE meta SET value = 101 WHERE key = 'last-id'"
        spray 10 192.0.2.5
        journal
        once_then 'nft list table inet banjo'
        [ "$status" -eq 0 ]
        [[ "$output" == *"192.0.2.0 timeout"* ]]
        [[ "$output" != *"192.0.2.1 timeout"* ]]
        [[ "$output" != *"192.0.2.4 timeout"* ]]
        [[ "$output" == *"198.51.100.1 timeout"* ]]
        [[ "$output" == *"192.0.2.9 timeout"* ]]
        [ "$(bans)" = "sshd C6336401/32 3600000000 2 password
sshd C0000208/32 permanent 2 password
sshd C0000209/32 3600000000 0 by hand
sshd C0000200/24 3600000000 7 password" ]
        [ "$(ended)" = "sshd C0000201 in a banned network
sshd C0000204 in a banned network" ]

        spray 20 2001:db8:0:1::1 2001:db8:0:2::1 2001:db8:0:3::1
        journal
        once
        [[ "$output" == *"Banned 2001:db8::/56 in jail sshd for 1h (3 failures, the last one \"password\")."* ]]
}

@test "it is said that an address stays banned in its network" {
        jail sshd 'ports = 22' 'maxretry = 2' 'networks = 24:4'
        spray 1 192.0.2.1 192.0.2.1 192.0.2.2 192.0.2.3
        journal
        once
        [[ "$output" == *"Banned 192.0.2.1 "*"Banned 192.0.2.0/24 "*"192.0.2.1 in jail sshd stays banned: its ban goes on in that of a network around it."* ]]
        [[ "$output" != *Unbanned* ]]
}

@test "a network that holds an address of this host is spared, and who failed there is not" {
        jail sshd 'ports = 22' 'maxretry = 2' 'networks = 24:4'
        spray 1 192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.3
        spray 5 198.51.100.1 198.51.100.2 198.51.100.3 198.51.100.4
        spray 10 203.0.113.1 203.0.113.2 203.0.113.3 203.0.113.4
        journal
        once_after 'ip address add 192.0.2.77/32 dev lo; ip address add 198.51.100.77/32 dev lo
                ip link add veth0 type veth peer name veth1 && ip link set veth0 up && ip link set veth1 up
                ip route add 203.0.113.64/26 dev veth0'
        [ "$status" -eq 0 ]
        [ "$(bans)" = "sshd C0000203/32 3600000000 2 password" ]
        [[ "$output" != *"192.0.2.0/24 failed"* ]]
        [[ "$output" == *"198.51.100.0/24 failed often enough for a ban in jail sshd, but is not banned: 198.51.100.77 is this host's own address."* ]]
        [[ "$output" == *"203.0.113.0/24 failed often enough for a ban in jail sshd, but is not banned: 203.0.113.0/24 is or holds a network that this host is attached to."* ]]
        [ "$(ended)" = "sshd C0000200 own address
sshd C6336400 own address
sshd CB007100 on link" ]
}

@test "who is banned for his network, which is spared, leaves nothing to the others in it, also over a stop" {
        on_link() {
                once_after 'ip link add veth0 type veth peer name veth1 && ip link set veth0 up && ip link set veth1 up
                        ip address add 2001:db8:1::77/64 dev veth0 nodad'
                [ "$status" -eq 0 ]
        }
        jail sshd 'ports = 22' 'maxretry = 3'
        wrong 1 2001:db8:1::1
        wrong 2 2001:db8:1::1
        wrong 3 2001:db8:1::2
        wrong 4 2001:db8:1::1
        wrong 5 2001:db8:1::1
        journal
        on_link
        [ "$(bans)" = "sshd 20010DB8000100000000000000000002/128 3600000000 3 password" ]
        [ "$(ended)" = "sshd 20010DB8000100000000000000000000 on link" ]

        # Two more were since then, and not four.
        wrong 6 2001:db8:1::3
        journal
        on_link
        [ "$(bans)" = "sshd 20010DB8000100000000000000000002/128 3600000000 3 password
sshd 20010DB8000100000000000000000003/128 3600000000 3 password" ]
        [ "$(sqlite3 state/banjo.db 'SELECT sum(failures), sum(bans) FROM hours')" = '6|2' ]
}

@test "bans that were over when they were decided are counted by the hour" {
        jail sshd 'ports = 22' 'maxretry = 3' 'bantime = 1s'
        for i in 1 2 3; do wrong $i 192.0.2.1; done
        journal
        once
        [ "$(ended)" = "sshd C0000201 over when decided" ]
        [ "$(sqlite3 state/banjo.db 'SELECT sum(failures), sum(bans) FROM hours')" = '3|1' ]
        [ "$(sqlite3 state/banjo.db 'SELECT hex(address), failures, bans FROM hours_networks')" = 'C0000200|3|1' ]
}

@test "networks and users under attack go on over a stop" {
        jail sshd 'ports = 22' 'maxretry = 3' 'networks = 24:3' 'user_maxretry = 3'
        spray 1 192.0.2.1 192.0.2.2
        journal
        once
        [[ "$output" == *"0 bans decided"* ]]
        spray 3 192.0.2.3
        journal
        once
        [[ "$output" == *"Banned 192.0.2.0/24 "* ]]
        spray 4 198.51.100.1
        journal
        once
        [[ "$output" == *"Banned 198.51.100.1 in jail sshd for 1h (1 failures, "* ]]
}

@test "allowed addresses are not banned" {
        jail sshd 'ports = 22' 'maxretry = 1' 'allow = 192.0.2.0/24'
        wrong 1 192.0.2.1
        wrong 2 198.51.100.1
        journal
        once
        [ "$(bans)" = "sshd C6336401/32 3600000000 1 password" ]
}

@test "an address of this host is spared" {
        jail sshd 'ports = 22' 'maxretry = 1'
        wrong 1 192.0.2.7
        journal
        once_after 'ip address add 192.0.2.7/32 dev lo'
        [ "$status" -eq 0 ]
        [[ "$output" == *"192.0.2.7 failed often enough for a ban in jail sshd, but is not banned"* ]]
        [ -z "$(bans)" ]
}

@test "lines that a user forges ban nobody" {
        jail sshd 'ports = 22' 'maxretry = 1'
        m='MESSAGE=Failed password for root from 192.0.2.1 port 1 ssh2'
        # logger -t sshd, from a session and from a unit of the user
        entry 1 _SYSTEMD_UNIT=session-3.scope _UID=1000 SYSLOG_IDENTIFIER=sshd _COMM=logger "$m"
        entry 2 _SYSTEMD_UNIT=user@1000.service _SYSTEMD_USER_UNIT=ssh.service _UID=1000 SYSLOG_IDENTIFIER=sshd _COMM=sshd "$m"
        # a shell within sshd's unit
        entry 3 _SYSTEMD_UNIT=ssh.service _UID=1000 SYSLOG_IDENTIFIER=sshd _COMM=sshd "$m"
        # and fields as the user may write them
        entry 4 _UID=1000 SYSTEMD_UNIT=ssh.service UID=0 SYSLOG_IDENTIFIER=sshd _COMM=sshd _EXE=/tmp/sshd "$m"
        entry 5 _UID=1000 _SYSTEMD_UNIT=user@1000.service MESSAGE_ID=a177b87d71174984b96c434c71d4d024 BANJO_ADDRESS=192.0.2.1 "$m"
        # root, and another program
        entry 6 _SYSTEMD_UNIT=cron.service _UID=0 SYSLOG_IDENTIFIER=sshd "$m"
        entry 7 _UID=0 SYSLOG_IDENTIFIER=su "$m"
        journal
        once
        [ "$status" -eq 0 ]
        [[ "$output" == *"0 failures counted, 0 bans decided, 0 running"* ]]
}

@test "user names that look like addresses convict nobody else" {
        jail sshd 'ports = 22' 'maxretry = 1'
        sshd 1 1 'Failed password for invalid user root from 203.0.113.9 port 1 ssh2 from 192.0.2.1 port 2 ssh2'
        sshd 2 2 'error: kex_exchange_identification: client sent invalid protocol identifier "Failed password for root from 203.0.113.8 port 1 ssh2"'
        sshd 3 3 'Received disconnect from 198.51.100.1 port 1:11: Failed password for root from 203.0.113.7 port 1 ssh2'
        journal
        once
        [ "$(bans)" = "sshd C0000201/32 3600000000 1 password" ]
}

@test "a jail reads one namespace" {
        jail web 'filter = sshd' 'namespace = web' 'ports = 80'
        for i in 1 2 3 4 5; do
                wrong $i 192.0.2.1
                sshd $((10 + i)) $((2000 + i)) 'Failed password for root from 192.0.2.2 port 4711 ssh2' _NAMESPACE=web
                sshd $((20 + i)) $((3000 + i)) 'Failed password for root from 192.0.2.3 port 4711 ssh2' _NAMESPACE=mail
        done
        journal
        once
        [ "$status" -eq 0 ]
        [ "$(bans)" = $'sshd C0000201/32 3600000000 5 password\nweb C0000202/32 3600000000 5 password' ]
}

@test "units of a glob are read, of users it is refused" {
        jail glob 'filter = sshd' 'units = ssh@?*-192.0.2.9:*.service' 'ports = 80'
        printf '[filter]\nunits = *.service\n[fail]\nx = %s\n' "'login from <ADDR> failed'" >config/filters/plain.conf
        jail mine 'filter = plain' 'ports = 81'
        for i in 1 2 3 4 5; do
                wrong $i 192.0.2.1
                entry $((10 + i)) "_SYSTEMD_UNIT=ssh@$i-192.0.2.9:22-198.51.100.1:$i.service" _UID=0 _PID=$i \
                        'MESSAGE=Failed password for root from 198.51.100.1 port 4711 ssh2'
        done
        journal
        once
        [ "$status" -eq 0 ]
        [[ "$output" == *plain.conf*"a local user cannot forge"* ]]
        [ "$(bans)" = $'sshd C0000201/32 3600000000 5 password\nglob C6336401/32 3600000000 5 password' ]
}

@test "entries that lost their unit count" {
        for i in 1 2 3; do wrong $i 192.0.2.1; done
        for i in 4 5; do
                entry $i _UID=0 SYSLOG_IDENTIFIER=sshd _PID=$i "MESSAGE=Failed password for root from 192.0.2.1 port 1 ssh2"
        done
        journal
        once
        [[ "$output" == *"5 failures counted, 1 bans decided"* ]]
}

@test "entries without a user id do not count" {
        jail sshd 'ports = 22' 'maxretry = 1'
        entry 1 _SYSTEMD_UNIT=ssh.service SYSLOG_IDENTIFIER=sshd "MESSAGE=Failed password for root from 192.0.2.1 port 1 ssh2"
        journal
        once
        [[ "$output" == *"0 failures counted, 0 bans decided"* ]]
}

@test "three failed SMTP AUTH ban in the jail of postfix" {
        jail postfix-sasl 'filter = postfix' 'maxretry = 3' 'findtime = 5min' 'ports = 25 465' 'bantime = -1'
        for i in 1 2 3; do
                entry $i _SYSTEMD_UNIT=postfix@-.service _UID=101 SYSLOG_IDENTIFIER=postfix/smtpd _PID=9 \
                        "MESSAGE=warning: unknown[198.51.100.66]: SASL LOGIN authentication failed: (reason unavailable), sasl_username=bob"
        done
        journal
        once
        [ "$(bans)" = "postfix-sasl C6336442/32 permanent 3 sasl" ]
}

@test "a jail that is wrong does not stop the others and is named" {
        jail bad 'filter = sshd' 'ports = 22' 'maxretry = many'
        for i in 1 2 3 4 5; do wrong $i 192.0.2.1; done
        journal
        once
        [ "$status" -eq 0 ]
        [[ "$output" == *"config/conf.d/bad.conf: [bad] maxretry: \"many\" is wrong, it should be a number from 1 to 1000."* ]]
        [[ "$output" == *"Jail bad is not started"* ]]
        [ "$(bans)" = "sshd C0000201/32 3600000000 5 password" ]
}

@test "a pattern that does not compile is named, and the bans of its jail stay" {
        for i in 1 2 3 4 5; do wrong $i 192.0.2.1; done
        journal
        once
        jail other 'filter = postfix' 'ports = 25'
        sed -i 's/^password = .*/password = "Failed ( <ADDR>"/' config/filters/sshd.conf
        once_then 'nft list set inet banjo sshd-v4'
        [[ "$output" == *192.0.2.1* ]]
        once
        [ "$status" -eq 0 ]
        [[ "$output" == *"config/filters/sshd.conf: [fail] password: the pattern does not compile: missing closing parenthesis"* ]]
        [ "$(bans)" = "sshd C0000201/32 3600000000 5 password" ]
}

@test "bans of a jail that is gone end, but not while the configuration has mistakes" {
        jail other 'filter = sshd' 'ports = 2222'
        for i in 1 2 3 4 5; do wrong $i 192.0.2.1; done
        journal
        once
        [ "$(bans | wc -l)" -eq 2 ]

        echo 'no setting' >config/conf.d/other.conf
        once
        [ "$status" -eq 0 ]
        [[ "$output" == *"1 bans of jails that are not in the configuration are kept, because it has mistakes."* ]]
        [ "$(bans | wc -l)" -eq 2 ]

        rm config/conf.d/other.conf
        once
        [[ "$output" == *"1 bans of jails that are not in the configuration (any more) ended."* ]]
        [ "$(bans)" = "sshd C0000201/32 3600000000 5 password" ]
        [ "$(ended)" = "other C0000201 jail removed" ]
}

@test "without the firewall bans are decided and stored" {
        for i in 1 2 3 4 5; do wrong $i 192.0.2.1; done
        journal
        once --firewall=none
        [ "$status" -eq 0 ]
        [[ "$output" == *"1 bans decided, 1 running"* ]]
        [ "$(bans)" = "sshd C0000201/32 3600000000 5 password" ]
}

@test "a damaged database is set aside, and the bans come back from the kernel" {
        jail sshd 'ports = 22' 'maxretry = 1'
        jail mail 'filter = postfix' 'ports = 25'
        wrong 1 192.0.2.1
        wrong 2 2001:db8:1:2::1
        journal
        export BANJOD
        # The journal of the second run is another one: what it knows, it knows from the kernel.
        run unshare -rn sh -c '
                "$BANJOD" --config-dir=config --state-dir=state --journal=x.journal --once >/dev/null 2>&1
                mkdir empty
                head -c 8192 /dev/urandom >state/banjo.db
                "$BANJOD" --config-dir=config --state-dir=state --journal=empty --once 2>&1
                nft list set inet banjo sshd-v4'
        echo "$output"
        [[ "$output" == *"The database was damaged and is now state/banjo.db.damaged. A new one was made, with 2 bans that the kernel still had."* ]]
        [[ "$output" == *"2 running"* ]]
        [[ "$output" == *"192.0.2.1 timeout "* ]]
        [ -e state/banjo.db.damaged ]
        [ "$(sqlite3 state/banjo.db 'SELECT count(*) FROM bans WHERE (end - start) / 60000000 BETWEEN 50 AND 60')" -eq 2 ]
}

@test "what makes no journal is said" {
        run unshare -rn "$BANJOD" --config-dir=config --state-dir=state --journal=nosuch.journal --once
        echo "$output"
        [ "$status" -eq 66 ]
        [ "$output" = "banjod: Failed to open the journal nosuch.journal: No such file or directory" ]

        echo "this is none" >text
        run unshare -rn "$BANJOD" --config-dir=config --state-dir=state --journal=text --once
        echo "$output"
        [ "$status" -eq 66 ]
        [[ "$output" == "banjod: Failed to open the journal text: "* ]]
        [ "${#lines[@]}" -eq 1 ]
}

@test "wrong usage is 2" {
        run "$BANJOD" --firewall=iptables
        [ "$status" -eq 2 ]
        [ "$output" = "banjod: --firewall=iptables: should be nft or none." ]
        run "$BANJOD" --log-level=loud
        [ "$status" -eq 2 ]
        run "$BANJOD" --bus=private
        [ "$status" -eq 2 ]
        [[ "$output" == "banjod: --bus=private: should be system, none or a D-Bus address"* ]]
        run "$BANJOD" start
        [ "$status" -eq 2 ]
        [ "$output" = "banjod: start: banjod takes options only; see banjod --help." ]
        run "$BANJOD" --nosuch
        [ "$status" -eq 2 ]
        run "$BANJOD" --help
        [ "$status" -eq 0 ]
        run "$BANJOD" --version
        [ "$status" -eq 0 ]
        [[ "$output" == "banjod "[0-9]* ]]
}

@test "a state directory that cannot be written is 73" {
        journal_of_one
        rmdir state
        once --firewall=none
        [ "$status" -eq 73 ]
        [[ "$output" == "banjod: Cannot write the database state/banjo.db (the directory must exist and belong to the user that banjod runs as): "* ]]
        [ "${#lines[@]}" -eq 1 ]

        mkdir state
        as_nobody --firewall=none
        [ "$status" -eq 73 ]
        [ "${#lines[@]}" -eq 1 ]
}

@test "a database that may only be read is 73" {
        journal_of_one
        once --firewall=none
        chmod 777 state
        as_nobody --firewall=none
        [ "$status" -eq 73 ]
        [ "${#lines[@]}" -eq 1 ]
}

@test "a database of a newer banjo is 73" {
        journal_of_one
        once --firewall=none
        sqlite3 state/banjo.db 'PRAGMA user_version = 99'
        once --firewall=none
        [ "$status" -eq 73 ]
        [ "$output" = "banjod: The database state/banjo.db is of a newer banjo." ]
}

# A journal with one entry that does not matter.
journal_of_one() {
        sshd 1 1 'Server listening on 0.0.0.0 port 22.'
        journal
        chmod 644 x.journal
}

# Runs as nobody, who has no capability and owns nothing.
as_nobody() {
        [ "$(id -u)" -eq 0 ] || skip "only root can become nobody"
        cp "$BANJOD" banjod # where nobody may run it
        run setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all --bounding-set=-all \
                ./banjod --config-dir=config --state-dir=state --journal=x.journal --once "$@"
        echo "$output"
}

@test "without CAP_NET_ADMIN it is 77" {
        journal_of_one
        chmod 777 state
        as_nobody
        [ "$status" -eq 77 ]
        [ "$output" = "banjod: Not allowed to change nftables: banjod needs CAP_NET_ADMIN, which banjod.service gives it." ]
}

@test "a journal that may not be read is 77" {
        journal_of_one
        chmod 600 x.journal
        chmod 777 state
        as_nobody --firewall=none
        [ "$status" -eq 77 ]
        [ "$output" = "banjod: Not allowed to read the journal x.journal: banjod has to be in the group systemd-journal." ]
}

@test "a kernel without nftables is 69" {
        journal_of_one
        run unshare -rn "$WITHOUT_NETFILTER" "$BANJOD" --config-dir=config --state-dir=state --journal=x.journal --once
        echo "$output"
        [ "$status" -eq 69 ]
        [ "$output" = "banjod: This kernel has no nftables (CONFIG_NF_TABLES and CONFIG_NF_TABLES_INET, module nf_tables). With firewall = log banjod runs without it." ]

        # And so it does.
        printf '[banjo]\nfirewall = log\n' >config/banjo.conf
        run unshare -rn "$WITHOUT_NETFILTER" "$BANJOD" --config-dir=config --state-dir=state --journal=x.journal --once
        echo "$output"
        [ "$status" -eq 0 ]
        [[ "$output" == *"0 bans decided, 0 running"* ]]
}

@test "a configuration with no jail that is right is 78" {
        journal_of_one
        jail sshd 'ports = nosuch'
        once
        [ "$status" -eq 78 ]
        [[ "$output" == *"config/conf.d/sshd.conf: [sshd] ports: \"nosuch\" is wrong"* ]]
        [[ "$output" == *"No jail is right, so there is nothing to do." ]]

        printf '[sshd]\nports = 22\n' >config/conf.d/sshd.conf
        once
        [ "$status" -eq 78 ]
        [ "$output" = "banjod: No jail is enabled, so there is nothing to do. One is enabled by enabled = yes in /etc/banjo/conf.d/." ]

        rm -r config
        once
        [ "$status" -eq 78 ]
        [ "$output" = "banjod: There is no configuration: no banjo.conf and no conf.d/*.conf in config." ]
}

@test "many bans at once are all stored and all in the kernel" {
        jail sshd 'ports = 22' 'maxretry = 1'
        for a in $(seq 0 9); do
                for b in $(seq 1 200); do
                        wrong $((a * 20 + b / 10)) "198.51.10$a.$b"
                done
        done
        journal
        once_then 'nft -j list set inet banjo sshd-v4 | tr , "\n" | grep -c "\"val\": \"198.51.10"'
        [ "$(bans | wc -l)" -eq 2000 ]
        [ "$output" -eq 2000 ]
}

@test "odd bytes in a journal stop nothing" {
        jail sshd 'ports = 22' 'maxretry = 1'
        printf '__REALTIME_TIMESTAMP=%d000000\n__MONOTONIC_TIMESTAMP=1000000\n_BOOT_ID=11111111111111111111111111111111\n' $((BASE + 1)) >>entries
        printf '_SYSTEMD_UNIT=ssh.service\n_UID=0\nMESSAGE\n' >>entries
        message='Failed password for \377\376\012x\200 from 192.0.2.1 port 1 ssh2'
        size=$(printf "$message" | wc -c)
        printf "\\x$(printf %x "$size")\\0\\0\\0\\0\\0\\0\\0" >>entries
        printf "$message\n\n" >>entries
        journal
        once
        [ "$(bans)" = "sshd C0000201/32 3600000000 1 password" ]
}
