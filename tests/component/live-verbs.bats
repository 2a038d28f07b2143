#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# banctl monitor, log and metrics. BANJOD and BANCTL name the binaries.

# shellcheck disable=SC2030,SC2031,SC2086

bats_require_minimum_version 1.5.0

load daemon
load journals

setup_file() {
        need_journals
        export TZ=UTC LC_ALL=C.UTF-8
        make_directory
        make_namespace -n
        cd "$DIRECTORY" || return
        inside ip link set lo up
        printf '[%s]\nenabled = yes\nports = 22\nfilter = %s\nmaxretry = 2\nbantime = 1h\n' sshd sshd mail postfix \
                >config/conf.d/jails.conf
        start_bus
        start_banjod --firewall=none
}

teardown_file() {
        stop_banjod
        stop_bus
        kill "$NAMESPACE"
        rm -rf "$DIRECTORY"
}

setup() {
        cd "$DIRECTORY" || return
        MONITOR=
}

teardown() {
        [ -z "$MONITOR" ] || kill "$MONITOR"
}

# watch ARGUMENT...: begins to write down what monitor says, once it is heard
watch() {
        : >seen
        background seen $ENTER "$BANCTL" --address="$ADDRESS" monitor "$@"
        MONITOR=$!
        wait_for is_watching
}

# Bans are seen, as soon as the monitor is there.
is_watching() {
        banctl ban mail 198.51.100.250 --quiet
        banctl unban 198.51.100.250 --quiet
        grep -q 198.51.100.250 seen
}

seen() {
        wait_for grep -qE "$1" seen
}

# ---- monitor ----

@test "monitor shows failures, bans and their ends" {
        watch
        fail_later 0 700 192.0.2.7 192.0.2.7
        seen '^[0-9:]{8} failure  sshd 192\.0\.2\.7  [a-z-]+, user root, 1 now$'
        seen '^[0-9:]{8} banned   sshd 192\.0\.2\.7  for 1h, 2x [a-z-]+$'
        banctl unban 192.0.2.7 --quiet
        seen '^[0-9:]{8} unbanned sshd 192\.0\.2\.7  by hand$'
        banctl ban sshd 192.0.2.0/24 --time=permanent --reason='a nuisance' --quiet
        seen '^[0-9:]{8} banned   sshd 192\.0\.2\.0/24  for good, by hand: a nuisance$'
        banctl unban 192.0.2.0/24 --quiet
        banctl reload
        seen '^[0-9:]{8} reloaded$'
}

@test "monitor shows jails that come and go" {
        watch
        printf '[late]\nenabled = yes\nports = 22\nfilter = sshd\n' >config/conf.d/late.conf
        banctl reload
        seen '^[0-9:]{8} added    late$'
        rm config/conf.d/late.conf
        banctl reload
        seen '^[0-9:]{8} removed  late$'
}

@test "monitor of one jail has no other" {
        watch mail
        banctl ban sshd 203.0.113.1 --quiet
        banctl ban mail 203.0.113.2 --quiet
        seen 'banned   mail 203\.0\.113\.2'
        run ! grep -q sshd seen
        banctl unban 203.0.113.1 203.0.113.2 --quiet
}

@test "monitor of a jail that there is not ends at once" {
        run -1 inside timeout 60 "$BANCTL" --address="$ADDRESS" monitor mial
        [ "$output" = 'banctl: There is no jail "mial".' ]
}

@test "monitor in JSON is an object on each line" {
        watch --json=short
        fail_later 2 710 198.51.100.7 198.51.100.7
        seen '"banned".*198.51.100.7'
        jq -se 'map(select(.address == "198.51.100.7")) | map(.event) == ["failure", "failure", "banned"]' seen
        jq -se 'map(select(.address == "198.51.100.7"))[0] |
                (keys_unsorted == ["event", "time_usec", "jail", "address", "pattern", "user", "failures"]) and
                .failures == 1 and .user == "root" and .jail == "sshd"' seen
        jq -se 'map(select(.address == "198.51.100.7"))[2] |
                .failures == 2 and .end_usec - .start_usec == 3600000000' seen
        banctl unban 198.51.100.7 --quiet
        seen '"unbanned".*198.51.100.7.*"by hand"'
}

@test "monitor goes on when banjod is restarted, and says so" {
        watch
        stop_banjod
        seen '^[0-9:]{8} gone$'
        start_banjod --firewall=none
        seen '^[0-9:]{8} back$'
        fail_later 4 720 203.0.113.7 203.0.113.7
        seen 'failure  sshd 203\.0\.113\.7'
        seen 'banned   sshd 203\.0\.113\.7'
}

@test "monitor goes on when the message bus is restarted" {
        watch
        stop_bus
        seen '^[0-9:]{8} gone$'
        start_bus
        seen '^[0-9:]{8} back$'
        banctl ban sshd 203.0.113.8 --quiet
        seen 'banned   sshd 203\.0\.113\.8'
}

@test "monitor believes nobody but banjod" {
        watch
        monitor=$(busctl --address="$ADDRESS" list --json=short | jq -r ".[] | select(.pid == $MONITOR).name")
        for to in "--destination=$monitor" ''; do
                dbus-send --bus="$ADDRESS" --type=signal ${to/destination/dest} /org/banjo1 \
                        org.banjo1.Manager.Unbanned string:sshd string:203.0.113.99 string:expired
        done
        banctl ban sshd 203.0.113.9 --quiet
        seen 'banned   sshd 203\.0\.113\.9'
        run ! grep -q 203.0.113.99 seen
}

@test "monitor says when there is no banjod" {
        run -3 "$BANCTL" --address=unix:path="$DIRECTORY/nothing" monitor
}

# ---- metrics ----

@test "metrics are OpenMetrics" {
        banctl ban sshd 203.0.113.50 --quiet
        banctl metrics | "$BATS_TEST_DIRNAME/openmetrics.py" >samples
        grep -qx 'banjo_up 1' samples
        grep -qx "banjo_build_info{version=\"$("$BANCTL" --version | cut -d ' ' -f 2)\"} 1" samples
        grep -qE '^banjo_bans_total [1-9]' samples
        grep -qE '^banjo_jail_banned\{jail="sshd"\} [1-9]' samples
        grep -qx 'banjo_jail_dropped_bytes_total{jail="mail"} 0' samples
        grep -qE '^banjo_start_time_seconds [0-9]{10}\.[0-9]{6}$' samples
}

@test "metrics in a file, which is there as a whole or not at all" {
        mkdir -p out
        echo before >out/banjo.prom
        banctl metrics --output=out/banjo.prom
        "$BATS_TEST_DIRNAME/openmetrics.py" <out/banjo.prom >/dev/null
        [ "$(stat -c %a out/banjo.prom)" = 644 ]
        [ "$(ls out)" = banjo.prom ]
        run -1 banctl metrics --output=nowhere/banjo.prom
        [[ $output == *'Failed to write nowhere/banjo.prom: No such file or directory' ]]
        run -2 banctl metrics --json
}

@test "metrics tell that there is no banjod" {
        "$BANCTL" --address=unix:path="$DIRECTORY/nothing" metrics | "$BATS_TEST_DIRNAME/openmetrics.py" >samples
        [ "$(<samples)" = 'banjo_up 0' ]
}

# ---- log ----

# say SECOND MESSAGE FIELD=VALUE...: what banjod said
say() {
        entry "$1" _SYSTEMD_UNIT=banjod.service SYSLOG_IDENTIFIER=banjod _COMM=banjod _PID=77 PRIORITY=5 \
                "MESSAGE=$2" "${@:3}"
}

make_log() {
        BASE=1795500000
        rm -rf said
        mkdir said
        : >entries
        say 0 'Up.'
        say 1 'Banned 192.0.2.7.' BANJO_JAIL=sshd BANJO_ADDRESS=192.0.2.7 MESSAGE_ID=a177b87d71174984b96c434c71d4d024
        say 2 'Banned 192.0.2.0/24.' BANJO_JAIL=mail BANJO_ADDRESS=192.0.2.0/24
        say 3 'Banned 2001:db8::/64.' BANJO_JAIL=sshd BANJO_ADDRESS=2001:db8::/64
        # The fields of somebody else.
        entry 4 _SYSTEMD_UNIT=user@1000.service _UID=1000 BANJO_JAIL=sshd BANJO_ADDRESS=192.0.2.7 MESSAGE=forged
        say 5 'Unbanned 192.0.2.7.' BANJO_JAIL=sshd BANJO_ADDRESS=192.0.2.7
        journal said/x.journal
}

# messages ARGUMENT...: of log
messages() {
        "$BANCTL" log --journal=said "$@" --json=short | jq -r .message
}

@test "log of everything, a jail, an address and a prefix" {
        make_log
        [ "$(messages)" = $'Up.\nBanned 192.0.2.7.\nBanned 192.0.2.0/24.\nBanned 2001:db8::/64.\nUnbanned 192.0.2.7.' ]
        [ "$(messages mail)" = 'Banned 192.0.2.0/24.' ]
        [ "$(messages --jail=sshd | wc -l)" = 3 ]
        # What bans an address, be it a prefix around it.
        [ "$(messages 192.0.2.7)" = $'Banned 192.0.2.7.\nBanned 192.0.2.0/24.\nUnbanned 192.0.2.7.' ]
        [ "$(messages 192.0.2.8)" = 'Banned 192.0.2.0/24.' ]
        [ "$(messages 2001:db8::5)" = 'Banned 2001:db8::/64.' ]
        [ "$(messages 2001:db8::/32)" = 'Banned 2001:db8::/64.' ]
        [ "$(messages 192.0.2.7 --jail=sshd)" = $'Banned 192.0.2.7.\nUnbanned 192.0.2.7.' ]
        [ -z "$(messages 203.0.113.1)" ]
}

@test "log of a time, and the last messages" {
        make_log
        [ "$(messages -n 2)" = $'Banned 2001:db8::/64.\nUnbanned 192.0.2.7.' ]
        [ "$(messages --lines=1 mail)" = 'Banned 192.0.2.0/24.' ]
        [ "$(messages -n 0)" = '' ]
        [ "$(messages -n 99 | wc -l)" = 5 ]
        [ "$(messages --lines=all | wc -l)" = 5 ]
        [ "$(messages --since=@$((BASE + 2)) --until=@$((BASE + 5)))" = $'Banned 192.0.2.0/24.\nBanned 2001:db8::/64.' ]
        [ "$(messages -n 1 --until=@$((BASE + 5)))" = 'Banned 2001:db8::/64.' ]
        [ "$(messages -n 9 --since=@$((BASE + 3)) | wc -l)" = 2 ]
        run -2 "$BANCTL" log --lines=few --journal=said
        run -2 "$BANCTL" log 192.0.2.300 --journal=said
}

@test "log as journalctl shows it, and in JSON" {
        make_log
        run -0 "$BANCTL" log sshd -n 1 --journal=said
        [ "$output" = "$(date -d "@$((BASE + 5))" '+%b %d %T') host banjod[77]: Unbanned 192.0.2.7." ]
        "$BANCTL" log sshd --journal=said --json=short | head -n 1 | jq -e --argjson t $BASE '. == {
                time_usec: (($t + 1) * 1000000), priority: "5", message_id: "a177b87d71174984b96c434c71d4d024",
                message: "Banned 192.0.2.7.", fields: { BANJO_JAIL: "sshd", BANJO_ADDRESS: "192.0.2.7" } }'
}

@test "log follows what comes" {
        make_log
        : >seen
        background seen "$BANCTL" log --journal=said --follow sshd
        MONITOR=$!
        seen 'Unbanned 192\.0\.2\.7\.'
        say 6 'Banned 203.0.113.66.' BANJO_JAIL=mail BANJO_ADDRESS=203.0.113.66
        say 7 'Banned 203.0.113.77.' BANJO_JAIL=sshd BANJO_ADDRESS=203.0.113.77
        journal said/x.journal
        seen 'Banned 203\.0\.113\.77\.'
        [ "$(wc -l <seen)" = 4 ]
}
