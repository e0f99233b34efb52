"""A workspace's own certificate authority: who may call itself what inside one trust domain.

Names are SPIFFE ids (SPIFFE-ID, sections 2 and 3), certificates X.509-SVIDs: one URI name each, P-256, short lived. The
root is constrained to the trust domain (RFC 5280 section 4.2.1.10), so that its key, once stolen, makes no other
SPIFFE ids; names of hosts it may certify freely. Time is handed in as Unix seconds.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import ipaddress
import re
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from treadle.base.errors import UsageError
from treadle.secrets.file import FileSecrets
from treadle.secrets.secret import Secret

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

ROOT_LIFETIME_S = 10 * 365 * 86_400
LIFETIME_S = 86_400
"""A certificate of a node lives for a day, and is renewed after half of it."""
_SKEW_S = 300
"""Clocks of others may be behind ours by this much."""
_PATH_PART = re.compile(r"[A-Za-z0-9._-]{1,128}")


@dataclass(frozen=True, slots=True)
class Credential:
    """A certificate (PEM, the leaf first) and its private key (PEM, PKCS #8)."""

    certificate: bytes
    key: Secret


@dataclass(frozen=True, slots=True)
class Authority:
    """The root of one trust domain. `certificate` is what others are given to know its certificates by."""

    trust_domain: str
    certificate: bytes
    key: Secret

    def issue(self, name: str, now: float, *, hosts: Iterable[str] = (), lifetime_s: int = LIFETIME_S) -> Credential:
        """A certificate for one SPIFFE id, for both sides of a connection. `hosts` are DNS names and addresses too."""
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.x509.oid import ExtendedKeyUsageOID

        root = x509.load_pem_x509_certificate(self.certificate)
        signer = serialization.load_pem_private_key(self.key.reveal(), None)
        if not isinstance(signer, ec.EllipticCurvePrivateKey):
            raise TypeError("the key of an authority is made here, and is one of P-256")
        key = ec.generate_private_key(ec.SECP256R1())
        names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(name), *map(_general_name, hosts)]
        both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
        builder = (
            _builder(_common_name(name.rpartition("/")[2]), root.subject, key.public_key(), now, lifetime_s)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(both), critical=False)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(identifier, critical=False)
        )
        return Credential(_pem(builder.sign(signer, hashes.SHA256())), _private(key))


def make_authority(trust_domain: str, now: float) -> Authority:
    """A new root."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = _common_name(f"{trust_domain} authority")
    within = x509.NameConstraints([x509.UniformResourceIdentifier(trust_domain)], None)
    builder = (
        _builder(name, name, key.public_key(), now, ROOT_LIFETIME_S)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(within, critical=True)
    )
    return Authority(trust_domain, _pem(builder.sign(key, hashes.SHA256())), _private(key))


def authority_of(store: FileSecrets, trust_domain: str, now: float) -> Authority:
    """The root of a trust domain, from the secret store; made where there is none."""

    def make() -> bytes:
        made = make_authority(trust_domain, now)
        return orjson.dumps({"certificate": made.certificate.decode(), "key": made.key.text()})

    kept = orjson.loads(store.get_or_create(f"authority-{trust_domain}", make).reveal())
    return Authority(trust_domain, kept["certificate"].encode(), Secret(kept["key"].encode()))


def spiffe_id(trust_domain: str, kind: str, name: str) -> str:
    """`spiffe://acme.treadle/consumer/billing`. Raises UsageError `spiffe-name-invalid`: there are no escapes."""
    if not _PATH_PART.fullmatch(name) or name in {".", ".."}:
        raise UsageError(
            "spiffe-name-invalid",
            f"{name[:128]!a} cannot be part of a SPIFFE id",
            "use letters, digits, '.', '_' and '-', 128 at most",
        )
    return f"spiffe://{trust_domain}/{kind}/{name}"


def thumbprint(certificate: bytes) -> str:
    """What a token says of the certificate that it is bound to: `x5t#S256` of RFC 8705 section 3.1. Takes PEM."""
    der = ssl.PEM_cert_to_DER_cert(_first(certificate))
    return base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Validity:
    """From when to when a certificate is valid, in Unix seconds, and for which names."""

    since: float
    until: float
    names: frozenset[str]

    @property
    def renew_at(self) -> float:
        """Half of its life."""
        return (self.since + self.until) / 2


def validity(certificate: bytes) -> Validity:
    """Of the first certificate in a PEM text. Raises ValueError where there is none."""
    from cryptography import x509

    found = x509.load_pem_x509_certificate(certificate)
    names: frozenset[str] = frozenset()
    try:
        said = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = frozenset(str(each.value) for each in said)
    except x509.ExtensionNotFound:
        pass
    return Validity(found.not_valid_before_utc.timestamp(), found.not_valid_after_utc.timestamp(), names)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: float, life_s: int
) -> x509.CertificateBuilder:
    from cryptography import x509

    return (
        x509.CertificateBuilder(subject_name=subject, issuer_name=issuer, public_key=key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_at(now - _SKEW_S))
        .not_valid_after(_at(now + life_s))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _common_name(text: str) -> x509.Name:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:64])])  # 64: ub-common-name of RFC 5280


def _general_name(host: str) -> x509.GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        return x509.DNSName(host)


def _pem(certificate: x509.Certificate) -> bytes:
    from cryptography.hazmat.primitives import serialization

    return certificate.public_bytes(serialization.Encoding.PEM)


def _private(key: ec.EllipticCurvePrivateKey) -> Secret:
    from cryptography.hazmat.primitives import serialization

    plain = serialization.NoEncryption()
    return Secret(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))


def _first(certificate: bytes) -> str:
    head, mark, _ = certificate.decode().partition("-----END CERTIFICATE-----")
    return head + mark


def _at(seconds: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(int(seconds), tz=dt.UTC)
