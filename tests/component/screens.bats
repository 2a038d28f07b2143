#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What banctl shows on a terminal, exactly: tests/screens has each screen. A banjod has had a night of
# attacks, and its clock and that of banctl stand still. SCREENS=write writes them anew, to be looked at
# before they are committed. BANJOD and BANCTL name the binaries, SET_CLOCK the library made of
# set-clock.c.

# shellcheck disable=SC2030,SC2031,SC2086

bats_require_minimum_version 1.5.0

load daemon
load journals

# A Sunday in the future, so that no timer of the kernel is late.
NOW=$(date -d '2034-11-26 12:10 UTC' +%s)

setup_file() {
        need_journals
        export TZ=UTC LC_ALL=C.UTF-8 ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0
        export SCREENS=${SCREENS:-} DIRECTORY_OF_SCREENS=${BATS_TEST_DIRNAME%/*}/screens
        make_directory
        make_namespace -n
        cd "$DIRECTORY" || return
        write_config

        # Ports 22 and 25 are in use, as the jails want it.
        inside ip link set lo up
        background /dev/null $ENTER systemd-socket-activate -l 22 -l 25 sleep infinity
        echo $! >listener.pid
        wait_for listens_on 22
        wait_for listens_on 25

        start_bus
        export BASE=$((NOW - 12 * 3600))
        set_clock "$BASE"
        start_clocked
        write_night
        set_clock "$NOW"
        journal journal/night.journal
        wait_for has_seen_all
        by_hand
}

listens_on() {
        [ -n "$(inside ss -Hltn "sport = :$1")" ]
}

# The clock stands still at that second. Nobody reads half a file.
set_clock() {
        echo "@$1" >clock.new
        mv clock.new clock
}

# Of banjod and banctl alike.
start_clocked() {
        background log $ENTER env LD_PRELOAD="$SET_CLOCK" CLOCK_OFFSET="$PWD/clock" "$BANJOD" --config-dir=config \
                --state-dir=state --journal=journal --bus="$ADDRESS"
        echo $! >banjod.pid
        wait_for on_bus
}

teardown_file() {
        stop_banjod
        stop_bus
        kill "$(<"$DIRECTORY/listener.pid")" "$NAMESPACE"
        rm -rf "$DIRECTORY"
}

setup() {
        cd "$DIRECTORY" || return
}

write_config() {
        # Not those that are shipped, which others change.
        rm config/filters/*
        cat >config/filters/sshd.conf <<'END'
[filter]
units = ssh.service
session = _PID
description = Failed logins
[fail]
password = 'Failed password for <USER> from <ADDR> port <PORT> ssh2'
unknown-user = 'Invalid user <USER> from <ADDR>'
[ignore]
accepted = 'Accepted \S+ for \S+ from <ADDR> port <PORT> ssh2'
END
        cat >config/filters/smtp.conf <<'END'
[filter]
units = smtp.service
[fail]
login = 'login of <USER> from <ADDR> failed'
END
        cat >config/conf.d/jails.conf <<'END'
[default]
bantime = 1d
counters = 100
[sshd]
enabled = yes
description = Logins over ssh
ports = 22
maxretry = 3
[mail]
enabled = yes
filter = smtp
description = Logins to the mail server
ports = 25
maxretry = 2
bantime = 2h
[web]
enabled = yes
filter = nothing
ports = 80
END
}

# The entries of twelve hours: sshd has more of them each hour, and mail some early ones.
write_night() {
        local hour n
        for ((hour = 0; hour < 12; hour++)); do
                for ((n = 0; n < hour * hour / 5; n++)); do
                        wrong $((hour * 3600 + 20 * n)) "198.51.100.$((hour * 10 + n % 4))"
                done
        done
        for ((n = 0; n < 4; n++)); do
                entry $((7300 + n)) _SYSTEMD_UNIT=smtp.service _UID=0 _COMM=smtpd SYSLOG_IDENTIFIER=smtpd _PID=77 \
                        "MESSAGE=login of bob from 2001:db8:0:$((n / 2))::1 failed"
        done
        sshd 43100 5001 'Invalid user oracle from 203.0.113.7'
        sshd 43101 5002 'Failed password for root from 203.0.113.7 port 4711 ssh2'
        sshd 43102 5003 'Failed password for backup from 203.0.113.7 port 4712 ssh2'
}

has_seen_all() {
        banctl list --json=short | jq -e 'any(.address == "203.0.113.7")' >/dev/null
}

by_hand() {
        banctl ban mail 192.0.2.0/24 --time=permanent --reason='scans of the whole network, day and night' --quiet
}

# plain COLUMNS ARGUMENT...: a screen of so many columns, without its colours
plain() {
        local command="stty cols $1; LC_ALL=${LOCALE:-C.UTF-8} LD_PRELOAD=$SET_CLOCK CLOCK_OFFSET=$PWD/clock"
        command+=" TERM=xterm BANCTL_PAGER= $BANCTL --address=$ADDRESS ${*:2}"
        script -qec "$ENTER sh -c '$command'" /dev/null </dev/null | tr -d '\r' | sed 's/\x1b\[[0-9;]*m//g'
}

# What is not the same everywhere.
alike() {
        sed -e "1s/banjod $("$BANCTL" --version | cut -d ' ' -f 2)/banjod VERSION/" -e 's/, which only banjod may change$//'
}

# keep NAME FILE: whether what is in the file is the screen that is kept
keep() {
        [ "$SCREENS" != write ] || cp "$2" "$DIRECTORY_OF_SCREENS/$1.txt"
        diff "$DIRECTORY_OF_SCREENS/$1.txt" "$2"
}

# screen NAME COLUMNS ARGUMENT...: whether the screen is the one that is kept
screen() {
        plain "${@:2}" | alike >screen
        keep "$1" screen
}

# fitting NAME COLUMNS ARGUMENT...: and whether it has no more than so many columns
fitting() {
        screen "$@"
        [ "$(wc -L <screen)" -le "$2" ]
}

@test "status" {
        fitting status 80
        fitting status-wide 200 status
        LOCALE=C fitting status-ascii 80 status
}

@test "status where there is no banjod" {
        [ "$(LC_ALL=C plain 80 --address=unix:path=/nowhere | head -n 1)" = '○ banjod is not running.' ]
}

# raw ENVIRONMENT ARGUMENT...: a screen with its colours
raw() {
        script -qec "stty cols 80; $ENTER env TERM=xterm $1 BANCTL_PAGER= $BANCTL --address=$ADDRESS ${*:2}" \
                /dev/null </dev/null
}

@test "colours on a terminal that has some, unless somebody wants none" {
        raw A=B status | grep -q $'\e\\['
        run ! grep -q $'\e' <(raw NO_COLOR=1 status)
        run ! grep -q $'\e' <(raw TERM=dumb status)
        run ! grep -q $'\e' <(banctl status)
}

# banctl at the time of the screens
banctl_then() {
        $ENTER env LD_PRELOAD="$SET_CLOCK" CLOCK_OFFSET="$PWD/clock" "$BANCTL" --address="$ADDRESS" "$@"
}

@test "in a pipe nothing is cut, nor with --full" {
        banctl list mail | grep -q 'scans of the whole network, day and night$'
        plain 80 list mail --full | grep -q 'scans of the whole network, day and night$'
        banctl status | grep -q 'LIMIT *BANTIME *PORTS$'
        diff <(plain 30 stats --full) <(TZ=UTC banctl_then stats)
}

@test "an empty pager is none" {
        for name in PAGER BANCTL_PAGER; do
                script -qec "env -u BANCTL_PAGER $name= $ENTER $BANCTL --address=$ADDRESS list mail" /dev/null </dev/null |
                        grep -q 192.0.2.0/24
        done
}

@test "times are local, or UTC with --utc" {
        TZ=JST-9 banctl history 203.0.113.7 | grep -q '^2034-11-26 21:08 '
        TZ=JST-9 banctl history 203.0.113.7 --utc | grep -q '^2034-11-26 12:08 '
        TZ=JST-9 banctl history --utc --since='2034-11-26 12:08:22' --until='2034-11-26 12:08:23' | grep -q 203.0.113.7
}

@test "list" {
        fitting list 80 list
        fitting list-jail 80 list mail
        fitting list-wide 200 list --jail=sshd
}

@test "why" {
        screen why 80 why 203.0.113.7 --journal=journal --config-dir=config
        screen why-never 80 why 203.0.113.8
        banctl why 203.0.113.7 --json=short --journal=journal --config-dir=config |
                jq -e '.bans[0] | .packets == 0 and .bytes == 0'
        banctl why 2001:db8::/64 --json=short --journal=journal --config-dir=config |
                jq -e '.bans[0] | .packets == null and .bytes == null'
}

@test "history" {
        fitting history 80 history --jail=mail
        fitting history-address 80 history 203.0.113.7
}

@test "stats" {
        fitting stats 80 stats
        LOCALE=C fitting stats-ascii 80 stats --jail=sshd
}

@test "log" {
        : >entries
        entry 100 _SYSTEMD_UNIT=banjod.service _PID=77 PRIORITY=6 'MESSAGE=Up, 3 jails.'
        entry 43102 _SYSTEMD_UNIT=banjod.service _PID=77 PRIORITY=5 BANJO_JAIL=sshd BANJO_ADDRESS=203.0.113.7 \
                'MESSAGE=Banned 203.0.113.7 in jail sshd for 1d (3 failures, the last one "password").'
        journal said.journal
        screen log 80 log --journal=said.journal
        screen log-address 80 log 203.0.113.7 --journal=said.journal
}

@test "metrics" {
        plain 80 metrics | sed 's/version="[^"]*"/version="VERSION"/' >got
        keep metrics got
}

@test "jails" {
        fitting jails 80 jails
}

@test "ban, unban and forget" {
        screen ban 80 ban sshd 203.0.113.9 203.0.113.10 --time=1h
        screen ban-again 80 ban sshd 192.0.2.9 --time=permanent
        screen ban-self 80 ban sshd 127.0.0.1
        screen unban 80 unban 203.0.113.9 203.0.113.10 203.0.113.11
        screen forget 80 forget 203.0.113.9 203.0.113.11
}

@test "allow, pause and resume" {
        banctl allow 203.0.113.30 --time=2h --reason='a test of ours' --quiet
        screen allow 80 allow 2001:db8:1::/48
        screen allow-list 80 allow
        screen allow-remove 80 allow --remove 203.0.113.30 203.0.113.31
        banctl pause mail
        screen status-paused 80
        banctl resume mail
}

@test "show" {
        screen show 80 show sshd --config-dir=config
}

@test "verify" {
        screen verify 80 verify config --journal=journal
}

@test "test" {
        printf '%s\n' 'Failed password for root from 192.0.2.1 port 22 ssh2' \
                'Failed password for root from 192.0.2.1 port 22 ssh3' \
                'Accepted password for root from 192.0.2.1 port 22 ssh2' >lines
        screen test 80 test sshd lines --config-dir=config
}

@test "reload" {
        screen reload 80 reload
}

@test "help, and what is wrong on the command line" {
        fitting help 80 --help
        fitting help-ban 80 ban --help
        screen wrong-verb 80 lsit
        screen wrong-option 80 list --time=1h
}

@test "monitor" {
        : >seen
        background seen script -qec "$ENTER env LD_PRELOAD=$SET_CLOCK CLOCK_OFFSET=$PWD/clock $BANCTL --address=$ADDRESS monitor" /dev/null
        pid=$!
        wait_for is_watched
        banctl ban sshd 203.0.113.20 --time=2h --reason=enough --quiet
        banctl unban 203.0.113.20 --quiet
        wait_for grep -q 'unbanned.*203\.0\.113\.20.*by hand' seen
        kill "$pid"
        grep '^[0-9].*203\.0\.113\.20' seen | tr -d '\r' | sed 's/\x1b\[[0-9;]*m//g' >got
        keep monitor got
}

is_watched() {
        banctl ban mail 198.51.100.250 --quiet
        banctl unban 198.51.100.250 --quiet
        grep -q 'unbanned.*198\.51\.100\.250' seen
}

@test "flush" {
        screen flush 80 flush --yes
}
