#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Who may read the database.

load lib

setup_file() {
        boot
}

teardown_file() {
        shut_down
}

setup() {
        fresh
        inside banctl --quiet ban sshd 192.0.2.7
}

# as GROUP SQL: what it says to a user who is in no other group
as() {
        inside setpriv --reuid=alice --regid=alice --groups="$1" \
                sqlite3 'file:/var/lib/banjo/banjo.db?mode=ro' "$2"
}

bans() {
        as "$1" 'SELECT count(*) FROM bans'
}

@test "the group adm may read the database while banjod runs, and nobody else may" {
        (($(bans adm) == 1))
        inside banctl --quiet ban sshd 192.0.2.8
        (($(bans adm) == 2))
        run ! bans alice
        run ! inside setpriv --reuid=alice --regid=alice --groups=adm \
                sqlite3 /var/lib/banjo/banjo.db 'DELETE FROM bans'
        run ! inside setpriv --reuid=alice --regid=alice --groups=adm touch /var/lib/banjo/x
        (($(inside sqlite3 -readonly /var/lib/banjo/banjo.db 'SELECT count(*) FROM bans') == 2))
}

@test "it may when banjod was stopped or killed, and after a restart" {
        inside systemctl stop banjod.service banjod.socket
        (($(bans adm) == 1))
        inside systemctl start banjod.service
        inside banctl --quiet ban sshd 192.0.2.8
        inside systemctl kill -s KILL banjod.service
        eventually answers
        (($(bans adm) == 2))
        inside systemctl stop banjod.service banjod.socket
        inside banctl --quiet flush --yes
        (($(bans adm) == 0))
}

@test "a database of before may be read after the next boot" {
        inside systemctl stop banjod.service banjod.socket
        inside sh -c 'rm -rf /var/lib/banjo'
        inside systemctl start banjod.service
        run ! bans adm
        inside systemd-tmpfiles --create banjo.conf
        (($(bans adm) == 0))
        run ! may_read_key
}

# The key that user names are hashed with.
may_read_key() {
        inside test -e /var/lib/banjo/user-names.key || return 0
        inside setpriv --reuid=alice --regid=alice --groups=adm cat /var/lib/banjo/user-names.key
}

@test "nobody may read the key of the user names" {
        run ! may_read_key
        [[ $(inside stat -c '%U %G %a' /var/lib/banjo/user-names.key) == 'banjo banjo 600' ]]
}

@test "the daemon itself is not in that group, and owns what it makes" {
        local pid adm

        pid=$(inside systemctl show -P MainPID banjod.service)
        adm=$(inside getent group adm | cut -d: -f3)
        run ! inside grep -E "^Groups:.*\\b$adm\\b" "/proc/$pid/status"
        [[ $(inside stat -c '%U %G %a' /var/lib/banjo) == 'banjo banjo 750' ]]
        [[ $(inside stat -c '%U %G %a' /var/lib/banjo/banjo.db) == 'banjo banjo 640' ]]
        [[ $(inside stat -c '%U %G %a' /var/lib/banjo/banjo.db-wal) == 'banjo banjo 640' ]]
}
