#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# banctl verify on configurations made here: every message that it has. BANCTL names the binary.

bats_require_minimum_version 1.5.0

JAIL=$'[bad]\nfilter = a\nports = 22\n'
FILTER=$'[filter]\nunits = a.service\n'

setup() {
        DIRECTORY=$(mktemp -d)
        chmod 755 "$DIRECTORY"
        cd "$DIRECTORY" || return
        mkdir -p config/conf.d config/filters
        printf '[filter]\nunits = a.service\n[fail]\nhit = "wrong from <ADDR>"\n' >config/filters/a.conf
        printf '[a]\nports = 22\n' >config/conf.d/a.conf
}

teardown() {
        cd / || return
        rm -rf "$DIRECTORY"
}

verify() {
        run --separate-stderr "$BANCTL" verify config "$@"
        echo "$output"
        echo "$stderr"
}

# wrong FILE CONTENT EXPECTED: the file brings this line, and no other
wrong() {
        printf '%s' "$2" >"config/$1"
        verify
        [ "$status" -eq 1 ]
        [ -z "$stderr" ]
        [ "$output" = "$3" ]
        verify --json
        [ "$status" -eq 1 ]
        [ "$(jq length <<<"$output")" -eq "$(grep -cE '^(error|warning): ' <<<"$3")" ]
        rm "config/$1"
}

# jail LINES EXPECTED: of a jail "bad"
jail() {
        wrong conf.d/x.conf "$JAIL$1"$'\n' "error: config/conf.d/x.conf: [bad] $2"
}

# filter CONTENT EXPECTED: of the filter "bad", with a jail that names it
filter() {
        printf '%s' "$1" >config/filters/bad.conf
        wrong conf.d/x.conf $'[bad]\nports = 22\n' "error: config/filters/bad.conf: $2
error: config/conf.d/x.conf: [bad] filter: the filter \"bad\" (config/filters/bad.conf) has mistakes."
}

# pattern CONTENT EXPECTED: the same, where only compiling it shows the mistake
pattern() {
        printf '%s' "$1" >config/filters/bad.conf
        wrong conf.d/x.conf $'[bad]\nports = 22\n' "$2"
}

@test "what is right is clean" {
        verify
        [ "$status" -eq 0 ]
        [ -z "$output" ]
        verify --json
        [ "$status" -eq 0 ]
        [ "$output" = '[]' ]
}

@test "the shipped configuration has no errors" {
        SOURCE=$(dirname "$(dirname "$BATS_TEST_DIRNAME")")
        run "$BANCTL" verify --quiet "$SOURCE"
        echo "$output"
        [ -z "$output" ]
}

@test "values" {
        while IFS='|' read -r key value wanted; do
                jail "$key = $value" "$key: \"$value\" is wrong, it should be $wanted."
        done <<'END'
enabled|maybe|yes or no
maxretry|0|a number from 1 to 1000
findtime|367d|a time span such as 10min, from 1us to 366d
bantime|0|a time span such as 1h, or -1 for good
protocol|sctp|tcp, udp or both
ports|nosuchservice|port numbers, ranges such as 6000-6010, service names, or any, or auto
block|accept|drop, reject or reset
scope|forward|all or local
allow|192.0.2.300|an address, a prefix such as 2001:db8::/32, a host name or the absolute path of a file
allow_local|always|yes or no
allow_sessions|yes|names of groups such as sudo or wheel, or no
spoofable|never|yes or no
ipv4_prefix|33|a number of bits from 8 to 32
ipv6_prefix|18|a number of bits from 19 to 128
networks|24|LENGTH:N with a length of 8 to 31 bits for IPv4 or 32 to 63 for IPv6, and N from 1 to 1000
user_maxretry|101|a number from 0 to 100
user_weight|0|a number from 1 to 1000
max_addresses|1|a number from 1000 to 10000000
namespace|a/b|the name of a journal namespace: up to 64 letters, digits and -_.:
weight|hit|PATTERN:N with the name of a failure's pattern and N from 0 to 1000
filter|../a|the name of a file in filters/ without .conf
END
}

@test "values that do not go with the filter or with each other" {
        jail 'groups = ddos' 'groups: the filter "a" has no group "ddos"; it has none.'
        jail 'weight = hi:2' 'weight: the filter "a" has no pattern "hi" for failures; did you mean hit?'
        jail 'weight = something:2' 'weight: the filter "a" has no pattern "something" for failures.'
        jail $'spoofable = yes\nbantime = -1' \
                'bantime: the jail "bad" is spoofable, so its bans cannot be for good: anybody could choose who is banned.'
        jail $'spoofable = yes\nipv4_prefix = 24' \
                'ipv4_prefix: the jail is spoofable, so single addresses are banned and this can only be 32.'
        jail $'spoofable = yes\nnetworks = 24:30' \
                'networks: the jail "bad" is spoofable, so its bans cannot be of networks: anybody could choose who is banned.'
        jail 'networks = 24:30 24:31' 'networks: the length of "24:31" is there twice.'
        jail $'units = a.service\njournal = _UID=0' \
                'journal: a jail has journal = or units =, not both (units stands in config/conf.d/x.conf).'
        jail 'units = sshd' 'units: "sshd" should be names of units like ssh.service or ssh@.service.'
        jail 'journal = ssh.service' \
                'journal: "ssh.service" should be terms like _SYSTEMD_UNIT=ssh.service with "+" between alternatives; see banjo.conf(5) for the fields.'
        jail 'journal = SYSLOG_IDENTIFIER=x' \
                'journal: every alternative needs a field that a local user cannot forge: _SYSTEMD_UNIT, _SYSTEMD_SLICE, _UID or the like.'
        jail "ports = $(seq -s ' ' 1 2 131)" 'ports: there are more than 64 ports and ranges.'
}

@test "files of allow" {
        jail 'allow = /nowhere/list' 'allow: the file /nowhere/list cannot be read: No such file or directory.'
        jail 'allow = /dev' 'allow: the file /dev is not a regular file.'
        printf '192.0.2.1\nx y\n' >list
        jail "allow = $PWD/list" \
                "allow: the file $PWD/list is wrong in line 2: \"x y\" should be one address, prefix or host name."
        printf 'a\0b' >list
        jail "allow = $PWD/list" "allow: the file $PWD/list is not a text."
        truncate -s 1048577 list
        jail "allow = $PWD/list" "allow: the file $PWD/list is larger than 1048576 bytes."
        for i in {0..256}; do echo "host$i.example.org"; done >list
        jail "allow = $PWD/list" 'allow: there are more than 4096 addresses or 256 host names.'
}

@test "unknown keys" {
        jail 'maxretries = 3' 'maxretries: unknown key; did you mean maxretry?'
        jail 'xyzzy = 3' 'xyzzy: unknown key; banctl show --default lists those there are.'
        jail 'firewall = log' 'firewall: unknown here: it belongs into [banjo].'
        jail 'session = _PID' "session: unknown here: it belongs into [filter] of the jail's filter."
        jail 'bantime.increment = true' 'bantime.increment: unknown key: bantime_growth, bantime_steps and permanent_after make bans grow.'
        while IFS='|' read -r key text; do
                jail "$key = x" "$key: unknown key: $text."
        done <<'END'
ignoreip|fail2ban's ignoreip is allow here
ignoreself|fail2ban's ignoreself is allow_local here
ignorecommand|no command is run to allow an address; allow takes host names and files
logpath|entries come from the journal: units or journal says which; for a log file see banjo-tail@.service
journalmatch|fail2ban's journalmatch is journal here
backend|there is one backend, the journal
mode|fail2ban's mode is groups here
port|fail2ban's port is ports here
banaction|bans go into nftables; block says what happens to packets
banaction_allports|fail2ban's banaction_allports is ports = any here
action|bans go into nftables; block says what happens to packets
blocktype|fail2ban's blocktype is block here
chain|hook of [banjo] says where packets are met, and scope whether forwarded ones are meant
failregex|patterns stand in [fail] of the filter; see banjo.filter(5)
ignoreregex|patterns stand in [ignore] of the filter; see banjo.filter(5)
prefregex|patterns stand in [prefix] of the filter; see banjo.filter(5)
maxlines|lines that belong together are a session of the filter; see banjo.filter(5)
datepattern|the journal knows the time of each entry
logencoding|patterns run over bytes, so there is no encoding to set
usedns|names in log lines are never resolved
maxmatches|the journal keeps the entries that led to a ban
loglevel|systemctl service-log-level banjod.service sets the level
logtarget|banjod logs to the journal
allowipv6|IPv6 is always on
END
}

@test "[banjo] and [default]" {
        while IFS='|' read -r content text; do
                wrong banjo.conf "$(printf '%b' "$content")"$'\n' "error: config/banjo.conf: $text"
        done <<'END'
[banjo]\nfirewall = iptables|[banjo] firewall: "iptables" is wrong, it should be nft or log.
[banjo]\nkill = perhaps|[banjo] kill: "perhaps" is wrong, it should be yes or no.
[banjo]\nmaxretry = 3|[banjo] maxretry: unknown here: it belongs into a jail or [default].
[banjo]\nunits = a.service|[banjo] units: unknown here: it belongs into a jail.
[banjo]\nfirewal = nft|[banjo] firewal: unknown key; did you mean firewall?
[default]\nkill = no|[default] kill: unknown here: it belongs into [banjo].
[default]\nunits = a.service|[default] units: unknown here: it belongs into a jail.
[default]\nbantimes = 1h|[default] bantimes: unknown key; did you mean bantime?
[default]\nmaxretry = x|[default] maxretry: "x" is wrong, it should be a number from 1 to 1000.
END
}

@test "sections and files" {
        while IFS='|' read -r content text; do
                wrong conf.d/x.conf "$(printf '%b' "$content")"$'\n' "error: config/conf.d/x.conf: $text"
        done <<'END'
[1st]\nenabled = no|[1st] a jail's name begins with a letter and has at most 32 letters, digits, "-" and "_".
[Definition]\nfailregex = x|[definition] the section of a file of fail2ban's: filters lie in filters/, and banjo.filter(5) explains them.
[Init]\nx = y|[init] the section of a file of fail2ban's: banjo has no actions to set up.
[INCLUDES]\nbefore = y|[includes] the section of a file of fail2ban's: all files of conf.d/ are read by themselves.
[banj]\nfirewall = log|[banj] unknown section; did you mean [banjo]?
[somewhere]\nmaxretry = 3|[somewhere] unknown section: a jail is made by enabled = yes and a filter.
[bad]\nfilter = a|[bad] ports: missing: which ports are closed for whom this jail bans?
[bad]\nports = 22\nfilter = ab|[bad] filter: there is no filter "ab": no filters/ab.conf in the configuration; did you mean a?
[bad]\nports = 22\nfilter = something|[bad] filter: there is no filter "something": no filters/something.conf in the configuration.
x = y|"x" stands in front of the first [section].
END
        mkdir config/conf.d/x.conf
        verify
        [ "$status" -eq 1 ]
        [ "$output" = 'error: config/conf.d/x.conf: not a regular file.' ]
}

@test "too much" {
        for i in {1..257}; do printf '[j%i]\nfilter = a\nports = 22\n' "$i"; done >config/conf.d/x.conf
        verify
        [ "$output" = 'error: config/conf.d/x.conf: [j256] there are more than 256 jails.
error: config/conf.d/x.conf: [j257] there are more than 256 jails.' ]

        for i in {1..1024}; do printf '[1%i]\n' "$i"; done >config/conf.d/x.conf
        verify
        [[ "$output" == 'error: config/conf.d/x.conf: [11024] not read: there are more than 1024 sections.'* ]]
        rm config/conf.d/x.conf

        for i in {1..1024}; do : >"config/conf.d/e$i.conf"; done
        verify
        [ "$output" = 'error: config/conf.d/e999.conf: not read: there are more than 1024 files.' ]
        rm config/conf.d/e*.conf

        { printf '[x]\n' && for i in {1..16384}; do echo "k$i = 1"; done; } >config/conf.d/x.conf
        verify --json
        [ "$(jq -r '.[] | select(.text | startswith("not read")) | .key + " " + .text' <<<"$output")" = \
                'k16384 not read: there are more than 16384 settings.' ]
}

@test "filters: keys and sections" {
        while IFS='|' read -r content text; do
                filter "$(printf '%b' "$content")"$'\n' "$text"
        done <<'END'
[filter]\nunits = a.service\nsesion = _PID\n[fail]\nx = '<ADDR>'|[filter] sesion: unknown key; did you mean session?
[filter]\nunits = a.service\ntext = all\n[fail]\nx = '<ADDR>'|[filter] text: "all" should be message or line.
[filter]\nunits = a.service\nclear = all\n[fail]\nx = '<ADDR>'|[filter] clear: "all" should be session or address.
[filter]\nunits = a.service\nspoofable = all\n[fail]\nx = '<ADDR>'|[filter] spoofable: "all" should be yes or no.
[filter]\nunits = a\n[fail]\nx = '<ADDR>'|[filter] units: "a" should be names of units like ssh.service or ssh@.service.
[filter]\nunits = a.service\n[fial]\nx = '<ADDR>'\n[fail]\nx = '<ADDR>'|[fial] unknown section; did you mean [fail]?
[filter]\nunits = a.service\n[fail]\nx =|[fail] x: the pattern is empty.
[filter]\nunits = a.service\n[fail]\nx = '<ADR>'|[fail] x: <ADR> is not a part; did you mean <ADDR>?
[filter]\nunits = a.service\n[define]\ny = '<y>'\n[fail]\nx = '<y> <ADDR>'|[fail] x: <y> contains itself.
[filter]\nunits = a.service|the filter has no pattern in [fail] or [once], so it can recognise nothing.
END
}

@test "filters: patterns that do not compile are marked" {
        pattern "$FILTER"$'[define]\np = \'<ADDR> x\'\n[fail]\nx = \'wrong (from <p>\'\n' \
                "error: config/filters/bad.conf: [fail] x: the pattern does not compile: missing closing parenthesis (at byte 15).
    wrong (from <p>
                   ^"
        pattern "$FILTER"$'[fail]\nx = \'b\xc3\xa4d )from <ADDR>\'\n' \
                "error: config/filters/bad.conf: [fail] x: the pattern does not compile: unmatched closing parenthesis (at byte 5).
    b$(printf '\xc3\xa4')d )from <ADDR>
        ^"
        printf '%s' "$FILTER"$'[fail]\nx = \'(<ADDR>\'\n' >config/filters/bad.conf
        printf '[bad]\nports = 22\n' >config/conf.d/x.conf
        verify --json
        [ "$(jq -c '.[0] | [.severity, .file, .section, .key, .pattern, .offset]' <<<"$output")" = \
                '["error","config/filters/bad.conf","fail","x","(<ADDR>",7]' ]
}

@test "filters: patterns without an address, or with two" {
        pattern "$FILTER"$'[fail]\nx = \'wrong\'\n' \
                'error: config/filters/bad.conf: [fail] x: the pattern has no <ADDR>, and the filter has no session to take an address from.'
        pattern "$FILTER"$'session = capture\n[fail]\nx = \'wrong\'\n[context]\ny = \'<SESSION>: <ADDR>\'\n' \
                'error: config/filters/bad.conf: [fail] x: the pattern has no <ADDR>, and no <SESSION> to take an address from.'
        printf '%s' "$FILTER"$'[fail]\nx = \'wrong\'\ny = \'(<ADDR>\'\n' >config/filters/bad.conf
        printf '[bad]\nports = 22\n' >config/conf.d/x.conf
        verify
        [[ "$output" == *'[fail] x: the pattern has no'*'[fail] y: the pattern does not compile'* ]]
}

@test "filters: patterns that a user name could satisfy" {
        printf '%s' "$FILTER"$'[fail]\nx = \'.* from <ADDR>: .*\'\n' >config/filters/bad.conf
        printf '[bad]\nports = 22\n' >config/conf.d/x.conf
        verify
        [ "$status" -eq 1 ]
        [[ "$output" == 'warning: config/filters/bad.conf: [fail] x: whoever chooses his own text can have others banned: of "'*'203.0.113.9'*'" it takes an address that the peer wrote.' ]]
        verify --quiet
        [ "$status" -eq 1 ]
        [ -z "$output" ]
}

@test "filters: without a jail, or a name that no jail can say" {
        wrong filters/b.conf "$FILTER"$'[fail]\nx = \'wrong from <ADDR>\'\n' \
                'warning: config/filters/b.conf: no jail uses this filter.'
        wrong filters/B.conf "$FILTER"$'[fail]\nx = \'wrong from <ADDR>\'\n' \
                'error: config/filters/B.conf: no jail can name this filter: names begin with a letter and have at most 32 lower-case letters, digits, "-" and "_".'
}

@test "network devices that this host does not have" {
        wrong conf.d/x.conf $'[banjo]\nhook = ingress\ndevices = lo, nosuch0\n' \
                'warning: config/conf.d/x.conf: [banjo] devices: this host has no network device nosuch0.'
}

@test "units that this host does not have" {
        printf '[a]\nenabled = yes\nports = 22\n' >config/conf.d/a.conf
        : >empty.journal
        verify --journal=/nowhere
        [ "$output" = 'warning: config/conf.d/a.conf: [a] units: this host has none of the units of the filter "a": a.service.' ]

        here=$(find /usr/lib/systemd/system /lib/systemd/system -name '*[a-z].service' -printf '%f\n' 2>/dev/null | head -n 1)
        template=$(find /usr/lib/systemd/system /lib/systemd/system -name '*@.service' -printf '%f\n' 2>/dev/null | head -n 1)
        [ -n "$here" ] && [ -n "$template" ] || skip 'there are no units here'
        printf '[a]\nenabled = yes\nports = 22\nunits = %s nosuch-x.service %s %sx.service nosuch-*.service\n' \
                "$here" "$template" "${template%.service}" >config/conf.d/a.conf
        verify --journal=/nowhere
        [ "$output" = 'warning: config/conf.d/a.conf: [a] units: this host has no unit nosuch-x.service.
warning: config/conf.d/a.conf: [a] units: this host has no unit nosuch-*.service.' ]

        printf '[filter]\nunits = %s nosuch-x.service\n[fail]\nhit = "wrong from <ADDR>"\n' "$here" >config/filters/a.conf
        printf '[a]\nenabled = yes\nports = 22\n' >config/conf.d/a.conf
        verify --journal=/nowhere
        [ "$status" -eq 0 ]
}

@test "jails that nothing logs to" {
        [ -x /usr/lib/systemd/systemd-journal-remote ] || skip "systemd-journal-remote is not installed"
        printf '__REALTIME_TIMESTAMP=1700000000000000\n__MONOTONIC_TIMESTAMP=1\n_BOOT_ID=%s\n%s\n%s\n\n' \
                11111111111111111111111111111111 MESSAGE=x _SYSTEMD_UNIT=b.service |
                /usr/lib/systemd/systemd-journal-remote --output=x.journal - 2>/dev/null
        printf '[a]\nenabled = yes\nports = 22\njournal = _SYSTEMD_UNIT=a.service\n[b]\nfilter = a\nenabled = yes\nports = 22\njournal = _SYSTEMD_UNIT=b.service\n' \
                >config/conf.d/a.conf
        verify --journal=x.journal
        [ "$status" -eq 1 ]
        [ "$output" = 'warning: config/conf.d/a.conf: [a] nothing in the journal is for this jail: nothing logs that it reads; see banctl show a.' ]

        # One that counts bans reads nothing.
        printf '[a]\nenabled = no\n[again]\nenabled = yes\nsource = bans\nports = any\n' >config/conf.d/b.conf
        verify --journal=x.journal
        [ "$status" -eq 0 ]
        [ -z "$output" ]
}

@test "jails that count bans" {
        local key

        for key in filter=a groups=x weight=hit:2 units=a.service journal=_UID=0 namespace=web; do
                wrong conf.d/x.conf $'[bad]\nsource = bans\nports = 22\n'"$key"$'\n' \
                        "error: config/conf.d/x.conf: [bad] ${key%%=*}: a jail with source = bans reads no journal, so it cannot have this."
        done
        wrong conf.d/x.conf $'[bad]\nsource = bans\nports = auto\n' \
                'error: config/conf.d/x.conf: [bad] ports: the jail "bad" has source = bans, so it has no units that could listen anywhere.'
        wrong conf.d/x.conf $'[bad]\nenabled = yes\nsource = bans\nports = any\n' \
                'error: config/conf.d/x.conf: [bad] source: no jail is enabled whose bans could be counted.'
        jail 'source = ban' 'source: "ban" is wrong, it should be journal or bans.'
}

@test "the directory is DIR, --config-dir or where configurations are" {
        run "$BANCTL" verify nowhere
        [ "$status" -eq 1 ]
        [[ "$output" == *'There is no configuration: no banjo.conf and no conf.d/*.conf in nowhere.'* ]]
        run "$BANCTL" verify --config-dir=config
        [ "$status" -eq 0 ]
}

@test "a terminal gets a summary" {
        printf '[a]\nports = 22\nmaxretry = x\n[b]\nfilter = a\nports = 22\n' >config/conf.d/a.conf
        run script -qec "$BANCTL verify config" /dev/null
        echo "$output"
        [[ "$output" == *'2 jails, 1 filter, 1 error, 0 warnings'* ]]
}
