#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Who comes back is banned for longer.

load lib

setup_file() {
        boot ssh.service
        inside systemctl enable --quiet banjod.service ssh.service
}

teardown_file() {
        shut_down
}

# How long the ban of an address by sshd is, in seconds; "permanent" without an end.
length_of_ban() {
        inside banctl list --json | jq -r --arg address "$1" '
                .[] | select(.jail == "sshd" and .address == $address)
                | if .end_usec == null then "permanent" else (.end_usec - .start_usec) / 1000000 end'
}

# attack FROM LENGTH: is banned for so long, and its packets are dropped.
attack() {
        wrong_passwords_at_once "$1" 5
        eventually is_banned sshd "$1"
        is_dropped "$1" 22 sshd
        echo "$1 is banned for $(length_of_ban "$1") s, should be $2"
        [[ $(length_of_ban "$1") == "$2" ]]
}

# Has a ban end by itself: one by hand, of a second, takes its place, and is no earlier one to the next.
let_end() {
        inside banctl ban sshd "$1" --time=1s
        is_over "$1"
}

@test "the second ban is longer, the third is for good, and a reboot keeps it" {
        fresh_with <<<'[sshd]
bantime = 1h
bantime_growth = 2.5
permanent_after = 2'
        attack 198.51.100.66 3600
        let_end 198.51.100.66
        attack 198.51.100.66 9000
        # Others do not pay for it.
        attack 198.51.100.67 3600

        # That there were two is known after a restart, too.
        let_end 198.51.100.66
        inside systemctl restart banjod.service
        eventually answers
        attack 198.51.100.66 permanent

        "$container" reboot "$NAME"
        "$container" net "$NAME"
        eventually answers
        is_banned sshd 198.51.100.66
        [[ $(length_of_ban 198.51.100.66) == permanent ]]
        is_dropped 198.51.100.66 22 sshd
        connects 203.0.113.5 22
}

@test "a ban that goes on over a reboot is an earlier one to the next" {
        local end

        fresh_with <<<'[sshd]
bantime_steps = 1h 2h
bantime_jitter = 1ms'
        wrong_passwords_at_once 198.51.100.66 5
        eventually is_banned sshd 198.51.100.66
        end=$(bans)
        "$container" reboot "$NAME"
        "$container" net "$NAME"
        eventually answers
        [[ $(bans) == "$end" ]]
        let_end 198.51.100.66
        wrong_passwords_at_once 198.51.100.66 5
        eventually is_banned sshd 198.51.100.66
        [[ $(length_of_ban 198.51.100.66) == 7200* ]]
}
