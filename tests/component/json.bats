#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The section JSON of banctl(1) against what each verb prints: every key, and no others. BANJOD and
# BANCTL name the binaries.

# ENTER is words.
# shellcheck disable=SC2086

bats_require_minimum_version 1.5.0

load daemon

setup_file() {
        [ -x /usr/lib/systemd/systemd-journal-remote ] || skip "systemd-journal-remote is not installed"
        make_directory
        export PAGE=$BATS_TEST_DIRNAME/../../man/banctl.1
        make_namespace -n

        # Where nothing listens, which is a warning; and a jail that counts the bans of the other.
        printf '[%s]\nenabled = yes\nports = %s\nsource = %s\nmaxretry = %s\n' \
                sshd 22 journal 5 recidive any bans 1 >"$DIRECTORY/config/conf.d/jails.conf"
        start_bus
        start_banjod --firewall=none
        fail_later 0 700 192.0.2.7 192.0.2.7 192.0.2.7 192.0.2.7 192.0.2.7
        wait_for is_banned_twice
}

is_banned_twice() {
        [ "$(property RunningBans)" = 't 2' ]
}

teardown_file() {
        [ -n "${NAMESPACE:-}" ] || return 0
        stop_banjod
        stop_bus
        kill "$NAMESPACE"
        rm -rf "$DIRECTORY"
}

# documented ITEM: the keys that the page names there
documented() {
        awk -v item=".It Cm $1" '
                /^\.Sh /                 { json = $2 == "JSON" }
                /^\.It /                 { on = json && $0 == item }
                on && /^\.Li [a-z_]+( |$)/ { print $2 }
        ' "$PAGE" | sort -u
}

# prints ITEM [--as OTHER-ITEM] ARGUMENT...: the verb prints the keys of the item, and may print those of
# another that it refers to. What is behind these is not ours to name: what filters capture.
prints() {
        local item=$1 other='' keys
        shift
        if [ "$1" = --as ]; then
                other=$2
                shift 2
        fi

        keys=$(banctl --json=short "$@" | jq -r '
                walk(if type == "object" then
                        (if has("captured") then .captured = {} else . end) |
                        (if has("fields") then .fields = {} else . end) |
                        (if (.keys | type) == "object" then .keys |= [.[]] else . end)
                     else . end) | .. | objects | keys[]' | sort -u)
        compare "$item" "$other" "$keys" "banctl --json $*"
}

# compare ITEM OTHER-ITEM KEYS COMMAND: the command prints these keys
compare() {
        local item=$1 other=$2 keys=$3
        echo "$item" >>"$DIRECTORY/tried"

        diff <(comm -23 <(echo "$keys") <([ -z "$other" ] || documented "$other")) \
                <(comm -23 <(documented "$item") <([ -z "$other" ] || documented "$other")) && return
        echo "Left is what \"$4\" prints, and right what banctl(1) has in \"Cm $item\" of JSON,"
        echo "each key as \".Li KEY\"."
        return 1
}

@test "status" {
        prints status --as jails status
}

@test "list" {
        prints list list
}

@test "why" {
        prints why --as history why 192.0.2.7 --config-dir="$DIRECTORY/config" --journal="$DIRECTORY/journal"
}

@test "history" {
        prints history history
}

@test "stats" {
        prints stats stats
}

@test "jails" {
        prints jails jails
}

@test "ban" {
        prints ban ban sshd 198.51.100.1
}

@test "unban" {
        prints unban unban 198.51.100.1
}

@test "allow" {
        compare allow '' "$({
                banctl allow 198.51.100.9 --json=short
                banctl allow --json=short
                banctl allow --remove 198.51.100.9 --json=short
        } | jq -r '.[] | keys[]' | sort -u)" 'banctl --json allow'
}

@test "pause and resume" {
        prints pause pause recidive
        prints resume resume recidive
}

@test "forget" {
        prints forget forget 198.51.100.1
}

@test "monitor" {
        : >"$DIRECTORY/events"
        background "$DIRECTORY/events" $ENTER "$BANCTL" --address="$ADDRESS" monitor --json=short
        MONITOR=$!
        wait_for has_events
        kill "$MONITOR"
        compare monitor '' "$(jq -r 'keys[]' "$DIRECTORY/events" | sort -u)" 'banctl --json monitor'
}

has_events() {
        SECOND=$((${SECOND:-0} + 1))
        banctl ban sshd 198.51.100.2 --quiet
        banctl unban 198.51.100.2 --quiet
        # Others each time: soon one would be banned, and fail no more.
        fail_later $SECOND $((710 + SECOND)) "2001:db8:0:$SECOND::1"
        [ "$(jq -r .event "$DIRECTORY/events" | sort -u | xargs)" = 'banned failure unbanned' ]
}

@test "log" {
        printf '%s\n' __REALTIME_TIMESTAMP=1796000000000000 __MONOTONIC_TIMESTAMP=1 \
                _BOOT_ID=11111111111111111111111111111111 _SYSTEMD_UNIT=banjod.service PRIORITY=5 \
                MESSAGE_ID=a177b87d71174984b96c434c71d4d024 BANJO_JAIL=sshd MESSAGE=Banned '' >"$DIRECTORY/said"
        /usr/lib/systemd/systemd-journal-remote --output="$DIRECTORY/said.journal" "$DIRECTORY/said" 2>/dev/null
        prints log log --journal="$DIRECTORY/said.journal"
}

@test "show" {
        prints show show sshd --config-dir="$DIRECTORY/config"
}

@test "show --default" {
        prints 'show Fl Fl default' show --default
}

@test "verify" {
        cp -r "$DIRECTORY/config" "$DIRECTORY/wrong"
        printf '[sshd]\nmaxretri = 3\n' >>"$DIRECTORY/wrong/conf.d/jails.conf"
        prints verify verify "$DIRECTORY/wrong" --journal="$DIRECTORY/journal"
}

@test "verify --live" {
        sqlite3 -cmd '.timeout 60000' "$DIRECTORY/state/banjo.db" "DELETE FROM bans WHERE jail = 'recidive'"
        prints 'verify Fl Fl live' verify --live
}

@test "test" {
        echo 'Failed password for root from 192.0.2.1 port 4711 ssh3' >"$DIRECTORY/line"
        prints test test sshd "$DIRECTORY/line" --config-dir="$DIRECTORY/config" --explain
}

@test "flush" {
        prints flush flush --yes
}

@test "no item was left out" {
        diff <(awk '/^\.Sh / { json = $2 == "JSON" } json && sub(/^\.It Cm /, "")' "$PAGE" | sort) \
                <(sort -u "$DIRECTORY/tried") && return
        echo "Left is what the section JSON of banctl(1) has, and right what this file tries."
        return 1
}
