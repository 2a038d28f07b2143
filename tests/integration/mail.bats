#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Mailboxes and mail servers beyond SMTP AUTH: the real dovecot with IMAP, what postfix rejects, and
# who is banned again and again.

load lib

setup_file() {
        boot ssh.service dovecot.service postfix.service
}

teardown_file() {
        shut_down
}

# imap FROM PASSWORD: logs bob in over TLS and asks for his folders.
imap() {
        local host

        host=$(server_for "$1")
        [[ $host != *:* ]] || host=[$host]
        attacker curl --silent --insecure --max-time 60 --interface "$1" \
                --user "bob:$2" "imaps://$host/" | grep -q INBOX
}

# offers FROM RECIPIENT: a message that postfix may take or refuse.
offers() {
        attacker swaks --server "$(server_for "$1")" --port 25 --local-interface "$1" --timeout 60 \
                --ehlo attacker.example --from x@attacker.example --to "$2" \
                --quit-after RCPT >/dev/null 2>&1 || true
}

# Whether a jail has a ban of an address.
has_ban() {
        bans | grep -q "^$1 $2 "
}

@test "failed IMAP logins: the mailbox is closed for the attacker, and ssh is not" {
        fresh_with <<'EOF'
[dovecot]
enabled = yes
maxretry = 3
EOF
        not imap 198.51.100.66 wrong
        not imap 198.51.100.66 wrong
        caught_up
        is_not_banned dovecot 198.51.100.66
        not imap 198.51.100.66 wrong
        eventually is_banned dovecot 198.51.100.66
        is_dropped 198.51.100.66 993 dovecot
        is_dropped 198.51.100.66 143 dovecot
        connects 198.51.100.66 22
        connects 198.51.100.67 993
}

@test "over IPv6 failed IMAP logins ban the /64" {
        fresh_with <<'EOF'
[dovecot]
enabled = yes
maxretry = 2
EOF
        not imap 2001:db8:a::66 wrong
        not imap 2001:db8:a::66 wrong
        eventually is_banned dovecot 2001:db8:a::/64
}

@test "a login forgives what its user mistyped before" {
        fresh_with <<'EOF'
[dovecot]
enabled = yes
maxretry = 3
EOF
        not imap 198.51.100.67 wrong
        not imap 198.51.100.67 wrong
        eventually failures_are 2
        imap 198.51.100.67 sesame-bob
        eventually not knows_of 198.51.100.67
        not imap 198.51.100.67 wrong
        caught_up
        is_not_banned dovecot 198.51.100.67
}

@test "who offers mail for others is banned where the jail counts rejects" {
        fresh_with <<'EOF'
[postfix]
enabled = yes
maxretry = 3

[postfix-sasl]
enabled = yes
maxretry = 2
EOF
        offers 198.51.100.66 y@elsewhere.example
        offers 198.51.100.66 y@elsewhere.example
        # Mail for a user of this host is welcome.
        offers 198.51.100.67 alice@mail.example.org
        offers 198.51.100.67 alice@mail.example.org
        offers 198.51.100.67 alice@mail.example.org
        caught_up
        is_not_banned postfix 198.51.100.66
        offers 198.51.100.66 y@elsewhere.example
        eventually is_banned postfix 198.51.100.66
        is_dropped 198.51.100.66 25 postfix
        connects 198.51.100.66 22
        is_not_banned postfix-sasl 198.51.100.66
        is_not_banned postfix 198.51.100.67
}

@test "five bans lead to one by recidive, which closes every port" {
        local i

        fresh_with <<'EOF'
[sshd]
maxretry = 2

[recidive]
enabled = yes
EOF
        for i in 1 2 3 4 5; do
                wrong_passwords 198.51.100.66 2
                eventually has_ban sshd 198.51.100.66
                ((i == 5)) || not has_ban recidive 198.51.100.66
                inside banctl unban sshd 198.51.100.66
                if ((i == 3)); then # of which the journal then tells nothing
                        inside journalctl --quiet --rotate --vacuum-time=1us
                        inside systemctl restart banjod
                fi
        done
        eventually has_ban recidive 198.51.100.66
        is_dropped 198.51.100.66 22 recidive
        is_dropped 198.51.100.66 25 recidive
        is_dropped 198.51.100.66 993 recidive
        connects 198.51.100.67 25
        inside banctl show recidive | grep -qx sshd
        # Its own ban counts for nothing.
        caught_up
        [[ $(bans | grep -c '^recidive ') == 1 ]]
}

@test "bans by hand do not lead to one by recidive" {
        local i

        fresh_with <<'EOF'
[recidive]
enabled = yes
maxretry = 2
EOF
        for i in 1 2 3; do
                inside banctl ban sshd 198.51.100.66
                inside banctl unban sshd 198.51.100.66
        done
        caught_up
        not has_ban recidive 198.51.100.66
}
