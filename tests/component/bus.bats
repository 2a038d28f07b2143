#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# banjod and banctl over a message bus of their own and from peer to peer, in a network namespace
# of their own. BANJOD and BANCTL name the binaries.

# Some arguments are words, and so is ENTER of daemon.bash.
# shellcheck disable=SC2030,SC2031,SC2086

bats_require_minimum_version 1.5.0

load daemon

setup_file() {
        make_directory
        export PEER=unix:path=$DIRECTORY/banjo.socket
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

# Starts to write down what happens on the bus; said TEXT waits for it.
listen() {
        : >"$DIRECTORY/heard"
        background "$DIRECTORY/heard" busctl --address="$ADDRESS" monitor
        echo $! >"$DIRECTORY/listener.pid"
        wait_for grep -q 'Monitoring' "$DIRECTORY/heard"
}

stop_listening() {
        kill "$(<"$DIRECTORY/listener.pid")"
        wait_for gone "$(<"$DIRECTORY/listener.pid")"
}

said() {
        wait_for grep -qE "$1" "$DIRECTORY/heard"
}

# ---- the interface ----

@test "everything has a type and every argument a name" {
        busctl --address="$ADDRESS" --xml-interface introspect org.banjo1 /org/banjo1 >xml
        sed -n '/org.banjo1.Manager/,/<\/interface>/p' xml >manager
        for member in Ban BanWithFlags Unban ListBans ListLeaks ListJails Reload Flush Banned Unbanned; do
                grep -qE "<(method|signal) name=\"$member\"" manager
        done
        [ "$(grep -c '<arg' manager)" = "$(grep -c '<arg.* name="[a-z_]*"' manager)" ]
}

@test "Ban is in the kernel and on disk when it returns, and is signalled" {
        listen
        run -0 call Ban ssts sshd 192.0.2.7 60000000 'by a test'
        in_kernel sshd-v4 192.0.2.7
        [ "$(sqlite3 -readonly state/banjo.db 'SELECT count(*) FROM bans')" = 1 ]
        said 'Member=Banned'
        said 'STRING "by a test"'
        stop_listening

        run -0 call ListBans stu '' 0 0
        [[ $output =~ ^'a(tsstttuss) 1 '[0-9]+' "sshd" "192.0.2.7" ' ]]
        [[ $output == *' 0 "" "by a test"' ]]
}

@test "duration 0 is the jail's, and all ones is for good" {
        call Ban ssts sshd 192.0.2.1 0 ''
        call Ban ssts mail 192.0.2.2 0 ''
        call Ban ssts sshd 192.0.2.3 18446744073709551615 ''
        run -0 banctl list --json=short
        jq -e '.[0] | .permanent == false and .end_usec - .start_usec == 3600000000' <<<"$output"
        jq -e '.[1] | .permanent and .end_usec == null and .remaining_usec == null' <<<"$output"
        jq -e '.[2].permanent' <<<"$output"
        inside nft list set inet banjo sshd-v4 | tr '\n' ' ' | grep -qE '192\.0\.2\.3[ ,}]+'
}

@test "Unban lifts what shuts the address out: itself, prefixes around it, hosts within" {
        listen
        call Ban ssts sshd 192.0.2.0/24 0 ''
        call Ban ssts mail 192.0.2.9 0 ''
        call Ban ssts sshd 198.51.100.1 0 ''
        run -0 call Unban ss '' 192.0.2.9
        [ "$output" = 'u 2' ]
        said 'Member=Unbanned'
        stop_listening
        run ! in_kernel sshd-v4-24 192.0.2.0
        run -0 call Unban ss sshd 198.51.100.0/24
        [ "$output" = 'u 1' ]
        run -0 call Unban ss sshd 198.51.100.0/24
        [ "$output" = 'u 0' ]
}

failures_are() {
        [ "$(property Failures)" = "t $1" ]
}

# bans_are JSON: of each jail and address
bans_are() {
        banctl list --json=short | jq -e "map([.jail, .address]) == $1"
}

@test "a network is banned before the bans of its addresses go into it" {
        [ -x /usr/lib/systemd/systemd-journal-remote ] || skip "systemd-journal-remote is not installed"
        printf '[sshd]\nnetworks = 26:7\n' >config/conf.d/networks.conf
        banctl reload
        run -0 banctl --config-dir=config show sshd
        [[ $output == *networks*26:7* ]]
        fail_later 0 900 203.0.113.1 203.0.113.1 203.0.113.1 203.0.113.1 203.0.113.1
        wait_for bans_are '[["sshd", "203.0.113.1"]]'

        listen
        fail_later 0 910 203.0.113.2 203.0.113.3
        wait_for bans_are '[["sshd", "203.0.113.0/26"]]'
        said 'STRING "in a banned network"'
        stop_listening
        awk '/Member=/ { on = /Member=(Un)?[Bb]anned/; if (on) print $NF }
                on && /STRING "(203|in )/ { print }' heard | tr -d '\n ' >order
        [ "$(<order)" = 'Member=BannedSTRING"203.0.113.0/26";Member=UnbannedSTRING"203.0.113.1";STRING"inabannednetwork";' ]
        run ! in_kernel sshd-v4 203.0.113.1
        in_kernel sshd-v4-26 203.0.113.0

        # All of it ends, whichever address is named.
        run -0 call Unban ss '' 203.0.113.1
        [ "$output" = 'u 1' ]
        bans_are '[]'

        # What an address did that is let go without having been banned is out of its network.
        failures=$(property Failures | cut -d ' ' -f 2)
        fail_later 0 920 203.0.113.71 203.0.113.71 203.0.113.71 203.0.113.71 203.0.113.72 203.0.113.73
        wait_for failures_are $((failures + 6))
        run -0 call Unban ss sshd 203.0.113.71
        [ "$output" = 'u 0' ]
        stop_banjod
        start_banjod
        fail_later 1 930 203.0.113.74 203.0.113.74 203.0.113.75 203.0.113.75
        wait_for failures_are 4
        bans_are '[]'
        fail_later 2 940 203.0.113.76
        wait_for bans_are '[["sshd", "203.0.113.64/26"]]'

        rm config/conf.d/networks.conf journal/failures.journal
        banctl flush --yes --quiet
        stop_banjod
        start_banjod
}

@test "wrong arguments have names and sentences" {
        listen
        run ! call Ban ssts nojail 192.0.2.1 0 ''
        [[ $output == *'There is no jail "nojail"'* ]]
        run ! call Ban ssts sshd localhost 0 ''
        run ! call Ban ssts sshd 10.0.0.0/7 0 ''
        run ! call Ban ssts sshd 127.0.0.1 0 ''
        [[ $output == *"this host's own address"* ]]
        run ! call Ban ssts sshd 192.0.2.1 0 $'two\nlines'
        run ! call Ban ssts sshd 192.0.2.1 0 "$(printf 'x%.0s' {1..257})"
        run ! call BanWithFlags sstst sshd 192.0.2.1 0 '' 2
        run ! call Unban ss nojail 192.0.2.1
        run ! call ListBans stu nojail 0 0
        said 'ErrorName=org.banjo1.Error.NoSuchJail'
        said 'ErrorName=org.banjo1.Error.InvalidAddress'
        said 'ErrorName=org.banjo1.Error.Refused'
        said 'ErrorName=org.freedesktop.DBus.Error.InvalidArgs'
        stop_listening
        [ "$(property RunningBans)" = 't 0' ]
}

@test "everybody may look, and nobody but root may touch" {
        ((EUID == 0)) || skip "takes root to become somebody else"
        run -0 nobody busctl --address="$ADDRESS" call org.banjo1 /org/banjo1 org.banjo1.Manager ListJails
        run -0 nobody busctl --address="$ADDRESS" get-property org.banjo1 /org/banjo1 org.banjo1.Manager State
        call Ban ssts sshd 192.0.2.1 0 ''
        local arguments
        for arguments in 'Ban ssts sshd 192.0.2.2 0 x' 'BanWithFlags sstst sshd 192.0.2.2 0 x 1' \
                'Unban ss sshd 192.0.2.1' Reload Flush; do
                        run ! nobody busctl --address="$ADDRESS" call org.banjo1 /org/banjo1 org.banjo1.Manager $arguments
                [[ $output == *'Access denied'* ]]
        done
        [ "$(property RunningBans)" = 't 1' ]
}

@test "bans come in pages, in the order of their ids" {
        # shellcheck disable=SC2046
        banctl ban --quiet sshd $(printf '192.0.2.%d ' {0..255})
        # shellcheck disable=SC2046
        banctl ban --quiet sshd $(printf '198.51.100.%d ' {0..255}) --time=permanent
        local last=0 n=0 i page id
        for ((i = 0; i < 20; i++)); do
                page=$(busctl --address="$ADDRESS" --json=short call org.banjo1 /org/banjo1 \
                        org.banjo1.Manager ListBans stu sshd "$last" 100)
                [ "$(jq '.data[0] | length' <<<"$page")" -gt 0 ] || break
                for id in $(jq '.data[0][][0]' <<<"$page"); do
                        ((id > last))
                        last=$id
                        n=$((n + 1))
                done
        done
        [ "$n" = 512 ]
        [ "$(banctl list | wc -l)" = 513 ]
        [ "$(banctl list --json=pretty | jq 'map(.address) | unique | length')" = 512 ]
}

# say_later SECONDS PID MESSAGE...: of one process of sshd's, so long after now
say_later() {
        local second message
        second=$(($(date +%s) + $1))
        for message in "${@:3}"; do
                printf '__REALTIME_TIMESTAMP=%d000000\n__MONOTONIC_TIMESTAMP=%d000000\n' $second $second
                printf '_BOOT_ID=11111111111111111111111111111111\n_SYSTEMD_UNIT=ssh.service\n_UID=0\n'
                printf '_PID=%d\nMESSAGE=%s\n\n' "$2" "$message"
        done >entries
        /usr/lib/systemd/systemd-journal-remote --output=journal/said.journal entries 2>/dev/null
}

# counts JAIL EXPRESSION: whether it holds of what `jails` tells of the jail
counts() {
        banctl jails --json=short | jq -e ".[] | select(.name == \"$1\") | $2"
}

@test "messages that were not read to their end are warned of, and what a login forgave is told" {
        [ -x /usr/lib/systemd/systemd-journal-remote ] || skip "systemd-journal-remote is not installed"
        counts sshd '[.forgiven, .cut, .exceeded] == [0, 0, 0]'
        run -0 banctl
        [[ $output != *'messages only'* && $output != *'gave up'* ]]

        cp config/conf.d/jails.conf good
        printf "[filter]\nunits = ssh.service\n[fail]\nevil = '(?:a+)+b <ADDR>'\n" >config/filters/slow.conf
        printf '[slow]\nenabled = yes\nfilter = slow\nports = 22\n' >>config/conf.d/jails.conf
        banctl reload
        say_later 1 700 'Failed password for root from 192.0.2.7 port 4711 ssh2' \
                'Accepted password for root from 192.0.2.7 port 4711 ssh2' \
                "$(printf 'a%.0s' {1..2000})b here" "$(printf 'x%.0s' {1..9000})"
        wait_for counts sshd '[.forgiven, .cut, .exceeded] == [1, 1, 0]'
        wait_for counts slow '[.forgiven, .cut, .exceeded] == [0, 1, 1]'
        run -0 banctl
        [[ $output == *'Warning: sshd: Of 1 message only the first 8192 bytes were read'* ]]
        [[ $output == *'Warning: slow: A pattern gave up 1 time,'* ]]
        run -0 banctl --json=short
        jq -e '[.warnings[] | select(.kind == "exceeded").jail] == ["slow"]' <<<"$output"
        jq -e '[.warnings[] | select(.kind == "cut").jail] | sort == ["slow", "sshd"]' <<<"$output"
        jq -e '.jails[] | select(.name == "slow") | .exceeded == 1' <<<"$output"

        mv good config/conf.d/jails.conf
        rm config/filters/slow.conf
        stop_banjod
        rm journal/said.journal
        start_banjod
}

@test "addresses that are forgotten early are counted and warned of" {
        local messages

        [ -x /usr/lib/systemd/systemd-journal-remote ] || skip "systemd-journal-remote is not installed"
        counts sshd '.forgotten == 0'
        printf '[default]\nmax_addresses = 1000\n' >config/conf.d/few.conf
        banctl reload
        readarray -t messages < <(printf 'Failed password for root from 2001:db8:0:%x::1 port 4711 ssh2\n' {1..1003})
        say_later 1 701 "${messages[@]}"
        wait_for counts sshd '.forgotten >= 3'
        run -0 banctl
        [[ $output == *'Warning: sshd: More addresses fail than it remembers: '*' of the quietest were forgotten'* ]]
        run -0 banctl --json=short
        jq -e '[.warnings[] | select(.kind == "forgotten").jail] == ["sshd"]' <<<"$output"

        rm config/conf.d/few.conf
        stop_banjod
        rm journal/said.journal
        start_banjod
}

leaks() {
        banctl list --json=short | jq -e "$1"
}

@test "a ban that does not hold is marked, and reported once" {
        [ -x /usr/lib/systemd/systemd-journal-remote ] || skip "systemd-journal-remote is not installed"
        banctl ban --quiet sshd 192.0.2.1 192.0.2.2 192.0.2.3
        banctl ban --quiet mail 192.0.2.2
        run -0 call ListLeaks stu '' 0 0
        [ "$output" = 'a(tsst) 0' ]
        leaks 'all(.leaks == 0)'

        # What came at once may have been on its way.
        fail_at "$(banctl list --json=short | jq '.[0].start_usec / 1000000 | floor + 1')" 1 192.0.2.1
        fail_later 10 100 192.0.2.2 192.0.2.2 192.0.2.3 192.0.2.2
        wait_for leaks '.[1].leaks == 3'
        leaks 'map([.jail, .address, .leaks]) == [["sshd", "192.0.2.1", 0], ["sshd", "192.0.2.2", 3],
                ["sshd", "192.0.2.3", 1], ["mail", "192.0.2.2", 0]]'
        run -0 banctl list
        [[ $output == *'192.0.2.2 '*'by hand (does not hold: 3 got through)'* ]]
        [ "$(grep -c 'does not hold' <<<"$output")" = 2 ]
        [ "$(grep -c 'The ban of 192.0.2.2 in jail sshd does not hold: 192.0.2.2 failed again' log)" = 1 ]
        [ "$(grep -c 'The ban of .* does not hold' log)" = 2 ]

        run -0 call ListLeaks stu mail 0 0
        [ "$output" = 'a(tsst) 0' ]
        run -0 call ListLeaks stu sshd 0 1
        [[ $output =~ ^'a(tsst) 1 '[0-9]+' "sshd" "192.0.2.2" 3'$ ]]
        run -0 banctl --json=short
        jq -e '.warnings[] | select(.kind == "leaks") | .jail == "sshd"' <<<"$output"
        jq -e '.jails[] | select(.name == "sshd") | .leaks == 4' <<<"$output"
        run -0 banctl
        [[ $output == *'Warning: sshd: Its bans do not hold: 4 failures'* ]]

        # A ban of now is another one.
        banctl unban --quiet 192.0.2.3
        banctl ban --quiet sshd 192.0.2.3
        leaks 'map(.leaks) == [0, 3, 0, 0]'

        # What got through a ban that runs is known after a restart, and counted on.
        kill -KILL "$(<banjod.pid)"
        wait_for gone "$(<banjod.pid)"
        start_banjod
        leaks 'map(.leaks) == [0, 3, 0, 0]'
        run -0 banctl
        [[ $output == *'Warning: sshd: Its bans do not hold: 3 failures'* ]]
        fail_later 10 200 192.0.2.2
        wait_for leaks '.[1].leaks == 4'
        [ "$(grep -c 'The ban of .* does not hold' log)" = 2 ]
        banctl unban --quiet 192.0.2.2
        stop_banjod
        start_banjod
        leaks 'all(.leaks == 0)'
        run -0 banctl
        [[ $output != *'do not hold'* ]]
}

@test "a bus that goes away and comes back is found again" {
        stop_bus
        start_bus
        wait_for on_bus
        run -0 banctl list
}

# ---- peers ----

@test "the socket serves the same to root, and busctl likes it" {
        mkdir -p state2
        background log2 $ENTER systemd-socket-activate -l "$DIRECTORY/banjo.socket" \
                "$BANJOD" --config-dir=config --state-dir=state2 --journal=journal --firewall=none --bus=none
        local pid=$!
        wait_for accepts "$DIRECTORY/banjo.socket"
        run -0 busctl --address="$PEER" call org.banjo1 /org/banjo1 org.banjo1.Manager Ban ssts sshd 192.0.2.1 0 ''
        run -0 busctl --address="$PEER" call org.banjo1 /org/banjo1 org.banjo1.Manager ListBans stu '' 0 0
        [[ $output == *'"192.0.2.1"'* ]]
        run -0 busctl --address="$PEER" tree org.banjo1
        run -0 busctl --address="$PEER" introspect org.banjo1 /org/banjo1
        run -0 busctl --address="$PEER" get-property org.banjo1 /org/banjo1 org.banjo1.Manager Firewall
        [ "$output" = 's "log"' ]
        run -0 inside "$BANCTL" --address="$PEER" unban 192.0.2.1
        run -0 inside "$BANCTL" --address="$PEER" --json=short
        jq -e '.running and .firewall == "log"' <<<"$output"

        # What happens is told there, too.
        background seen $ENTER "$BANCTL" --address="$PEER" monitor
        local monitor=$!
        is_told() {
                inside "$BANCTL" --address="$PEER" ban sshd 192.0.2.2 --quiet
                inside "$BANCTL" --address="$PEER" unban 192.0.2.2 --quiet
                grep -q 'banned   sshd 192\.0\.2\.2  for [0-9a-z]*, by hand' seen &&
                        grep -q 'unbanned sshd 192\.0\.2\.2  by hand' seen
        }
        wait_for is_told
        kill "$monitor" "$pid"
        wait_for gone "$pid"
}

# ---- banctl ----

@test "no verb is status, which warns when nothing listens on a jail's ports" {
        run -0 banctl
        [[ $output == *'table inet banjo'* ]]
        [[ $output == *'Warning: sshd: Nothing listens on the TCP ports that it guards (22)'* ]]
        [[ $output != *$'\033'* ]]

        background /dev/null $ENTER systemd-socket-activate -l 127.0.0.1:22 true
        local pid=$!
        wait_for listens_on 22
        run -0 banctl
        [[ $output != *'Warning: sshd:'* ]]
        [[ $output == *'Warning: mail:'* ]]
        kill "$pid"
}

listens_on() {
        [ -n "$(inside ss -Hltn "sport = :$1")" ]
}

@test "json is json for every verb" {
        local verb
        for verb in status list jails 'ban sshd 192.0.2.1' 'unban 192.0.2.1' 'flush --yes'; do
                for mode in short pretty; do
                                        banctl --json=$mode $verb >out
                        jq -e . out >/dev/null
                done
        done
        banctl list --json=short >out
        [ "$(cat out)" = '[]' ]
        run -0 banctl --json=short
        jq -e '[.warnings[].kind] | index("nothing-listens")' <<<"$output"
        [ "$(wc -l <<<"$output")" = 1 ]
}

@test "headings can be left out, and quiet is quiet" {
        banctl ban sshd 192.0.2.1 --quiet >out
        [ ! -s out ]
        [ "$(banctl list --no-legend | wc -l)" = 1 ]
        [ "$(banctl list | head -n 1 | cut -c 1-12)" = 'JAIL ADDRESS' ]
        [ -z "$(banctl --quiet)" ]
}

@test "exit statuses say what happened" {
        run -0 banctl ban sshd 192.0.2.1
        run -1 banctl ban nojail 192.0.2.1
        run -1 banctl list nojail
        run -2 banctl ban sshd 192.0.2.300
        run -2 banctl ban sshd
        run -2 banctl ban sshd 192.0.2.1 --time=never
        run -2 banctl stauts
        [[ $output == *'Did you mean status?'* ]]
        run -2 banctl --json=xml
        run -2 banctl --no-such-option
        run -3 inside "$BANCTL" --address=unix:path="$DIRECTORY/nothing" list
        run -4 banctl ban sshd 127.0.0.0/8
        run -0 banctl unban 203.0.113.1
        [[ $output == *'was not banned'* ]]
}

@test "of several addresses each is tried" {
        run -4 banctl ban sshd 127.0.0.1 192.0.2.1 192.0.2.2
        run -0 banctl list --json=short
        [ "$(jq -c 'map(.address)' <<<"$output")" = '["192.0.2.1","192.0.2.2"]' ]
}

@test "whoever asks over ssh does not ban himself" {
        export SSH_CONNECTION='203.0.113.5 50022 192.0.2.2 22'
        run -4 banctl ban sshd 203.0.113.5
        run -4 banctl ban sshd 203.0.113.0/24
        run -0 banctl ban sshd 203.0.113.6
        # What empties the environment does not help.
        # shellcheck disable=SC2016
        run -4 inside sh -c 'env -i "$0" --address="$1" ban sshd 203.0.113.5; exit $?' "$BANCTL" "$ADDRESS"
        export SSH_CONNECTION='2001:db8::5 50022 2001:db8::1 22'
        run -4 banctl ban sshd 2001:db8::/64
        run -0 banctl ban sshd 2001:db8::6
        run -0 banctl ban --force sshd 2001:db8::5
}

@test "a wrong configuration is refused as a whole and the old one stays" {
        cp config/conf.d/jails.conf good
        printf 'maxretry = many\n' >>config/conf.d/jails.conf
        run -1 banctl reload
        [[ $output == *'config/conf.d/jails.conf: [mail] maxretry: "many" is wrong'* ]]
        [ "$(banctl jails --json=short | jq length)" = 2 ]

        cp good config/conf.d/jails.conf
        printf '[third]\nenabled = yes\nfilter = sshd\nports = 23\n' >>config/conf.d/jails.conf
        run -0 banctl reload
        [ "$(banctl jails --json=short | jq length)" = 3 ]
        banctl ban third 192.0.2.1 --quiet

        cp good config/conf.d/jails.conf
        run -0 banctl reload
        run -1 banctl list third
}

# How many transactions changed rules, in what "nft monitor" writes.
count_rule_changes() {
        awk '/ rule inet banjo / { changed = 1 }
                /^# new generation/ { n += changed; changed = 0 }
                END { print n + changed }' changes
}

# Makes a change of its own; true once the monitor has told of it, and so of all before.
mark_is_heard() {
        local n
        n=$(grep -c 'table ip banjo-test' changes)
        inside nft 'add table ip banjo-test; delete table ip banjo-test'
        sleep 0.05
        [ "$(grep -c 'table ip banjo-test' changes)" -gt "$n" ]
}

@test "a reload changes ports in one transaction, and bans of jails that stay go on" {
        cp config/conf.d/jails.conf good
        banctl ban sshd 192.0.2.1 --time=1h --quiet
        banctl ban mail 192.0.2.2 --quiet
        started=$(sqlite3 -readonly state/banjo.db "SELECT start FROM bans WHERE jail = 'sshd'")

        background "$DIRECTORY/changes" $ENTER stdbuf -oL nft monitor
        monitor=$!
        # It is there when it tells of a change.
        wait_for mark_is_heard
        sed -i 's/^ports = 22$/ports = 2222/' config/conf.d/jails.conf
        run -0 banctl reload
        in_port_map 2222
        run -1 in_port_map 22
        wait_for grep -q 'rule inet banjo' changes
        wait_for mark_is_heard
        kill "$monitor"
        cat changes
        [ "$(count_rule_changes)" -eq 1 ]
        in_kernel sshd-v4 192.0.2.1
        [ "$(sqlite3 -readonly state/banjo.db "SELECT start FROM bans WHERE jail = 'sshd'")" = "$started" ]

        cp good config/conf.d/jails.conf
        run -0 banctl reload
        [ "$(banctl list --json=short | jq -r '.[].jail' | sort | xargs)" = 'mail sshd' ]
}

@test "bans of a jail that is no longer enabled end with a reload" {
        cp config/conf.d/jails.conf good
        banctl ban sshd 192.0.2.1 --quiet
        banctl ban mail 192.0.2.2 --quiet
        sed -i '/^\[mail\]/,$s/^enabled = yes/enabled = no/' config/conf.d/jails.conf
        run -0 banctl reload
        [ "$(banctl list --json=short | jq -r '.[].jail')" = sshd ]
        run -1 in_kernel mail-v4 192.0.2.2
        in_kernel sshd-v4 192.0.2.1
        [ "$(sqlite3 -readonly state/banjo.db "SELECT cause FROM ended WHERE jail = 'mail' ORDER BY id DESC LIMIT 1")" = 'jail removed' ]

        cp good config/conf.d/jails.conf
        run -0 banctl reload
        [ "$(banctl list --json=short | jq -r '.[].jail')" = sshd ]
}

# A control group by the name of a unit, in which processes listen. Not everybody may make one.
make_group() {
        local root
        for root in /sys/fs/cgroup/unified /sys/fs/cgroup; do
                GROUP=$root/banjo-bats-$$.service
                [[ -e $root/cgroup.procs ]] && mkdir "$GROUP" 2>/dev/null && return
        done
        skip 'no control group can be made'
}

# listen_in_group PORT: $! is the process.
listen_in_group() {
        # shellcheck disable=SC2016
        background /dev/null sh -c 'echo 0 >"$0/cgroup.procs" && exec "$@"' "$GROUP" \
                $ENTER systemd-socket-activate -l "192.0.2.9:$1" true
}

ports_are() {
        [ "$(banctl jails --json=short | jq -r '.[] | select(.name == "auto").ports')" = "$1" ]
}

@test "ports = auto finds where a unit listens, by the clock where there is no systemd to ask" {
        local pid

        make_group
        inside ip address add 192.0.2.9/32 dev lo
        cp config/conf.d/jails.conf good
        printf '[auto]\nenabled = yes\nfilter = sshd\nports = auto\nunits = %s\n' "${GROUP##*/}" \
                >>config/conf.d/jails.conf
        banctl reload
        ports_are ''
        run -0 banctl --json=short
        jq -e '.warnings[] | select(.kind == "guards-nothing").jail == "auto"' <<<"$output"

        listen_in_group 2222
        pid=$!
        wait_for ports_are 2222
        in_port_map 2222

        # Nobody listens any more, and a reload does not forget where they did.
        kill "$pid"
        wait_for gone "$pid"
        banctl reload
        ports_are 2222

        listen_in_group 2223
        pid=$!
        wait_for ports_are 2223
        in_port_map 2223
        run -1 in_port_map 2222

        kill "$pid"
        wait_for gone "$pid"
        rmdir "$GROUP"
        cp good config/conf.d/jails.conf
        banctl reload
}

@test "flush works without the daemon, and nothing comes back" {
        banctl ban sshd 192.0.2.1 192.0.2.2 --quiet
        banctl ban mail 2001:db8::/64 --quiet
        stop_banjod
        in_kernel sshd-v4 192.0.2.1
        run -0 banctl flush --yes --state-dir="$DIRECTORY/state"
        [[ $output == *'3 bans in the database were ended'* ]]
        run ! inside nft list table inet banjo
        start_banjod
        [ "$(property RunningBans)" = 't 0' ]
        run ! in_kernel sshd-v4 192.0.2.1
}

# running JAIL ADDRESS...: whether these are its bans
running() {
        [ "$(banctl list "$1" --json=short | jq -r '.[].address' | sort | xargs)" = "${*:2}" ]
}

@test "bans are counted over restarts, but for what an unban forgives" {
        [ -x /usr/lib/systemd/systemd-journal-remote ] || skip "systemd-journal-remote is not installed"
        printf '[sshd]\nmaxretry = 1\n[recidive]\nenabled = yes\nsource = bans\nports = any\nfindtime = 4w\nmaxretry = 3\n' \
                >config/conf.d/recidive.conf
        stop_banjod
        rm -rf journal/* state/*
        start_banjod
        run -0 call ListJails
        [[ $output == *'"recidive"'*'"Source" s "bans" "Filter" s ""'*'"Match" s ""'* ]]
        run -0 banctl
        [[ $output == *recidive* && $output != *'Warning: recidive'* ]]

        fail_later -100 1 198.51.100.1 198.51.100.2 198.51.100.3
        wait_for running sshd 198.51.100.1 198.51.100.2 198.51.100.3
        banctl unban --quiet sshd 198.51.100.1
        banctl unban --quiet 198.51.100.2
        banctl ban --quiet sshd 198.51.100.3 --time=2d
        stop_banjod
        start_banjod

        banctl unban --quiet sshd 198.51.100.3
        fail_later 10 10 198.51.100.1 198.51.100.2 198.51.100.3
        wait_for running sshd 198.51.100.1 198.51.100.2 198.51.100.3
        banctl unban --quiet sshd 198.51.100.1 198.51.100.2 198.51.100.3
        banctl reload
        running recidive
        fail_later 20 20 198.51.100.1 198.51.100.2 198.51.100.3
        wait_for running sshd 198.51.100.1 198.51.100.2 198.51.100.3
        running recidive 198.51.100.1 198.51.100.3
        [ "$(banctl list recidive --json=short | jq -c 'map([.failures, .pattern]) | unique')" = '[[3,"ban"]]' ]

        banctl unban --quiet sshd 198.51.100.2
        fail_later 30 30 198.51.100.2
        wait_for running recidive 198.51.100.1 198.51.100.2 198.51.100.3
        [ "$(sqlite3 -readonly state/banjo.db "SELECT failures FROM ended WHERE cause = 'replaced'")" = 1 ]

        rm config/conf.d/recidive.conf
        banctl reload
}
