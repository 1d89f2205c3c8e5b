"""Settings are read once, whole, and all that is wrong with them is said at once."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from services.runtime.settings import Address, Dsn, NatsUrl, SettingsError, load


@dataclass(frozen=True)
class Settings:
    nats_url: str
    listen: Address
    replicas: int = 1
    ratio: float = 0.5
    reflection: bool = False
    keys: Path | None = None
    postgres_dsn: str | None = None


GOOD = {"AIDC_NATS_URL": "nats://127.0.0.1:4222", "AIDC_LISTEN": "127.0.0.1:0"}


def test_fields_are_read_by_name_and_type():
    """Each field comes from its variable, in its type; the others keep their defaults."""
    more = {"AIDC_REPLICAS": "3", "AIDC_REFLECTION": "1", "AIDC_KEYS": "/keys/public.json", "AIDC_RATIO": "0.25"}
    assert load(Settings, GOOD | more) == Settings(
        nats_url="nats://127.0.0.1:4222",
        listen=Address("127.0.0.1", 0),
        replicas=3,
        ratio=0.25,
        reflection=True,
        keys=Path("/keys/public.json"),
    )
    assert load(Settings, GOOD | {"AIDC_REPLICAS": ""}).replicas == 1


def test_every_problem_is_said_at_once():
    """Missing and unreadable variables are all listed, by name."""
    with pytest.raises(SettingsError) as caught:
        load(Settings, {"AIDC_LISTEN": "nowhere", "AIDC_REPLICAS": "three", "AIDC_REFLECTION": "yes"})
    assert caught.value.problems == [
        "AIDC_NATS_URL is missing",
        "AIDC_LISTEN is not host:port",
        "AIDC_REPLICAS is not a whole number",
        "AIDC_REFLECTION is neither 0 nor 1",
    ]


def test_a_secret_may_come_from_a_file(tmp_path: Path):
    """AIDC_…_FILE names a file that holds the value; giving both, or a file that is not there, is a problem."""
    (tmp_path / "dsn").write_text("postgresql://secret\n")
    from_file = GOOD | {"AIDC_POSTGRES_DSN_FILE": str(tmp_path / "dsn")}
    assert load(Settings, from_file).postgres_dsn == "postgresql://secret"
    with pytest.raises(SettingsError, match="both given"):
        load(Settings, from_file | {"AIDC_POSTGRES_DSN": "x"})
    with pytest.raises(SettingsError, match="AIDC_POSTGRES_DSN"):
        load(Settings, GOOD | {"AIDC_POSTGRES_DSN_FILE": str(tmp_path / "absent")})


@pytest.mark.parametrize("text", ["[::1]:7000", "localhost:0", "10.0.0.1:65535"])
def test_addresses_are_written_as_they_were_read(text: str):
    """Reading and writing an address changes nothing, IPv6 included."""
    assert str(Address.parse(text)) == text


@pytest.mark.parametrize("text", ["", "host", ":1", "host:", "host:-1", "host:65536", "host:http"])
def test_other_addresses_are_refused(text: str):
    """What has no host or no port is no address."""
    with pytest.raises(ValueError, match="host:port"):
        Address.parse(text)


SOUND = [
    (NatsUrl, "nats://127.0.0.1:4222"),
    (NatsUrl, "nats://reader:s%2Fcret@nats-1:4222,tls://reader:s%2Fcret@[::1]:4222/"),
    (Dsn, "postgresql://aidc:s%2Fcret@db-1:5432,db-2/aidc?sslmode=verify-full"),
    (Dsn, "postgres:///aidc?host=/run/postgresql"),
]
BROKEN = [
    *((Dsn, f"postgresql://aidc:12{mark}s3cret@127.0.0.1:5432/aidc") for mark in "/#?"),
    *((Dsn, text) for text in ("s3cret", "mysql://a:s3cret@h/d", "host=h password=s3cret", "postgres://a:s3cret@[h/d")),
    *((NatsUrl, f"nats://aidc:12{mark}s3cret@127.0.0.1:4222") for mark in "/#?"),
    *((NatsUrl, text) for text in ("s3cret", "http://a:s3cret@h", "nats://a:s3cret@h:x", "nats://a:b@h,s3cret")),
]


@pytest.mark.parametrize(("kind", "text"), SOUND)
def test_addresses_with_passwords_are_kept_as_they_are(kind: type[NatsUrl | Dsn], text: str):
    """Several hosts, IPv6, sockets, options and escaped characters are all sound."""
    assert kind.parse(text) == text


@pytest.mark.parametrize(("kind", "text"), BROKEN)
def test_a_broken_address_is_refused_without_a_word_of_its_password(kind: type[NatsUrl | Dsn], text: str):
    """At the start and not at every attempt to connect, with what a sound one looks like."""
    with pytest.raises(ValueError, match="USER:PASSWORD@HOST:PORT") as refused:
        kind.parse(text)
    assert "s3cret" not in str(refused.value)
    assert "12" not in str(refused.value)
