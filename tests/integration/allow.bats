#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Whom a ban must not hit: this host itself, hosts whose names are allowed, and those that
# administrators are logged in from.

load lib

setup_file() {
        boot ssh.service
        inside systemctl start systemd-logind.service
        inside usermod --append --groups sudo alice
        # A second way in, which the jail does not guard.
        inside systemd-run --quiet --property=Type=notify --unit=side-door /usr/sbin/sshd -D -p 2222
        # And one that tells PAM the name of a peer, where its address has one.
        inside systemd-run --quiet --property=Type=notify --unit=naming-door \
                /usr/sbin/sshd -D -p 2223 -o UseDNS=yes
        # What is not in /etc/hosts does not exist; there is no name server.
        inside sed -i 's/^hosts:.*/hosts: files/' /etc/nsswitch.conf
}

teardown_file() {
        shut_down
}

teardown() {
        log_out
        inside sh -s <<'EOT'
ip address del 198.51.100.66/32 dev lo 2>/dev/null
systemctl --quiet stop systemd-resolved.service
systemctl --quiet unmask --runtime banjo-resolve.socket
systemctl --quiet start banjo-resolve.socket
EOT
        hosts </dev/null
}

# Replaces what /etc/hosts says, from stdin, beside localhost.
hosts() {
        { printf '127.0.0.1 localhost\n'; cat; } | write /etc/hosts
}

# fails FROM COUNT: failures that sshd could have logged, from an address that nobody may have.
fails() {
        inside sh -s -- "$1" "$2" <<'EOT'
for i in $(seq "$2"); do
        echo "Failed password for nobody from $1 port $i ssh2"
done | logger -t sshd
EOT
}

# ssh_options comes from lib.bash.
# shellcheck disable=SC2154
# log_in FROM [USER [PORT]]: a session that stays until log_out. logind has it from $come_from, if that
# is set.
log_in() {
        local user=${2:-alice}

        attacker sh -s -- "sesame-$user" "${ssh_options[@]}" -b "$1" -p "${3:-22}" \
                "$user@$(server_for "$1")" <<'EOT'
password=$1
shift
setsid sshpass -p "$password" ssh -N "$@" </dev/null >/run/session.log 2>&1 &
echo $! >>/run/session.pids
EOT
        eventually is_logged_in "${come_from:-$1}"
}

# Where the sessions come from, one a line. The user's own manager has one, too, on newer systemd.
remote_hosts() {
        inside sh -s <<'EOT'
loginctl list-sessions --no-legend | while read -r id rest; do
        loginctl show-session -P RemoteHost "$id" 2>/dev/null
done
:
EOT
}

is_logged_in() {
        remote_hosts | grep -qxF "$1"
}

log_out() {
        inside sh -s <<'EOT'
test ! -e /run/session.pids || kill $(cat /run/session.pids) 2>/dev/null
rm -f /run/session.pids
loginctl list-sessions --no-legend | while read -r id rest; do
        loginctl terminate-session "$id" 2>/dev/null
done
:
EOT
        eventually nobody_is_logged_in
}

nobody_is_logged_in() {
        [[ -z $(remote_hosts) ]]
}

# spared ADDRESS WORDS...: banjod has said that it spares an address, and why.
spared() {
        local line word

        line=$(inside journalctl -q -o cat MESSAGE_ID=b63178cc782b4769919c29d3a738b5c5 "BANJO_ADDRESS=$1") || return
        shift
        for word; do
                line=$(grep -F -- "$word" <<<"$line") || return
        done
}

# lifted ADDRESS CAUSE: the ban ended, and this is why.
lifted() {
        [[ -n $(inside journalctl -q -o cat MESSAGE_ID=1214dda838614d87be1bc4f4017a3bd0 \
                "BANJO_ADDRESS=$1" "BANJO_CAUSE=$2") ]]
}

unresolved() {
        inside journalctl -q -o cat MESSAGE_ID=d248b5d651e648fcbb29bae579ae030d "BANJO_NAME=$1"
}

is_unresolved() {
        [[ -n $(unresolved "$1") ]]
}

# Whether banjod has said these words.
has_said() {
        inside journalctl -q -o cat -t banjod | grep -qF -- "$1"
}

# Whether a name has this address, in hexadecimal digits, in the database.
is_stored() {
        inside sqlite3 /var/lib/banjo/banjo.db \
                "SELECT hex(address) FROM names WHERE name = '$1'" | grep -qixF "$2"
}

@test "an address that becomes this host's own is banned no more" {
        fresh
        wrong_passwords 198.51.100.66 5
        eventually is_banned sshd 198.51.100.66

        inside ip address add 198.51.100.66/32 dev lo
        eventually is_not_banned sshd 198.51.100.66
        eventually lifted 198.51.100.66 'own address'
        fails 198.51.100.66 10
        eventually spared 198.51.100.66 "this host's own address"
        is_not_banned sshd 198.51.100.66

        inside ip address del 198.51.100.66/32 dev lo
        wrong_passwords 198.51.100.66 5
        eventually is_banned sshd 198.51.100.66
}

@test "allow_local = no bans this host's own addresses, but no gateway and no loopback" {
        fresh_with <<'EOT'
[sshd]
allow_local = no
EOT
        fails 127.0.0.1 5
        fails 192.0.2.2 5
        fails 192.0.2.1 5
        eventually is_banned sshd 192.0.2.1
        is_not_banned sshd 127.0.0.1
        is_not_banned sshd 192.0.2.2
        eventually spared 192.0.2.2 gateway
        eventually spared 127.0.0.1 'own address'
}

@test "a host whose name is allowed is not banned; its neighbour is" {
        hosts <<<'198.51.100.66 office.example.org'
        fresh_with <<'EOT'
[sshd]
allow = 203.0.113.5 office.example.org
EOT
        eventually is_stored office.example.org C6336442
        wrong_passwords 198.51.100.66 5
        eventually spared 198.51.100.66 'an address of office.example.org'
        wrong_passwords 198.51.100.67 5
        eventually is_banned sshd 198.51.100.67
        is_not_banned sshd 198.51.100.66
        connects 198.51.100.66 22

        # By hand only if it is meant, and then it stays.
        run inside banctl ban sshd 198.51.100.66
        ((status != 0))
        [[ $output == *198.51.100.66*office.example.org* ]]
        inside banctl ban --force sshd 198.51.100.66
        inside systemctl reload banjod.service
        is_banned sshd 198.51.100.66

        # Nobody has been told of each time the helper ran.
        [[ -z $(inside journalctl -q -u 'banjo-resolve@*' 2>/dev/null) ]]
}

@test "a name that moves takes its privilege with it" {
        hosts <<<'198.51.100.66 office.example.org'
        fresh_with <<'EOT'
[sshd]
allow = office.example.org
EOT
        eventually is_stored office.example.org C6336442
        wrong_passwords 198.51.100.67 5
        eventually is_banned sshd 198.51.100.67

        hosts <<<'198.51.100.67 office.example.org'
        inside systemctl reload banjod.service
        eventually is_not_banned sshd 198.51.100.67
        eventually lifted 198.51.100.67 'allowed name'
        wrong_passwords 198.51.100.66 5
        eventually is_banned sshd 198.51.100.66
        wrong_passwords 198.51.100.67 5
        eventually spared 198.51.100.67 office.example.org
}

@test "a name that cannot be resolved keeps its last known addresses, also after a restart" {
        hosts <<<'198.51.100.66 office.example.org'
        fresh_with <<'EOT'
[sshd]
allow = office.example.org
EOT
        eventually is_stored office.example.org C6336442
        hosts </dev/null
        inside systemctl restart banjod.service
        eventually is_unresolved office.example.org
        [[ $(unresolved office.example.org) == *'last known addresses'* ]]
        wrong_passwords 198.51.100.66 5
        eventually spared 198.51.100.66 office.example.org
        is_not_banned sshd 198.51.100.66
        # Once, and not at each attempt.
        (($(unresolved office.example.org | wc -l) == 1))
}

@test "dozens of names that cannot be resolved keep no other from being resolved" {
        { seq -f 'h%g.example.org' 60; echo office.example.org; } | write /etc/names
        hosts <<<'198.51.100.66 office.example.org'
        fresh_with <<'EOT'
[sshd]
allow = /etc/names
EOT
        eventually is_stored office.example.org C6336442
        [[ $(inside systemctl is-active banjo-resolve.socket) == active ]]
        wrong_passwords 198.51.100.67 5
        eventually is_banned sshd 198.51.100.67
}

@test "a name that was never resolved spares nobody, until it is resolved" {
        hosts </dev/null
        fresh_with <<'EOT'
[sshd]
allow = office.example.org
EOT
        eventually is_unresolved office.example.org
        wrong_passwords 198.51.100.66 5
        eventually is_banned sshd 198.51.100.66
        # It is tried again by itself.
        hosts <<<'198.51.100.66 office.example.org'
        eventually is_not_banned sshd 198.51.100.66
        eventually lifted 198.51.100.66 'allowed name'
}

@test "a /64 with an allowed name in it is not banned as such" {
        hosts <<<'2001:db8:a::66 office.example.org'
        fresh_with <<'EOT'
[sshd]
allow = office.example.org
EOT
        eventually is_stored office.example.org 20010DB8000A00000000000000000066
        wrong_passwords 2001:db8:a::67 5
        eventually is_banned sshd 2001:db8:a::67
        is_not_banned sshd 2001:db8:a::/64
        connects 2001:db8:a::66 22
}

@test "systemd-resolved is asked where it runs" {
        hosts <<<'198.51.100.66 office.example.org'
        # Else it is started together with banjod. So nobody but systemd-resolved can answer.
        inside systemctl --quiet mask --runtime --now banjo-resolve.socket
        inside systemctl start systemd-resolved.service
        fresh_with <<'EOT'
[sshd]
allow = office.example.org nonsuch.example.org
EOT
        eventually is_stored office.example.org C6336442
        wrong_passwords 198.51.100.66 5
        eventually spared 198.51.100.66 office.example.org
        not is_unresolved office.example.org
}

@test "the helper asks the name server, and tells how long its answer holds" {
        local answer

        # systemd-resolved is a name server, too, and answers for what is in /etc/hosts, though not for
        # long: 0 seconds, which the helper calls one. 0 would mean that nobody said.
        hosts <<<'198.51.100.66 office.example.org'
        inside systemctl start systemd-resolved.service banjo-resolve.socket
        inside sh -c "echo nameserver 127.0.0.53 >/etc/resolv.conf
                sed -i 's/^hosts:.*/hosts: dns/' /etc/nsswitch.conf"
        answer=$(inside sh -c 'echo office.example.org | socat -t 60 - UNIX-CONNECT:/run/banjo-resolve.socket')
        inside sh -c ": >/etc/resolv.conf
                sed -i 's/^hosts:.*/hosts: files/' /etc/nsswitch.conf"
        echo "$answer"
        diff <(printf '198.51.100.66\nok 1\n') - <<<"$answer"
}

@test "a group that does not exist is told" {
        fresh_with <<'EOT'
[sshd]
allow_sessions = sudo nonsuch
EOT
        eventually has_said 'no group nonsuch'
        not has_said 'no group sudo'
}

@test "where an administrator is logged in, nobody is banned, until he logs out" {
        fresh_with <<'EOT'
[sshd]
allow_sessions = sudo
EOT
        log_in 198.51.100.66
        wrong_passwords 198.51.100.66 5 bob
        eventually spared 198.51.100.66 'alice is logged in from'
        wrong_passwords 198.51.100.67 5
        eventually is_banned sshd 198.51.100.67
        is_not_banned sshd 198.51.100.66

        log_out
        wrong_passwords 198.51.100.66 5
        eventually is_banned sshd 198.51.100.66
}

@test "who is no administrator is banned where he is logged in" {
        fresh_with <<'EOT'
[sshd]
allow_sessions = sudo
EOT
        log_in 198.51.100.66 bob
        wrong_passwords 198.51.100.66 5
        eventually is_banned sshd 198.51.100.66
}

@test "a session that comes from a name spares nobody" {
        hosts <<<'198.51.100.68 admin.example.org'
        fresh_with <<'EOT'
[sshd]
allow_sessions = sudo
EOT
        come_from=admin.example.org log_in 198.51.100.68 alice 2223
        wrong_passwords 198.51.100.68 5 bob
        eventually is_banned sshd 198.51.100.68
}

@test "without allow_sessions an administrator is banned as everybody" {
        fresh
        log_in 198.51.100.66
        wrong_passwords 198.51.100.66 5
        eventually is_banned sshd 198.51.100.66
}

@test "an administrator who gets in another way lifts the ban of his address" {
        fresh_with <<'EOT'
[sshd]
allow_sessions = sudo
EOT
        wrong_passwords 198.51.100.66 5
        wrong_passwords 2001:db8:a::66 5
        eventually is_banned sshd 198.51.100.66
        eventually is_banned sshd 2001:db8:a::/64
        log_in 198.51.100.66 alice 2222
        eventually is_not_banned sshd 198.51.100.66
        eventually lifted 198.51.100.66 'logged in'

        # And of the network around it; a neighbour who goes on is banned alone.
        log_in 2001:db8:a::66 alice 2222
        eventually is_not_banned sshd 2001:db8:a::/64
        wrong_passwords 2001:db8:a::67 5
        eventually is_banned sshd 2001:db8:a::67
        is_not_banned sshd 2001:db8:a::/64
        connects 2001:db8:a::66 22
}

@test "the helper has next to nothing" {
        run -0 inside systemd-analyze security --no-pager banjo-resolve@1.service
        [[ ${lines[-1]} == *OK* ]]
        # Nobody but banjod may ask.
        not inside setpriv --reuid=bob --clear-groups socat -u /dev/null UNIX-CONNECT:/run/banjo-resolve.socket
}
