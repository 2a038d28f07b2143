#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Entries that are not what they say.

load lib

setup_file() {
        boot ssh.service
}

teardown_file() {
        shut_down
}

setup() {
        fresh_with <<'EOT'
[sshd]
maxretry = 2
EOT
}

victim=203.0.113.77
line="Failed password for root from $victim port 1 ssh2"

# Nobody is banned, although banjod has read all there is. And with an honest entry it would be.
nobody_is_banned() {
        caught_up
        bans
        [[ -z $(bans) ]]
        is_not_banned sshd $victim
        (($(property Failures) == ${1:-1}))

        inside logger -t sshd "$line"
        inside logger -t sshd "$line"
        eventually is_banned sshd $victim
}

@test "an unprivileged user with logger -t sshd bans nobody" {
        local identifier

        for identifier in sshd sshd-session sshd-auth; do
                inside runuser -u alice -- logger -t "$identifier" "$line"
                inside runuser -u alice -- logger -t "$identifier" -p auth.info --id=1 "$line"
                inside runuser -u alice -- systemd-cat -t "$identifier" echo "$line"
        done
        # The very words.
        for _ in 1 2 3; do
                inside runuser -u alice -- logger -t sshd 'Failed password for root from 192.0.2.1 port 1 ssh2'
        done
        eventually inside sh -c 'journalctl -q -t sshd _UID=1000 | grep -q "Failed password"'
        nobody_is_banned
}

@test "an unprivileged program called sshd bans nobody" {
        inside sh -c 'cp /usr/bin/logger /home/alice/sshd'
        for _ in 1 2 3; do
                inside runuser -u alice -- /home/alice/sshd -t sshd "$line"
        done
        nobody_is_banned
}

@test "a user's process inside sshd's own unit bans nobody" {
        # As the shells of users do who log in without pam_systemd.
        inside sh -s -- "$line" <<'EOT'
set -e
cd "/sys/fs/cgroup$(systemctl show -P ControlGroup ssh.service)"
echo $$ >cgroup.procs
# It stays until journald has looked at it.
runuser -u alice -- perl -MSys::Syslog=:standard,:macros -e '
        openlog("sshd", "pid", LOG_AUTH);
        syslog(LOG_INFO, "%s", $ARGV[0]) for 1 .. 4;
        sleep;' "$1" >/dev/null 2>&1 &
echo $! >/run/inside.pid
EOT
        # It was really in there.
        eventually inside sh -c 'journalctl -q _SYSTEMD_UNIT=ssh.service _UID=1000 | grep -q "Failed password"'
        inside sh -c 'kill $(cat /run/inside.pid)'
        nobody_is_banned
}

@test "what a user's own sshd process says counts for nothing" {
        # After a login part of sshd runs as the user, in his session.
        attacker sshpass -p sesame-alice ssh "${ssh_options[@]}" -b 198.51.100.67 alice@192.0.2.1 \
                logger -t sshd "'$line'" "';'" logger -t sshd "'$line'" "';'" logger -t sshd "'$line'"
        nobody_is_banned
}

@test "a message with banjo's own MESSAGE_ID bans nobody" {
        local user

        for user in alice root; do
                inside runuser -u $user -- logger --journald <<EOT
MESSAGE=Banned $victim in jail sshd for 1h (5 failures, the last one "password").
MESSAGE_ID=a177b87d71174984b96c434c71d4d024
PRIORITY=5
SYSLOG_IDENTIFIER=banjod
BANJO_JAIL=sshd
BANJO_ADDRESS=$victim
BANJO_FAILURES=5
BANJO_PATTERN=password
EOT
        done
        eventually inside sh -c 'journalctl -q MESSAGE_ID=a177b87d71174984b96c434c71d4d024 | grep -q Banned'
        caught_up
        [[ -z $(bans) ]]
        inside systemctl restart banjod.service
        nobody_is_banned 1
}

@test "a user's entry in journald's own protocol with every trusted-looking field bans nobody" {
        for _ in 1 2 3; do
                # Fields that begin with an underscore are thrown away by journald.
                inside runuser -u alice -- logger --journald <<EOT
MESSAGE=$line
SYSLOG_IDENTIFIER=sshd
_UID=0
_COMM=sshd
_SYSTEMD_UNIT=ssh.service
UNIT=ssh.service
OBJECT_SYSTEMD_UNIT=ssh.service
COREDUMP_UNIT=ssh.service
EOT
        done
        eventually inside sh -c 'journalctl -q _UID=1000 -t sshd | grep -q "Failed password"'
        nobody_is_banned
}

# Writes an entry of another machine in Journal Export Format, SECONDS ago.
foreign_entry() {
        local now

        now=$(date +%s%6N)
        cat <<EOT
__REALTIME_TIMESTAMP=$((now - $1 * 1000000))
__MONOTONIC_TIMESTAMP=$((1000000 * (100 - $1)))
_BOOT_ID=00112233445566778899aabbccddeeff
_MACHINE_ID=ffeeddccbbaa99887766554433221100
_HOSTNAME=elsewhere
_TRANSPORT=syslog
_UID=0
_GID=0
_COMM=sshd
_SYSTEMD_UNIT=ssh.service
SYSLOG_IDENTIFIER=sshd
PRIORITY=6
MESSAGE=$line

EOT
}

@test "a journal directory of another machine bans nobody" {
        local other=/var/log/journal/ffeeddccbbaa99887766554433221100

        # While banjod runs.
        { foreign_entry 9; foreign_entry 8; foreign_entry 7; } | write /run/foreign.export
        inside sh -c "mkdir -p $other && PATH=\$PATH:/lib/systemd:/usr/lib/systemd
                systemd-journal-remote -o $other/system.journal /run/foreign.export"
        # It would be read by whoever reads all machines.
        [[ $(inside journalctl -q -m _UID=0 _SYSTEMD_UNIT=ssh.service -g 'Failed password' -o json | grep -c elsewhere) == 3 ]]
        caught_up
        [[ -z $(bans) ]]
        # And when it starts.
        inside systemctl restart banjod.service
        nobody_is_banned 1
        inside rm -r "$other"
}

@test "6,000 failures from short-lived processes of the unit are all counted" {
        local without

        fresh_with <<'EOT'
[sshd]
enabled = no

[flood]
enabled = yes
filter = sshd
units = flood.service
maxretry = 1
ports = 22
EOT
        # 6,000 processes that say one line each and are gone, of as many /64s.
        write /usr/local/sbin/flood <<'EOT'
#!/usr/bin/perl
use strict;
use warnings;
use POSIX;
use Socket;

for my $n (1 .. 6000) {
        my $pid = fork // die;
        if (!$pid) {
                socket(my $log, AF_UNIX, SOCK_DGRAM, 0) or die;
                connect($log, pack_sockaddr_un('/dev/log')) or die;
                syswrite($log, "<86>sshd[$$]: Failed password for root from 2001:db8:f:$n\::1 port 1 ssh2") or die;
                POSIX::_exit(0);
        }
        waitpid($pid, 0);
        die if $?;
}
EOT
        inside chmod +x /usr/local/sbin/flood
        write /run/systemd/system/flood.service <<'EOT'
[Service]
Type=oneshot
ExecStart=/usr/local/sbin/flood
EOT
        inside systemctl daemon-reload
        inside systemctl start flood.service
        eventually failures_are 6000
        eventually bans_are 6000
        [[ $(inside nft -j list set inet banjo flood-v6-64 | jq '[.nftables[].set? | select(.) | .elem[]] | length') == 6000 ]]

        without=$(inside journalctl -q -o json -t sshd -g '2001:db8:f:' | grep -vc _SYSTEMD_UNIT) || true
        echo "$without of 6000 had lost their unit"
}

bans_are() {
        (($(property Bans) == $1))
}
