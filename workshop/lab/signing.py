"""The key with which the lab signs provenance: ECDSA on the curve P-256, as cosign makes its keys.

It is made once and stays in the lab's folder; deleting the folder makes another one, and statements of the old one are
gone with their runs.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from workshop.errors import SetupError
from workshop.lab.paths import LabPaths
from workshop.lab.private_files import write_private


def signing_key(paths: LabPaths) -> ec.EllipticCurvePrivateKey:
    """The lab's key, made when there is none. Raises SetupError for a file that is none."""
    try:
        found = load_pem_private_key(paths.signing_key.read_bytes(), None)
    except FileNotFoundError:
        made = ec.generate_private_key(ec.SECP256R1())
        write_private(paths.signing_key, made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return made
    except ValueError as e:
        raise SetupError(f"{paths.signing_key} is not a key: {e}", hint="workshop down, delete it, workshop up") from e
    if not isinstance(found, ec.EllipticCurvePrivateKey):
        raise SetupError(f"{paths.signing_key} is not an ECDSA key", hint="workshop down, delete it, workshop up")
    return found


def public_pem(paths: LabPaths) -> str:
    """The public key as PEM, cosign.pub in Tekton Chains' Secret."""
    key = signing_key(paths).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
