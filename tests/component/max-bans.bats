#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# As many bans as max_bans allows, with banjod and banctl over a message bus of their own, in a
# network namespace of their own. BANJOD and BANCTL name the binaries.

# Some arguments are words, and so is ENTER of daemon.bash.
# shellcheck disable=SC2030,SC2031,SC2086

bats_require_minimum_version 1.5.0

load daemon

setup_file() {
        make_directory
        make_namespace -n
        inside ip link set lo up
        start_bus
}

teardown_file() {
        stop_bus
        kill "$NAMESPACE"
        rm -rf "$DIRECTORY"
}

setup() {
        cd "$DIRECTORY" || return
        rm -rf state journal log
        mkdir state journal
        configure 1000000 1000000
        start_banjod
}

teardown() {
        banctl flush --yes --quiet
        stop_banjod
}

# configure IN-ALL IN-SSHD
configure() {
        printf '[banjo]\nmax_bans = %s\n[sshd]\nenabled = yes\nports = 22\nfilter = sshd\nmax_bans = %s\n' "$@"
        printf '[mail]\nenabled = yes\nports = smtp\nfilter = postfix\n'
} >"$DIRECTORY/config/conf.d/jails.conf"


# banned JAIL: its hosts, in order
banned() {
        banctl list --json=short | jq -r "[.[] | select(.jail == \"$1\").address | ltrimstr(\"192.0.2.\")] |
                sort_by(tonumber) | join(\" \")"
}

# displaced JAIL: how many bans made room
displaced() {
        banctl jails --json=short | jq ".[] | select(.name == \"$1\").displaced"
}

@test "the ban of the jail that ends first makes room, said once and counted" {
        configure 1000000 3
        banctl reload
        for ((i = 1; i <= 3; i++)); do
                banctl ban --jail=sshd --time=${i}h "192.0.2.$i" --quiet
        done
        banctl ban --jail=mail --time=20min 192.0.2.9 --quiet
        [ "$(displaced sshd)" = 0 ]
        [[ $(<log) != *max_bans* ]]

        # Who is banned already takes nobody's place.
        banctl ban --jail=sshd --time=4h 192.0.2.3 --quiet
        [ "$(banned sshd)" = '1 2 3' ]

        banctl ban --jail=sshd --time=30min 192.0.2.4 --quiet
        [ "$(banned sshd)" = '2 3 4' ]
        run ! in_kernel sshd-v4 192.0.2.1
        in_kernel sshd-v4 192.0.2.4
        banctl ban --jail=sshd --time=-1 192.0.2.5 --quiet
        [ "$(banned sshd)" = '2 3 5' ]
        [ "$(banned mail)" = 9 ]

        [ "$(displaced sshd)" = 2 ]
        [ "$(displaced mail)" = 0 ]
        [ "$(grep -c 'Jail sshd has 3 bans, as many as max_bans allows: for each' log)" = 1 ]
        grep 'Unbanned 192.0.2.4 in jail sshd (room for a new ban)' log
        run -0 banctl
        [[ $output == *'Warning: sshd: There are more bans than max_bans allows: 2 ended before their time'* ]]
}

@test "bans for good make no room, and a new one is refused" {
        configure 1000000 2
        banctl reload
        banctl ban --jail=sshd --time=-1 192.0.2.1 192.0.2.2 --quiet

        run ! call Ban ssts sshd 192.0.2.3 3600000000 ''
        [[ $output == *'There is no room for a ban of 192.0.2.3: there are as many as max_bans allows'* ]]
        run ! banctl ban --jail=sshd 192.0.2.3
        [[ $output == *'192.0.2.3'*'max_bans'* ]]
        [ "$(banned sshd)" = '1 2' ]
        [ "$(displaced sshd)" = 0 ]
        [ "$(grep -c 'Jail sshd has 2 bans, as many as max_bans allows: all are for good' log)" = 1 ]
        run -0 call BanMany sastst sshd 2 192.0.2.3 192.0.2.4 3600000000 '' 0
        [[ $output == *'org.banjo1.Error.TooManyBans'* ]]
        [ "$(banned sshd)" = '1 2' ]

        # One that is there may still become another.
        banctl ban --jail=sshd --time=3h 192.0.2.1 --quiet
        banctl ban --jail=sshd --time=1h 192.0.2.3 --quiet
        [ "$(banned sshd)" = '2 3' ]
}

@test "of all jails the ban that ends first makes room when there are as many as allowed in all" {
        configure 4 1000000
        banctl reload
        banctl ban --jail=sshd --time=3h 192.0.2.1 --quiet
        banctl ban --jail=sshd --time=2h 192.0.2.2 --quiet
        banctl ban --jail=mail --time=1h 192.0.2.3 --quiet
        banctl ban --jail=mail --time=4h 192.0.2.4 --quiet
        banctl ban --jail=sshd --time=5h 192.0.2.5 --quiet
        [ "$(banned sshd)" = '1 2 5' ]
        [ "$(banned mail)" = 4 ]
        banctl ban --jail=mail --time=5h 192.0.2.6 --quiet
        [ "$(banned sshd)" = '1 5' ]
        [ "$(banned mail)" = '4 6' ]
        [ "$(displaced sshd) $(displaced mail)" = '1 1' ]
        [ "$(grep -c 'There are 4 bans, as many as max_bans allows' log)" = 1 ]
}

@test "a limit that was lowered ends nothing, and the bans become no more" {
        banctl ban --jail=sshd --time=3h 192.0.2.1 192.0.2.2 192.0.2.3 --quiet
        banctl ban --jail=sshd --time=2h 192.0.2.4 --quiet
        stop_banjod
        configure 1000000 2
        start_banjod
        [ "$(banned sshd)" = '1 2 3 4' ]
        in_kernel sshd-v4 192.0.2.4
        banctl ban --jail=sshd --time=4h 192.0.2.5 --quiet
        [ "$(banned sshd)" = '1 2 3 5' ]

        # Until there are fewer.
        banctl unban 192.0.2.1 192.0.2.2 192.0.2.3 --quiet
        banctl ban --jail=sshd --time=4h 192.0.2.6 --quiet
        [ "$(banned sshd)" = '5 6' ]
}

@test "who fails is banned when there is no more room, in the place of another" {
        [ -x /usr/lib/systemd/systemd-journal-remote ] || skip "systemd-journal-remote is not installed"
        configure 1000000 2
        printf '[default]\nmaxretry = 1\nbantime = 1h\n' >config/conf.d/one.conf
        banctl reload
        banctl ban --jail=sshd --time=2h 192.0.2.1 --quiet
        banctl ban --jail=sshd --time=-1 192.0.2.2 --quiet
        fail_later 0 500 192.0.2.3
        wait_for in_kernel sshd-v4 192.0.2.3
        [ "$(banned sshd)" = '2 3' ]
        run ! in_kernel sshd-v4 192.0.2.1
}
