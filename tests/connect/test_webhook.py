"""Signatures: our own both ways, RFC 8032's, and where it overlaps the `standardwebhooks` library."""

import base64
import hashlib
import hmac
import time
from datetime import UTC, datetime

import pytest
import standardwebhooks

from treadle.base.errors import InputError
from treadle.connect.webhook import BadSignatureError, SigningKey, read_public_keys, signed_content, verify

NOW = 1_700_000_000
BODY = b'{"type":"customer.updated"}'


@pytest.fixture
def keys(signing_key):
    return read_public_keys(signing_key.public_text())


def test_what_we_sign_we_believe(signing_key, keys):
    found = verify(signing_key.headers("msg_1", NOW, BODY), BODY, keys, now_s=NOW + 299)
    assert (found.id, found.timestamp_s) == ("msg_1", NOW)


@pytest.mark.parametrize(
    ("change", "body", "now", "says"),
    [
        ({"webhook-id": "msg_2"}, BODY, NOW, "No signature"),
        ({"webhook-id": ""}, BODY, NOW, "webhook-id"),
        ({"webhook-id": "a.b"}, BODY, NOW, "webhook-id"),
        ({"webhook-id": "x" * 257}, BODY, NOW, "webhook-id"),
        ({"webhook-timestamp": str(NOW + 1)}, BODY, NOW, "No signature"),
        ({"webhook-timestamp": f"0{NOW}"}, BODY, NOW, "No signature"),
        ({"webhook-timestamp": f" {NOW}"}, BODY, NOW, "webhook-timestamp"),
        ({"webhook-timestamp": f"{NOW}.5"}, BODY, NOW, "webhook-timestamp"),
        ({"webhook-timestamp": "\u0661\u0667"}, BODY, NOW, "webhook-timestamp"),
        ({}, BODY, NOW + 301, "more than 300 seconds"),
        ({}, BODY, NOW - 301, "more than 300 seconds"),
        ({}, BODY + b" ", NOW, "No signature"),
        ({"webhook-signature": ""}, BODY, NOW, "No signature"),
        ({"webhook-signature": "v1a,"}, BODY, NOW, "No signature"),
        ({"webhook-signature": "v1a,!!!"}, BODY, NOW, "No signature"),
        ({"webhook-signature": "v1a"}, BODY, NOW, "No signature"),
    ],
)
def test_what_is_not_believed(signing_key, change, body, now, says):
    headers = signing_key.headers("msg_1", NOW, BODY) | change
    with pytest.raises(BadSignatureError, match=says):
        verify(headers, body, read_public_keys(signing_key.public_text()), now_s=now)


def test_another_kind_of_signature_does_not_count(signing_key, keys):
    headers = signing_key.headers("msg_1", NOW, BODY)
    headers["webhook-signature"] = headers["webhook-signature"].replace("v1a,", "v1,")
    with pytest.raises(BadSignatureError):
        verify(headers, BODY, keys, now_s=NOW)


def test_keys_rotate(signing_key):
    new = SigningKey.generate()
    both = read_public_keys(f"{signing_key.public_text()} {new.public_text()}")
    assert verify(new.headers("m", NOW, BODY), BODY, both, now_s=NOW).id == "m"
    headers = signing_key.headers("m", NOW, BODY)
    headers["webhook-signature"] = " ".join(
        [new.headers("m", NOW, BODY)["webhook-signature"], headers["webhook-signature"]]
    )
    assert verify(headers, BODY, read_public_keys(signing_key.public_text()), now_s=NOW).id == "m"


def test_only_so_many_signatures_are_tried(signing_key, keys):
    headers = signing_key.headers("m", NOW, BODY)
    headers["webhook-signature"] = " ".join(["v1a," + "A" * 86 + "=="] * 16 + [headers["webhook-signature"]])
    with pytest.raises(BadSignatureError):
        verify(headers, BODY, keys, now_s=NOW)


def test_the_key_of_rfc_8032():
    """Section 7.1, test 1: secret and public key as the RFC has them."""
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    public = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    for raw in (seed, seed + public):
        key = SigningKey.read("whsk_" + base64.b64encode(raw).decode())
        assert key.public_text() == "whpk_" + base64.b64encode(public).decode()
    assert SigningKey.read(key.secret_text() + "\n").public_text() == key.public_text()


def test_a_secret_does_not_print(signing_key):
    assert "whsk_" not in repr(signing_key)
    with pytest.raises(InputError) as seen:
        SigningKey.read("whsk_c2VjcmV0")
    assert "c2VjcmV0" not in str(seen.value)


def test_the_library_signs_the_same_content():
    secret = b"s" * 32
    theirs = standardwebhooks.Webhook(secret).sign("msg_1", datetime.fromtimestamp(NOW, UTC), BODY.decode())
    ours = hmac.new(secret, signed_content("msg_1", NOW, BODY), hashlib.sha256).digest()
    assert theirs == "v1," + base64.b64encode(ours).decode()


def test_a_delivery_with_both_kinds_of_signature_is_taken_by_both(signing_key, keys):
    """A sender that changes from shared secrets to keys signs twice; each side takes what it knows."""
    now = int(time.time())
    library = standardwebhooks.Webhook(b"s" * 32)
    headers = signing_key.headers("msg_1", now, BODY)
    theirs = library.sign("msg_1", datetime.fromtimestamp(now, UTC), BODY.decode())
    headers["webhook-signature"] = f"{theirs} {headers['webhook-signature']}"
    assert verify(headers, BODY, keys, now_s=now).id == "msg_1"
    assert library.verify(BODY, headers) == {"type": "customer.updated"}
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        library.verify(BODY + b" ", headers)
