#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# banctl show on configurations made here. BANJOD and BANCTL name the binaries.

bats_require_minimum_version 1.5.0

setup() {
        DIRECTORY=$(mktemp -d)
        chmod 755 "$DIRECTORY"
        cd "$DIRECTORY" || return
        SOURCE=$(dirname "$(dirname "$BATS_TEST_DIRNAME")")
        mkdir -p config/conf.d config/filters state
        printf '[filter]\nunits = a.service\n[fail]\nhit = "wrong from <ADDR>"\n' >config/filters/a.conf
}

teardown() {
        cd / || return
        rm -rf "$DIRECTORY"
}

show() {
        run --separate-stderr "$BANCTL" show --config-dir=config "$@"
        echo "$output"
        echo "$stderr"
}

# entry FIELD=VALUE...
entry() {
        printf '__REALTIME_TIMESTAMP=%d000000\n__MONOTONIC_TIMESTAMP=%d000000\n' \
                "$(($(date +%s) - 60))" "$((++SECONDS_UP))" >>entries
        printf '_BOOT_ID=11111111111111111111111111111111\n' >>entries
        printf '%s\n' "$@" '' >>entries
}

@test "each key comes with its value and its file" {
        printf '[default]\nfindtime = 7min\n' >config/banjo.conf
        printf '[a]\nenabled = yes\nports = 22\nmaxretry = 2\n' >config/conf.d/10-a.conf
        printf '[a]\nmaxretry = 3\n' >config/conf.d/50-mine.conf
        show a
        [ "$status" -eq 0 ]
        [[ "$output" == *"maxretry = 3 "*"# config/conf.d/50-mine.conf"$'\n'* ]]
        [[ "$output" == *"findtime = 7min "*"# config/banjo.conf, [default]"$'\n'* ]]
        [[ "$output" == *"bantime = 1h "*"# built-in default"$'\n'* ]]
        [[ "$output" == *"units = a.service "*"# config/filters/a.conf"$'\n'* ]]
        [[ "$output" == *"ports = 22 "*"# config/conf.d/10-a.conf"$'\n'* ]]
        [[ "$output" == *"[fail]"$'\n'"hit = 'wrong from <ADDR>'"* ]]
        [[ "$output" == *"journalctl _SYSTEMD_UNIT=a.service"* ]]
        [ -z "$stderr" ]
}

@test "JSON has the same" {
        printf '[a]\nports = 22\nnamespace = web\n' >config/conf.d/10-a.conf
        show a --json
        [ "$status" -eq 0 ]
        [ "$(jq -r .jail <<<"$output")" = a ]
        [ "$(jq -r .enabled <<<"$output")" = false ]
        [ "$(jq -c .keys.ports <<<"$output")" = '{"value":"22","origin":"jail","file":"config/conf.d/10-a.conf"}' ]
        [ "$(jq -c .keys.bantime <<<"$output")" = '{"value":"1h","origin":"built-in","file":null}' ]
        [ "$(jq -r '.filter.patterns[0].pattern' <<<"$output")" = 'wrong from <ADDR>' ]
        [[ "$(jq -r '.filter.patterns[0].regex' <<<"$output")" == 'wrong from (?<addr>'* ]]
        [ "$(jq -r .journalctl <<<"$output")" = 'journalctl --namespace=web _SYSTEMD_UNIT=a.service' ]
}

@test "bytes that are no UTF-8 are shown" {
        printf '[a]\nports = 22\ndescription = caf\xe9\n' >config/conf.d/10-a.conf
        show a --json
        [ "$status" -eq 0 ]
        [ "$(jq -r .keys.description.value <<<"$output")" = $'caf\xef\xbf\xbd' ]
}

@test "the command for journalctl shows what the jail reads" {
        [ -x /usr/lib/systemd/systemd-journal-remote ] || skip "systemd-journal-remote is not installed"
        printf '[banjo]\nfirewall = log\n[default]\nenabled = yes\nmaxretry = 1\nports = 22\n' >config/banjo.conf
        printf '[one]\nfilter = a\nunits = a.service b@.service\n' >config/conf.d/one.conf
        printf '[two]\nfilter = a\njournal = "_COMM='"'x y'"' _UID=0 _UID=1 + _SYSTEMD_UNIT=c.service"\n' \
                >config/conf.d/two.conf

        i=0
        for fields in _SYSTEMD_UNIT=a.service _SYSTEMD_UNIT=b.service \
                '_SYSTEMD_UNIT=b@1.service _SYSTEMD_SLICE=system-b.slice' \
                '_COMM=x~y _UID=0' '_COMM=x~y _UID=1' '_COMM=x~y _UID=2' '_COMM=x _UID=0' _UID=1 \
                _SYSTEMD_UNIT=c.service; do
                # shellcheck disable=SC2086
                mapfile -t list < <(printf '%s\n' $fields | tr '~' ' ')
                entry "MESSAGE=wrong from 203.0.113.$((++i))" "${list[@]}"
        done
        /usr/lib/systemd/systemd-journal-remote --output=x.journal entries 2>/dev/null
        "$BANJOD" --config-dir=config --state-dir=state --journal=x.journal --once 2>log

        for jail in one two; do
                command=$("$BANCTL" show --config-dir=config "$jail" --json | jq -r .journalctl)
                sh -c "$command --file=x.journal -o cat -q" | grep -oE '[0-9.]+$' | sort >"$jail.shown"
                grep -oE "Banned [0-9.]+ in jail $jail" log | grep -oE '203[0-9.]+' | sort >"$jail.banned"
                diff "$jail.shown" "$jail.banned"
        done
        [ "$(xargs <one.shown)" = '203.0.113.1 203.0.113.3' ]
        [ "$(xargs <two.shown)" = '203.0.113.4 203.0.113.5 203.0.113.9' ]
}

@test "mistakes of the jail are told, and what is right is shown" {
        printf '[a]\nenabled = yes\nports = 22\nmaxretry = x\n[b]\nenabled = yes\nbantime = x\n' \
                >config/conf.d/10-a.conf
        show a
        [ "$status" -eq 0 ]
        [[ "$stderr" == *'config/conf.d/10-a.conf: [a] maxretry: "x" is wrong, it should be a number from 1 to 1000.'* ]]
        [[ "$stderr" != *bantime* ]]
        [[ "$output" == *'# refused'*'ports = 22'* ]]
        [[ "$output" != *journalctl* ]]
}

@test "a jail that counts bans is told by the jails whose bans it counts" {
        printf '[a]\nenabled = yes\nports = 22\n[b]\nfilter = a\nports = 22\n[udp]\nenabled = yes\nfilter = a\nports = 53\nspoofable = yes\n' \
                >config/conf.d/10-a.conf
        printf '[again]\nenabled = yes\nsource = bans\nports = any\n' >config/conf.d/10-again.conf
        show again
        [ "$status" -eq 0 ]
        [ -z "$stderr" ]
        [[ "$output" == *"source = bans "*"# config/conf.d/10-again.conf"$'\n'* ]]
        [[ "$output" == *$'\n# what the jail counts: the bans, but those by hand, of these jails\na' ]]
        [[ "$output" != *journalctl* ]]
        run -1 grep -E '^(filter|groups|weight|units|journal|namespace|spoofable) =' <<<"$output"
        show again --json
        [ "$(jq -c '[.filter, .journalctl, .counts, .keys.filter.value, .keys.source.value]' <<<"$output")" = \
                '[null,null,["a"],null,"bans"]' ]
        show a --json
        [ "$(jq -c .counts <<<"$output")" = '[]' ]
}

@test "a jail that is none gets the nearest one" {
        printf '[sshd]\nfilter = a\nports = 22\n' >config/conf.d/10-a.conf
        show sshd
        [ "$status" -eq 0 ]
        show shsd
        [ "$status" -eq 1 ]
        [ "$stderr" = 'banctl: There is no jail "shsd". Did you mean sshd?' ]
        show --config-dir=nowhere sshd
        [ "$status" -eq 1 ]
        [[ "$stderr" == *'There is no configuration'* ]]
        show
        [ "$status" -eq 2 ]
        show --default sshd
        [ "$status" -eq 2 ]
}

@test "defaults are those that banjo.conf has as comments" {
        show --default
        [ "$status" -eq 0 ]
        diff <(sed -n '/^\[default\]/,$d; /^#[a-z_]* =/p' "$SOURCE/conf.d/banjo.conf") \
                <(sed -n '/^# for all/,$d; /^#[a-z]/p' <<<"$output")
        diff <(sed -n '/^\[default\]/,$p' "$SOURCE/conf.d/banjo.conf" | grep '^#[a-z]') \
                <(sed -n '/^\[default\]/,/^# a jail/p' <<<"$output" | grep '^#[a-z]' | sed 's/ *# .*//')

        show --default --json
        [ "$(jq -r '.[] | select(.key == "findtime") | .default' <<<"$output")" = 10min ]
        [ "$(jq -r '.[] | select(.key == "ports") | .default' <<<"$output")" = null ]
        [ "$(jq -r '.[] | select(.key == "kill") | .section' <<<"$output")" = banjo ]
}
