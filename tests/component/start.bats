#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# While the stored bans are read and put back, everything is as if all were there already. In a network
# namespace of its own. BANJOD and BANCTL name the binaries.

# Some arguments are words, and so is ENTER of daemon.bash.
# shellcheck disable=SC2030,SC2031,SC2046,SC2086

bats_require_minimum_version 1.5.0

load daemon
load journals

# Enough of them that what is done once banjod is on the bus is done meanwhile.
MANY=20000

setup_file() {
        need_journals
        make_host
}

teardown_file() {
        remove_host
}

setup() {
        cd "$DIRECTORY" || return
        printf '[sshd]\nenabled = yes\nports = 22\nfilter = sshd\nbantime = 1h\n' >config/conf.d/jails.conf
        start_banjod
        stop_banjod
        : >log
        inside nft flush ruleset
}

teardown() {
        stop_banjod
        inside nft flush ruleset
        rm -rf journal/* state/* config/conf.d/* log
}

# store [SECONDS [JAIL ADDRESS...]]: bans of so long from now on, MANY of them without addresses, which
# are the first in the order of addresses. Everybody knows of them.
store() {
        python3 - "$DIRECTORY/state/banjo.db" "$MANY" "${@:-86400}" <<'END'
import ipaddress, sqlite3, sys, time
path, many, seconds, *rest = sys.argv[1:]
jail, addresses = (rest[0], rest[1:]) if rest else ("sshd", None)
nets = [ipaddress.ip_network(a) for a in addresses] if rest else \
       [ipaddress.ip_network(0xc6120000 + i) for i in range(int(many))]
db = sqlite3.connect(path)
first = db.execute("SELECT coalesce(max(id), 0) + 1 FROM bans").fetchone()[0]
now = int(time.time() * 1e6)
db.executemany("INSERT INTO bans VALUES (?, ?, ?, ?, ?, ?, 5, 'password', NULL, 0)",
               ((jail, net.network_address.packed, net.prefixlen, first + i, now - 7200 * 1000000,
                 now + int(seconds) * 1000000) for i, net in enumerate(nets)))
db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)",
               ((key, first + len(nets) - 1) for key in ("announced", "last-id")))
db.commit()
END
}

# database SQL
database() {
        sqlite3 -readonly "$DIRECTORY/state/banjo.db" "$1"
}

# database_says SQL RESULT: which may be so a little later than in the kernel
database_says() {
        [ "$(database "$1")" = "$2" ]
}

# How many bans the kernel has of IPv4 addresses.
bans_are() {
        [ "$(inside nft -j list set inet banjo sshd-v4 | jq '[.nftables[].set.elem[]?] | length')" = "$1" ]
}

# running ADDRESS: id and end of its ban
running() {
        banctl list --json=short | jq -r --arg a "$1" '.[] | select(.address == $a) | "\(.id) \(.end)"'
}

five_times() {
        echo "$1" "$1" "$1" "$1" "$1"
}

@test "whose ban has not been read yet is not banned anew, and others are banned" {
        store
        store 7200 sshd 203.0.113.7 203.0.113.0/29
        fail_later 0 100 $(five_times 203.0.113.7) $(five_times 203.0.113.6) $(five_times 203.0.113.9)
        start_banjod
        wait_for in_kernel sshd-v4 203.0.113.9
        wait_for bans_are $((MANY + 2))

        [[ $(running 203.0.113.7) = "$((MANY + 1)) "* ]]
        [ -z "$(running 203.0.113.6)" ]
        [ "$(database 'SELECT count(*) FROM ended')" = 0 ]
        [ "$(grep -c 'Banned' log)" = 1 ]
        grep -q 'Banned 203.0.113.9' log
}

@test "what is lifted at once stays lifted, and what is banned anew has its new end" {
        MANY=150000
        store
        store 7200 sshd 203.0.113.1 203.0.113.2 203.0.113.3 203.0.113.4 203.0.113.65 203.0.113.66 203.0.113.128/25
        start_banjod
        banctl unban --quiet 203.0.113.1
        banctl unban --quiet 203.0.113.64/26
        banctl unban --quiet 203.0.113.200
        banctl allow --quiet 203.0.113.2
        banctl ban --quiet --time=2d sshd 203.0.113.3
        wait_for in_kernel sshd-v4 203.0.113.4
        run ! in_kernel sshd-v4 203.0.113.2
        run ! in_kernel sshd-v4 203.0.113.65
        run ! in_kernel sshd-v4 203.0.113.200

        [ "$(database 'SELECT hex(address) FROM bans ORDER BY address DESC LIMIT 2' | xargs)" = 'CB007104 CB007103' ]
        [[ $(running 203.0.113.3) = "$((MANY + 8)) "* ]]
        [[ $(running 203.0.113.4) = "$((MANY + 4)) "* ]]
        [ "$(database 'SELECT hex(address), cause FROM ended ORDER BY address' | xargs)" = \
                'CB007101|by hand CB007102|allowed CB007103|replaced CB007141|by hand CB007142|by hand CB007180|by hand' ]
}

@test "a list at once has all, and so have the counts" {
        store
        start_banjod
        [ "$(property RunningBans)" = "t $MANY" ]
        [ "$(busctl --address="$ADDRESS" get-property org.banjo1 /org/banjo1/jail/sshd org.banjo1.Jail Banned)" = "t $MANY" ]
        [ "$(banctl list --json=short | jq length)" = $MANY ]
        [ "$(call ListBans stu sshd $((MANY - 1)) 10 | cut -d' ' -f2)" = 1 ]
        wait_for bans_are $MANY
}

@test "a start that is killed in the middle is made up for by the next one" {
        store
        fail_later 0 100 $(five_times 203.0.113.9)
        start_banjod
        kill -9 "$(<banjod.pid)"
        wait_for gone "$(<banjod.pid)"
        start_banjod
        wait_for bans_are $((MANY + 1))
        wait_for database_says 'SELECT count(*), max(id) FROM bans' "$((MANY + 1))|$((MANY + 1))"
}

@test "bans that are over by then end, and nobody has them put back" {
        store -3600
        store 3600 sshd 203.0.113.1
        start_banjod
        all_ended() {
                [ "$(database "SELECT count(*) FROM ended WHERE cause = 'expired'")" = $MANY ]
        }
        wait_for all_ended
        wait_for bans_are 1
        [ "$(banctl list --json=short | jq -r '.[].address')" = 203.0.113.1 ]
}

@test "a ruleset that is flushed in the middle comes back with all bans" {
        printf '[banjo]\nownership = no\n' >config/conf.d/ownership.conf
        store
        start_banjod
        inside nft flush ruleset
        wait_for bans_are $MANY
}

@test "a reload in the middle keeps all bans, but those of jails that go" {
        printf '[mail]\nenabled = yes\nfilter = postfix\nports = 25\n' >config/conf.d/mail.conf
        store
        store 3600 mail 203.0.113.1
        start_banjod
        rm config/conf.d/mail.conf
        banctl reload
        wait_for bans_are $MANY
        [ "$(database "SELECT hex(address), cause FROM ended")" = 'CB007101|jail removed' ]
}

@test "bans of jails that are gone end, unless the configuration has mistakes" {
        store
        store 3600 mail 203.0.113.1 203.0.113.2
        printf '[web]\nenabled = yes\nfilter = nothing\nports = 80\n' >config/conf.d/web.conf
        start_banjod
        wait_for grep -q '2 bans of jails that are not in the configuration are kept' log
        stop_banjod
        [ "$(database 'SELECT count(*) FROM ended')" = 0 ]

        rm config/conf.d/web.conf
        start_banjod
        wait_for grep -q '2 bans of jails that are not in the configuration (any more) ended' log
        [ "$(database "SELECT hex(address), cause FROM ended ORDER BY address" | xargs)" = \
                'CB007101|jail removed CB007102|jail removed' ]
        wait_for bans_are $MANY
}

@test "where there is no more room the ban that ends first goes, wherever it is" {
        printf '[banjo]\nmax_bans = %d\n' $((MANY + 2)) >config/conf.d/limits.conf
        store
        store 3600 sshd 203.0.113.1
        store 1800 sshd 203.0.113.2
        fail_later 0 100 $(five_times 203.0.113.9)
        start_banjod
        wait_for in_kernel sshd-v4 203.0.113.9
        wait_for bans_are $((MANY + 2))
        wait_for database_says 'SELECT hex(address), cause FROM ended' 'CB007102|room for a new ban'
}

@test "what a crash left unannounced is announced once" {
        store
        sqlite3 state/banjo.db "UPDATE meta SET value = $MANY - 2 WHERE key = 'announced'"
        start_banjod
        wait_for bans_are $MANY
        # A list is one of all, so there is none left that could be announced.
        [ "$(banctl list --json=short | jq length)" = $MANY ]
        stop_banjod
        [ "$(grep -c Banned log)" = 2 ]
        start_banjod
        wait_for bans_are $MANY
        [ "$(grep -c Banned log)" = 2 ]
}

@test "all are lifted at once" {
        store
        start_banjod
        banctl flush --yes
        wait_for bans_are 0
        [ "$(database 'SELECT count(*) FROM bans')" = 0 ]
        [ "$(database 'SELECT count(*) FROM ended')" = $MANY ]
}

@test "jails that count bans count those of before" {
        printf '[repeated]\nenabled = yes\nsource = bans\nports = any\nmaxretry = 2\nfindtime = 1d\n' >config/conf.d/repeated.conf
        store
        store -60 sshd 203.0.113.7
        fail_later 0 100 $(five_times 203.0.113.7)
        start_banjod
        wait_for in_kernel repeated-v4 203.0.113.7
}

# damage SQL: fills these pages of the database, by their numbers, with nonsense.
damage() {
        local page

        for page in $(sqlite3 "$DIRECTORY/state/banjo.db" "$1"); do
                head -c 4096 /dev/urandom | dd of="$DIRECTORY/state/banjo.db" bs=4096 seek=$((page - 1)) \
                        conv=notrunc status=none
        done
}

# The first or the last of them, by their addresses.
damage_first() {
        damage "SELECT pageno FROM dbstat WHERE name = 'bans' AND pagetype = 'leaf' ORDER BY path LIMIT 1"
}

damage_last() {
        damage "SELECT pageno FROM dbstat WHERE name = 'bans' AND pagetype = 'leaf' ORDER BY path DESC LIMIT 20"
}

# replaced N: a new database has so many bans, each with its own number, and the old one is there.
replaced() {
        wait_for test -e "$DIRECTORY/state/banjo.db.damaged"
        wait_for stored_are "$1"
        [ "$(database 'SELECT count(DISTINCT id) FROM bans')" = "$1" ]
        [ "$(grep -c 'The database was damaged' log)" = 1 ]
        [ "$(banctl list --json=short | jq length)" = "$1" ]
}

stored_are() {
        [ "$(database 'SELECT count(*) FROM bans')" = "$1" ]
}

taken_back() {
        database "SELECT count(*) FROM bans WHERE reason = 'taken back from the kernel'"
}

@test "what cannot be read is taken back from the kernel, and all goes into a new database" {
        store
        start_banjod
        wait_for bans_are "$MANY"
        stop_banjod
        damage_last
        : >log

        start_banjod
        replaced "$MANY"
        bans_are "$MANY"
        (($(taken_back) > 0 && $(taken_back) < MANY))

        # And so it stays.
        stop_banjod
        start_banjod
        [ "$(banctl list --json=short | jq length)" = "$MANY" ]
}

@test "what the kernel has still to hear of is not taken back from it" {
        store
        start_banjod
        wait_for bans_are "$MANY"
        stop_banjod
        sqlite3 "$DIRECTORY/state/banjo.db" "DELETE FROM bans WHERE address = x'c6120000';
                INSERT INTO ended (jail, address, prefixlen, id, start, end, failures, pattern, cause, in_kernel)
                VALUES ('sshd', x'c6120000', 32, 1, 1, 2, 5, 'password', 'by hand', 1)"
        damage_first
        : >log

        start_banjod
        replaced $((MANY - 1))
        bans_are $((MANY - 1))
}

@test "where the kernel has none, what could be read is put back all the same" {
        local n

        store
        damage_last
        start_banjod
        wait_for test -e "$DIRECTORY/state/banjo.db.damaged"
        n=$(banctl list --json=short | jq length)
        ((n > 0 && n < MANY))
        replaced "$n"
        wait_for bans_are "$n"
        [ "$(taken_back)" = 0 ]

        fail_later 0 100 $(five_times 203.0.113.9)
        wait_for in_kernel sshd-v4 203.0.113.9
}

@test "damage that no ban is lost to is found, too" {
        # One that asks for bans by when they began.
        printf '[repeated]\nenabled = yes\nsource = bans\nports = any\n' >config/conf.d/repeated.conf
        store
        damage "SELECT rootpage FROM sqlite_master WHERE name = 'bans_by_start'"
        start_banjod
        replaced "$MANY"
        wait_for bans_are "$MANY"
        [ "$(taken_back)" = 0 ]
}
