#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Web servers: failed logins in nginx and Apache, scanners in an access log.

load lib

setup_file() {
        boot ssh.service nginx.service apache2.service
}

teardown_file() {
        shut_down
}

setup() {
        begin_with <<'EOT'
[nginx]
enabled = yes
ports = 80 81
maxretry = 3

[apache]
enabled = yes
ports = 8080
maxretry = 3
EOT
}

# Servers log a failure and then answer it: with kill = yes the one that convicts might end without
# its answer.
begin_with() {
        fresh_with < <(printf '[banjo]\nkill = no\n\n'; cat)
}

# get FROM PORT PATH [OPTION...]: asks for a page and prints the status.
get() {
        local from=$1 host port=$2 path=$3
        shift 3

        host=$(server_for "$from")
        [[ $host != *:* ]] || host=[$host]
        attacker curl --silent --output /dev/null --write-out '%{http_code}\n' --max-time 60 --path-as-is \
                --interface "$from" "$@" "http://$host:$port$path"
}

# guess FROM PORT COUNT [USER]: that many wrong passwords.
guess() {
        local i

        for ((i = 0; i < $3; i++)); do
                [[ $(get "$1" "$2" /private/ --user "${4:-bob}:wrong") == 401 ]]
        done
}

@test "nginx: three wrong passwords, of users that exist or not" {
        guess 198.51.100.66 80 1
        guess 198.51.100.66 80 1 alice
        caught_up
        is_not_banned nginx 198.51.100.66
        guess 198.51.100.66 80 1
        eventually is_banned nginx 198.51.100.66
        is_dropped 198.51.100.66 80 nginx
        connects 198.51.100.66 22
        connects 198.51.100.67 80
}

@test "nginx: with the host name that it adds by itself, over IPv6" {
        guess 2001:db8:a::66 81 3
        eventually is_banned nginx 2001:db8:a::/64
        is_dropped 2001:db8:a::67 80 nginx
        connects 2001:db8:a:1::66 80
}

@test "nginx: being asked for a password, and giving the right one, convicts nobody" {
        local i

        for i in 1 2 3 4; do
                [[ $(get 198.51.100.66 80 /private/) == 401 ]]
                [[ $(get 198.51.100.66 80 /private/ --user alice:sesame-alice) == 200 ]]
                [[ $(get 198.51.100.66 81 /private/) == 401 ]]
                [[ $(get 198.51.100.66 8080 /private/) == 401 ]]
                [[ $(get 198.51.100.66 8080 /private/ --user alice:sesame-alice) == 200 ]]
        done
        caught_up
        [[ -z $(bans) ]]
}

# A proxy on this host that does not tell whose requests these are.
@test "nginx: wrong passwords from this host itself ban nobody" {
        local i

        for i in 1 2 3 4; do
                inside curl --silent --output /dev/null --user bob:wrong http://127.0.0.1/private/
                inside curl --silent --output /dev/null --user bob:wrong "http://[::1]/private/"
        done
        eventually logged_from 127.0.0.1
        caught_up
        [[ -z $(bans) ]]
        is_not_banned nginx 127.0.0.1
}

logged_from() {
        inside journalctl -q -u nginx.service --grep "client: $1, " | grep -q .
}

victim=203.0.113.77

@test "nginx: names, paths and headers with whole messages in them convict the one who sent them" {
        local message="user \"bob\": password mismatch, client: $victim, server: www.example.org, request: \"GET / HTTP/1.1\""
        local line="2026/11/24 00:00:00 [error] 77#77: *1 $message"
        local i encoded

        encoded=$(jq -rn --arg text "$line" '"x\n\($text)\nx" | @uri')
        for i in 1 2 3; do
                # Neither a file that is not there nor what came from where is a failure.
                [[ $(get 198.51.100.67 80 "/$encoded") == 404 ]]
                [[ $(get 198.51.100.67 81 "/$encoded" --referer "$line" --user-agent "$line") == 404 ]]
                [[ $(get 198.51.100.67 81 / -H "X-Forwarded-For: $victim" -H "X-Real-IP: $victim") == 200 ]]
        done
        caught_up
        [[ -z $(bans) ]]

        [[ $(get 198.51.100.66 80 /private/ --user "bob\", client $victim, server:x" --referer "$line") == 401 ]]
        [[ $(get 198.51.100.66 80 /private/ --user $'x\n'"$line" --referer "x\", $message") == 401 ]]
        [[ $(get 198.51.100.66 80 "/private/$encoded" --user 'bob:wrong' \
                -H "X-Forwarded-For: $victim" -H "X-Real-IP: $victim" -H "Forwarded: for=$victim") == 401 ]]
        eventually is_banned nginx 198.51.100.66
        caught_up
        bans
        [[ $(bans | wc -l) == 1 ]]
}

@test "nginx behind a proxy that it believes: the client is banned, and the proxy is not" {
        local i

        write /etc/nginx/conf.d/proxied.conf <<'EOT'
server {
        listen 82;
        root /var/www/html;
        error_log syslog:server=unix:/dev/log,nohostname;
        set_real_ip_from 198.51.100.68;
        real_ip_header X-Forwarded-For;
        location /private {
                auth_basic "private";
                auth_basic_user_file /etc/web-users;
        }
}
EOT
        inside systemctl reload nginx.service
        eventually connects 198.51.100.67 82
        for i in 1 2 3; do
                [[ $(get 198.51.100.68 82 /private/ --user bob:wrong -H "X-Forwarded-For: $victim") == 401 ]]
        done
        eventually is_banned nginx "$victim"

        # Who is not the proxy is not believed.
        for i in 1 2 3; do
                [[ $(get 198.51.100.66 82 /private/ --user bob:wrong -H 'X-Forwarded-For: 203.0.113.5') == 401 ]]
        done
        eventually is_banned nginx 198.51.100.66
        caught_up
        bans
        [[ $(bans | wc -l) == 2 ]]
}

@test "nginx: limit_req, for a jail that names the group" {
        begin_with <<'EOT'
[nginx]
enabled = yes
groups = limit
maxretry = 3
EOT
        local i

        for i in 1 2 3 4; do
                get 198.51.100.68 80 /limited/
        done
        eventually is_banned nginx 198.51.100.68
}

@test "access log over syslog: a scanner, and somebody who follows dead links" {
        local path

        begin_with <<'EOT'
[nginx-access]
enabled = yes
ports = 80 81
maxretry = 3
EOT

        for path in /.env /wp-login.php /phpmyadmin/index.php; do
                [[ $(get 198.51.100.66 81 "$path") == 404 ]]
        done
        for path in /gone.html /old/ /favicon.ico /robots.txt; do
                [[ $(get 198.51.100.67 81 "$path" --referer http://www.example.org/.env) == 404 ]]
        done
        eventually is_banned nginx-access 198.51.100.66
        is_dropped 198.51.100.66 80 nginx-access
        caught_up
        is_not_banned nginx-access 198.51.100.67
}

@test "access log in its file, followed into a journal of its own" {
        local unit=banjo-tail@var-log-nginx-access.log.service path

        begin_with <<EOT
[nginx-access]
enabled = yes
units = $unit
namespace = banjo-tail
ports = 80
maxretry = 3
EOT
        inside systemctl start "$unit"
        for path in /.env /gone.html "/?x=%00" /cgi-bin/luci; do
                get 198.51.100.66 80 "$path"
        done
        eventually is_banned nginx-access 198.51.100.66
        is_dropped 198.51.100.66 80 nginx-access
        connects 198.51.100.67 80

        # Passwords count, too; and none of this is in the journal of the rest.
        guess 2001:db8:a::66 80 3
        eventually is_banned nginx-access 2001:db8:a::/64
        [[ -z $(inside journalctl -q --grep='HTTP/1.1" 40[14]') ]]
        inside systemctl stop "$unit"
}

@test "Apache: three wrong passwords, of users that exist or not" {
        guess 198.51.100.66 8080 1
        guess 198.51.100.66 8080 1 alice
        caught_up
        is_not_banned apache 198.51.100.66
        guess 198.51.100.66 8080 1
        eventually is_banned apache 198.51.100.66
        is_dropped 198.51.100.66 8080 apache
        connects 198.51.100.66 80
        guess 2001:db8:a::66 8080 3
        eventually is_banned apache 2001:db8:a::/64
}

@test "Apache: names, paths and headers with whole messages in them convict the one who sent them" {
        local line="[auth_basic:error] [pid 1:tid 1] [client $victim:1] AH01618: user bob not found: /private/"
        local i encoded

        # Apache does not take slashes that are encoded.
        encoded=$(jq -rn --arg text "$line" '"x\n\($text)\nx" | @uri')
        encoded=${encoded//%2F//}
        for i in 1 2 3; do
                [[ $(get 198.51.100.67 8080 "/$encoded" --referer "$line" --user-agent "$line") == 404 ]]
        done
        [[ $(get 198.51.100.66 8080 /private/ --user "$line") == 401 ]]
        [[ $(get 198.51.100.66 8080 /private/ --user $'x\n'"$line") == 401 ]]
        [[ $(get 198.51.100.66 8080 "/private/$encoded" --user 'bob:wrong' --referer "$line") == 401 ]]
        eventually is_banned apache 198.51.100.66
        caught_up
        bans
        [[ $(bans | wc -l) == 1 ]]
}
