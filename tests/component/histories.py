# SPDX-License-Identifier: GPL-2.0-or-later
"""Random histories: journals of many kinds, the configurations they are read with, and what banjod
makes of them. For check-restart and check-kill."""

import collections
import multiprocessing
import os
import shutil
import sqlite3
import subprocess

REMOTE = next(p for p in ("/usr/lib/systemd/systemd-journal-remote",
                          "/lib/systemd/systemd-journal-remote") if os.path.exists(p))

CONFIG = """
[sshd]
enabled = yes
filter = sshd
ports = 22
maxretry = {maxretry}
findtime = {findtime}
bantime = {bantime}
"""


def settings(rng):
    return {"maxretry": rng.randint(1, 6), "findtime": rng.randint(10, 900),
            "bantime": rng.choice([-1, 100, 1000, 100000])}


# Bans that grow, by two jails of the same entries.
GROWTH = """
[sshd]
enabled = yes
filter = sshd
ports = 22
maxretry = {maxretry}
findtime = {findtime}
bantime = {bantime}
bantime_growth = {growth}
bantime_max = {maximum}
bantime_jitter = {jitter}
memory = {memory}
memory_scope = {scope}
permanent_after = {after}

[again]
enabled = yes
filter = sshd
ports = 80
maxretry = 1{maxretry}
findtime = {findtime}
bantime_steps = 50 100 2000
memory = {memory}
memory_scope = {scope}
"""


def growth(rng):
    return {"maxretry": rng.randint(1, 3), "findtime": rng.randint(100, 900),
            "bantime": rng.choice([20, 50]), "growth": rng.choice([1, 1.5, 2, 10]),
            "maximum": rng.choice([-1, 300]), "jitter": rng.choice([0, 5]),
            "memory": rng.choice([100, 1000, "90d"]), "scope": rng.choice(["jail", "all"]),
            "after": rng.choice([0, 0, 3, 6])}


# A jail that counts their bans.
REPEATED = """
[repeated]
enabled = yes
source = bans
ports = any
maxretry = 3
findtime = 1000
bantime = 200
ipv6_prefix = 56
"""

# Networks that are banned, and users who are attacked from everywhere.
NETWORKS = CONFIG + """bantime_growth = {growth}
networks = 28:{small} 24:{large} 60:{small} 48:{large}
user_maxretry = {users}
user_weight = {weight}
"""


def networks(rng):
    """Bans that are over all together, or not at all: which ones go into that of a network depends on it."""
    small = rng.randint(3, 9)
    return {"maxretry": rng.randint(2, 6), "findtime": rng.randint(60, 600), "bantime": rng.choice([-1, 100000]),
            "growth": 1, "small": small, "large": small + rng.randint(0, 20), "users": rng.randint(0, 5),
            "weight": rng.randint(1, 4)}


def growing_networks(rng):
    return networks(rng) | {"bantime": rng.choice([-1, 30, 100, 1000]), "growth": rng.choice([1, 3])}


def sprays(rng):
    """Failures of many addresses of few networks, and of few users."""
    now = -random_span(rng)
    entries = []
    while now < 0:
        who = rng.choice(["192.0.2.%d" % rng.randint(1, 40),
                          "2001:db8:a:%x::%x" % (rng.randint(1, 30), rng.randint(1, 2))])
        pid = rng.randint(1, 30)
        entries.append((now, f"Failed password for {rng.choice('abcdefgh')} from {who} port {pid} ssh2", pid))
        now += rng.expovariate(1 / 8)
    return entries


# Logins that forgive, and failures that wait for their address.
LOGINS = """
[filter]
units = ssh.service
session = _PID
clear = address

[fail]
from = 'Failed password for <USER> from <ADDR> port <PORT> ssh2'
wait = 'Failed password for <USER>'

[clear]
accepted = 'Accepted password for <USER> from <ADDR> port <PORT> ssh2'

[once]
closed = 'Connection closed by <USER> <ADDR> port <PORT>'

[context]
unknown = 'Invalid user <USER> from <ADDR> port <PORT>'
"""


def logins(rng):
    """The same with few names, many logins, and connections that are one address each and last ten
    minutes at most, as banjod expects of them."""
    now = -random_span(rng)
    entries = []
    peers = []
    next_pid = 1
    while now < 0:
        peers = [peer for peer in peers if peer[2] > now - 600]
        if len(peers) < 3 or rng.random() < 0.2:
            peers.append((next_pid, "203.0.113.%d" % rng.randint(1, 3), now))
            next_pid += 1
        pid, who, _ = rng.choice(peers)
        name = rng.choice("ab")
        entries.append((now, rng.choice([
            f"Failed password for {name} from {who} port {pid} ssh2",
            f"Failed password for {name} from {who} port {pid} ssh2",
            f"Failed password for {name}",
            f"Invalid user {name} from {who} port {pid}",
            f"Connection closed by {name} {who} port {pid}",
            f"Accepted password for {name} from {who} port {pid} ssh2",
        ]), pid))
        now += rng.expovariate(1 / 15)
    return entries


# Clients of one process, whose connections begin and end; patterns that count more or nothing.
WORKERS = """
[filter]
units = ssh.service
session = capture
clear = address

[prefix]
line = 'conn=<SESSION> <CONTENT>'

[begin]
open = 'open <ADDR>'
closed = 'closed'

[fail]
wait = 'bad <USER>'
hard = 'very bad <USER>'
told = 'bad <USER> from <ADDR>'

[once]
end = 'gone <ADDR>'

[clear]
good = 'good <USER>'

[context]
peer = 'peer <ADDR>'
"""


def workers(rng):
    """The same with connections that come round, one of them this host's own, and so much besides that
    it is read in several pieces."""
    now = -random_span(rng)
    noise = rng.choice([0, 0, 8])
    entries = []
    peers = {}
    while now < 0:
        key = rng.randint(1, 6)
        who, since, told = peers.get(key, (None, 0, False))
        name = rng.choice("ab")
        if who is None or since < now - 600 or rng.random() < 0.1:
            who = rng.choice(["203.0.113.1", "203.0.113.2", "127.0.0.1"])
            told = rng.random() < 0.7
            peers[key] = (who, now, told)
            message = f"open {who}" if told else "closed"
        else:
            message = rng.choice([f"bad {name}", f"bad {name}", f"very bad {name}", f"bad {name} from {who}", f"gone {who}",
                                  f"good {name}", f"peer {who}"])
        entries.append((now, f"conn={key} {message}", 1))
        for _ in range(noise):
            now += rng.expovariate(1 / 2)
            entries.append((now, "Server listening on 0.0.0.0 port 22.", 2))
        now += rng.expovariate(1 / 10)
    return [entry for entry in entries if entry[0] < 0]


def failures(rng):
    """Entries of some attackers, as (time in seconds before now, message, pid)."""
    now = -random_span(rng)
    entries = []
    while now < 0:
        who = rng.choice(["192.0.2.%d" % rng.randint(1, 4), "2001:db8:a:%x::%x" % (rng.randint(1, 2), rng.randint(1, 9))])
        pid = rng.randint(1, 30)
        entries.append((now, rng.choice([
            f"Failed password for root from {who} port {pid} ssh2",
            f"Failed password for invalid user x from {who} port {pid} ssh2",
            f"Invalid user x from {who} port {pid}",
            f"Connection closed by invalid user x {who} port {pid} [preauth]",
            f"Accepted password for alice from {who} port {pid} ssh2",
        ]), pid))
        now += rng.expovariate(1 / 20)
    return entries


def random_span(rng):
    return rng.randint(600, 6000)


def windows(rng):
    """Failures told by three units, each of which is quiet at times."""
    quiet = {unit: rng.choice([0, 0, 0.7, 0.95]) for unit in ("ssh", "mail", "web")}
    return [(now, message, pid, unit) for now, message, pid in failures(rng)
            for unit in [rng.choice(list(quiet))] if rng.random() >= quiet[unit]]


def wrong_clocks(rng):
    """The clock is ahead now and then, by minutes, hours or years, and then some fail whom nobody sees at
    other times."""
    entries = []
    for now, message, pid, unit in windows(rng):
        if rng.random() < 0.1:
            ahead = rng.choice([300, 20000, 30000000])
            message = f"Failed password for root from 203.0.113.{ahead % 250} port {pid} ssh2"
            entries.append((now + ahead, message, pid + 100, unit))
        else:
            entries.append((now, message, pid, unit))
    return entries


# Jails that look back differently far, one of them at the entries of the others as well. The filter
# has no identifiers, by which entries of any unit would be read.
PASSWORDS = """
[filter]
units = ssh.service
session = _PID

[fail]
failed = 'Failed password for <USER> from <ADDR> port <PORT> ssh2'
invalid = 'Failed password for invalid user <USER> from <ADDR> port <PORT> ssh2'

[context]
unknown = 'Invalid user <USER> from <ADDR> port <PORT>'
"""

WINDOWS = """
[sshd]
enabled = yes
filter = sshd
ports = 22
units = ssh.service
maxretry = {maxretry}
findtime = {findtime}
bantime = {bantime}

[mail]
enabled = yes
filter = sshd
ports = 25
units = mail.service
maxretry = 3
findtime = {mail}
bantime = {bantime}

[all]
enabled = yes
filter = sshd
ports = 80
units = ssh.service mail.service web.service
maxretry = 5
findtime = {all}
bantime = {bantime}
"""


def several_settings(rng):
    return settings(rng) | {"mail": rng.choice([30, 300, 3000]), "all": rng.choice([20, 200, 2000])}


def count_grown(rows):
    """The bans that are longer than an earlier one of the same address by the same jail."""
    shortest = {}
    for jail, address, prefixlen, start, end, *_ in rows:
        key, length = (jail, address, prefixlen), end - start if end else float("inf")
        shortest[key] = min(shortest.get(key, length), length)
    return sum((end - start if end else float("inf")) > 1.4 * shortest[(jail, address, prefixlen)]
               for jail, address, prefixlen, start, end, *_ in rows)


def count_repeated(rows):
    return sum(row[0] == "repeated" for row in rows)


def count_networks(rows):
    return sum(row[2] not in (32, 56, 64) for row in rows)


class Kind(collections.namedtuple("Kind", "name entries settings config filter ahead count", defaults=[len])):
    """A kind of history: its entries, as (time in seconds before now, message, pid[, unit]), settings
    and the configuration that these are put into, and a filter other than sshd's own. With `ahead` all
    entries are of the time to come, so that no ban is over when it is decided. The bans that it is about
    are counted."""

    def write_config(self, directory, shipped, values):
        os.makedirs(f"{directory}/conf.d")
        shutil.copytree(f"{shipped}/filters", f"{directory}/filters")
        if self.filter:
            with open(f"{directory}/filters/sshd.conf", "w") as f:
                f.write(self.filter)
        with open(f"{directory}/conf.d/10-sshd.conf", "w") as f:
            f.write(self.config.format(**values))


PLAIN = Kind("plain", failures, settings, CONFIG, None, False)
KINDS = [PLAIN,
         Kind("logins", logins, settings, CONFIG, LOGINS, False),
         Kind("workers", workers, settings, CONFIG + "weight = hard:3 end:0\n", WORKERS, False),
         Kind("growing bans", failures, growth, GROWTH, None, True, count_grown),
         Kind("bans that are counted", failures, growth, GROWTH + REPEATED, None, True, count_repeated),
         Kind("networks", sprays, networks, NETWORKS, None, False, count_networks),
         Kind("growing networks", sprays, growing_networks, NETWORKS + REPEATED + "networks = 24:6 48:5\n", None, True,
              count_networks),
         Kind("windows", windows, several_settings, WINDOWS, PASSWORDS, False),
         Kind("wrong clocks", wrong_clocks, several_settings, WINDOWS, PASSWORDS, False)]

# So far ahead nothing is over before a test is.
AHEAD = 20000


def write_journal(path, entries, base):
    """The machine boots now and then."""
    entries = [entry if len(entry) == 4 else (*entry, "ssh") for entry in entries]
    os.makedirs(os.path.dirname(path), exist_ok=True)
    text = "".join(
        f"__REALTIME_TIMESTAMP={int((base + t) * 1e6)}\n__MONOTONIC_TIMESTAMP={1000 * (i % 50 + 1)}\n"
        f"_BOOT_ID={i // 50 + 1:032x}\n_UID=0\n"
        f"_SYSTEMD_UNIT={unit}.service\n_PID={pid}\nSYSLOG_IDENTIFIER={unit}d\nMESSAGE={message}\n\n"
        for i, (t, message, pid, unit) in enumerate(entries))
    if os.path.exists(path):
        os.unlink(path)
    subprocess.run([REMOTE, "--output", path, "-"], input=text.encode(), check=True,
                   stderr=subprocess.DEVNULL)


def command(banjod, config, state, journal=None, firewall="none"):
    return [banjod, "--config-dir", config, "--state-dir", state, f"--firewall={firewall}", "--once",
            "--log-level=err"] + (["--journal", journal] if journal else [])


def run(banjod, config, state, journal=None):
    subprocess.run(command(banjod, config, state, journal), check=True, stdout=subprocess.DEVNULL)


def query(state, sql):
    db = sqlite3.connect(f"file:{state}/banjo.db?mode=ro", uri=True)
    rows = db.execute(sql).fetchall()
    db.close()
    return rows


def is_within(row, net):
    """Whether a ban is of an address in a network that was banned by the same jail while it ran."""
    bits = 4 * len(net[1])
    return (row[0] == net[0] and len(row[1]) == len(net[1]) and row[2] > net[2]
            and int(row[1], 16) >> (bits - net[2]) == int(net[1], 16) >> (bits - net[2])
            and row[3] < net[3] and (row[4] is None or net[3] <= row[4]))


def bans(state):
    """All that were ever decided. Whether one is over may depend on when it was looked at; so one that may
    have gone into that of a network has no end."""
    columns = "jail, hex(address), prefixlen, start, end, failures, pattern"
    rows = query(state, f"SELECT {columns} FROM bans UNION ALL SELECT {columns} FROM ended")
    nets = [row for row in rows if row[2] not in (32, 64)]
    return sorted((row if not any(is_within(row, net) for net in nets) else (*row[:4], "in a network", *row[5:])
                   for row in rows), key=str)


def statistics(state):
    """What was counted by the hour. Names of users are hashed with a key of the state's own."""
    return (query(state, "SELECT * FROM hours ORDER BY hour, jail, pattern")
            + query(state, "SELECT hour, failures, bans FROM hours_users ORDER BY 1, 2, 3")
            + query(state, "SELECT hour, hex(address), prefixlen, failures, bans FROM hours_networks ORDER BY 1, 2, 3"))


def difference(in_one_go, other, how):
    return ("in one go\n" + "".join(f"  {row}\n" for row in in_one_go if row not in other)
            + f"{how}\n" + "".join(f"  {row}\n" for row in other if row not in in_one_go))


def in_parallel(function, arguments, initializer=None):
    # A daemon waits about half of its time: for the disk, and for the kernel.
    with multiprocessing.Pool(2 * os.cpu_count(), initializer) as pool:
        return pool.map(function, arguments, chunksize=1)


def report(results):
    """Prints (ok, name) as TAP. Returns what to exit with."""
    print(f"1..{len(results)}")
    for i, (ok, name) in enumerate(results, 1):
        print(("ok" if ok else "not ok") + f" {i} - {name}")
    return 0 if all(ok for ok, _ in results) else 1
