#!/usr/bin/env python3
"""Derives the data set from Debian's package index of this machine (`apt-get update` first).

A package that depends on others is a user, what it depends on are its items. Kept are the items
with at least 20 users and the users with at least 3 items, until both hold. Writes, beside this
script:

    items.txt            a package's name per line; its id is the line's number, from 1
    interactions.txt.gz  a user per line: the ids of its items, ascending
"""

import collections
import gzip
import pathlib
import re
import subprocess

LEAST_USERS, LEAST_ITEMS = 20, 3
INDEX = "deb.debian.org_debian_dists_bookworm_main_binary-amd64_Packages"


def index():
    """The text of the package index, however apt keeps it."""
    file = next(pathlib.Path("/var/lib/apt/lists").glob(INDEX + "*"))
    command = ["/usr/lib/apt/apt-helper", "cat-file", str(file)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.decode()


def dependencies(stanza):
    """The package that a stanza is of, and the names that it depends on, alternatives included."""
    fields = dict(re.findall(r"^(Package|Pre-Depends|Depends): (.*)$", stanza, re.M))
    lists = ",".join(fields.get(name, "") for name in ("Pre-Depends", "Depends"))
    return fields.get("Package"), set(re.findall(r"(?:^|[,|])\s*([a-z0-9][a-z0-9.+-]+)", lists))


def core(users):
    """The users and items that have enough of each other."""
    while True:
        counts = collections.Counter(item for items in users.values() for item in items)
        items = {item for item, count in counts.items() if count >= LEAST_USERS}
        kept = {user: found & items for user, found in users.items()}
        kept = {user: found for user, found in kept.items() if len(found) >= LEAST_ITEMS}
        if kept == users:
            return kept, sorted(items)
        users = kept


def main():
    users, items = core(dict(dependencies(stanza) for stanza in index().split("\n\n") if stanza))
    ids = {name: number for number, name in enumerate(items, 1)}
    lines = [" ".join(map(str, sorted(ids[item] for item in users[user]))) for user in sorted(users)]
    here = pathlib.Path(__file__).parent
    (here / "items.txt").write_text("".join(f"{name}\n" for name in items))
    text = "".join(f"{line}\n" for line in lines).encode()
    # No time in the header: the same index gives the same file.
    (here / "interactions.txt.gz").write_bytes(gzip.compress(text, 9, mtime=0))
    total = sum(map(len, users.values()))
    print(f"{len(users)} users, {len(items)} items, {total} interactions")


if __name__ == "__main__":
    main()
