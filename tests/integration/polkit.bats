#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Who may do what on the message bus, with polkit and without it.

load lib

setup_file() {
        boot ssh.service
        add_carol
        # Somebody in the daemon's own group.
        inside useradd --create-home --shell /bin/bash --groups banjo dave
}

teardown_file() {
        shut_down
}

setup() {
        fresh
}

# may USER METHOD [SIGNATURE ARGUMENT...]
may() {
        run -0 call_as "$@"
}

may_not() {
        run call_as "$@"
        ((status != 0))
        [[ $output == *[Aa]'ccess denied'* || $output == *'nteractive authentication required'* ||
                $output == *polkit* || $output == *password* ]]
}

# Everything that takes a right, as USER is WHO: may or may_not.
everything() {
        "$2" "$1" Ban ssts sshd 198.51.100.66 0 x
        "$2" "$1" BanWithFlags sstst sshd 198.51.100.66 0 x 1
        "$2" "$1" BanMany sastst sshd 1 198.51.100.66 0 x 0
        "$2" "$1" Unban ss sshd 198.51.100.66
        "$2" "$1" UnbanMany sas sshd 1 198.51.100.66
        "$2" "$1" UnbanAll s sshd
        "$2" "$1" Forget s 198.51.100.66
        "$2" "$1" Allow sts 198.51.100.67 60000000 x
        "$2" "$1" Disallow s 198.51.100.67
        "$2" "$1" Flush
        "$2" "$1" Reload
}

looking() {
        "$2" "$1" ListBans stu '' 0 0
        "$2" "$1" ListLeaks stu '' 0 0
        "$2" "$1" History sstttu '' '' 0 0 0 0
        "$2" "$1" Why s 198.51.100.66
        "$2" "$1" Statistics ttt 0 3600000000 3600000000
        "$2" "$1" Lookup s 198.51.100.66
        "$2" "$1" DumpBans
        "$2" "$1" ListAllowed
        "$2" "$1" Subscribe
}

log_has() {
        inside sh -c 'journalctl --sync; journalctl -q -u banjod.service -o cat | grep -qE "$0"' "$1"
}

@test "polkit knows the actions, and whose they are" {
        for action in inspect ban unban reload manage; do
                run -0 inside pkaction --verbose --action-id "org.banjo1.$action"
                [[ $output == *unix-user:banjo* && $output == *message:*Authentication* ]]
        done
        [[ $(inside pkaction --verbose --action-id org.banjo1.ban) == *any:*auth_admin_keep* ]]
}

@test "an ordinary user may look and change nothing, nor may one of the daemon's own group" {
        inside banctl ban sshd 198.51.100.66
        for user in alice dave; do
                looking $user may
                everything $user may_not
                may $user ListJails
        done
        is_banned sshd 198.51.100.66
        eventually log_has 'User [0-9]+ was refused org.banjo1.ban: '
}

@test "root and administrators may do everything" {
        for user in root carol; do
                looking $user may
                everything $user may
        done
        call_as carol Ban ssts sshd 198.51.100.66 0 x
        is_banned sshd 198.51.100.66
}

@test "the journal says whose command it was" {
        call_as carol Ban ssts sshd 198.51.100.66 0 x
        inside banctl unban 198.51.100.66
        wrong_passwords 198.51.100.66 5
        eventually is_banned sshd 198.51.100.66
        call_as carol Flush
        says() {
                inside sh -c 'journalctl --sync
                        journalctl -q -u banjod.service -n 4 -o json BANJO_ADDRESS=198.51.100.66' |
                        jq -se --arg carol "$(inside id -u carol)" 'map(.BANJO_UID) == [$carol, "0", null, $carol]'
        }
        eventually says
}

@test "a rule of the administrator's own goes first" {
        write /etc/polkit-1/rules.d/10-test.rules <<'EOT'
polkit.addRule(function (action, subject) {
        if (action.id == "org.banjo1.inspect" && subject.user == "alice")
                return polkit.Result.NO;
        if (action.id == "org.banjo1.unban" && subject.user == "alice")
                return polkit.Result.YES;
});
EOT
        inside systemctl restart polkit.service
        inside banctl ban sshd 198.51.100.66
        may_not alice ListBans stu '' 0 0
        may_not alice Ban ssts sshd 198.51.100.67 0 x
        may alice Unban ss sshd 198.51.100.66
        [[ $output == 'u 1' ]]
        inside rm /etc/polkit-1/rules.d/10-test.rules
        inside systemctl restart polkit.service
}

# Bans as alice, with an agent that asks for a password.
ask_for_password() {
        write /run/with-agent <<'EOT'
mkfifo /run/agent-$$
pkttyagent --process $$ --notify-fd 3 3>/run/agent-$$ &
cat /run/agent-$$
exec busctl --timeout=60 --allow-interactive-authorization=yes call \
        org.banjo1 /org/banjo1 org.banjo1.Manager Ban ssts sshd 198.51.100.66 0 'by alice'
EOT
        alice_types 'sh /run/with-agent'
}

@test "whoever knows an administrator's password may, and the daemon goes on meanwhile" {
        ask_for_password
        is_not_banned sshd 198.51.100.66
        inside banctl ban sshd 198.51.100.67
        type_password sesame-carol
        [[ $(asked) == 0 ]]
        is_banned sshd 198.51.100.66
        manager ListBans stu '' 0 0 | jq -e '.data[0] | any(.[8] == "by alice")'
}

@test "a wrong password bans nobody" {
        ask_for_password
        type_password wrong
        [[ $(asked) != 0 ]]
        is_not_banned sshd 198.51.100.66
}

# The calls that wait for polkit, of those that were begun. All begin before the first is not waited
# for any more.
begin_calls() {
        inside runuser -u alice -- sh -s -- "$1" <<'EOT'
n=$1
while [ "$n" -gt 0 ]; do
        busctl --timeout=60 call org.banjo1 /org/banjo1 org.banjo1.Manager \
                Unban ss sshd 198.51.100.66 >/dev/null 2>>/run/refused &
        n=$((n - 1))
done
EOT
}

@test "a polkit that hangs holds up nobody but who waits for it, and not many of those" {
        inside systemctl start polkit.service
        inside systemctl kill --signal=STOP polkit.service
        inside sh -c ': >/run/refused; chmod 666 /run/refused'
        begin_calls 20
        eventually inside sh -c '[ "$(grep -c "Too many calls" /run/refused)" = 4 ]'

        # Root is served, and attackers are banned.
        inside banctl ban sshd 198.51.100.66
        wrong_passwords 198.51.100.67 5
        eventually is_banned sshd 198.51.100.67
        inside banctl list

        # Who is gone makes room.
        inside pkill -u alice busctl
        eventually inside sh -c '! pgrep -u alice busctl'
        inside sh -c ': >/run/refused'
        begin_calls 3
        inside systemctl kill --signal=CONT polkit.service
        eventually inside sh -c '[ "$(grep -ciE "denied|polkit|password" /run/refused)" = 3 ]'
        is_banned sshd 198.51.100.66
}

@test "without polkit only root may, and everybody still sees the state" {
        inside sh -s <<'EOT'
mv /usr/share/dbus-1/system-services/org.freedesktop.PolicyKit1.service /run/
systemctl stop polkit.service
systemctl reload dbus.service
EOT
        for user in alice carol; do
                everything $user may_not
                looking $user may_not
                may $user ListJails
                run -0 inside runuser -u $user -- busctl get-property org.banjo1 /org/banjo1 \
                        org.banjo1.Manager RunningBans
        done
        looking root may
        everything root may
        eventually log_has 'Without polkit only root may do this'
        inside mv /run/org.freedesktop.PolicyKit1.service /usr/share/dbus-1/system-services/
        inside systemctl reload dbus.service
}

@test "a polkit that cannot start is a no" {
        inside systemctl mask --runtime --now polkit.service
        may_not carol Ban ssts sshd 198.51.100.66 0 x
        may root Ban ssts sshd 198.51.100.66 0 x
        inside systemctl unmask --runtime polkit.service
        may carol Unban ss sshd 198.51.100.66
}
