"""The users of the node agents for `nats.conf`: one a node, so that no node can speak for another.

    python deploy/nats/nodes.py --into /etc/nats --server nats-1:4222 h100-train-000 h100-train-001

writes `nodes.conf`, which `nats.conf` includes, and `agents/NODE.url`, to be brought to each node, where
AIDC_NATS_URL_FILE names it. Passwords that are there are kept, so a node is added by naming all of them again, and a
node that is no longer named is let in no more. nats-server rereads its configuration on SIGHUP.
"""

import argparse
import os
import re
import secrets
import sys
from pathlib import Path

PASSWORD_BYTES = 24
NODE = re.compile("[A-Za-z0-9_-]{1,58}")
"""A node's id stands in a subject and in the name of its user."""
HEAD = "# Written by nodes.py: one user a node. Passwords: keep it from everybody but nats-server.\n"
USER = """\
  {{ user: {user}, password: "{password}", permissions: {{
      publish: [ "aidc.{centre}.use.{node}" ], subscribe: [ "_INBOX.{user}.>" ] }} }}
"""


def main() -> int:
    """Write the files; give the exit status."""
    told = _arguments()
    odd = [node for node in told.nodes if not NODE.fullmatch(node)]
    if odd:
        print(f"no name of a node, which has letters, digits, - and _ alone: {', '.join(odd)}", file=sys.stderr)
        return 1
    agents = told.into / "agents"
    agents.mkdir(parents=True, exist_ok=True, mode=0o700)
    users = []
    for node in sorted(set(told.nodes)):
        path, user = agents / f"{node}.url", f"agent-{node}"
        password = _password_in(path) or secrets.token_hex(PASSWORD_BYTES)
        servers = ",".join(f"tls://{user}:{password}@{server}" for server in told.server)
        _write(path, f"{servers}\n")
        users.append(USER.format(user=user, password=password, centre=told.centre, node=node))
    for path in agents.glob("*.url"):
        if path.stem not in told.nodes:
            path.unlink()
    _write(told.into / "nodes.conf", f"{HEAD}users: [\n{''.join(users)}]\n")
    print(f"{len(users)} nodes in {told.into / 'nodes.conf'}; their addresses in {agents}")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Write the users of the node agents for nats.conf.")
    parser.add_argument("nodes", nargs="+", metavar="NODE", help="ids of nodes, as in the catalogue")
    parser.add_argument("--into", type=Path, required=True, metavar="DIR", help="where nats.conf is")
    parser.add_argument("--centre", default="mudeung-ai", help="the centre's id")
    parser.add_argument("--server", action="append", required=True, metavar="HOST:PORT", help="where agents connect")
    return parser.parse_args()


def _password_in(path: Path) -> str:
    """The password of an address that was written before; empty if there is none."""
    try:
        return path.read_text(encoding="utf-8").partition("@")[0].rpartition(":")[2]
    except FileNotFoundError:
        return ""


def _write(path: Path, text: str) -> None:
    """Replace a file at once by one that its owner alone can read."""
    new = path.with_suffix(f"{path.suffix}.new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    new.replace(path)


if __name__ == "__main__":
    sys.exit(main())
