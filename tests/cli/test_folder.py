"""The data folder of a centre that runs here."""

import time
from pathlib import Path

from services.cli.up.folder import COMMITTEE, DataFolder
from services.cli.up.serve import TOKENS_RENEWED_SECONDS
from services.runtime.identity import Role, TokenVerifier


def test_tokens_outlive_the_time_until_they_are_renewed(tmp_path: Path) -> None:
    """Whoever reads `endpoints.json` finds tokens that are good until new ones stand there, and hours beyond."""
    with DataFolder(tmp_path / "data") as folder:
        keys, tokens, now = folder.public_keys(), folder.tokens(["CMP-0001"]), time.time()
        members = folder.committee_tokens()
    assert tokens.keys() == {"operator", "auditor", "CMP-0001"}
    for token in (*tokens.values(), *members.values()):
        TokenVerifier(keys).verify(token, now + 2 * TOKENS_RENEWED_SECONDS)


def test_the_committee_has_several_voices(tmp_path: Path) -> None:
    """Each member is an operator under a name of their own, so that each can vote once."""
    with DataFolder(tmp_path / "data") as folder:
        keys, tokens = folder.public_keys(), folder.committee_tokens()
    found = [TokenVerifier(keys).verify(token, time.time()) for token in tokens.values()]
    assert {identity.role for identity in found} == {Role.OPERATOR}
    assert len({identity.subject for identity in found}) == len(COMMITTEE) == 5
