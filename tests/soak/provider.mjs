// A certified OpenID provider (npm oidc-provider) on loopback, whose keys change while it runs.
//
//   node provider.mjs FOLDER-OF-THE-PACKAGE PORT AUDIENCE
//
// It reads a line of standard input for each step of a rotation: "publish" shows a next key beside the current one,
// "rotate" signs with it from then on, "retire" shows the older one no more. Each is answered with a line.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

const [folder, port, audience] = process.argv.slice(2);
const { Provider } = await import(`${folder}/lib/index.js`);
const issuer = `http://127.0.0.1:${port}`;
let turn = 0;
const key = () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { ...privateKey.export({ format: 'jwk' }), kid: `key-${(turn += 1)}`, use: 'sig', alg: 'ES256' };
};
const provider = (keys) => new Provider(issuer, {
  jwks: { keys },
  clients: [{
    client_id: 'soak-app', client_secret: 'for-loopback-alone-for-loopback-alone', grant_types: ['client_credentials'],
    response_types: [], redirect_uris: [], token_endpoint_auth_method: 'client_secret_post', scope: 'customers:read',
    id_token_signed_response_alg: 'ES256',
  }],
  clientDefaults: { id_token_signed_response_alg: 'ES256' },
  scopes: ['customers:read'],
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => audience,
      useGrantedResource: () => true,
      getResourceServerInfo: (_, resource) => ({
        scope: 'customers:read', audience: resource, accessTokenTTL: 300, accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
  // Its access tokens for a client alone name no subject; RFC 9068 section 2.2 asks for one.
  extraTokenClaims: (_, token) => ({ sub: token.clientId }),
  ttl: { ClientCredentials: 300 },
});

let keys = [key()];
let answer = provider(keys).callback();
const steps = {
  publish: () => [...keys, key()],
  rotate: () => [keys[1], keys[0]],
  retire: () => [keys[0]],
};
createServer((request, response) => answer(request, response)).listen(Number(port), '127.0.0.1', () => console.log('ready'));
createInterface({ input: process.stdin }).on('line', (step) => {
  keys = steps[step]();
  answer = provider(keys).callback();
  console.log(step);
});
