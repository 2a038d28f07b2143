#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Programs that log to a file: banjo-tail@.service brings its lines into a journal namespace, and a
# jail reads them there.

load lib

log=/var/log/web/access.log
unit='banjo-tail@var-log-web-access.log.service'

setup_file() {
        boot ssh.service
        write /usr/lib/banjo/filters/weblog.conf <<'EOT'
[filter]
description = an access log
units = banjo-tail@var-log-web-access.log.service

[fail]
refused = '<ADDR> - [^ "]* \[[^\]"]*\] "[^"]*" 401 [0-9]+'
EOT
}

teardown_file() {
        shut_down
}

setup() {
        inside sh -s <<'EOT'
systemctl --quiet stop 'banjo-tail@*.service' 'systemd-journald@banjo-tail*'
rm -rf /var/log/web /var/log/journal/*.banjo-tail /run/log/journal/*.banjo-tail
install -d -m 2750 -g adm /var/log/web
umask 027
: >/var/log/web/access.log
EOT
        fresh_with <<'EOT'
[weblog]
enabled = yes
namespace = banjo-tail
ports = 80 443
maxretry = 5
EOT
        inside systemctl start "$unit"
}

# hits FROM COUNT [FILE]: that many requests without a right password, as a web server logs them.
hits() {
        inside sh -s -- "$1" "$2" "${3:-$log}" <<'EOT'
umask 027
for i in $(seq "$2"); do
        printf '%s - - [24/Nov/2026:00:00:00 +0000] "GET /%s HTTP/1.1" 401 574\n' "$1" "$i"
done >>"$3"
EOT
}

# Four hits with something in between: not banned; and one more: banned.
counts_across() {
        hits 198.51.100.66 3
        eventually failures_are 3
        "$@"
        hits 198.51.100.66 1
        eventually failures_are 4
        is_not_banned weblog 198.51.100.66
        hits 198.51.100.66 1
        eventually is_banned weblog 198.51.100.66
        failures_are 5
}

@test "a line that is added to a file bans" {
        hits 198.51.100.66 5
        eventually is_banned weblog 198.51.100.66
        hits 2001:db8:a::1 5
        eventually is_banned weblog 2001:db8:a::/64

        # journald says where it is from; who writes the file does not.
        [[ $(inside journalctl -q --namespace=banjo-tail -o json -n 1 -u "$unit" |
                jq -r '"\(._SYSTEMD_UNIT) \(._NAMESPACE)"') == "$unit banjo-tail" ]]
}

@test "what is logged in a namespace is nowhere else" {
        hits 198.51.100.66 1
        wrong_passwords 198.51.100.66 1
        eventually failures_are 2
        [[ -z $(inside journalctl -q --grep=HTTP) ]]
        [[ -z $(inside journalctl -q --namespace=banjo-tail -t sshd -t sshd-session) ]]
}

@test "lines of before the start are not read" {
        inside systemctl stop "$unit"
        hits 198.51.100.66 5
        inside systemctl start "$unit"
        hits 198.51.100.67 5
        eventually is_banned weblog 198.51.100.67
        failures_are 5
}

rotate() {
        inside sh -c "umask 027; mv $log $log.1; : >$log"
}

@test "a rotation loses nothing" {
        counts_across rotate
}

# A web server writes to the file that it has open until it is told to open the new one.
rotate_under_a_slow_writer() {
        rotate
        hits 198.51.100.67 3 "$log.1"
        eventually failures_are 6
        hits 198.51.100.67 1 "$log.1"
        eventually failures_are 7
}

@test "what is written to a file that was rotated away is read" {
        hits 198.51.100.66 3
        eventually failures_are 3
        rotate_under_a_slow_writer
        hits 198.51.100.66 2
        eventually is_banned weblog 198.51.100.66
        failures_are 9
}

truncate_copy() {
        inside sh -c "cp $log $log.1 && : >$log"
}

@test "a truncation loses nothing and repeats nothing" {
        counts_across truncate_copy
}

move_link() {
        inside sh -c "ln -s elsewhere/2 $log.new && mv $log.new $log"
}

@test "a link is followed, also when it leads elsewhere" {
        inside systemctl stop "$unit"
        inside sh -c "umask 027; mkdir /var/log/web/elsewhere; : >/var/log/web/elsewhere/1
                : >/var/log/web/elsewhere/2; ln -sf elsewhere/1 $log"
        inside systemctl start "$unit"
        counts_across move_link
}

@test "a file that appears later is read from its first line" {
        inside sh -c "systemctl stop $unit; rm -rf /var/log/web; systemctl start $unit"
        inside install -d -m 2750 -g adm /var/log/web
        hits 198.51.100.66 5
        eventually is_banned weblog 198.51.100.66
}

kill_it() {
        inside systemctl kill -s KILL "$unit"
}

# Whether banjo-tail has noted how far it is, which it does when it has handed the lines on. If it is
# killed in between, it does that again.
has_noted_place() {
        inside sh -s -- "$unit" "$log" <<'EOT'
pid=$(systemctl show -P MainPID "$1")
for fd in "/proc/$pid/fd/"*; do
        [ "$(readlink "$fd")" = "$2" ] || continue
        grep -qx "pos:[[:blank:]]*$(stat -c %s "$2")" "/proc/$pid/fdinfo/${fd##*/}"
        exit
done
exit 1
EOT
}

kill_when_idle() {
        eventually has_noted_place
        kill_it
}

@test "one that is killed starts again and goes on where it was" {
        counts_across kill_when_idle
}

restart_over_a_rotation() {
        eventually has_noted_place
        inside sh -c "systemctl kill -s STOP $unit; umask 027; mv $log $log.1; : >$log"
        hits 198.51.100.67 2 "$log.1"
        kill_it
        eventually failures_are 5
        hits 198.51.100.67 2 "$log.1"
        eventually failures_are 7
}

@test "a rotation while it was dead loses nothing" {
        hits 198.51.100.66 3
        eventually failures_are 3
        restart_over_a_rotation
        hits 198.51.100.66 2
        eventually is_banned weblog 198.51.100.66
}

@test "a restart of its journald loses nothing" {
        counts_across inside systemctl restart systemd-journald@banjo-tail.service
}

@test "a rotation of its journal loses nothing" {
        counts_across inside journalctl --namespace=banjo-tail --rotate
}

@test "banjod counts over a restart of its own" {
        counts_over_restart() {
                hits 198.51.100.66 3
                eventually failures_are 3
                inside systemctl stop banjod.service
                hits 198.51.100.66 1
                inside systemctl start banjod.service
                eventually failures_are 1
                is_not_banned weblog 198.51.100.66
                hits 198.51.100.66 1
                eventually is_banned weblog 198.51.100.66
        }
        counts_over_restart
}

# The part of a long line, or what is behind a NUL, would be a line of the peer's choice.
@test "no part of a line becomes a line" {
        inside sh -s -- "$log" <<'EOT'
victim='192.0.2.99 - - [24/Nov/2026:00:00:00 +0000] "GET / HTTP/1.1" 401 574'
for size in 2000 8150 16341 48972 49109 49152 65536; do
        printf '198.51.100.9 - - [24/Nov/2026:00:00:00 +0000] "GET /%s %s" 404 1\n' \
                "$(head -c "$size" /dev/zero | tr '\0' x)" "$victim"
done >>"$1"
for i in 1 2 3 4 5 6; do
        printf '198.51.100.9 - - [x] "GET /\0%s\0%s\0" 404 1\n' "$victim" "$victim"
done >>"$1"
EOT
        hits 198.51.100.66 5
        eventually is_banned weblog 198.51.100.66
        is_not_banned weblog 192.0.2.99
        failures_are 5
}

@test "a flood is not cut off" {
        hits 198.51.100.66 1
        eventually failures_are 1
        inside sh -c "yes '198.51.100.9 - - [x] \"GET / HTTP/1.1\" 200 1' | head -n 30000 >>$log"
        hits 198.51.100.66 4
        eventually is_banned weblog 198.51.100.66
        (($(inside journalctl -q --namespace=banjo-tail -o cat -u "$unit" | grep -c '" 200 1') == 30000))
}

@test "it may do little" {
        local exposure

        exposure=$(inside systemd-analyze security --no-pager "$unit" |
                sed -nE 's/.*Overall exposure level.*: ([0-9])\.([0-9]).*/\1\2/p')
        echo "exposure: $exposure tenths"
        ((exposure <= 15))
        [[ $(inside sh -c "ps -o user= -p \$(systemctl show -P MainPID $unit)") != root ]]
}

@test "a file that it may not read is told, and read when it may" {
        inside sh -c "systemctl stop $unit; chmod 600 $log; systemctl start $unit"
        eventually complains
        inside chmod 640 "$log"
        hits 198.51.100.66 5
        eventually is_banned weblog 198.51.100.66
}

complains() {
        inside journalctl -q --namespace=banjo-tail -o cat -u "$unit" --grep "Cannot read $log" | grep -q .
}
