"""Finding the centre, and who asks."""

import base64
import json
from pathlib import Path

import pytest

from services.cli.answers import spoken
from services.cli.connection import company_of, find
from services.cli.options import reservation_name
from services.cli.outcome import Failed


def token(company: str = "") -> str:
    """A token whose claims can be read; nobody here verifies it."""
    claims = json.dumps({"sub": "x", "company": company} if company else {"sub": "x"}).encode()
    return f"head.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.signature"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The folder of a centre that runs."""
    endpoints = {
        "scheduler": "127.0.0.1:1",
        "ledger": "127.0.0.1:2",
        "metrics": "127.0.0.1:3",
        "tokens": {"operator": token(), "auditor": token(), "CMP-0001": token("CMP-0001")},
    }
    (tmp_path / "endpoints.json").write_text(json.dumps(endpoints))
    return tmp_path


def test_a_folder_gives_addresses_and_the_token_of_who_asks(data: Path) -> None:
    """Without a name, the company concerned asks, or the operator."""
    found = find(data, "CMP-0001", environ={})
    assert (found.scheduler, found.ledger, found.company) == ("127.0.0.1:1", "127.0.0.1:2", "CMP-0001")
    assert find(data, "", "CMP-0001", {}).company == "CMP-0001"
    assert find(data, "", environ={}).company == ""


def test_a_folder_that_is_given_goes_before_the_environment(data: Path) -> None:
    """What is typed is meant."""
    assert find(data, "", environ={"AIDC_SCHEDULER": "elsewhere:1", "AIDC_TOKEN": "t"}).scheduler == "127.0.0.1:1"


def test_the_environment_gives_a_centre_that_somebody_else_runs() -> None:
    """The token says which company asks, whomever the question is about."""
    environ = {"AIDC_SCHEDULER": "there:1", "AIDC_LEDGER": "there:2", "AIDC_TOKEN": token("CMP-0007")}
    found = find(None, "", "CMP-0001", environ)
    assert (found.scheduler, found.ledger, found.company) == ("there:1", "there:2", "CMP-0007")


@pytest.mark.parametrize(
    ("environ", "caller", "told"),
    [
        ({"AIDC_SCHEDULER": "there:1"}, "", "AIDC_TOKEN is not"),
        ({"AIDC_SCHEDULER": "there:1", "AIDC_TOKEN": "t"}, "CMP-0001", "needs --data"),
        ({"AIDC_SCHEDULER": "there:1", "AIDC_TOKEN": "t", "AIDC_TLS_ROOTS": "/nowhere"}, "", "AIDC_TLS_ROOTS"),
    ],
)
def test_an_incomplete_environment_says_what_is_missing(environ: dict[str, str], caller: str, told: str) -> None:
    """In one line."""
    with pytest.raises(Failed, match=told):
        find(None, caller, environ=environ)


def test_a_folder_without_a_centre_says_how_to_start_one(tmp_path: Path) -> None:
    """The newcomer's first mistake."""
    with pytest.raises(Failed, match="aidc up --data"):
        find(tmp_path, "", environ={})


def test_an_unknown_caller_is_told_who_there_is(data: Path) -> None:
    """Names of tokens are not secret."""
    with pytest.raises(Failed, match="operator, auditor"):
        find(data, "CMP-9999", environ={})


@pytest.mark.parametrize("text", ["", "a", "a.b.c", "a.!!!.c", "a.bnVsbA.c"])
def test_an_unreadable_token_names_no_company(text: str) -> None:
    """The services judge it, not we."""
    assert company_of(text) == ""


def test_a_malformed_reservation_name_is_refused(data: Path) -> None:
    """Before anything is asked."""
    with pytest.raises(Failed, match="cannot read"):
        reservation_name(find(data, "CMP-0001", environ={}), "a/b/c")


def test_a_certificate_that_is_not_trusted_is_told_as_such() -> None:
    """Not as a server that does not run: the words are grpc's own, from a server with another certificate."""
    said = (
        "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:40687: Tls handshake failed"
        " (TSI_PROTOCOL_FAILURE): SSL_ERROR_SSL: error:1000007d:SSL routines:OPENSSL_internal:"
        "CERTIFICATE_VERIFY_FAILED: self signed certificate: OK"
    )
    told = "the certificate at 127.0.0.1:40687 is not trusted (self signed certificate): see AIDC_TLS_ROOTS"
    assert spoken(said) == told
