"""The data folder of a centre that runs here."""

import time
from pathlib import Path

from services.cli.up.folder import DataFolder
from services.cli.up.serve import TOKENS_RENEWED_SECONDS
from services.runtime.identity import TokenVerifier


def test_tokens_outlive_the_time_until_they_are_renewed(tmp_path: Path) -> None:
    """Whoever reads `endpoints.json` finds tokens that are good until new ones stand there, and hours beyond."""
    with DataFolder(tmp_path / "data") as folder:
        keys, tokens, now = folder.public_keys(), folder.tokens(["CMP-0001"]), time.time()
    assert tokens.keys() == {"operator", "auditor", "CMP-0001"}
    for token in tokens.values():
        TokenVerifier(keys).verify(token, now + 2 * TOKENS_RENEWED_SECONDS)
