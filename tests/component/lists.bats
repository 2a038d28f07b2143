#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Lists of addresses that are banned and unbanned by hand. BANJOD and BANCTL name the binaries.

# shellcheck disable=SC2030,SC2031

bats_require_minimum_version 1.5.0

load daemon

setup_file() {
        export LC_ALL=C.UTF-8
        make_directory
        make_namespace -n
        inside ip link set lo up
        cd "$DIRECTORY" || return
        printf '[%s]\nenabled = yes\nports = 22\nfilter = sshd\nbantime = 1h\n' sshd mail >config/conf.d/jails.conf
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
        banctl flush --yes --quiet
}

# addresses N: so many, one on a line
addresses() {
        local i
        for ((i = 0; i < $1; i++)); do
                echo "198.18.$((i / 250)).$((i % 250 + 1))"
        done
}

banned() {
        banctl list "$@" --json=short | jq length
}

@test "an address, with the jail in front or as an option" {
        run -0 banctl ban sshd 192.0.2.1
        [ "$output" = 'Banned 192.0.2.1 in sshd.' ]
        run -0 banctl ban 192.0.2.2 198.51.100.0/24 --jail=mail --time=permanent
        [ "$output" = $'Banned 192.0.2.2 in mail for good.\nBanned 198.51.100.0/24 in mail for good.' ]
        [ "$(banned --jail=mail)" = 2 ]
        run -0 banctl unban 192.0.2.2 --jail=sshd
        [ "$output" = '192.0.2.2 was not banned in sshd.' ]
        run -0 banctl unban 192.0.2.2 --jail=mail
        [ "$output" = 'Unbanned 192.0.2.2.' ]
        [ "$(banned)" = 2 ]
}

@test "what was so already is told apart" {
        banctl ban sshd 192.0.2.1 --time=permanent --quiet
        run -0 banctl ban sshd 192.0.2.1 192.0.2.2 --time=permanent
        [ "$output" = $'192.0.2.1 was banned in sshd already.\nBanned 192.0.2.2 in sshd for good.' ]
        banctl ban sshd 192.0.2.2 192.0.2.3 --time=permanent --json=short |
                jq -e '. == [{ jail: "sshd", address: "192.0.2.2", banned: true, changed: false },
                             { jail: "sshd", address: "192.0.2.3", banned: true, changed: true }]'
}

@test "lists from files and from the standard input, with comments and blank lines" {
        printf '# a comment\n\n192.0.2.1\n  192.0.2.2  # one more\n203.0.113.0/24 ; SBL1\n\r\n2001:db8::1\r\n' >list
        banctl ban sshd --file=list --quiet
        [ "$(banctl list --json=short | jq -r 'map(.address) | join(" ")')" = \
                '192.0.2.1 192.0.2.2 203.0.113.0/24 2001:db8::1' ]
        echo 198.51.100.1 | banctl ban sshd 198.51.100.2 - --quiet
        [ "$(banned)" = 6 ]
        banctl unban --file=list - <<<198.51.100.1
        [ "$(banctl list --json=short | jq -r 'map(.address) | join(" ")')" = 198.51.100.2 ]
        # Nothing is not much, and no mistake.
        banctl ban sshd --file=/dev/null
}

@test "a mistake in a list is told with its file and line, and nothing is done" {
        printf '192.0.2.1\n\n192.0.2.300 # no address\n192.0.2.2 192.0.2.3\nevil\e[31m\n' >list
        run -2 --separate-stderr banctl ban sshd 192.0.2.9 --file=list
        [ "${stderr_lines[0]}" = 'banctl: list:3: "192.0.2.300" is neither an address nor a prefix such as 192.0.2.0/24.' ]
        [ "${stderr_lines[1]}" = 'banctl: list:4: "192.0.2.2 192.0.2.3" is neither an address nor a prefix such as 192.0.2.0/24.' ]
        [ "${stderr_lines[2]}" = 'banctl: list:5: "evil?[31m" is neither an address nor a prefix such as 192.0.2.0/24.' ]
        [ "${#stderr_lines[@]}" = 3 ]
        [ "$(banned)" = 0 ]

        seq 100 | sed 's/^/no/' >list
        run -2 --separate-stderr banctl unban - <list
        [ "${#stderr_lines[@]}" = 11 ]
        [ "${stderr_lines[0]}" = 'banctl: standard input:1: "no1" is neither an address nor a prefix such as 192.0.2.0/24.' ]
        [ "${stderr_lines[10]}" = 'banctl: And 90 more.' ]

        run -2 --separate-stderr banctl ban sshd --file=nowhere
        [ "$stderr" = 'banctl: Failed to read nowhere: No such file or directory' ]
        run -2 banctl ban sshd
}

@test "of a long list it is told how many there were of each" {
        addresses 12000 >list
        run -0 banctl ban sshd --file=list --time=permanent
        [ "$output" = 'Banned 12000 addresses in sshd for good.' ]
        [ "$(property RunningBans)" = 't 12000' ]

        addresses 12003 >list
        run -0 banctl ban sshd - --time=permanent <list
        [ "$output" = 'Banned 3 addresses in sshd for good; 12000 were banned already.' ]
        banctl ban sshd --file=list --time=permanent --json=short |
                jq -e 'length == 12003 and all(.[]; .banned and .changed == false)'

        echo 203.0.113.1 >>list
        banctl unban 198.18.0.7 --quiet
        run -0 banctl unban --file=list
        [ "$output" = '12002 bans lifted; 2 addresses were not banned.' ]
        [ "$(banned)" = 0 ]
        banctl ban sshd --file=list --quiet
        banctl unban 198.18.0.7 --quiet
        banctl unban --file=list --json=short |
                jq -e 'length == 12004 and map(.lifted) == map(if .address == "198.18.0.7" then 0 else 1 end)'
}

@test "what is refused in a long list does not keep the rest back" {
        { addresses 30; echo 127.0.0.1; echo 192.0.2.77; echo 192.0.2.78; } >list
        SSH_CONNECTION='192.0.2.77 4711 192.0.2.78 22' run -4 --separate-stderr banctl ban sshd --file=list --json=short
        [[ ${stderr_lines[0]} == *'192.0.2.77: this is where you are logged in from (192.0.2.77)'* ]]
        [[ ${stderr_lines[1]} == *127.0.0.1* ]]
        jq -e '(map(select(.banned)) | length) == 31 and
                (map(select(.banned | not).address) | sort) == ["127.0.0.1", "192.0.2.77"]' <<<"$output"
        [ "$(banned)" = 31 ]
}

@test "a jail that is not there is told once" {
        addresses 30 >list
        run -1 --separate-stderr banctl ban nowhere --file=list
        [ "${#stderr_lines[@]}" = 1 ]
        run -1 --separate-stderr banctl unban --jail=nowhere --file=list
        [ "${#stderr_lines[@]}" = 1 ]
}

@test "progress is shown on a terminal, once it takes longer than a second, and taken away again" {
        local lister monitor called
        later() {
                (($(date +%s) > called + 1))
        }

        addresses 12000 >list
        background heard busctl --address="$ADDRESS" monitor
        monitor=$!
        wait_for grep -q Monitoring heard

        # The daemon is held up, so that this list takes as long as it has to.
        kill -STOP "$(<banjod.pid)"
        background screen script -qec "$ENTER $BANCTL --address=$ADDRESS ban sshd --file=list" /dev/null
        lister=$!
        wait_for grep -q Member=BanMany heard
        called=$(date +%s)
        wait_for later
        kill -CONT "$(<banjod.pid)"
        wait_for gone "$lister"
        kill "$monitor"
        grep -q $'\r[0-9]* of 12000 \.\.\.' screen
        tail -n 1 screen | grep -q $'\r *\rBanned 12000 addresses in sshd\.'
}
