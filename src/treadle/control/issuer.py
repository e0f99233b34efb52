"""The workspace's own token issuer: for a laptop and for tests, on loopback only.

It signs access tokens of RFC 9068 (ES256, `typ: at+jwt`) for the consumers of the workspace and gives none more
than the scopes it is registered for. Keys lie in the secret store: the command line mints with the same ones as the
HTTP endpoints. A rotation makes the next key the current one; the one before stays published, so that a token
lives as long as it says.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote_plus, urlsplit

import orjson
from joserfc import jwt
from joserfc.jwk import ECKey
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from treadle.base.errors import PolicyError, UsageError
from treadle.base.nearest import nearest
from treadle.contract.model import Consumer, Json
from treadle.contract.traffic import OWN_ISSUER
from treadle.gateway.ir import Issuer as Trusted
from treadle.secrets.file import FileSecrets
from treadle.secrets.secret import Secret

LIFETIME_S = 300
LIFETIME_S_MAX = 600
_KEYS = "issuer-keys"
_FORM_BYTES_MAX = 8_192
_NAME = re.compile(r"[!-~]{1,128}")
"""What the gateway takes for the name of a client or subject."""


@dataclass(frozen=True, slots=True)
class LocalIssuer:
    """One workspace's issuer. `url` is its address and its name (`iss`); `now` gives Unix time in seconds."""

    url: str
    audience: str
    consumers: Mapping[str, Consumer]
    store: FileSecrets
    now: Callable[[], float] = time.time

    def mint(
        self,
        client_id: str,
        scope: str | None = None,
        lifetime_s: int = LIFETIME_S,
        subject: str | None = None,
        certificate: str = "",
    ) -> str:
        """An access token. `scope` is space-separated and defaults to all that the consumer may have.

        `certificate` is the thumbprint (`x5t#S256`) of the one certificate that it is good with, empty for any or none
        (RFC 8705 section 3.1). Raises PolicyError (`consumer-unknown`, `scope-not-registered`) and UsageError
        (`lifetime-invalid`, `subject-invalid`).
        """
        granted = self._grant(client_id, scope)
        subject = client_id if subject is None else subject
        if not _NAME.fullmatch(subject):
            raise UsageError(
                "subject-invalid",
                f"a token cannot name the subject {subject[:128]!a}",
                "name it with 1 to 128 printable ASCII characters and no space, as the gateway asks",
            )
        if not 0 < lifetime_s <= LIFETIME_S_MAX:
            raise UsageError(
                "lifetime-invalid",
                f"a token cannot live for {lifetime_s} s",
                f"ask for 1 to {LIFETIME_S_MAX} seconds",
            )
        key = _key(self._keys()["current"])
        issued = int(self.now())
        claims: dict[str, Json] = {
            "iss": self.url,
            "aud": self.audience,
            "sub": subject,
            "client_id": client_id,
            "scope": " ".join(granted),
            "iat": issued,
            "exp": issued + lifetime_s,
            "jti": secrets.token_hex(16),
        }
        if certificate:
            claims["cnf"] = {"x5t#S256": certificate}
        header = {"alg": "ES256", "typ": "at+jwt", "kid": key.thumbprint()}
        return jwt.encode(header, claims, key, algorithms=["ES256"])

    def jwks(self) -> bytes:
        """The public keys as a JWK set (RFC 7517): current, next and, after a rotation, the one before."""
        keys = [_key(each) for each in self._keys().values()]
        public = [{**key.as_dict(private=False), "kid": key.thumbprint(), "use": "sig", "alg": "ES256"} for key in keys]
        return orjson.dumps({"keys": public})

    def trust(self) -> Trusted:
        """What the gateway needs to know these tokens by. It changes with every rotation."""
        return Trusted(self.url, self.audience, self.jwks().decode(), LIFETIME_S_MAX)

    def rotate(self) -> None:
        """Sign with the next key from now on. The gateway must be told (`trust`) before the rotation after this one."""
        keys = self._keys()
        renewed = {"current": keys["next"], "next": _new_key(), "previous": keys["current"]}
        self.store.put(_KEYS, orjson.dumps(renewed))

    def client_secret(self, client_id: str) -> Secret:
        """What a consumer shows at the token endpoint; made when it is first asked for."""
        self._grant(client_id, None)
        name = "client-" + client_id.encode().hex()  # a consumer's id may hold what a file name may not
        return self.store.get_or_create(name, lambda: secrets.token_urlsafe(32).encode())

    def metadata(self) -> dict[str, Json]:
        """What RFC 8414 asks an issuer to say of itself."""
        return {
            "issuer": self.url,
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks.json",
            "grant_types_supported": ["client_credentials"],
            "response_types_supported": [],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            "scopes_supported": sorted({scope for each in self.consumers.values() for scope in each.scopes}),
        }

    def routes(self) -> list[Route]:
        """The endpoints, under the path of the issuer's address; to be mounted at the root of its server."""
        prefix = urlsplit(self.url).path.rstrip("/")
        well_known = "/.well-known/oauth-authorization-server"

        async def describe(_: Request) -> Response:
            return JSONResponse(self.metadata())

        async def keys(_: Request) -> Response:
            return Response(self.jwks(), media_type="application/jwk-set+json")

        async def token(request: Request) -> Response:
            body = bytearray()
            async for chunk in request.stream():
                body += chunk
                if len(body) > _FORM_BYTES_MAX:
                    return _refuse(413, "invalid_request", "the form is too large")
            return self._token(request.headers.get("authorization", ""), bytes(body))

        # RFC 8414 section 3.1 puts the well-known part before the issuer's path; many clients put it behind.
        places = dict.fromkeys([f"{well_known}{prefix}", f"{prefix}{well_known}"])
        return [
            *(Route(place, describe) for place in places),
            Route(f"{prefix}/jwks.json", keys),
            Route(f"{prefix}/token", token, methods=["POST"]),
        ]

    def _token(self, authorization: str, body: bytes) -> Response:
        """The client credentials grant: RFC 6749 sections 4.4, 5.1 and 5.2."""
        client_id = self._authenticated(authorization)
        if client_id is None:
            refusal = _refuse(401, "invalid_client", "authenticate with client_secret_basic")
            refusal.headers["www-authenticate"] = 'Basic realm="token"'
            return refusal
        try:
            form = parse_qs(body.decode(), keep_blank_values=True, strict_parsing=bool(body), max_num_fields=16)
        except ValueError:
            return _refuse(400, "invalid_request", "the body is not a form")
        if any(len(values) > 1 for values in form.values()):
            return _refuse(400, "invalid_request", "a parameter is given twice")
        if form.get("grant_type") != ["client_credentials"]:
            return _refuse(400, "unsupported_grant_type", "grant_type must be client_credentials")
        try:
            scope = form.get("scope", [""])[0] or None
            granted = self._grant(client_id, scope)
            minted = self.mint(client_id, scope)
        except PolicyError as error:
            return _refuse(400, "invalid_scope", error.message)
        answer = {
            "access_token": minted,
            "token_type": "Bearer",
            "expires_in": LIFETIME_S,
            "scope": " ".join(granted),
        }
        return JSONResponse(answer, headers={"cache-control": "no-store"})

    def _authenticated(self, authorization: str) -> str | None:
        """The client that showed its secret, or None."""
        scheme, _, value = authorization.partition(" ")
        try:
            shown = base64.b64decode(value, validate=True).decode() if scheme.lower() == "basic" else ""
        except (binascii.Error, UnicodeDecodeError):
            return None
        id, _, password = (unquote_plus(part) for part in shown.partition(":"))
        if id not in self.consumers or not self._is_ours(self.consumers[id]):
            return None
        return id if self.client_secret(id) == Secret(password.encode()) else None

    @staticmethod
    def _is_ours(consumer: Consumer) -> bool:
        return consumer.issuer in {"", OWN_ISSUER}

    def _grant(self, client_id: str, scope: str | None) -> tuple[str, ...]:
        consumer = self.consumers.get(client_id)
        if consumer is None:
            guess = nearest(client_id, self.consumers)
            raise PolicyError(
                "consumer-unknown",
                f"{client_id} is not a consumer of this workspace",
                f"did you mean {guess}?" if guess else "register it under consumers in treadle.yaml",
            )
        if not self._is_ours(consumer):
            raise PolicyError(
                "consumer-of-another-issuer",
                f"tokens for {client_id} come from the issuer {consumer.issuer}",
                "ask that provider for one; the gateway takes them from nobody else",
            )
        asked = tuple(dict.fromkeys(scope.split())) if scope is not None else consumer.scopes
        beyond = [each for each in asked if each not in consumer.scopes]
        if beyond:
            raise PolicyError(
                "scope-not-registered",
                f"{client_id} may not have {' '.join(beyond)}",
                f"it may have: {' '.join(consumer.scopes) or 'none'}; more are given under consumers in treadle.yaml",
            )
        return asked

    def _keys(self) -> dict[str, Json]:
        made = self.store.get_or_create(_KEYS, lambda: orjson.dumps({"current": _new_key(), "next": _new_key()}))
        keys: dict[str, Json] = orjson.loads(made.reveal())
        return keys


def _new_key() -> Json:
    return ECKey.generate_key("P-256", private=True).as_dict(private=True)


def _key(value: Json) -> ECKey:
    return ECKey.import_key(value)


def _refuse(status: int, error: str, description: str) -> Response:
    body = {"error": error, "error_description": description}
    return JSONResponse(body, status_code=status, headers={"cache-control": "no-store"})
