#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What programs find on org.banjo1, in a network namespace of its own. BANJOD, BANCTL and BUS_CLIENT
# name the binaries.

# Some arguments are words, and so is ENTER of daemon.bash.
# shellcheck disable=SC2030,SC2031,SC2086

bats_require_minimum_version 1.5.0

load daemon

setup_file() {
        make_directory
        make_namespace -n
        inside ip link set lo up

        printf '[%s]\nenabled = yes\nports = %s\nfilter = %s\nbantime = %s\n' \
                sshd 22 sshd 1h mail 'smtp submission' postfix -1 >"$DIRECTORY/config/conf.d/jails.conf"

        start_bus
        start_banjod
}

teardown_file() {
        stop_banjod
        stop_bus
        kill "$NAMESPACE"
        rm -rf "$DIRECTORY"
}

setup() {
        cd "$DIRECTORY" || return
        banctl flush --yes --quiet
}

# call_json METHOD [SIGNATURE ARGUMENT...]: what it answers
call_json() {
        busctl --address="$ADDRESS" --json=short call org.banjo1 /org/banjo1 org.banjo1.Manager "$@" |
                jq -c .data
}

@test "many are banned by one call, and each that is not is told with its reason" {
        run -0 call_json BanMany sastst sshd 6 192.0.2.1 198.51.100.0/24 192.0.2.1 10.0.0.0/7 nonsense 127.0.0.1 \
                0 'by a test' 0
        jq -e '.[0:2] == [2, 1]' <<<"$output"
        # In the order in which they were given.
        jq -e '.[2] | map(.[0:2]) == [["10.0.0.0/7", "org.banjo1.Error.InvalidAddress"],
                ["nonsense", "org.banjo1.Error.InvalidAddress"],
                ["127.0.0.1", "org.banjo1.Error.Refused"]]' <<<"$output"
        jq -e '.[2][2][2] | test("own address")' <<<"$output"
        in_kernel sshd-v4 192.0.2.1
        in_kernel sshd-v4-24 198.51.100.0
        [ "$(sqlite3 -readonly state/banjo.db "SELECT count(*) FROM bans WHERE reason = 'by a test'")" = 2 ]

        run -0 call_json BanMany sastst sshd 2 192.0.2.1 192.0.2.2 18446744073709551615 '' 1
        [ "$output" = '[2,0,[]]' ]
        run -0 call_json BanMany sastst sshd 3 192.0.2.1 192.0.2.2 192.0.2.3 18446744073709551615 '' 0
        [ "$output" = '[1,2,[]]' ]
        run -0 call_json BanMany sastst sshd 0 0 '' 0
        [ "$output" = '[0,0,[]]' ]
        run ! call BanMany sastst nojail 1 192.0.2.1 0 '' 0
        run ! call BanMany sastst sshd 1 192.0.2.1 0 '' 2
        [[ $output == *'Unknown flags'* ]]
        # shellcheck disable=SC2046
        run ! call BanMany sastst sshd 5001 $(printf '192.0.2.%d ' {1..5001}) 0 '' 0
        [[ $output == *'at most 5000 addresses'* ]]
}

@test "many are let go by one call, or all of a jail" {
        call BanMany sastst sshd 3 192.0.2.1 192.0.2.2 198.51.100.7 0 '' 0
        call BanMany sastst mail 2 192.0.2.1 2001:db8::/64 0 '' 0
        run -0 call_json UnbanMany sas '' 4 192.0.2.1 203.0.113.99 192.0.2.1 198.51.100.0/24
        [ "$output" = '[3,["203.0.113.99","192.0.2.1"]]' ]
        run ! in_kernel sshd-v4 192.0.2.1
        run ! in_kernel mail-v4 192.0.2.1
        in_kernel sshd-v4 192.0.2.2
        [ "$(sqlite3 -readonly state/banjo.db "SELECT count(*) FROM bans")" = 2 ]
        [ "$(sqlite3 -readonly state/banjo.db "SELECT count(*) FROM ended WHERE cause = 'by hand'")" -ge 3 ]

        # One that is none, and nothing happens.
        run ! call UnbanMany sas '' 2 192.0.2.2 nonsense
        in_kernel sshd-v4 192.0.2.2
        run ! call UnbanMany sas nojail 1 192.0.2.2

        run -0 call_json UnbanAll s sshd
        [ "$output" = '[1]' ]
        run ! in_kernel sshd-v4 192.0.2.2
        run -0 call_json UnbanAll s ''
        [ "$output" = '[1]' ]
        run ! call UnbanAll s nojail
        [ "$(property RunningBans)" = 't 0' ]
}

# subscribe FILE: writes there what one is told who subscribed; $! is the client
subscribe() {
        : >"$1"
        background "$DIRECTORY/$1" "$BUS_CLIENT" "$ADDRESS" subscribe
        wait_for grep -q subscribed "$1"
}

failures_are() {
        [ "$(property Failures)" = "t $1" ]
}

lines_are() {
        [ "$(wc -l <"$1")" = "$2" ]
}

# Whether a client is gone from the bus. Who asks banjod afterwards comes behind what it is told of that.
has_left() {
        [ "$(busctl --address="$ADDRESS" call org.freedesktop.DBus / org.freedesktop.DBus NameHasOwner s "$1")" = 'b false' ]
}

@test "single failures are told to those who subscribed, and to nobody else" {
        [ -x /usr/lib/systemd/systemd-journal-remote ] || skip "systemd-journal-remote is not installed"
        local first second

        background "$DIRECTORY/everybody" busctl --address="$ADDRESS" monitor --match=member=Failure --match=member=Banned
        monitor=$!
        wait_for grep -q Monitoring everybody
        fail_later 0 100 203.0.113.1
        wait_for failures_are 1
        subscribe first
        first=$!
        subscribe second
        second=$!
        fail_later 10 200 203.0.113.1 203.0.113.2
        wait_for lines_are first 3
        wait_for lines_are second 3
        grep -qE '^sshd 203.0.113.1 [a-z-]+ "root" 2 [0-9]{16}$' first
        grep -qE '^sshd 203.0.113.2 [a-z-]+ "root" 1 [0-9]{16}$' second
        kill "$first"
        wait_for has_left "$(cut -d ' ' -f 2 first | head -n 1)"
        failures_are 3
        fail_later 20 300 203.0.113.2
        wait_for lines_are second 4
        # What comes behind all of them.
        call Ban ssts mail 192.0.2.9 0 ''
        wait_for grep -q 'STRING "192.0.2.9"' everybody
        kill "$second" "$monitor"
        wait_for gone "$second"
        # A monitor hears what is for others: one for each who had subscribed.
        [ "$(grep -c 'Member=Failure' everybody)" = 5 ]
        [ "$(grep -c 'Destination=:' everybody)" -ge 5 ]
}

# jail_property NAME PROPERTY
jail_property() {
        busctl --address="$ADDRESS" get-property org.banjo1 "/org/banjo1/jail/$1" org.banjo1.Jail "$2"
}

@test "each jail is an object, with every setting and counter" {
        run -0 call GetJail s sshd
        [ "$output" = 'o "/org/banjo1/jail/sshd"' ]
        run ! call GetJail s nojail
        [[ $output == *'There is no jail "nojail"'* ]]
        [ "$(busctl --address="$ADDRESS" --list tree org.banjo1 | grep -c /org/banjo1/jail/)" = 2 ]
        run ! jail_property nojail Name

        [ "$(jail_property sshd Name)" = 's "sshd"' ]
        [ "$(jail_property sshd BanTimeUSec)" = 't 3600000000' ]
        [ "$(jail_property mail BanTimeUSec)" = 't 18446744073709551615' ]
        [ "$(jail_property mail Ports)" = 's "25,587"' ]
        [ "$(jail_property sshd Protocols)" = 'as 1 "tcp"' ]
        [ "$(jail_property sshd BanTimeGrowth)" = 'd 1' ]
        [ "$(jail_property sshd IPv6Prefix)" = 'u 64' ]
        call Ban ssts sshd 192.0.2.1 0 ''
        [ "$(jail_property sshd Banned)" = 't 1' ]

        # What ListJails tells of a jail is the same.
        busctl --address="$ADDRESS" --json=short call org.banjo1 /org/banjo1 org.banjo1.Manager ListJails |
                jq -S '.data[0][] | select(.[0] == "sshd") | .[1] | map_values(.data)' >listed
        busctl --address="$ADDRESS" --json=short call org.banjo1 /org/banjo1/jail/sshd \
                org.freedesktop.DBus.Properties GetAll s org.banjo1.Jail |
                jq -S '.data[0] | map_values(.data)' >object
        jq -e --slurpfile o object '. as $l | all(keys[]; . as $k | $l[$k] == $o[0][$k])' listed
        [ "$(jq length object)" -gt 40 ]
        # Long lists are for who asks for them.
        jq -e 'has("Allow") | not' object
        [ "$(jail_property sshd Allow)" = 'as 0' ]

        busctl --address="$ADDRESS" --json=short call org.banjo1 /org/banjo1 \
                org.freedesktop.DBus.ObjectManager GetManagedObjects >managed
        jq -e '.data[0] | keys == ["/org/banjo1/jail/mail", "/org/banjo1/jail/sshd"]' managed
        jq -e '.data[0]["/org/banjo1/jail/sshd"]["org.banjo1.Jail"].Banned.data == 1' managed
}

# What is heard on the bus of what a jq expression selects.
heard() {
        grep '^{' heard | jq -c "$1"
}

heard_is() {
        [ "$(heard "$1")" = "$2" ]
}

@test "jails that come and go with a reload are told, and so is the reload" {
        cp config/conf.d/jails.conf good
        background "$DIRECTORY/heard" busctl --address="$ADDRESS" --json=short \
                --match=type=signal,sender=org.banjo1 monitor
        monitor=$!
        # It is there when it tells of a ban.
        here() {
                call Ban ssts mail 192.0.2.9 0 ''
                call Unban ss mail 192.0.2.9
                grep -q Unbanned heard
        }
        wait_for here

        printf '[x-9]\nenabled = yes\nfilter = sshd\nports = 23\n' >>config/conf.d/jails.conf
        sed -i '/^\[sshd\]/,/^\[mail\]/s/^enabled = yes/enabled = no/' config/conf.d/jails.conf
        call Reload
        wait_for heard_is 'select(.member == "Reloaded") | .member' '"Reloaded"'
        [ "$(heard 'select(.member == "JailAdded") | .payload.data')" = '["x-9","/org/banjo1/jail/x_2d9"]' ]
        [ "$(heard 'select(.member == "JailRemoved") | .payload.data')" = '["sshd","/org/banjo1/jail/sshd"]' ]
        heard 'select(.member == "InterfacesAdded") | .payload.data' | jq -e '.[0] == "/org/banjo1/jail/x_2d9" and
                .[1]["org.banjo1.Jail"].Ports.data == "23"'
        heard 'select(.member == "InterfacesRemoved") | .payload.data' |
                jq -e '.[0] == "/org/banjo1/jail/sshd" and (.[1] | any(. == "org.banjo1.Jail"))'
        [ "$(busctl --address="$ADDRESS" get-property org.banjo1 /org/banjo1/jail/x_2d9 org.banjo1.Jail Name)" = 's "x-9"' ]

        kill "$monitor"
        cp good config/conf.d/jails.conf
        call Reload
}

@test "properties that change are told, once a second at most" {
        background "$DIRECTORY/changes" busctl --address="$ADDRESS" --json=short \
                --match=type=signal,sender=org.banjo1,member=PropertiesChanged monitor
        monitor=$!
        local i before begin
        # It is there when it tells of a ban.
        here() {
                call Ban ssts mail 192.0.2.9 0 ''
                call Unban ss mail 192.0.2.9
                grep -q '^{' changes
        }
        wait_for here
        last_banned() {
                [ "$(grep '^{' changes | jq -s "map(.payload.data[1].RunningBans.data // empty) | last")" = "$1" ]
        }
        before=$(wc -l <changes)
        begin=$SECONDS
        for i in {1..40}; do
                call Ban ssts sshd "192.0.2.$i" 0 ''
        done
        wait_for last_banned 40
        call UnbanAll s ''
        wait_for last_banned 0
        # One of before may come late, and parts of seconds are not told.
        (($(wc -l <changes) - before <= SECONDS - begin + 3))
        grep '^{' changes | jq -e -s 'all(.payload.data[0] == "org.banjo1.Manager") and
                any(.payload.data[1].Bans.data > 0)'
        kill "$monitor"
}

@test "root says how much is logged" {
        local object=(org.banjo1 /org/freedesktop/LogControl1 org.freedesktop.LogControl1)

        [ "$(busctl --address="$ADDRESS" get-property "${object[@]}" SyslogIdentifier)" = 's "banjod"' ]
        [ "$(busctl --address="$ADDRESS" get-property "${object[@]}" LogTarget)" = 's "console"' ]
        [ "$(busctl --address="$ADDRESS" get-property "${object[@]}" LogLevel)" = 's "info"' ]
        busctl --address="$ADDRESS" set-property "${object[@]}" LogLevel s warning
        [ "$(busctl --address="$ADDRESS" get-property "${object[@]}" LogLevel)" = 's "warning"' ]
        run ! busctl --address="$ADDRESS" set-property "${object[@]}" LogLevel s loud
        if ((EUID == 0)); then
                run ! nobody busctl --address="$ADDRESS" set-property "${object[@]}" LogLevel s debug
        fi
        busctl --address="$ADDRESS" set-property "${object[@]}" LogLevel s info
}

banned_are() {
        [ "$(banctl list --json=short | jq -r '.[].address' | sort | xargs)" = "$*" ]
}

# Waits for the clock to come to what fail_later has written so far.
caught_up_with_clock() {
        local last
        last=$(grep -oE '^__REALTIME_TIMESTAMP=[0-9]+' entries | cut -d = -f 2 | sort -n | tail -n 1)
        past() {
                (($(date +%s) * 1000000 > last))
        }
        wait_for past
}

# Begins anew with an empty journal, from where failures are counted.
start_anew() {
        stop_banjod
        rm -rf journal/* state/*
        start_banjod
}

@test "who is allowed is not banned from then on, and a restart changes nothing of that" {
        [ -x /usr/lib/systemd/systemd-journal-remote ] || skip "systemd-journal-remote is not installed"
        start_anew
        run ! call Allow sts 203.0.113.7 0 ''
        run ! call Allow sts nonsense 1000000 ''
        run ! call Allow sts 10.0.0.0/7 1000000 ''
        run ! call Allow sts 203.0.113.7 1000000 $'two\nlines'
        [ "$(call ListAllowed)" = 'a(stts) 0' ]

        # Three of before, and as many as one likes afterwards.
        fail_later -10 100 203.0.113.7 203.0.113.7 203.0.113.7 203.0.113.8
        wait_for failures_are 4
        call Allow sts 203.0.113.7 3600000000 'the office'
        call_json ListAllowed | jq -e '.[0] | length == 1 and .[0][0] == "203.0.113.7" and
                .[0][2] - .[0][1] == 3600000000 and .[0][3] == "the office"'
        fail_later 1 200 203.0.113.7 203.0.113.7 203.0.113.7 203.0.113.7 203.0.113.7 203.0.113.7 203.0.113.8
        wait_for failures_are 5
        banned_are
        [ "$(jail_property sshd FailuresAllowed)" = 't 6' ]
        run ! call Ban ssts sshd 203.0.113.7 0 ''
        run ! call Ban ssts sshd 203.0.113.0/24 0 ''
        [[ $output == *'allowed for now'* ]]
        exempt 203.0.113.7

        stop_banjod
        start_banjod
        call_json ListAllowed | jq -e '.[0][0][0] == "203.0.113.7"'
        exempt 203.0.113.7
        fail_later 1 300 203.0.113.7 203.0.113.7 203.0.113.7 203.0.113.8
        wait_for failures_are 1

        # What was counted before counts again, and nothing of meanwhile.
        caught_up_with_clock
        [ "$(call Disallow s 203.0.113.7)" = 'u 1' ]
        [ "$(call Disallow s 203.0.113.7)" = 'u 0' ]
        run ! exempt 203.0.113.7
        stop_banjod
        start_banjod
        [ "$(call ListAllowed)" = 'a(stts) 0' ]
        fail_later 2 400 203.0.113.7
        wait_for failures_are 1
        banned_are
        fail_later 3 500 203.0.113.7
        wait_for banned_are 203.0.113.7
}

@test "allowing somebody lifts his bans, and lets him pass through what is banned around him" {
        call Ban ssts sshd 203.0.113.9 0 ''
        call Ban ssts mail 203.0.113.0/24 0 ''
        call Allow sts 203.0.113.9 18446744073709551615 ''
        banned_are 203.0.113.0/24
        exempt 203.0.113.9
        [ "$(sqlite3 -readonly state/banjo.db "SELECT cause FROM ended ORDER BY id DESC LIMIT 1")" = allowed ]
        call_json ListAllowed | jq -e '.[0][0][2] == 18446744073709551615'

        # Saying it again is another time, from now on.
        call Allow sts 203.0.113.9 3600000000 'for an hour'
        call_json ListAllowed | jq -e '.[0] | length == 1 and .[0][3] == "for an hour"'
        call Allow sts 203.0.113.9 1000000 'for a moment'
        over() {
                [ "$(call ListAllowed)" = 'a(stts) 0' ]
        }
        wait_for over
        no_longer() {
                ! exempt 203.0.113.9
        }
        wait_for no_longer
        call Ban ssts sshd 203.0.113.9 0 ''
}

@test "a jail that pauses bans nobody and keeps its bans, over a restart" {
        [ -x /usr/lib/systemd/systemd-journal-remote ] || skip "systemd-journal-remote is not installed"
        local jail=(org.banjo1 /org/banjo1/jail/sshd org.banjo1.Jail)

        start_anew
        call Ban ssts sshd 192.0.2.1 0 ''
        [ "$(jail_property sshd Paused)" = 'b false' ]
        busctl --address="$ADDRESS" call "${jail[@]}" Pause
        busctl --address="$ADDRESS" call "${jail[@]}" Pause
        [ "$(jail_property sshd Paused)" = 'b true' ]
        [ "$(jail_property mail Paused)" = 'b false' ]
        call_json ListJails | jq -e '.[0] | map(select(.[1].Paused.data)[0]) == ["sshd"]'
        in_kernel sshd-v4 192.0.2.1
        stop_banjod
        start_banjod
        [ "$(jail_property sshd Paused)" = 'b true' ]
        in_kernel sshd-v4 192.0.2.1
        fail_later 1 100 203.0.113.7 203.0.113.7 203.0.113.7 203.0.113.7 203.0.113.7 203.0.113.7
        entries_are() {
                [ "$(jail_property sshd Entries)" = "t $1" ]
        }
        wait_for entries_are 6
        [ "$(property Failures)" = 't 0' ]

        caught_up_with_clock
        busctl --address="$ADDRESS" call "${jail[@]}" Resume
        [ "$(jail_property sshd Paused)" = 'b false' ]
        stop_banjod
        start_banjod
        fail_later 2 200 203.0.113.7 203.0.113.7 203.0.113.7 203.0.113.7
        wait_for failures_are 4
        banned_are 192.0.2.1
        fail_later 3 300 203.0.113.7
        wait_for banned_are 192.0.2.1 203.0.113.7
        if ((EUID == 0)); then
                run ! nobody busctl --address="$ADDRESS" call "${jail[@]}" Pause
        fi
}

# ---- one address ----

@test "Lookup tells all about an address" {
        [ -x /usr/lib/systemd/systemd-journal-remote ] || skip "systemd-journal-remote is not installed"
        start_anew
        call Ban ssts mail 198.51.100.0/24 0 'a network'
        call Ban ssts sshd 198.51.100.7 0 ''
        call Unban ss sshd 198.51.100.7
        call Ban ssts mail 198.51.100.0/24 0 'a network'
        call Ban ssts sshd 198.51.100.9 0 ''
        fail_later 1 100 203.0.113.7 203.0.113.7 2001:db8:1:2::3
        wait_for failures_are 3

        run -0 call_json Lookup s 198.51.100.9
        jq -e '.[0].Bans.data | map([.[1], .[2]]) | sort == [["mail", "198.51.100.0/24"], ["sshd", "198.51.100.9"]]' <<<"$output"
        jq -e '.[0] | .Windows.data == [] and .Allowed.data == "" and .Earlier.data == 0' <<<"$output"
        jq -e '.[0].History.data | map([.[1], .[2], .[8]]) ==
                [["mail", "198.51.100.0/24", ""], ["sshd", "198.51.100.9", ""]]' <<<"$output"
        run -0 call_json Lookup s 198.51.100.7
        jq -e '.[0] | .Earlier.data == 0 and ([.History.data[] | select(.[1] == "sshd") | .[8]] == ["by hand"])' <<<"$output"
        run -0 call_json Lookup s 198.51.100.0/23
        jq -e '.[0].Bans.data | length == 2' <<<"$output"

        run -0 call_json Lookup s 203.0.113.7
        jq -e '.[0].Bans.data == [] and (.[0].Windows.data[0] | .[0:3] == ["sshd", "203.0.113.7", 2])' <<<"$output"
        run -0 call_json Lookup s 2001:db8:1:2::99
        jq -e '.[0].Windows.data[0][0:3] == ["sshd", "2001:db8:1:2::/64", 1]' <<<"$output"
        run -0 call_json Lookup s 127.0.0.1
        jq -e '.[0].Allowed.data | test("own address")' <<<"$output"
        call Allow sts 203.0.113.7 60000000 ''
        run -0 call_json Lookup s 203.0.113.7
        jq -e '.[0].Allowed.data == "allowed for now"' <<<"$output"
        call Disallow s 203.0.113.7
        run ! call Lookup s nonsense
}

# ---- those who ask too much ----

@test "DumpBans writes all bans, and whoever does not read holds up nobody but himself" {
        local i holders=()

        for i in {0..3}; do
                # shellcheck disable=SC2046
                call BanMany sastst sshd 5000 $(thousands "$i") 0 'a "test"' 0
        done
        call Ban ssts mail 2001:db8::/64 0 ''
        "$BUS_CLIENT" "$ADDRESS" dump >dumped
        [ "$(wc -l <dumped)" = 20001 ]
        jq -e -s 'length == 20001 and (map(.address) | unique | length == 20001) and
                (map(select(.jail == "sshd")) | length == 20000 and all(.reason == "a \"test\"")) and
                any(.address == "2001:db8::/64" and .end_usec == null and .jail == "mail")' dumped

        for i in {1..4}; do
                : >"held$i"
                background "$DIRECTORY/held$i" "$BUS_CLIENT" "$ADDRESS" hold
                holders+=($!)
                wait_for grep -q held "held$i"
        done
        run ! "$BUS_CLIENT" "$ADDRESS" dump
        [[ $output == *'one has to wait'* ]]
        call Ban ssts sshd 192.0.2.1 0 ''
        in_kernel sshd-v4 192.0.2.1
        kill "${holders[0]}"
        again() {
                "$BUS_CLIENT" "$ADDRESS" dump >dumped 2>/dev/null
        }
        wait_for again
        [ "$(wc -l <dumped)" = 20002 ]
        # The daemon ends, although three still do not read.
        stop_banjod
        kill "${holders[@]:1}"
        start_banjod
}

@test "a client that never reads its answers loses only itself" {
        local deaf

        call Ban ssts sshd 192.0.2.1 0 ''
        background "$DIRECTORY/deaf" "$BUS_CLIENT" "$ADDRESS" deaf
        deaf=$!
        wait_for grep -q sent deaf
        call Ban ssts sshd 192.0.2.2 0 ''
        in_kernel sshd-v4 192.0.2.2
        run -0 call ListBans stu '' 0 0
        kill "$deaf"
}

@test "nor does one on the socket, which is thrown out" {
        local peer=unix:path=$DIRECTORY/banjo.socket pid deaf

        mkdir -p state2
        : >log2
        background "$DIRECTORY/log2" $ENTER systemd-socket-activate -l "$DIRECTORY/banjo.socket" \
                "$BANJOD" --config-dir=config --state-dir=state2 --journal=journal --firewall=none --bus=none
        pid=$!
        wait_for accepts "$DIRECTORY/banjo.socket"
        # shellcheck disable=SC2046
        busctl --address="$peer" call org.banjo1 /org/banjo1 org.banjo1.Manager BanMany sastst sshd 256 \
                $(printf '198.51.100.%d ' {0..255}) 0 '' 0
        PEER=1 background "$DIRECTORY/deaf2" "$BUS_CLIENT" "$peer" deaf
        deaf=$!
        wait_for grep -q 'does not read its answers' log2
        PEER=1 "$BUS_CLIENT" "$peer" flood 500 >flooded
        [ "$(<flooded)" = 'answered 500, of which errors 0' ]
        run -0 busctl --address="$peer" call org.banjo1 /org/banjo1 org.banjo1.Manager ListBans stu '' 0 1
        kill "$deaf" "$pid"
        wait_for gone "$pid"
        run ! grep Sanitizer log2
}
