"""Proof of possession: a token that says whose key it belongs to (`cnf`) counts only together with that key.

RFC 8705 section 3: the claim `x5t#S256` is the SHA-256 of the caller's certificate in base64url. Envoy knows that
digest in hexadecimal only, and no matcher of its own turns the one into the other; a few lines of Lua do. A token bound
by something else, such as a DPoP key (RFC 9449), cannot be proven here and is refused as well: who bound it did not
want a bearer's.
"""

from __future__ import annotations

from treadle.contract.model import Json
from treadle.gateway.envoy.typed import BOUND, CONSUMER, ISSUER, JWT_FILTER, SCOPE, SUBJECT, UNFIT, extension

_SCRIPT = f"""
local digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

-- 64 hexadecimal digits -> 43 of base64url without padding (RFC 4648 section 5): three digits are two.
local function thumbprint(hex)
  if #hex ~= 64 then return nil end
  local out = {{}}
  for at = 1, 64, 3 do
    local part = hex:sub(at, at + 2)
    local bits = tonumber(part, 16) * 16 ^ (3 - #part)
    out[#out + 1] = digits:sub(math.floor(bits / 64) + 1, math.floor(bits / 64) + 1)
    out[#out + 1] = digits:sub(bits % 64 + 1, bits % 64 + 1)
  end
  return table.concat(out):sub(1, 43)
end

function envoy_on_request(handle)
  local claims = (handle:streamInfo():dynamicMetadata():get("{JWT_FILTER}") or {{}})["jwt"] or {{}}
  local said = type(claims["cnf"]) == "table" and claims["cnf"]["x5t#S256"] or nil
  local tls = handle:streamInfo():downstreamSslConnection()
  local shown = tls and tls:peerCertificatePresented() and thumbprint(tls:sha256PeerCertificateDigest())
  local headers = handle:headers()
  if shown and said == shown then
    headers:replace("{BOUND}", shown)
    return
  end
  for _, name in ipairs({{"{CONSUMER}", "{SUBJECT}", "{SCOPE}", "{ISSUER}"}}) do headers:remove(name) end
  headers:replace("{UNFIT}", "bound")
end
"""


def proof() -> Json:
    """The filter that looks for the proof. Without it the identity headers are gone, and x-treadle-unfit is there."""
    return extension("proof", "extensions.filters.http.lua.v3.Lua", default_source_code={"inline_string": _SCRIPT})
