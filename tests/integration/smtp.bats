#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Failed SMTP AUTH, against the real postfix with dovecot behind it, as its first user wants it:
# three failures, five minutes, ports 25 and 465, for good.

load lib

setup_file() {
        boot ssh.service dovecot.service postfix.service
}

teardown_file() {
        shut_down
}

setup() {
        fresh_with <<'EOT'
[postfix-sasl]
enabled = yes
bantime = -1
ports = 25 465
EOT
}

# Three failures, of which each may be told the port and the mechanism.
three_failures() {
        wrong_auth "$1" "$2" "$3"
        wrong_auth "$1" "$2" "$3"
        caught_up
        is_not_banned postfix-sasl "${4:-$1}"
        wrong_auth "$1" "$2" "$3"
        eventually is_banned postfix-sasl "${4:-$1}"
}

@test "three failed AUTH LOGIN: port 25 is closed for the attacker, and port 22 is not" {
        three_failures 198.51.100.66 25 LOGIN
        is_dropped 198.51.100.66 25 postfix-sasl
        is_dropped 198.51.100.66 465 postfix-sasl
        connects 198.51.100.66 22
        connects 198.51.100.66 587
        connects 198.51.100.67 25
}

@test "three failed AUTH PLAIN: port 25 is closed for the attacker, and port 22 is not" {
        three_failures 198.51.100.66 25 PLAIN
        is_dropped 198.51.100.66 25 postfix-sasl
        connects 198.51.100.66 22
        gets_in 198.51.100.66
}

@test "failures on submission and submissions count as well" {
        wrong_auth 198.51.100.66 587 LOGIN
        wrong_auth 198.51.100.66 465 PLAIN
        caught_up
        is_not_banned postfix-sasl 198.51.100.66
        wrong_auth 198.51.100.66 25 LOGIN
        eventually is_banned postfix-sasl 198.51.100.66
}

@test "over IPv6 the /64 is out" {
        three_failures 2001:db8:a::66 25 LOGIN 2001:db8:a::/64
        is_dropped 2001:db8:a::67 25 postfix-sasl
        connects 2001:db8:a:1::66 25
        connects 2001:db8:a::66 22
}

@test "one smtpd that serves two clients in turn convicts the right one" {
        # The same process: neither session nor process id may mix them up.
        wrong_auth 198.51.100.66 25 LOGIN
        wrong_auth 198.51.100.67 25 LOGIN
        wrong_auth 198.51.100.66 25 LOGIN
        wrong_auth 198.51.100.68 25 LOGIN
        wrong_auth 198.51.100.66 25 LOGIN
        eventually is_banned postfix-sasl 198.51.100.66
        caught_up
        is_not_banned postfix-sasl 198.51.100.67
        is_not_banned postfix-sasl 198.51.100.68
}

@test "with bantime = -1 the element has no timeout, and banctl list says permanent" {
        three_failures 198.51.100.66 25 LOGIN
        element postfix-sasl 198.51.100.66
        [[ $(element postfix-sasl 198.51.100.66 | jq 'has("timeout")') == false ]]
        run -0 inside banctl list
        [[ $output == *198.51.100.66*permanent* ]]
        run -0 inside banctl --json=short list
        jq -e '[.. | objects | select(.address? == "198.51.100.66")] | length == 1' <<<"$output"
}

@test "an authentication server that is away convicts nobody" {
        fresh_with <<'EOT'
[postfix-sasl]
enabled = yes
maxretry = 1
EOT
        # An smtpd that has seen the authentication server tells one client more that it fails.
        connects 198.51.100.66 25
        wrong_auth 198.51.100.67 25 LOGIN
        eventually is_banned postfix-sasl 198.51.100.67
        inside systemctl stop dovecot.service
        # Another one, which has not, ends at once. There is one while the first is not done yet.
        eventually fails_without_a_name
        caught_up
        is_not_banned postfix-sasl 198.51.100.66
        inside systemctl restart dovecot.service postfix.service
}

fails_without_a_name() {
        wrong_auth 198.51.100.66 25 LOGIN
        inside journalctl -q -g '198.51.100.66.*sasl_username=.unavailable.' | grep -q .
}
