#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Finishes the root of the test containers: runs once inside it, after the packages are installed
# and the files of root/ are laid over it. tools/container hashes this file with the list of
# packages, so that a change here makes a new root.
set -eu

# A user with a shell for ssh, and one with a mailbox for SMTP AUTH.
for user in alice bob; do
        useradd --create-home --shell /bin/bash "$user"
done
printf '%s\n' root:sesame-root alice:sesame-alice bob:sesame-bob | chpasswd

# OpenSSH 9.8 and later shut repeat offenders out themselves, which is not what is to be seen here.
mkdir -p /run/sshd
if sshd -t -o PerSourcePenalties=no 2>/dev/null; then
        echo 'PerSourcePenalties no' >/etc/ssh/sshd_config.d/10-tests-penalties.conf
fi

# Wrong passwords are answered at once, not after two seconds.
sed -i '/pam_unix\.so/s/$/ nodelay/' /etc/pam.d/common-auth

# dovecot's socket for postfix lies in a directory that postfix makes at its first start.
install -d -m 700 -o postfix -g root /var/spool/postfix/private

# Ports 587 and 465 of postfix.
postconf -M submission/inet='submission inet n - y - - smtpd'
postconf -P submission/inet/syslog_name=postfix/submission \
        submission/inet/smtpd_tls_security_level=encrypt
postconf -M submissions/inet='submissions inet n - y - - smtpd'
postconf -P submissions/inet/syslog_name=postfix/submissions \
        submissions/inet/smtpd_tls_wrappermode=yes

# One name and password for both web servers, and something to protect with it. Apache has a port of
# its own, so that both can run.
htpasswd -bc /etc/web-users alice sesame-alice
mkdir -p /var/www/html/private
echo welcome | tee /var/www/html/index.html >/var/www/html/private/index.html
rm -f /etc/nginx/sites-enabled/default
echo 'Listen 8080' >/etc/apache2/ports.conf

# A journal that survives a reboot, and no machine yet.
mkdir -p /var/log/journal
chgrp systemd-journal /var/log/journal
chmod 2755 /var/log/journal
: >/etc/machine-id
rm -f /var/lib/dbus/machine-id

# The tests start the servers they attack. What else a freshly installed Debian does by itself
# has no place in a container that lives for seconds.
systemctl disable ssh.service ssh.socket postfix.service dovecot.service dovecot.socket \
        vsftpd.service postgresql.service slapd.service nginx.service apache2.service \
        systemd-resolved.service firewalld.service dbus-broker.service 2>/dev/null
systemctl mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \
        e2scrub_reap.service fstrim.timer man-db.timer systemd-firstboot.service \
        systemd-journal-remote.socket console-getty.service 2>/dev/null
