"""TLS of a door: a certificate and its key, looked at before anybody is to be served with them."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
from cryptography import x509

EXPIRES_SOON = timedelta(days=14)

_log = structlog.get_logger()


class TlsError(Exception):
    """A certificate or key that cannot be used. The message says which, and why."""


class Roots(bytes):
    """Certificates, in PEM, to check those of others against."""

    @classmethod
    def parse(cls, text: str) -> "Roots":
        """Read a file of them. Raises ValueError, or OSError."""
        certificates = Path(text).read_bytes()
        try:
            x509.load_pem_x509_certificates(certificates)
        except ValueError as error:
            raise ValueError(f"names {text}, which holds no certificates in PEM") from error
        return cls(certificates)


@dataclass(frozen=True, slots=True)
class Tls:
    """Files of a certificate chain and its private key, in PEM."""

    certificate: Path
    key: Path

    @classmethod
    def of(cls, certificate: Path | None, key: Path | None) -> "Tls | None":
        """What the settings say; None for a door without TLS. Raises `TlsError` unless the two fit each other.

        gRPC itself would open the door with any two files, and then serve nobody. An expired certificate is told and
        used: whoever checks it refuses it, and that is theirs to decide.
        """
        if certificate is None and key is None:
            return None
        if certificate is None or key is None:
            raise TlsError(
                "AIDC_TLS_CERTIFICATE and AIDC_TLS_KEY belong together: give both, or neither for plain text"
            )
        try:
            # A key with a passphrase would ask for it at the terminal.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
            expires = x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc
        except (OSError, ValueError) as error:
            raise TlsError(f"cannot use {certificate} with {key} for TLS: {error}") from error
        _tell(certificate, expires)
        return cls(certificate, key)


def _tell(certificate: Path, expires: datetime) -> None:
    """Warn of a certificate that is, or will soon be, refused by every client."""
    left = expires - datetime.now(UTC)
    if left <= timedelta():
        _log.error("certificate_expired", certificate=str(certificate), expired=expires.isoformat())
    elif left < EXPIRES_SOON:
        _log.warning("certificate_expires_soon", certificate=str(certificate), expires=expires.isoformat())
