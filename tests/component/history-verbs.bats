#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What banjod tells of the past, on screens and in JSON: banctl history, why, stats and forget, with
# a message bus of their own and real journals. BANJOD and BANCTL name the binaries.

# shellcheck disable=SC2030,SC2031

bats_require_minimum_version 1.5.0

load daemon

setup_file() {
        [ -x /usr/lib/systemd/systemd-journal-remote ] || skip "systemd-journal-remote is not installed"
        export TZ=UTC LC_ALL=C.UTF-8
        make_directory
        cd "$DIRECTORY" || return
        # Only root may change anything, for which the root of a namespace will do.
        ((EUID == 0)) || make_namespace -n
        # Not the one that is shipped, which others change.
        cat >config/filters/sshd.conf <<'END'
[filter]
units = ssh.service
[fail]
password = 'Failed password for <USER> from <ADDR> port <PORT> ssh2'
unknown-user = 'Invalid user <USER> from <ADDR>'
END
        cat >config/conf.d/jails.conf <<'END'
[sshd]
enabled = yes
filter = sshd
description = Logins
ports = 22
maxretry = 3
bantime = 1h
bantime_growth = 2
[mail]
enabled = yes
filter = postfix
ports = smtp
[lines]
enabled = yes
filter = lines
ports = 80
maxretry = 1
[again]
enabled = yes
source = bans
ports = any
maxretry = 2
findtime = 1d
END
        cat >config/filters/lines.conf <<'END'
[filter]
units = ssh.service
text = line
[fail]
denied = '(?<host>\S+) sshd\[\d+\]: denied <ADDR>'
END

        # An hour began ten days ago.
        THEN=$(($(date +%s) / 3600 * 3600 - 10 * 86400))
        export THEN
        start_bus
        start_without_kernel
}

teardown_file() {
        stop_banjod
        stop_bus
        [ -z "${NAMESPACE:-}" ] || kill "$NAMESPACE"
        rm -rf "$DIRECTORY"
}

setup() {
        cd "$DIRECTORY" || return
}

start_without_kernel() {
        start_banjod --firewall=none
}

# anew COMMAND...: no journal, and a database without a ban that the command changes, before banjod
# starts again
anew() {
        stop_banjod
        rm -rf state journal
        mkdir state journal
        start_without_kernel
        stop_banjod
        "$@"
        start_without_kernel
}

# screen COLUMNS ARGUMENT...: what a terminal of so many columns shows
screen() {
        script -qec "stty cols $1; TERM=xterm BANCTL_PAGER= $BANCTL --address=$ADDRESS ${*:2}" /dev/null |
                tr -d '\r'
}

# The same without colours.
plain_screen() {
        screen "$@" | sed 's/\x1b\[[0-9;]*m//g'
}

# shows FILE: whether stdin is the text, and how it differs
shows() {
        diff "$1" -
}

sql() {
        sqlite3 state/banjo.db "$1"
}

# ended ID JAIL ADDRESS PREFIX START LENGTH FAILURES PATTERN REASON CAUSE COUNTS LEAKS: a ban that
# ended; the address in hexadecimal, START in seconds after THEN and LENGTH in seconds.
ended() {
        sql "INSERT INTO ended (id, jail, address, prefixlen, start, end, failures, pattern, reason,
                cause, in_kernel, counts, leaks) VALUES ($1, '$2', x'$3', $4, ($THEN + $5) * 1000000,
                ($THEN + $5 + $6) * 1000000, $7, '$8', nullif('$9', ''), '${10}', 0, ${11}, ${12});
                INSERT OR REPLACE INTO meta VALUES ('last-id', $1)"
}

past_bans() {
        ended 1 sshd C0000207 32 0 3600 3 password '' expired 1 0
        ended 2 sshd C0000207 32 86400 7200 3 unknown-user '' expired 1 2
        ended 3 sshd 20010DB8123456780000000000000000 64 90000 600 4 password '' 'by hand' 1 0
        ended 4 mail C6336400 24 93600 86400 0 '' 'scans of the whole network, day and night' \
                'by hand' 0 0
        ended 5 mail CB007109 32 97200 60 5 sasl-login '' 'over when decided' 0 0
}

# at SECONDS FORMAT: that point in time
at() {
        date -d "@$((THEN + $1))" "+$2"
}

# field NAME VALUE: of an entry; the value may hold any byte but NUL
field() {
        local LC_ALL=C n
        n=${#2}
        printf '%s\n' "$1"
        # shellcheck disable=SC2059
        printf "$(printf '\\x%02x' $((n & 255)) $((n >> 8)) 0 0 0 0 0 0)"
        printf '%s\n' "$2"
}

# say FILE MESSAGE...: what sshd said, a second apart and after all it said before; to a journal. SECOND
# is the first of them, not before NOW.
say() {
        local second pid=700 message
        SECOND=${NOW:-$(date +%s)}
        if [ -e last ] && ((SECOND <= $(<last))); then
                SECOND=$(($(<last) + 1))
        fi
        second=$SECOND
        for message in "${@:2}"; do
                printf '__REALTIME_TIMESTAMP=%d000000\n__MONOTONIC_TIMESTAMP=%d000000\n' "$second" "$second"
                printf '_BOOT_ID=11111111111111111111111111111111\n_HOSTNAME=host\n_UID=0\n'
                printf '_SYSTEMD_UNIT=ssh.service\n_COMM=sshd\nSYSLOG_IDENTIFIER=sshd\n_PID=%d\n' $((pid++))
                field MESSAGE "$message"
                printf '\n'
                echo $second >last
                second=$((second + 1))
        done >entries
        /usr/lib/systemd/systemd-journal-remote --output="$1" entries 2>/dev/null
}

# Whether stdin has no byte but printable ASCII and newlines.
is_ascii() {
        ! LC_ALL=C grep -a '[^ -~]'
}

is_banned() {
        banctl list --json=short | jq -e --arg a "$1" 'any(.address == $a)' >/dev/null
}

# ---- history ----

@test "bans that ended and bans that run, on 80 columns and in a pipe" {
        anew past_bans
        banctl ban mail 192.0.2.7 --force --time=permanent --reason='enough' --quiet
        now=$(banctl list --json=short | jq '.[0].start_usec / 1000000 | floor')

        cat >expected <<END
BEGAN            JAIL ADDRESS                    LENGTH END               WHY
$(at 0 '%F %R') sshd 192.0.2.7                      1h expired           3x password
$(at 86400 '%F %R') sshd 192.0.2.7                      2h expired           (2 leaked) 3x unknown-user
$(at 90000 '%F %R') sshd 2001:db8:1234:5678::/64     10min by hand           4x password
$(at 93600 '%F %R') mail 198.51.100.0/24                1d by hand           by hand: scans of the whole network, day and night (not counted)
$(at 97200 '%F %R') mail 203.0.113.9                  1min over when decided 5x sasl-login (not counted)
$(date -d "@$now" '+%F %R') mail 192.0.2.7               permanent running           by hand: enough (not counted)
END
        banctl history | shows expected
        plain_screen 80 history >wide
        cat wide
        [ "$(wc -L <wide)" -le 80 ]
        [ "$(wc -l <wide)" = 7 ]
        # What is cut is the end of each line.
        cut -c 1-60 wide | diff - <(cut -c 1-60 expected)
        screen 200 history >colored
        grep -q $'\033\\[32mrunning' colored
        grep -q $'\033\\[31m(2 leaked)' colored
        [ "$(banctl history --no-legend | wc -l)" = 6 ]
}

@test "history in JSON" {
        banctl history --json=short >json
        jq -e 'map(.id) | .[0:5] == [1, 2, 3, 4, 5]' json
        jq -e '.[0] | del(.start_usec, .end_usec) == {"id": 1, "jail": "sshd", "address": "192.0.2.7",
                "permanent": false, "running": false, "cause": "expired", "failures": 3,
                "pattern": "password", "reason": "", "counts": true, "leaks": 0}' json
        jq -e --argjson t "$THEN" '.[1] | .start_usec == ($t + 86400) * 1000000 and
                .end_usec == ($t + 93600) * 1000000 and .leaks == 2' json
        jq -e '.[3] | .cause == "by hand" and .counts == false and .failures == 0' json
        jq -e '.[5] | .running and .permanent and .cause == null and .end_usec == null and
                .reason == "enough"' json
}

# ids ARGUMENT...: of the bans that history tells
ids() {
        banctl history --json=short "$@" | jq -c 'map(.id)'
}

@test "history of an address, a jail and a time" {
        [ "$(ids 192.0.2.7 --jail=sshd)" = '[1,2]' ]
        [ "$(ids 192.0.2.7)" = '[1,2,6]' ]
        [ "$(ids 198.51.100.44)" = '[4]' ]
        [ "$(ids 2001:db8:1234:5678::9)" = '[3]' ]
        [ "$(ids 0.0.0.0/0)" = '[1,2,4,5,6]' ]
        [ "$(ids --jail=mail)" = '[4,5,6]' ]
        [ "$(ids --since=@$((THEN + 86400)) --until=@$((THEN + 97200)))" = '[2,3,4]' ]
        [ "$(ids --since=-1h)" = '[6]' ]
        [ "$(ids --until=@$THEN)" = '[]' ]

        banctl history 203.0.113.1 >out 2>err
        [ ! -s out ]
        [ ! -s err ]
        [ "$(screen 80 history 203.0.113.1)" = 'Nobody was banned.' ]
        [ "$(banctl history 203.0.113.1 --json=short)" = '[]' ]
}

@test "wrong arguments are refused" {
        run -2 banctl history nonsense
        run -2 banctl history 192.0.2.1 192.0.2.2
        run -2 banctl history --since=someday
        [[ $output == *'--since=someday'* ]]
        run -2 banctl history --since=-1h --until=-2h
        [[ $output == *'is before'* ]]
        run -2 banctl why
        run -2 banctl why localhost
        run -2 banctl stats 192.0.2.1
        run -2 banctl stats --by=week
        run -2 banctl stats --by=hour --since=-300d
        [[ $output == *'--by=day'* ]]
        run -2 banctl stats --by=day --since=-9000d
        [[ $output == *'1000 days: use a later --since='* ]]
        run -2 banctl stats --since=+2h
        run -2 banctl forget
        run -2 banctl forget 192.0.2.1 192.0.2.300
        local verb
        for verb in history 'why 192.0.2.1' stats 'forget 192.0.2.1'; do
                # shellcheck disable=SC2086
                run -3 "$BANCTL" --address=unix:path="$DIRECTORY/nothing" $verb
        done
}

# Two bans of each second, in two jails.
many_bans() {
        local i jails=(mail sshd)
        for ((i = 0; i < 2500; i++)); do
                printf "(%d, '%s', x'20010DB8%024X', 128, %d000000, %d000000, 3, 'password', 'expired', 0, 1, 0)\n" \
                        $((i + 1)) "${jails[i % 2]}" $i $((THEN + i / 2)) $((THEN + i / 2 + 60))
        done | paste -sd, >rows
        sqlite3 state/banjo.db <<END
INSERT INTO ended (id, jail, address, prefixlen, start, end, failures, pattern, cause, in_kernel, counts, leaks)
VALUES $(<rows);
INSERT OR REPLACE INTO meta VALUES ('last-id', 2500);
END
}

@test "a long history comes in pages, whole and in order" {
        anew many_bans
        [ "$(banctl history | wc -l)" = 2501 ]
        [ "$(banctl history | grep -c BEGAN)" = 1 ]
        banctl history --json=short | jq -e 'map(.id) == [range(1; 2501)]' >/dev/null
        banctl history --json=pretty --jail=sshd | jq -e 'map(.id) == [range(2; 2501; 2)]' >/dev/null
        [ "$(banctl history --no-legend 2001:db8::100/120 | wc -l)" = 256 ]
        run -0 banctl why 2001:db8::/32
        [[ $output == *'The last of its newest 100 bans:'* ]]
        [[ $output == *'and 89 more at least; see `banctl history 2001:db8::/32`.'* ]]
        # Columns stand below each other for a page.
        [ "$(banctl history --jail=mail --no-legend | head -n 1000 | awk '{ print index($0, "expired") }' | sort -u | wc -l)" = 1 ]
}

# ---- why ----

@test "why tells the entries from the journal, with the pattern of each" {
        anew past_bans
        say journal/now.journal 'Failed password for root from 192.0.2.7 port 4711 ssh2' \
                'Invalid user bob from 192.0.2.7' 'Failed password for backup from 192.0.2.7 port 22 ssh2'
        wait_for is_banned 192.0.2.7

        day() {
                date -d "@$((SECOND + $1))" '+%b %d %T'
        }
        cat >expected <<END
192.0.2.7 is banned by sshd, for another SPAN.

     Jail: sshd (Logins)
    Since: $(date -d "@$((SECOND + 2))" '+%F %T'); SPAN
    Until: $(date -d "@$((SECOND + 2 + 14400))" '+%F %T'); in SPAN
 Failures: 3 within 10min
 Captured: user=backup port=22

password      $(day 0) host sshd[700]: Failed password for root from 192.0.2.7 port 4711 ssh2
unknown-user  $(day 1) host sshd[701]: Invalid user bob from 192.0.2.7
password      $(day 2) host sshd[702]: Failed password for backup from 192.0.2.7 port 22 ssh2

Other bans, newest first:
BEGAN            JAIL ADDRESS   LENGTH END     WHY
$(at 86400 '%F %R') sshd 192.0.2.7     2h expired (2 leaked) 3x unknown-user
$(at 0 '%F %R') sshd 192.0.2.7     1h expired 3x password

Next ban by sshd: 8h, after 3 earlier bans.
END
        why() {
                "$@" | sed -E 's/(another) [^.]*\./\1 SPAN./; s/^( +Since:[^;]*;).*/\1 SPAN/; s/(; in) .*/\1 SPAN/'
        }
        why banctl why 192.0.2.7 --journal=journal --config-dir=config >got
        shows expected <got
        printf '\nbanctl unban 192.0.2.7 lifts it.\n' >>expected
        why plain_screen 80 why 192.0.2.7 --journal=journal --config-dir=config | shows expected

        screen 80 why 192.0.2.7 --journal=journal --config-dir=config >colored
        grep -qF $'for \033[33mroot\033[0m from \033[31m192.0.2.7\033[0m port \033[33m4711\033[0m ssh2' colored
        grep -qF $'Invalid user \033[33mbob\033[0m from \033[31m192.0.2.7\033[0m' colored
        # Without the filter there are no colours in the messages, and all the rest.
        screen 80 why 192.0.2.7 --journal=journal --config-dir=nowhere |
                grep -qF 'Failed password for root from 192.0.2.7 port 4711 ssh2'
}

@test "why in JSON" {
        banctl why 192.0.2.7 --journal=journal --json=short >json
        jq -e '.address == "192.0.2.7" and .banned' json
        jq -e '.bans | map(.jail) == ["sshd", "sshd", "sshd"] and map(.running) == [false, false, true]' json
        jq -e '.bans[0].entries == [] and .bans[0].captured == {}' json
        jq -e '.bans[2].captured == {"user": "backup", "port": "22"}' json
        jq -e '.bans[2].entries | map(.pattern) == ["password", "unknown-user", "password"]' json
        jq -e '.bans[2].entries[1] | .state == "found" and .host == "host" and .identifier == "sshd" and
                .pid == "701" and .message == "Invalid user bob from 192.0.2.7"' json
        jq -e '.bans[2] | .entries[2].time_usec == .start_usec and (.entries[2].cursor | length > 0)' json
        jq -e '.next | length == 1 and .[0].jail == "sshd" and .[0].permanent == false and
                .[0].bantime_usec == 8 * 3600 * 1000000' json

        run -1 banctl why 203.0.113.1 --json=short
        [ "$output" = '{"address":"203.0.113.1","banned":false,"bans":[],"next":[]}' ]
}

# Runs a command as a root who may read only what is his.
powerless() {
        setpriv --bounding-set=-dac_override,-dac_read_search "$@"
}

@test "the journal may have dropped the entries, or not be ours to read" {
        banctl why 192.0.2.7 --journal=journal --config-dir=config >whole
        mkdir other
        say other/x.journal 'Something else'
        run -0 banctl why 192.0.2.7 --journal=other --config-dir=config
        echo "$output"
        [[ $output == *'192.0.2.7 is banned by sshd'* ]]
        grep -qE '^unknown-user  [A-Z][a-z]+ [0-9]+ [0-9:]+ \(the journal does not have this entry any more\)$' <<<"$output"
        [ "$(wc -l <<<"$output")" = "$(wc -l <whole)" ]
        banctl why 192.0.2.7 --journal=other --json=short |
                jq -e '.bans[2].entries | all(.state == "gone" and .message == null and .time_usec > 0)'

        ((EUID == 0)) || skip "takes root to give a file away"
        chown -R nobody other
        chmod 700 other
        run -0 powerless "$BANCTL" --address="$ADDRESS" why 192.0.2.7 --journal=other --config-dir=config
        echo "$output"
        [ "$(grep -c '(you may not read the journal)' <<<"$output")" = 3 ]
        [ "$(grep -c 'become root, or a member of the group systemd-journal' <<<"$output")" = 1 ]
        [[ $output == *'Next ban by sshd'* ]]
        powerless "$BANCTL" --address="$ADDRESS" why 192.0.2.7 --journal=other --json=short 2>err |
                jq -e '.bans[2].entries | all(.state == "unreadable")'
        [ "$(wc -l <err)" = 1 ]
}

@test "no byte of a message reaches a terminal or JSON that does not belong there" {
        say journal/hostile.journal \
                $'Failed password for \033]0;owned\007 from 192.0.2.66 port 1 ssh2' \
                $'Failed password for \xff\xc3 from 192.0.2.66 port 1 ssh2' \
                $'Failed password for \x9b31m \xe2\x80\xae from 192.0.2.66 port 1 ssh2'
        wait_for is_banned 192.0.2.66
        banctl why 192.0.2.66 --journal=journal --config-dir=config >out
        screen 80 why 192.0.2.66 --journal=journal --config-dir=config >colored
        cat out
        grep -qF 'password  ' out
        grep -qF 'Failed password for \x1b]0;owned\x07 from 192.0.2.66 port 1 ssh2' out
        grep -qF 'Failed password for \xff\xc3 from' out
        grep -qF 'Failed password for \x9b31m \xe2\x80\xae from' out
        is_ascii <out
        sed 's/\x1b\[[0-9]*m//g' colored | is_ascii
        banctl why 192.0.2.66 --journal=journal --json=short | jq -e '.bans[0].entries |
                .[0].message == "Failed password for \u001b]0;owned\u0007 from 192.0.2.66 port 1 ssh2" and
                (.[1].message | contains("\\xff\\xc3"))'
}

@test "where a filter reads whole lines, sender and message are one text" {
        say journal/lines.journal 'denied 203.0.113.77'
        wait_for is_banned 203.0.113.77
        when=$(date -d "@$SECOND" '+%b %d %T')
        run -0 banctl why 203.0.113.77 --journal=journal --config-dir=config
        [[ $output == *"denied  $when host sshd[700]: denied 203.0.113.77"* ]]
        screen 80 why 203.0.113.77 --journal=journal --config-dir=config >colored
        grep -qF $'\033[33mhost\033[0m sshd[700]: denied \033[31m203.0.113.77\033[0m' colored
}

@test "a ban that was made by bans names these" {
        anew true
        say journal/again.journal 'denied 198.51.100.77' \
                'Invalid user a from 198.51.100.77' 'Invalid user b from 198.51.100.77' \
                'Invalid user c from 198.51.100.77'
        banned_again() {
                banctl list again --json=short | jq -e 'length == 1' >/dev/null
        }
        wait_for banned_again
        run -0 banctl why 198.51.100.77 --journal=journal --config-dir=config
        echo "$output"
        [ "${lines[0]}" = '198.51.100.77 is banned, by 3 bans.' ]
        [[ ${lines[1]} == *'Jail: again' ]]
        grep -qE '^ban  [A-Z][a-z]+ [ 0-9:]+ ban by lines for 1h: denied$' <<<"$output"
        grep -qE '^ban  [A-Z][a-z]+ [ 0-9:]+ ban by sshd for 1h: unknown-user$' <<<"$output"
        [[ $output == *'Next ban by again: 1h, after 1 earlier ban.'* ]]
        banctl why 198.51.100.77 --journal=journal --json=short >json
        jq -e '(.bans | map({ key: .jail, value: .id }) | from_entries) as $ids | .bans[] |
                select(.jail == "again").entries | map(.ban) == [$ids.lines, $ids.sshd]' json
}

# Such a ban, of which the database knows too little.
ban_of_bans() {
        past_bans
        sql "INSERT INTO bans (id, jail, address, prefixlen, start, end, failures, pattern, leaks)
                VALUES (9, 'mail', x'C0000207', 32, ($THEN + 864000 - 60) * 1000000, NULL, 2, 'ban', 1);
                INSERT INTO evidence VALUES (9, '[{\"time\":$THEN000000,\"pattern\":\"sshd\",\"cursor\":\"ban:1\"},
                        {\"time\":$THEN000000,\"pattern\":\"sshd\",\"cursor\":\"ban:77\"},
                        {\"time\":$THEN000000,\"pattern\":\"sshd\"}]', '{}');
                INSERT OR REPLACE INTO meta VALUES ('last-id', 9)"
}

@test "a ban that is gone is a number, and an entry that nobody knows is said to be one" {
        export THEN000000=${THEN}000000
        anew ban_of_bans
        run -0 banctl why 192.0.2.7 --journal=journal --config-dir=config
        echo "$output"
        [[ ${lines[0]} == '192.0.2.7 is banned by mail, for good.' ]]
        [[ $output == *"sshd  $(at 0 '%b %d %T') ban by sshd for 1h: password"* ]]
        [[ $output == *"sshd  $(at 0 '%b %d %T') ban number 77"* ]]
        [[ $output == *"sshd  $(at 0 '%b %d %T') (where it is in the journal is not known)"* ]]
        [[ $output == *'Leaks: 1 failure got through: the ban does not hold'* ]]
        banctl why 192.0.2.7 --journal=journal --json=short |
                jq -e '.bans[2].entries | .[0].ban == 1 and (.[0] | has("message") | not) and .[2].state == "unknown"'
}

@test "what is not banned now is said first" {
        anew past_bans
        run -0 banctl why 192.0.2.7
        echo "$output"
        [ "${lines[0]}" = '192.0.2.7 is not banned. The last of its 2 bans:' ]
        [[ $output == *"    Ended: $(at 93600 '%F %T'); "*' (expired), after 2h'* ]]
        [[ $output == *'    Leaks: 2 failures got through'* ]]
        [[ $output == *'Failures: 3 within 10min, the last one unknown-user'* ]]
        run ! grep 'unban' <<<"$(plain_screen 80 why 192.0.2.7)"

        # Of a prefix, what is within; of a host, what is around it.
        run -0 banctl why 2001:db8:1234:5678::9
        [ "${lines[0]}" = '2001:db8:1234:5678::9 is not banned. Its only ban:' ]
        [[ $output == *'Address: 2001:db8:1234:5678::/64'* ]]
        banctl ban sshd 203.0.113.0/25 203.0.113.9 --force --quiet --reason=$'no \u202ereason'
        run -0 banctl why 203.0.113.9
        [ "${lines[0]}" = '203.0.113.9 is banned, by 2 bans.' ]
        [[ $output == *'By hand: no \xe2\x80\xaereason'* ]]
        run -0 banctl why 203.0.113.0/24
        [ "${lines[0]}" = '203.0.113.0/24 is not banned as a whole; 2 bans run within it.' ]

        run -1 banctl why 2001:db8::1
        [ "$output" = '2001:db8::1 is not banned and has no history.' ]
        run -1 banctl why 2001:db8::1 --quiet
        [ -z "$output" ]
        run -0 banctl why 192.0.2.7 --quiet
        [ -z "$output" ]
}

# ---- stats ----

# count SECONDS JAIL PATTERN FAILURES BANS
count() {
        sql "INSERT INTO hours VALUES (($THEN + $1) * 1000000, '$2', '$3', $4, $5)"
}

counts() {
        count 0 sshd password 100 20
        count 0 mail sasl-login 25 1
        count 7200 sshd password 1 0
        count 7200 sshd unknown-user 49 2
        count 86400 sshd password 800 3
        sql "INSERT INTO hours_networks VALUES ($THEN * 1000000, x'C6336400', 24, 90, 10),
                ($THEN * 1000000, x'20010DB8000100000000000000000000', 48, 35, 11)"
}

@test "stats by the hour: numbers in a pipe, bars on a terminal" {
        anew counts
        cat >expected <<END
$(at 0 '%F %T') to $(at 10800 '%F %T'): 175 failures, 23 bans

HOUR               FAILURES  BANS
$(at 0 '%F %R')        125    21
$(at 3600 '%F %R')          0     0
$(at 7200 '%F %R')         50     2

JAIL               FAILURES  BANS
sshd                    150    22
mail                     25     1

PATTERN            FAILURES  BANS
sshd password           101    20
sshd unknown-user        49     2
mail sasl-login          25     1

NETWORK            FAILURES  BANS
198.51.100.0/24          90    10
2001:db8:1::/48          35    11
END
        banctl stats --since=@"$THEN" --until=@$((THEN + 10800)) | shows expected

        plain_screen 80 stats --since=@"$THEN" --until=@$((THEN + 10800)) >got
        cat got
        cut -c 1-32 got | sed 's/ *$//' | diff - <(cut -c 1-32 expected | sed 's/ *$//')
        [ "$(wc -L <got)" = 80 ]
        full=$(printf '█%.0s' {1..45})
        [ "$(sed -n 4p got)" = "$(at 0 '%F %R')        125    21  $full" ]
        [ "$(sed -n 5p got)" = "$(at 3600 '%F %R')          0     0" ]
        [ "$(sed -n 6p got)" = "$(at 7200 '%F %R')         50     2  ${full:0:18}" ]

        plain_screen 200 stats --since=@"$THEN" --until=@$((THEN + 10800)) >got
        [ "$(wc -L <got)" = 200 ]
        LC_ALL=C plain_screen 80 stats --since=@"$THEN" --until=@$((THEN + 10800)) >got
        grep -qE '125    21  #{45}$' got
        is_ascii <got
}

@test "stats by the day and of a jail, and in JSON" {
        run -0 banctl stats --since=@$((THEN / 86400 * 86400)) --until=@$((THEN / 86400 * 86400 + 3 * 86400)) --no-legend
        echo "$output"
        grep -qE "^$(at 86400 %F) +[0-9]+ +[0-9]+$" <<<"$output"
        [[ $output != *HOUR* && $output != *DAY* ]]
        run -0 banctl stats --since=@$((THEN / 86400 * 86400)) --until=@$((THEN + 86400))
        [[ $output == *HOUR* ]]
        run -0 banctl stats --since=@$((THEN / 86400 * 86400)) --until=@$((THEN + 86400)) --by=day
        grep -qE '^DAY +FAILURES +BANS$' <<<"$output"

        # In a zone where it is a day later: 100 and 75 failures lie in two days.
        run -0 env TZ="XXX-$((23 - THEN % 86400 / 3600))" "$BANCTL" --address="$ADDRESS" stats --by=day \
                --since=@$((THEN - 86400)) --until=@$((THEN + 10800)) --jail=sshd
        echo "$output"
        grep -qE "^$(at 0 %F) +100 +20$" <<<"$output"
        grep -qE "^$(at 86400 %F) +50 +2$" <<<"$output"

        run -0 banctl stats --since=@"$THEN" --until=@$((THEN + 10800)) --jail=mail
        echo "$output"
        [[ $output == *': 25 failures, 1 ban'* ]]
        [[ $output != *sshd* && $output != *NETWORK* && $output != *JAIL* ]]

        banctl stats --since=@"$THEN" --until=@$((THEN + 10800)) --json=short >json
        jq -e '.failures == 175 and .bans == 23 and .step_usec == 3600000000' json
        jq -e --argjson t "$THEN" '.times == [
                {"start_usec": ($t * 1000000), "jail": "mail", "failures": 25, "bans": 1},
                {"start_usec": ($t * 1000000), "jail": "sshd", "failures": 100, "bans": 20},
                {"start_usec": (($t + 7200) * 1000000), "jail": "sshd", "failures": 50, "bans": 2}]' json
        jq -e '.jails == [{"jail": "sshd", "failures": 150, "bans": 22}, {"jail": "mail", "failures": 25, "bans": 1}]' json
        jq -e '.patterns[1] == {"jail": "sshd", "pattern": "unknown-user", "failures": 49, "bans": 2}' json
        jq -e '.networks[1] == {"network": "2001:db8:1::/48", "failures": 35, "bans": 11}' json
        banctl stats --jail=sshd --json=pretty | jq -e '.users == null and .networks == null'
}

@test "stats are of the last 24 hours, and of nothing where there was nothing" {
        anew true
        run -0 banctl stats
        [[ ${#lines[@]} == 1 && $output == *': 0 failures, 0 bans' ]]
        say journal/day.journal 'Failed password for root from 198.51.100.7 port 1 ssh2' \
                'Failed password for nobody-has-this-name from 198.51.100.7 port 1 ssh2'
        counted() {
                banctl stats --json=short | jq -e '.failures == 2'
        }
        wait_for counted
        banctl stats --json=short >json
        jq -e '.until_usec - .since_usec == 86400000000' json
        jq -e '.users | map([.user, .failures]) | sort == [[null, 1], ["root", 1]]' json
        run -0 banctl stats
        [[ $output == *'(other names) '* ]]
}

@test "what was counted is in the stats at once" {
        local n NOW

        # The clock stands still, so that neither an hour nor a day ends in between.
        NOW=$(date -d 'tomorrow 12:00' +%s)
        echo "@$((NOW + 10))" >clock
        export ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0
        ENTER="${ENTER:-} env LD_PRELOAD=$SET_CLOCK CLOCK_OFFSET=$DIRECTORY/clock"
        rm -f last
        anew true
        for n in 1 2 3; do
                say journal/once.journal "Failed password for root from 198.51.100.$n port 1 ssh2"
                seen() {
                        banctl status --json=short | jq -e ".failures == $n"
                }
                wait_for seen
                banctl stats --json=short | jq -e ".failures == $n"
                banctl status --json=short | jq -e ".jails | map(.failures_today) | add == $n"
        done
        rm last
}

# ---- forget ----

@test "forget drops the history of addresses, and says how much that was" {
        anew past_bans
        run -0 banctl forget 192.0.2.7 203.0.113.1
        [ "${lines[0]}" = 'Forgot 2 bans of 192.0.2.7.' ]
        [ "${lines[1]}" = '203.0.113.1 has no earlier bans of its own.' ]
        [ "$(ids)" = '[3,4,5]' ]

        # An address is not its /64.
        run -0 banctl forget 2001:db8:1234:5678::9
        [ "$(ids)" = '[3,4,5]' ]
        run -0 banctl forget 2001:db8::/32 --json=short
        [ "$output" = '[{"jail":null,"address":"2001:db8::/32","forgotten":1}]' ]
        run -0 banctl forget 203.0.113.9 --quiet
        [ -z "$output" ]
        [ "$(ids)" = '[4]' ]

        # Bans that run go on.
        banctl ban sshd 198.51.100.1 --force --quiet
        run -0 banctl forget 0.0.0.0/0
        [ "$output" = 'Forgot 1 ban of 0.0.0.0/0.' ]
        is_banned 198.51.100.1
}

@test "without polkit only root may look back, or have it forgotten" {
        ((EUID == 0)) || skip "takes root to become somebody else"
        run -5 nobody "$BANCTL" --address="$ADDRESS" history
        run -5 nobody "$BANCTL" --address="$ADDRESS" stats
        run -5 nobody "$BANCTL" --address="$ADDRESS" why 198.51.100.1
        run -5 nobody "$BANCTL" --address="$ADDRESS" forget 198.51.100.1
        is_banned 198.51.100.1
}
