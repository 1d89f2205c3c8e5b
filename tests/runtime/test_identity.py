"""Tokens: only ours, only now, only with a key that is in the set."""

import base64
import hashlib
import hmac
import json
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey

from services.runtime import keys
from services.runtime.identity import Identity, Role, TokenVerifier, Unauthenticated, make_keys, mint_token
from services.runtime.keys import KeysError

NOW = 1_800_000_000
KIM = Identity("kim", Role.COMPANY, "CMP-0001")
GOOD_CLAIMS = {
    "iss": "aidc",
    "aud": "aidc",
    "sub": "kim",
    "role": "company",
    "company": "CMP-0001",
    "iat": NOW,
    "nbf": NOW,
    "exp": NOW + 900,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_keys(tmp_path / "keys")
    return tmp_path / "keys"


def newest(folder: Path) -> OKPKey:
    return list(keys.read_keys(folder / keys.PRIVATE).values())[-1]


def signed(folder: Path, claims: dict, header: dict | None = None) -> str:
    """A token with any claims and header, well signed."""
    key = newest(folder)
    content = f"{encoded({'alg': 'Ed25519', 'kid': key.kid, **(header or {})})}.{encoded(claims)}"
    signature = key.private_key.sign(content.encode())
    return f"{content}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def cause(folder: Path, token: str, now: float = NOW) -> str:
    """Why a token is refused."""
    with pytest.raises(Unauthenticated) as caught:
        TokenVerifier(folder / keys.PUBLIC).verify(token, now)
    return caught.value.reason


def encoded(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("identity", [KIM, Identity("lee", Role.OPERATOR, ""), Identity("han", Role.AUDITOR, "")])
def test_a_minted_token_says_who_bears_it(folder: Path, identity: Identity):
    """What was minted is what is verified, the first time and from the cache."""
    verifier = TokenVerifier(folder / keys.PUBLIC)
    token = mint_token(folder, identity, NOW)
    assert [verifier.verify(token, NOW), verifier.verify(token, NOW)] == [identity, identity]


def test_a_token_ends_when_it_says(folder: Path):
    """A token works until 30 seconds after exp, and then no more, cached or not."""
    verifier = TokenVerifier(folder / keys.PUBLIC)
    token = mint_token(folder, KIM, NOW, lifetime_seconds=60)
    assert verifier.verify(token, NOW + 89) == KIM
    for attempt in (verifier, TokenVerifier(folder / keys.PUBLIC)):
        with pytest.raises(Unauthenticated, match="expired"):
            attempt.verify(token, NOW + 90)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"iss": "evil"}, "wrong_audience"),
        ({"aud": "other"}, "wrong_audience"),
        ({"aud": ["aidc", "other"]}, "bad_claims"),
        ({"sub": ""}, "wrong_audience"),
        ({"sub": None}, "bad_claims"),
        ({"role": "root"}, "bad_claims"),
        ({"role": "operator"}, "bad_claims"),  # It keeps its company.
        ({"company": ""}, "bad_claims"),
        ({"company": 7}, "bad_claims"),
        ({"exp": None}, "bad_claims"),
        ({"exp": True}, "bad_claims"),
        ({"exp": 1e300}, "bad_claims"),
        ({"exp": NOW - 31}, "expired"),
        ({"nbf": NOW + 31}, "not_yet_valid"),
        ({"iat": NOW + 31}, "not_yet_valid"),
        ({"exp": NOW + 10**9}, "lives_too_long"),
    ],
)
def test_wrong_claims_are_refused(folder: Path, change: dict, reason: str):
    """A good signature does not help a token that is for another place, time or role."""
    assert cause(folder, signed(folder, GOOD_CLAIMS | change)) == reason


@pytest.mark.parametrize(
    "header",
    [
        {"crit": ["exp"], "exp": 1},
        {"jku": "https://evil.example/keys"},
        {"x5u": "https://evil.example/certificate"},
        {"jwk": {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}},
        {"b64": False, "crit": ["b64"]},
    ],
)
def test_headers_that_steer_verification_are_refused(folder: Path, header: dict):
    """A header may name the algorithm, the key and the type; nothing else, and nothing is fetched."""
    assert cause(folder, signed(folder, GOOD_CLAIMS, header)) in ("bad_header", "bad_token")


def test_other_algorithms_are_refused(folder: Path):
    """No signature, an HMAC with the public key, and another curve's signature prove nothing."""
    key = newest(folder)
    unsigned = f"{encoded({'alg': 'none', 'kid': key.kid})}.{encoded(GOOD_CLAIMS)}."
    head = f"{encoded({'alg': 'HS256', 'kid': key.kid})}.{encoded(GOOD_CLAIMS)}"
    secret = (folder / keys.PUBLIC).read_bytes()
    mac = base64.urlsafe_b64encode(hmac.new(secret, head.encode(), hashlib.sha256).digest()).rstrip(b"=")
    other_curve = jwt.encode(
        {"alg": "ES256", "kid": key.kid}, GOOD_CLAIMS, ECKey.import_key(ec.generate_private_key(ec.SECP256R1()))
    )
    by_octets = jwt.encode({"alg": "HS256", "kid": key.kid}, GOOD_CLAIMS, OctKey.import_key(secret))
    for token in (unsigned, f"{head}.{mac.decode()}", other_curve, by_octets):
        assert cause(folder, token) == "bad_header"


def test_a_strangers_key_is_refused(folder: Path, tmp_path: Path):
    """A token of a key that is not in the set is refused, also when it borrows the id of one that is."""
    make_keys(tmp_path / "stranger")
    assert cause(folder, mint_token(tmp_path / "stranger", KIM, NOW)) == "unknown_key"
    assert cause(folder, signed(tmp_path / "stranger", GOOD_CLAIMS, {"kid": newest(folder).kid})) == "bad_token"


@pytest.mark.parametrize("token", ["", ".", "..", "a.b", "a.b.c", "é.é.é", "a" * 9_000, "\udcff", "a.b.c.d.e"])
def test_noise_is_refused(folder: Path, token: str):
    """Anything that is no token at all is refused in the same manner."""
    assert cause(folder, token) in ("bad_token", "too_long")


def test_a_changed_token_is_refused(folder: Path):
    """Any changed character in the claims breaks the signature."""
    head, claims, signature = mint_token(folder, KIM, NOW).split(".")
    forged = encoded(GOOD_CLAIMS | {"company": "CMP-0002"})
    assert forged != claims
    assert cause(folder, f"{head}.{forged}.{signature}") == "bad_token"


def test_rotation_keeps_old_tokens_until_their_key_is_dropped(folder: Path):
    """After a rotation the tokens of both keys are good; dropping the old key ends its tokens, cached ones too."""
    verifier = TokenVerifier(folder / keys.PUBLIC)
    [old_key] = keys.read_keys(folder / keys.PRIVATE)
    old = mint_token(folder, KIM, NOW)
    assert verifier.verify(old, NOW) == KIM
    keys.rotate_keys(folder)
    new = mint_token(folder, KIM, NOW)
    assert verifier.verify(new, NOW + 2) == verifier.verify(old, NOW + 2) == KIM
    keys.drop_key(folder, old_key)
    assert verifier.verify(new, NOW + 4) == KIM
    with pytest.raises(Unauthenticated, match="unknown_key"):
        verifier.verify(old, NOW + 4)


def test_a_lost_key_file_is_forgiven_for_a_minute(folder: Path):
    """When the set cannot be read, the last known keys serve for 60 seconds, and then nobody is let in."""
    verifier = TokenVerifier(folder / keys.PUBLIC)
    token = mint_token(folder, KIM, NOW)
    content = (folder / keys.PUBLIC).read_bytes()
    (folder / keys.PUBLIC).unlink()
    assert verifier.verify(token, NOW + 10) == KIM
    with pytest.raises(Unauthenticated, match="unknown_key"):
        verifier.verify(token, NOW + 71)
    (folder / keys.PUBLIC).write_bytes(content)
    assert verifier.verify(token, NOW + 80) == KIM


def test_the_private_key_is_for_its_owner_only(folder: Path):
    """The private set has mode 0600, and the public one carries no private part."""
    assert (folder / keys.PRIVATE).stat().st_mode & 0o777 == 0o600
    assert all("d" not in key for key in json.loads((folder / keys.PUBLIC).read_text())["keys"])


def test_the_last_key_is_not_dropped(folder: Path):
    """Nobody locks the centre out of itself by mistake."""
    with pytest.raises(KeysError, match="only that one"):
        keys.drop_key(folder, next(iter(keys.read_keys(folder / keys.PRIVATE))))


def test_making_keys_twice_keeps_them(folder: Path):
    """A folder with keys is left as it is."""
    before = (folder / keys.PUBLIC).read_bytes()
    make_keys(folder)
    assert (folder / keys.PUBLIC).read_bytes() == before


def test_an_unreadable_key_set_stops_the_start(tmp_path: Path):
    """A verifier without a single key does not come to life."""
    for content in ("", "[]", "{}", '{"keys": []}', '{"keys": [{"kty": "oct", "k": "AA"}]}', '{"keys": [1]}'):
        (tmp_path / "public.json").write_text(content)
        with pytest.raises(KeysError):
            TokenVerifier(tmp_path / "public.json")


def test_unknown_keys_cost_little(folder: Path, tmp_path: Path):
    """A flood of tokens with unknown keys neither reads files nor verifies signatures."""
    verifier = TokenVerifier(folder / keys.PUBLIC)
    make_keys(tmp_path / "stranger")
    token = mint_token(tmp_path / "stranger", KIM, NOW)
    began = time.process_time()
    for _ in range(1_000):
        with pytest.raises(Unauthenticated, match="unknown_key"):
            verifier.verify(token, NOW)
    assert time.process_time() - began < 1
