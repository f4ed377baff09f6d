"""The token of the lab's servers, and the certificate of the API.

The API uses TLS because clients send no token over plain http. The lab has its own certificate authority in the state
folder. Clients trust it through the kubeconfig; nothing is installed on the machine.
"""

from __future__ import annotations

import ipaddress
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from workshop.lab.private_files import write_private

OPEN_PATHS = ("/livez", "/readyz", "/healthz", "/version")
_VALID = timedelta(days=397)
_RENEW = timedelta(days=30)


@dataclass(frozen=True)
class Certificate:
    """The files of the server's certificate and key, and of the authority that clients trust."""

    cert: Path
    key: Path
    authority: Path


def is_open(path: str) -> bool:
    """Whether a path needs no token."""
    return path in OPEN_PATHS or path.startswith(("/livez/", "/readyz/", "/healthz/"))


def token(path: Path) -> str:
    """The token in a file; a missing file is created. Raises OSError."""
    if path.exists() and (found := path.read_text().strip()):
        return found
    made = secrets.token_urlsafe(32)
    write_private(path, made.encode() + b"\n")
    return made


def certificate(folder: Path, names: tuple[str, ...] = ("127.0.0.1", "::1", "localhost")) -> Certificate:
    """The lab's authority and server certificate, created or renewed when necessary. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = Certificate(folder / "server.crt", folder / "server.key", folder / "ca.crt")
    if not _fresh(made, names):
        _make(made, names)
    return made


def _fresh(made: Certificate, names: tuple[str, ...]) -> bool:
    try:
        cert = x509.load_pem_x509_certificate(made.cert.read_bytes())
        x509.load_pem_x509_certificate(made.authority.read_bytes())
        made.key.read_bytes()
    except (OSError, ValueError):
        return False
    listed = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return cert.not_valid_after_utc - datetime.now(UTC) > _RENEW and set(_alternatives(names)) <= set(listed)


def _alternatives(names: tuple[str, ...]) -> list[x509.GeneralName]:
    found: list[x509.GeneralName] = []
    for name in names:
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            found.append(x509.DNSName(name))
    return found


def _make(made: Certificate, names: tuple[str, ...]) -> None:
    """A new authority and a server certificate. The authority's key is discarded, so it cannot sign anything else."""
    start = datetime.now(UTC) - timedelta(minutes=5)
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"workshop lab {secrets.token_hex(4)}")])
    authority = (
        x509.CertificateBuilder()
        .subject_name(issuer)
        .issuer_name(issuer)
        .public_key(ca_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + _VALID)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    server = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "lab")]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + _VALID)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(_alternatives(names)), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    write_private(made.key, secret)
    write_private(made.authority, authority.public_bytes(pem))
    write_private(made.cert, server.public_bytes(pem) + authority.public_bytes(pem))


def _key_usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
