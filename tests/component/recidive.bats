#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Jails that count bans: banjod --once on journals made from text, in network namespaces of its own.
# BANJOD names the binary.

# shellcheck disable=SC2016,SC2030,SC2031

bats_require_minimum_version 1.5.0

load daemon
load journals

setup_file() {
        need_journals
        need_namespaces
}

setup() {
        # All is yet to come, so that no ban is over when it is decided.
        enter_directory 1000
        jail sshd 'ports = 22' 'maxretry = 1' 'bantime = 10'
        jail recidive 'source = bans' 'ports = any' 'findtime = 1d' 'bantime = 1w'
}

teardown() {
        leave_directory
}

# once [ADDRESS...]: runs to the end of the journal, on a host with these addresses
once() {
        export BANJOD
        run -0 unshare -rn sh -c 'ip link set lo up && for a; do ip address add "$a/32" dev lo || exit; done &&
                exec "$BANJOD" --config-dir=config --state-dir=state --journal=x.journal --once' sh "$@"
        echo "$output"
}

# Every ban that there was, with the second in which it began.
bans() {
        local columns='jail, address, prefixlen, id, start, failures, pattern'
        sqlite3 state/banjo.db "SELECT jail || ' ' || hex(address) || '/' || prefixlen || ' ' ||
                (start / 1000000 - $BASE) || ' ' || failures || ' ' || pattern
                FROM (SELECT $columns FROM bans UNION SELECT $columns FROM ended) ORDER BY id"
}

@test "the fifth ban within findtime leads to one by the jail that counts them" {
        local time

        for time in 0 100 200 300 400 500; do
                wrong $time 192.0.2.1
        done
        for time in 1000 1100 1200 1300; do
                wrong $time 192.0.2.2
        done
        wrong 90000 192.0.2.2
        journal
        once
        [[ $output == *'Banned 192.0.2.1 in jail recidive for 1w (5 failures, the last one "ban").'* ]]
        [[ $output == *'recidive: 0 entries, 10 failures, 1 banned'* ]]
        [ "$(bans | grep ^recidive)" = 'recidive C0000201/32 400 5 ban' ]
        [ "$(bans | grep -c '^sshd C0000201/32')" = 6 ]
}

@test "bans count over restarts, also those that the journal has no more" {
        local time

        for time in 0 10000 20000 30000 40000; do
                wrong $time 192.0.2.1
                journal
                once
                ((time == 40000)) || [ -z "$(bans | grep ^recidive)" ]
                once
                rm x.journal
        done
        [ "$(bans | grep ^recidive)" = 'recidive C0000201/32 40000 5 ban' ]
        [ "$(sqlite3 state/banjo.db 'SELECT entries FROM evidence ORDER BY ban DESC LIMIT 1' |
                jq -r '.[] | .pattern + " " + .cursor' | xargs)" = 'ban ban:1 ban ban:2 ban ban:3 ban ban:4 ban ban:5' ]
}

@test "a window of bans is as long as findtime, to the microsecond" {
        jail recidive 'source = bans' 'ports = any' 'findtime = 100' 'maxretry = 2'
        wrong 0 192.0.2.1
        wrong 100 192.0.2.1
        wrong 0 192.0.2.2
        wrong 101 192.0.2.2
        journal
        once
        [ "$(bans | grep ^recidive)" = 'recidive C0000201/32 100 2 ban' ]
}

@test "a ban that is over when it is decided does not count" {
        local time

        BASE=$((BASE - 2000))
        for time in 0 1100 1200 1300 1400; do
                wrong $time 192.0.2.1
        done
        journal
        once
        [ "$(bans | grep -c ^sshd)" = 5 ]
        [ -z "$(bans | grep ^recidive)" ]
        wrong 1500 192.0.2.1
        journal
        once
        [ "$(bans | grep ^recidive)" = 'recidive C0000201/32 1500 5 ban' ]
}

@test "a ban that is lifted because its address is to be spared does not count, nor do those before it" {
        local time

        jail recidive 'source = bans' 'ports = any' 'findtime = 1d' 'maxretry = 3'
        wrong 0 192.0.2.1
        wrong 0 192.0.2.2
        wrong 100 192.0.2.1
        wrong 100 192.0.2.2
        journal
        once
        once 192.0.2.1
        [[ $output == *'The ban of 192.0.2.1 in jail sshd is lifted'* ]]

        for time in 200 300 400; do
                wrong $time 192.0.2.1
                wrong $time 192.0.2.2
                journal
                once
        done
        [ "$(bans | grep ^recidive)" = 'recidive C0000202/32 200 3 ban
recidive C0000201/32 400 3 ban' ]
}

@test "a jail that counts bans goes on when no other is right" {
        wrong 0 192.0.2.1
        journal
        once
        echo 'maxretry = x' >>config/conf.d/sshd.conf
        once
        [[ $output == *'Jail sshd is not started'* ]]
        [ "$(bans)" = 'sshd C0000201/32 0 1 password' ]
        sed -i '$d' config/conf.d/sshd.conf
        jail recidive 'source = bans' 'ports = any' 'findtime = 1d' 'maxretry = 2'
        wrong 11 192.0.2.1
        journal
        once
        [ "$(bans | grep ^recidive)" = 'recidive C0000201/32 11 2 ban' ]
}
