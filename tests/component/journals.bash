# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Journals made from text, entry by entry, whose seconds count from BASE.

# For setup_file: skip what cannot run here.
need_journals() {
        [ -x /usr/lib/systemd/systemd-journal-remote ] || skip "systemd-journal-remote is not installed"
}

need_namespaces() {
        unshare -rn true || skip "no network namespaces here"
}

# For setup: enters a directory, of make_directory of daemon.bash, with a BASE so many seconds from now.
enter_directory() {
        BASE=$(($(date +%s) + $1))
        make_directory
        cd "$DIRECTORY" || return
        : >entries
}

# For teardown.
leave_directory() {
        cd / || return
        rm -rf "$DIRECTORY"
}

# jail NAME LINE...: a jail that is enabled
jail() {
        printf '[%s]\nenabled = yes\n' "$1" >"config/conf.d/$1.conf"
        printf '%s\n' "${@:2}" >>"config/conf.d/$1.conf"
}

# entry SECOND FIELD=VALUE...: so many seconds after the beginning, of boot BOOT, a digit, which was at
# second UP before it
entry() {
        printf '%s\n' "__REALTIME_TIMESTAMP=$((BASE + $1))000000" "__MONOTONIC_TIMESTAMP=$(($1 - ${UP:--1000}))000000" \
                "_BOOT_ID=${BOOT:-1}1111111111111111111111111111111" _HOSTNAME=host "${@:2}" '' >>entries
}

# sshd SECOND PID MESSAGE [FIELD=VALUE...]
sshd() {
        entry "$1" _SYSTEMD_UNIT=ssh.service _UID=0 _COMM=sshd SYSLOG_IDENTIFIER=sshd "_PID=$2" "MESSAGE=$3" "${@:4}"
}

# wrong SECOND ADDRESS: a wrong password in a connection of its own
wrong() {
        sshd "$1" $((1000 + $1)) "Failed password for root from $2 port 4711 ssh2"
}

# journal [FILE]: appends what was written since the last time to the journal, x.journal.
journal() {
        /usr/lib/systemd/systemd-journal-remote --output="${1:-x.journal}" entries 2>/dev/null
        : >entries
}
