#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# An attacker who comes back, and what banctl tells of him: from the real journal of a real sshd.

load lib

setup_file() {
        boot ssh.service
        inside systemctl enable --quiet banjod.service ssh.service
}

teardown_file() {
        shut_down
}

# why ADDRESS: as JSON, as root
why() {
        inside banctl why --json=short "$1"
}

# has_bans ADDRESS COUNT: so many in all. A short one may be over before anybody looks into the kernel.
has_bans() {
        why "$1" | jq -e --argjson count "$2" '(.bans | length) == $count'
}

has_ended() {
        inside banctl history --jail=sshd --json=short |
                jq -e --arg address "$1" 'any(.[]; .address == $address and .cause == "expired")'
}

@test "why tells of the third ban, which is for good, with the lines of sshd, also after a reboot" {
        fresh_with <<<'[sshd]
bantime = 6s
bantime_growth = 2
permanent_after = 2'
        for n in 1 2; do
                wrong_passwords_at_once 198.51.100.66 5
                eventually has_bans 198.51.100.66 "$n"
                is_over 198.51.100.66
        done
        wrong_passwords_at_once 198.51.100.66 5
        eventually is_banned sshd 198.51.100.66
        inside journalctl --sync

        "$container" reboot "$NAME"
        "$container" net "$NAME"
        eventually answers

        run -0 inside banctl why 198.51.100.66
        echo "$output"
        [[ $output == *'Failed password for alice from 198.51.100.66 port '* ]]
        run -0 why 198.51.100.66
        jq -e '.banned and (.bans | length) == 3' <<<"$output"
        # The first two ended by themselves, each twice as long as the one before.
        jq -e '[.bans[].cause] == ["expired", "expired", null] and [.bans[].counts] == [true, true, true]' <<<"$output"
        jq -e '[.bans[:2][] | .end_usec - .start_usec] == [6000000, 12000000] and .bans[2].permanent' <<<"$output"
        # Five entries each, all of which the journal still has.
        jq -e '[.bans[] | .entries | length] == [5, 5, 5]' <<<"$output"
        jq -e 'all(.bans[].entries[]; .state == "found" and .pattern == "password"
                and (.identifier == "sshd" or .identifier == "sshd-session")
                and (.message | test("^Failed password for alice from 198\\.51\\.100\\.66 port [0-9]+ ssh2$")))' <<<"$output"
        jq -e '.bans[2].captured.user == "alice"' <<<"$output"
        jq -e '.next == [{"jail": "sshd", "earlier_bans": 3, "bantime_usec": null, "permanent": true}]' <<<"$output"
}

@test "entries that the journal has dropped are said to be gone" {
        fresh_with <<<'[sshd]
bantime = 1h'
        wrong_passwords_at_once 198.51.100.66 5
        eventually is_banned sshd 198.51.100.66
        inside journalctl --rotate --vacuum-files=1

        run -0 why 198.51.100.66
        jq -e '.bans[-1].entries | length == 5 and all(.state == "gone" and .pattern == "password")' <<<"$output"
        run -0 inside banctl why 198.51.100.66
        echo "$output"
        [[ $output == *"the journal does not have this entry any more"* ]]
        [[ $output != *'Failed password'* ]]
}

@test "history and stats tell of it, and forget makes the next ban the first again" {
        fresh_with <<<'[sshd]
bantime = 6s
bantime_growth = 100'
        wrong_passwords_at_once 198.51.100.66 5
        eventually has_bans 198.51.100.66 1
        is_over 198.51.100.66

        eventually has_ended 198.51.100.66
        run -0 inside banctl stats --json=short
        jq -e '.failures >= 5 and .bans >= 1' <<<"$output"
        jq -e 'any(.users[]; .user == "alice" and .failures >= 5)' <<<"$output"
        jq -e '.networks[0].network == "198.51.100.0/24"' <<<"$output"

        inside banctl forget --quiet 198.51.100.66
        run -1 inside banctl why 198.51.100.66
        wrong_passwords_at_once 198.51.100.66 5
        eventually has_bans 198.51.100.66 1
        is_over 198.51.100.66
}

@test "everybody may ask about the past, and only root makes it forgotten" {
        run -0 inside runuser -u nobody -- banctl history
        run -0 inside runuser -u nobody -- banctl stats
        run inside runuser -u nobody -- banctl forget 198.51.100.66
        [ "$status" = 5 ]
}
