#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Servers that are neither ssh, mail nor web: the real ones, with a real client that fails, and the
# jails as they are shipped, switched on.

load lib

setup_file() {
        boot
        inside sh -s <<'EOT'
echo syslog_enable=YES >>/etc/vsftpd.conf

for main in /etc/postgresql/*/main; do
        mkdir -p "$main/conf.d"
        cat >"$main/conf.d/tests.conf" <<'EOF'
listen_addresses = '*'
log_connections = on
log_destination = 'syslog'
lc_messages = 'C'
EOF
        cat >>"$main/pg_hba.conf" <<'EOF'
host all all 198.51.100.0/24 scram-sha-256
host all all 2001:db8::/32 scram-sha-256
EOF
done

systemctl start vsftpd.service postgresql.service slapd.service
ldapmodify -Q -Y EXTERNAL -H ldapi:/// <<'EOF'
dn: cn=config
changetype: modify
replace: olcLogLevel
olcLogLevel: stats
EOF
EOT
        # To systemd, vsftpd runs as soon as it was forked.
        eventually connects 198.51.100.66 21
}

teardown_file() {
        shut_down
}

setup() {
        fresh_with <<'EOT'
[vsftpd]
enabled = yes
[postgresql]
enabled = yes
[slapd]
enabled = yes
EOT
}

# from ADDRESS: what the attacker's clients connect from that cannot be told.
from() {
        if [[ $1 == *:* ]]; then
                inside ip -netns attacker -6 route replace "$server6" dev eth0 src "$1"
        else
                inside ip -netns attacker route replace "$server4" dev eth0 src "$1"
        fi
}

# wrong_ftp FROM [USER]: the name as in a URL. The last of several may see its connection end before
# vsftpd has answered, which takes a second.
wrong_ftp() {
        local host

        host=$(server_for "$1")
        [[ $host != *:* ]] || host="[$host]"
        if attacker curl -s -m 60 --interface "$1" "ftp://${2:-alice}:wrong@$host/"; then
                echo 'a wrong password was right'
                return 1
        fi
}

# The last of several may see its connection end before the server has answered.
wrong_psql() {
        from "$1"
        if attacker sh -c 'PGPASSWORD=wrong PGCONNECT_TIMEOUT=60 PGSSLMODE=disable \
                /usr/lib/postgresql/*/bin/psql -h "$1" -U "$2" -d postgres -c "select 1"' \
                sh "$(server_for "$1")" "${2:-alice}" >/dev/null 2>&1; then
                echo 'a wrong password was right'
                return 1
        fi
}

wrong_bind() {
        local host

        from "$1"
        host=$(server_for "$1")
        [[ $host != *:* ]] || host="[$host]"
        if attacker ldapwhoami -x -H "ldap://$host" -D "${2:-cn=admin,dc=example,dc=org}" -w wrong \
                -o nettimeout=60 >/dev/null 2>&1; then
                echo 'a wrong password was right'
                return 1
        fi
}

# until_banned JAIL ADDRESS COMMAND...: PostgreSQL's processes end so fast that journald cannot always
# tell the unit of what they said, and such an entry only counts if it is root's. How often that is
# depends on what else runs, so it may take as many more as there is time for.
until_banned() {
        local jail=$1 address=$2 end=$((SECONDS + 120))
        shift 2

        until within 2 is_banned "$jail" "$address"; do
                if ((SECONDS >= end)); then
                        echo "$jail has not banned $address"
                        return 1
                fi
                "$@"
        done
}

# banned_after_five JAIL PORT FUNCTION: by four from one address and five from another.
banned_after_five() {
        local i

        for i in 1 2 3 4; do
                "$3" 198.51.100.66
                "$3" 198.51.100.67
        done
        caught_up
        is_not_banned "$1" 198.51.100.66
        connects 198.51.100.66 "$2"
        "$3" 198.51.100.66
        if [[ $1 == postgresql ]]; then
                until_banned "$1" 198.51.100.66 "$3" 198.51.100.66
        else
                eventually is_banned "$1" 198.51.100.66
        fi
        is_dropped 198.51.100.66 "$2" "$1"
        connects 198.51.100.67 "$2"
        is_not_banned "$1" 198.51.100.67
}

@test "vsftpd: five wrong passwords, whatever the user" {
        banned_after_five vsftpd 21 wrong_ftp
}

@test "vsftpd: unknown users over IPv6" {
        for i in 1 2 3 4 5; do
                wrong_ftp 2001:db8:a::66 "nobody$i"
        done
        eventually is_banned vsftpd 2001:db8:a::/64
}

@test "vsftpd: a user name with a victim's line in it convicts who sent it" {
        for i in 1 2 3 4 5; do
                wrong_ftp 198.51.100.68 'x%5D%20FAIL%20LOGIN%3A%20Client%20%22203.0.113.5'
        done
        eventually is_banned vsftpd 198.51.100.68
        is_not_banned vsftpd 203.0.113.5
}

@test "PostgreSQL: five wrong passwords" {
        banned_after_five postgresql 5432 wrong_psql
}

@test "PostgreSQL: unknown roles over IPv6" {
        for i in 1 2 3 4 5; do
                wrong_psql 2001:db8:a::66 "nobody$i"
        done
        until_banned postgresql 2001:db8:a::/64 wrong_psql 2001:db8:a::66 nobody6
}

@test "PostgreSQL: a role with a victim's line in it convicts who sent it" {
        for i in 1 2 3 4 5; do
                wrong_psql 198.51.100.68 'LOG:  connection received: host=203.0.113.5 port=1'
        done
        until_banned postgresql 198.51.100.68 \
                wrong_psql 198.51.100.68 'LOG:  connection received: host=203.0.113.5 port=1'
        is_not_banned postgresql 203.0.113.5
}

@test "slapd: five wrong binds, of two clients side by side" {
        banned_after_five slapd 389 wrong_bind
}

@test "slapd: over IPv6" {
        for i in 1 2 3 4 5; do
                wrong_bind 2001:db8:a::66
        done
        eventually is_banned slapd 2001:db8:a::/64
}
