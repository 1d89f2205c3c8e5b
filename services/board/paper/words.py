"""What the board says, in English and Korean: one catalogue of messages, both languages side by side."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

LANGUAGES = {"en": "English", "ko": "한국어"}
LANGUAGE_DEFAULT = "en"
CATALOGUE = Path(__file__).parent / "messages.toml"
ACCEPT_CHARACTERS_MAX = 200


class Words:
    """The messages of one language."""

    def __init__(self, language: str, messages: Mapping[str, Mapping[str, str]]) -> None:
        self.language = language
        self._messages = messages

    def __call__(self, key: str, **values: object) -> str:
        """A message, its {names} filled in."""
        text = self._messages[key][self.language]
        return text.format(**values) if values else text

    def either(self, key: str, otherwise: str) -> str:
        """A message that there may be none of, for codes that the services may add to."""
        return self(key) if key in self._messages else otherwise

    def name(self, english: str, local: str, otherwise: str) -> str:
        """What a thing of the catalogue is called: in Korean its local name."""
        first, second = (local, english) if self.language == "ko" else (english, local)
        return first or second or otherwise


@cache
def catalogue() -> Mapping[str, Mapping[str, str]]:
    """Every message by its key, and in it the text by language."""
    return tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))


def words_for(chosen: str, accepted: str) -> Words:
    """The language that somebody chose, else the first of an Accept-Language header that there is, else English."""
    if chosen not in LANGUAGES:
        chosen = _accepted(accepted[:ACCEPT_CHARACTERS_MAX])
    return Words(chosen, catalogue())


def _accepted(header: str) -> str:
    wanted: list[tuple[float, str]] = []
    for part in header.split(","):
        tag, _, quality = part.strip().partition(";q=")
        try:
            weight = float(quality or 1)
        except ValueError:
            continue
        wanted.append((weight, tag.partition("-")[0].lower()))
    # Sorting is stable, so of equal weights the first wins.
    known = [tag for weight, tag in sorted(wanted, key=lambda each: -each[0]) if tag in LANGUAGES and weight > 0]
    return known[0] if known else LANGUAGE_DEFAULT
