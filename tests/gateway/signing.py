"""What tests need to make tokens by hand: the issuer's own key, and the claims of a good one."""

import time

import orjson
from joserfc.jwk import ECKey


class Signing:
    """The parts of a good token of a world's issuer."""

    def __init__(self, world):
        self.public = orjson.loads(world.issuer.jwks())["keys"][0]
        self.key = ECKey.import_key(orjson.loads(world.issuer.store.get("issuer-keys").reveal())["current"])
        self.now = int(time.time())
        self.header = {"alg": "ES256", "typ": "at+jwt", "kid": self.public["kid"]}
        self.claims = {
            "iss": world.issuer.url,
            "aud": world.issuer.audience,
            "sub": "jane",
            "client_id": "demo-app",
            "scope": "customers:read",
            "iat": self.now,
            "exp": self.now + 300,
            "jti": "1",
        }
