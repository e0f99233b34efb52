"""The authority of a workspace: what it certifies, and what it cannot."""

import base64
import hashlib
import ssl
import subprocess
import time

import pytest
from cryptography import x509

from treadle.base.errors import UsageError
from treadle.secrets.authority import authority_of, make_authority, spiffe_id, thumbprint, validity
from treadle.secrets.file import FileSecrets

NOW = time.time()


@pytest.fixture
def authority():
    return make_authority("acme.treadle", NOW)


def verified(authority, credential, tmp_path, *options):
    """What OpenSSL, which wrote none of it, thinks of a certificate, by all of its rules."""
    root, leaf = tmp_path / "root.pem", tmp_path / "leaf.pem"
    root.write_bytes(authority.certificate)
    leaf.write_bytes(credential.certificate)
    asked = ["openssl", "verify", "-x509_strict", "-CAfile", root, *options, leaf]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("purpose", ["sslserver", "sslclient"])
def test_a_certificate_is_good_for_both_sides(authority, tmp_path, purpose):
    one = authority.issue("spiffe://acme.treadle/gateway/gateway", NOW, hosts=["127.0.0.1", "::1", "api.acme.example"])
    options = ["-purpose", purpose, "-verify_hostname", "api.acme.example"]
    assert verified(authority, one, tmp_path, *options) == (True, f"{tmp_path}/leaf.pem: OK\n")
    assert verified(authority, one, tmp_path, "-verify_ip", "::1")[0]
    assert not verified(authority, one, tmp_path, "-verify_hostname", "elsewhere.example")[0]


@pytest.mark.parametrize("domain", ["evil.treadle", "acme.treadle.evil", "sub.acme.treadle"])
def test_it_certifies_nobody_of_another_trust_domain(authority, tmp_path, domain):
    one = authority.issue(f"spiffe://{domain}/service/orders", NOW)
    good, said = verified(authority, one, tmp_path)
    assert not good
    assert "permitted subtree violation" in said


def test_what_it_certifies_certifies_nobody(authority, tmp_path):
    one = authority.issue("spiffe://acme.treadle/consumer/a", NOW)
    found = x509.load_pem_x509_certificate(one.certificate)
    assert not found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    usage = found.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert not usage.value.key_cert_sign


def test_a_certificate_lives_for_a_day(authority):
    found = validity(authority.issue("spiffe://acme.treadle/consumer/a", NOW).certificate)
    assert found.until - NOW == pytest.approx(86_400, abs=1)
    assert found.since < NOW < found.renew_at < found.until
    assert found.names == {"spiffe://acme.treadle/consumer/a"}


def test_the_authority_is_kept_as_a_secret_and_made_once(tmp_path):
    store = FileSecrets(tmp_path / "secrets")
    first = authority_of(store, "acme.treadle", NOW)
    assert authority_of(store, "acme.treadle", NOW + 10) == first
    assert authority_of(store, "other.treadle", NOW).certificate != first.certificate
    for file in (tmp_path / "secrets").iterdir():
        assert file.stat().st_mode & 0o077 == 0
    assert "PRIVATE" not in repr(first)


def test_the_thumbprint_is_what_a_token_says(authority):
    one = authority.issue("spiffe://acme.treadle/consumer/a", NOW)
    said = thumbprint(one.certificate)
    der = ssl.PEM_cert_to_DER_cert(one.certificate.decode())
    assert base64.urlsafe_b64decode(said + "=") == hashlib.sha256(der).digest()
    assert thumbprint(one.certificate + authority.certificate) == said


@pytest.mark.parametrize("name", ["", "..", ".", "a b", "a/b", "a%2f", "å", "a" * 129])
def test_what_cannot_be_named_is_refused(name):
    with pytest.raises(UsageError) as caught:
        spiffe_id("acme.treadle", "consumer", name)
    assert caught.value.code == "spiffe-name-invalid"
