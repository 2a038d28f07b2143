#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# banjod whose database cannot be written, or is damaged while it runs. It has a file system of its
# own for the database, in a mount namespace. BANJOD and BANCTL name the binaries.

# shellcheck disable=SC2030,SC2031

bats_require_minimum_version 1.5.0

load daemon

setup_file() {
        [ -x /usr/lib/systemd/systemd-journal-remote ] || skip "systemd-journal-remote is not installed"
}

setup() {
        make_directory
        cd "$DIRECTORY" || return
        printf '[sshd]\nenabled = yes\nports = 22\nmaxretry = 1\nbantime = 1d\n' >config/conf.d/jails.conf
        make_namespace -n -m
        inside ip link set lo up
        inside mount -t tmpfs -o size=16m tmpfs "$DIRECTORY/state"
        start_bus
        start_banjod
}

teardown() {
        cd / || return
        [ ! -e "$DIRECTORY/locker.pid" ] || unlock
        stop_banjod
        stop_bus
        kill "$NAMESPACE"
        rm -rf "$DIRECTORY"
}

# Ends it without a chance to write anything.
end_at_once() {
        local pid
        pid=$(<banjod.pid)
        kill -9 "$pid"
        wait_for gone "$pid"
}

# And starts it again.
crash() {
        end_at_once
        start_banjod
}

# attack ADDRESS...: one failure of each, which is enough; of other processes each time
attack() {
        PROCESS=$((${PROCESS:-0} + 20000))
        fail_later 0 $PROCESS "$@"
}

# What banctl lists, as one word of addresses.
listed() {
        [ "$(banctl list --json=short | jq -r 'map(.address) | join(" ")')" = "$*" ]
}

# database SQL: what it has by now
database() {
        inside sqlite3 -readonly "$DIRECTORY/state/banjo.db" "$1"
}

# stored ADDRESS...: whether it has exactly these
stored() {
        local wanted
        wanted=$(for address; do python3 -c \
                'import ipaddress, sys; print(ipaddress.ip_network(sys.argv[1]).network_address.packed.hex().upper())' \
                "$address"; done | sort)
        [ "$(database 'SELECT hex(address) FROM bans ORDER BY 1')" = "$wanted" ]
}

# How often banjod said something.
said() {
        grep -cE -- "$1" log
}

# It is on in the kernel, and everybody is told that the disk does not have it.
banned_but_not_stored() {
        wait_for in_kernel sshd-v4 "$1"
        wait_for failing
        run -0 banctl
        [[ $output == *'Warning: The database cannot be written: what is banned or unbanned by hand would not'* ]]
        run -0 banctl --json=short
        jq -e '[.warnings[].kind] | index("store-failed")' <<<"$output"
        [ "$(said 'Failed to write to the database')" = 1 ]
        [ "$(said "Banned $1 in jail sshd")" = 1 ]
}

failing() {
        [ "$(property StoreFailed)" = 'b true' ]
}

# It is tried once a minute at least.
works_again() {
        wait_for not failing
        [ "$(said 'Failed to write to the database')" = 1 ]
        [ "$(said 'The database can be written again')" = 1 ]
}

not() {
        ! "$@"
}

fill_disk() {
        run ! inside dd if=/dev/zero of="$DIRECTORY/state/fill" bs=4k
        [[ $output == *'No space left on device'* ]]
}

free_disk() {
        inside rm "$DIRECTORY/state/fill"
}

# Somebody else changes the database and takes his time.
lock() {
        background locker $ENTER python3 -c '
import signal, sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
db.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
signal.pause()' "$DIRECTORY/state/banjo.db"
        echo $! >locker.pid
        wait_for grep -q locked locker
}

unlock() {
        kill "$(<"$DIRECTORY/locker.pid")"
        rm "$DIRECTORY/locker.pid" "$DIRECTORY/locker"
}

# Fills all pages but the first one with nonsense, of which banjod knows none by heart any more.
damage() {
        inside sqlite3 -cmd '.timeout 60000' "$DIRECTORY/state/banjo.db" \
                'PRAGMA wal_checkpoint(TRUNCATE); PRAGMA application_id = 1; PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null
        inside sh -c 'head -c "$(($(stat -c %s "$0") - 4096))" /dev/urandom |
                dd of="$0" bs=4k seek=1 conv=notrunc status=none' "$DIRECTORY/state/banjo.db"
}

@test "a disk that is full keeps no ban from the kernel, and gets it when there is room" {
        banctl ban --quiet sshd 192.0.2.1
        fill_disk
        attack 192.0.2.2
        banned_but_not_stored 192.0.2.2
        [ "$(said 'database.*No space left on device')" = 1 ]
        attack 192.0.2.3
        banned_but_not_stored 192.0.2.3
        listed 192.0.2.1 192.0.2.2 192.0.2.3
        stored 192.0.2.1
        run -1 banctl reload
        [[ $output == *'The configuration could not be loaded: No space left on device.'* ]]
        listed 192.0.2.1 192.0.2.2 192.0.2.3

        free_disk
        works_again
        run -0 banctl reload
        stored 192.0.2.1 192.0.2.2 192.0.2.3
        crash
        listed 192.0.2.1 192.0.2.2 192.0.2.3
}

@test "a crash while the disk is full loses what was done by hand, and decides the rest again" {
        fill_disk
        attack 192.0.2.2
        banned_but_not_stored 192.0.2.2
        run -6 banctl ban sshd 192.0.2.9
        # Before it can try again.
        end_at_once
        free_disk
        start_banjod
        wait_for listed 192.0.2.2
        in_kernel sshd-v4 192.0.2.2
}

@test "banjod starts with a disk that is full" {
        banctl ban --quiet sshd 192.0.2.1
        fill_disk
        crash
        listed 192.0.2.1
        attack 192.0.2.2
        banned_but_not_stored 192.0.2.2
        free_disk
        works_again
        stored 192.0.2.1 192.0.2.2
}

@test "commands are carried out while the disk is full, and say that it does not have them" {
        banctl ban --quiet sshd 192.0.2.1 192.0.2.2
        fill_disk
        run -6 banctl ban sshd 192.0.2.3
        [[ $output == *'192.0.2.3: Banned, but the database cannot be written (No space left on device).'* ]]
        in_kernel sshd-v4 192.0.2.3
        # Until the same time, so that there is nothing to do but to say it again.
        run -6 banctl ban sshd 192.0.2.4 --time=permanent
        run -6 banctl ban sshd 192.0.2.4 --time=permanent --json=short
        jq -e '.[0].banned' <<<"$(grep '^\[' <<<"$output")"
        run -4 banctl ban sshd 127.0.0.1 192.0.2.5
        run -6 banctl unban 192.0.2.1
        [[ $output == *'192.0.2.1: Unbanned, but the database cannot be written'* ]]
        run ! in_kernel sshd-v4 192.0.2.1
        listed 192.0.2.2 192.0.2.3 192.0.2.4 192.0.2.5
        stored 192.0.2.1 192.0.2.2

        free_disk
        works_again
        stored 192.0.2.2 192.0.2.3 192.0.2.4 192.0.2.5
        [ "$(database "SELECT count(*) FROM ended WHERE cause = 'by hand' AND NOT in_kernel")" = 1 ]

        fill_disk
        run -6 banctl flush --yes
        [[ $output == *'All bans are lifted, but the database cannot be written'* ]]
        listed
        free_disk
        run -0 banctl unban 192.0.2.2
        stored
        crash
        listed
}

@test "what an unban made forgotten while the disk was full stays forgotten" {
        printf '[sshd]\nenabled = yes\nports = 22\nmaxretry = 2\nbantime = 1d\n' >config/conf.d/jails.conf
        banctl reload
        attack 192.0.2.1 2001:db8:1::1
        wait_for counted 2
        fill_disk
        run -6 banctl unban 192.0.2.1 2001:db8:1::/48
        free_disk
        works_again
        crash
        attack 192.0.2.1 2001:db8:1::1 192.0.2.2 192.0.2.2
        wait_for listed 192.0.2.2
        counted 4
}

# counted NUMBER: so many failures since the start
counted() {
        [ "$(banctl jails --json=short | jq '.[0].failures')" = "$1" ]
}

@test "more changes than may wait: what runs is written, what ended is lost" {
        banctl ban --quiet sshd 192.0.2.1 192.0.2.2
        fill_disk
        run -6 banctl unban 192.0.2.2
        # shellcheck disable=SC2046
        attack $(printf '2001:db8:0:%x::1 ' {1..10100})
        banned() {
                [ "$(property RunningBans)" = "t $1" ]
        }
        wait_for banned 10101
        run -6 banctl unban 192.0.2.1
        failing

        free_disk
        works_again
        [ "$(database 'SELECT count(*) FROM bans')" = 10100 ]
        [ "$(database 'SELECT count(*) FROM ended')" = 0 ]
        crash
        banned 10100
}

@test "somebody else's lock keeps no ban from the kernel, nor banjod from starting" {
        banctl ban --quiet sshd 192.0.2.1
        lock
        attack 192.0.2.2
        banned_but_not_stored 192.0.2.2
        [ "$(said 'database.*busy')" = 1 ]
        run -6 banctl ban sshd 192.0.2.3
        unlock
        works_again
        stored 192.0.2.1 192.0.2.2 192.0.2.3

        lock
        crash
        listed 192.0.2.1 192.0.2.2 192.0.2.3
        attack 192.0.2.4
        wait_for in_kernel sshd-v4 192.0.2.4
        unlock
        wait_for stored 192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4
}

@test "a database that is damaged while it is in use is replaced, with all that runs" {
        banctl ban --quiet sshd 192.0.2.1 192.0.2.2 192.0.2.3
        banctl unban --quiet 192.0.2.3
        damage
        attack 192.0.2.4
        wait_for in_kernel sshd-v4 192.0.2.4
        wait_for stored 192.0.2.1 192.0.2.2 192.0.2.4
        [ "$(said 'The database was damaged and is now .*/state/banjo.db.damaged. A new one gets the 3 bans that run')" = 1 ]
        not failing
        [ "$(said 'Failed to')" = 0 ]
        inside test -e "$DIRECTORY/state/banjo.db.damaged"

        # No number is given twice.
        banctl ban --quiet sshd 192.0.2.5
        [ "$(database 'SELECT id FROM bans ORDER BY id' | tr '\n' ' ')" = '1 2 4 5 ' ]
        crash
        listed 192.0.2.1 192.0.2.2 192.0.2.4 192.0.2.5
}

@test "damage found by reading leads to a new database, too" {
        printf 'bantime_growth = 2\n' >>config/conf.d/jails.conf
        banctl reload
        banctl ban --quiet sshd 192.0.2.1
        damage
        run -0 banctl unban 192.0.2.1
        attack 192.0.2.4
        wait_for stored 192.0.2.4
        [ "$(said 'The database was damaged')" = 1 ]
}

@test "a damaged database that cannot be replaced waits for room" {
        banctl ban --quiet sshd 192.0.2.1
        damage
        fill_disk
        attack 192.0.2.2
        banned_but_not_stored 192.0.2.2
        run -6 banctl ban sshd 192.0.2.3
        free_disk
        works_again
        stored 192.0.2.1 192.0.2.2 192.0.2.3
        [ "$(said 'The database was damaged')" = 1 ]
        crash
        listed 192.0.2.1 192.0.2.2 192.0.2.3
}

# ended DAYS ID: a ban that ended so long ago, and what led to it
ended() {
        inside sqlite3 "$DIRECTORY/state/banjo.db" "INSERT INTO ended (jail, address, prefixlen, id, start, end, failures,
                pattern, cause, in_kernel, counts) SELECT 'sshd', x'c6336401', 32, $2, t - 1000000, t, 1, 'p', 'expired', 0, 1
                FROM (SELECT (unixepoch() - $1 * 86400) * 1000000 AS t); INSERT INTO evidence VALUES ($2, '[]', '{}')"
}

# kept ID...: whether exactly these bans are known of those that ended
kept() {
        [ "$(database 'SELECT id FROM ended ORDER BY id' | tr '\n' ' ')" = "$*${*:+ }" ] &&
                [ "$(database 'SELECT count(*) FROM evidence')" = "$#" ]
}

@test "what is over is forgotten when it is old, or too much" {
        attack 192.0.2.1
        wait_for listed 192.0.2.1
        stop_banjod
        inside sqlite3 "$DIRECTORY/state/banjo.db" 'DELETE FROM evidence'
        ended 91 10001
        ended 89 10002
        ended 1 10003
        ended 0 10004
        start_banjod
        wait_for kept 10002 10003 10004
        wait_for said 'Bans that ended were removed from the database: 1 because they are older than what is remembered, 0'

        # By any jail, if it remembers that long.
        stop_banjod
        ended 91 10001
        printf '[mail]\nenabled = yes\nfilter = postfix\nports = 25\nmemory = 100d\n' >>config/conf.d/jails.conf
        printf '[banjo]\nhistory_size = 32K\n' >config/conf.d/size.conf
        : >log
        start_banjod
        wait_for kept 10004
        wait_for said 'Bans that ended were removed from the database: 0 because .*, 3 because it was larger than history_size'
        listed 192.0.2.1
}

@test "a file system that became read-only keeps no ban from the kernel" {
        ((EUID == 0)) || skip "takes root to mount an image"
        stop_banjod
        truncate -s 16M image
        mkfs.ext4 -q image
        inside umount "$DIRECTORY/state"
        inside mount -o loop "$DIRECTORY/image" "$DIRECTORY/state" || skip "no loop devices here"
        : >log
        start_banjod
        banctl ban --quiet sshd 192.0.2.1

        # As after an error of the disk.
        inside mount -o remount,abort "$DIRECTORY/state"
        attack 192.0.2.2
        banned_but_not_stored 192.0.2.2
        run -6 banctl ban sshd 192.0.2.3
        run -6 banctl unban 192.0.2.1
        listed 192.0.2.2 192.0.2.3

        # What has to be done then.
        end_at_once
        inside umount "$DIRECTORY/state"
        inside e2fsck -p "$DIRECTORY/image" || (($? < 4))
        inside mount -o loop "$DIRECTORY/image" "$DIRECTORY/state"
        start_banjod
        wait_for listed 192.0.2.1 192.0.2.2
        wait_for stored 192.0.2.1 192.0.2.2
}
