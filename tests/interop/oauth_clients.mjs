// openid-client and oauth4webapi against a running authorization server.
// Arguments: the issuer, the client's id, its secret, its redirect URI. Reads and prints one JSON value a line: it
// prints {"open": URL} when a person must open a page, and reads the URL to which the browser was sent back.
import { createInterface } from 'node:readline'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'

const [issuer, clientId, secret, redirectUri] = process.argv.slice(2)
const scope = 'openid profile email offline_access bank:read'
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()

function send(value) {
  process.stdout.write(JSON.stringify(value) + '\n')
}

// Lets a person open `url`. Returns the URL to which their browser was sent back.
async function open(url) {
  send({ open: url })
  return new URL(JSON.parse((await lines.next()).value))
}

async function withOpenidClient() {
  const config = await openid.discovery(new URL(issuer), clientId, secret, undefined, {
    execute: [openid.allowInsecureRequests],
  })
  const results = {}
  for (const pushed of [false, true]) {
    const verifier = openid.randomPKCECodeVerifier()
    const [state, nonce] = [openid.randomState(), openid.randomNonce()]
    const parameters = {
      redirect_uri: redirectUri,
      scope,
      state,
      nonce,
      code_challenge: await openid.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    }
    const url = pushed
      ? await openid.buildAuthorizationUrlWithPAR(config, parameters)
      : openid.buildAuthorizationUrl(config, parameters)
    const tokens = await openid.authorizationCodeGrant(config, await open(url.href), {
      pkceCodeVerifier: verifier,
      expectedState: state,
      expectedNonce: nonce,
    })
    const refreshed = await openid.refreshTokenGrant(config, tokens.refresh_token)
    const user = await openid.fetchUserInfo(config, refreshed.access_token, tokens.claims().sub)
    const before = await openid.tokenIntrospection(config, refreshed.access_token)
    await openid.tokenRevocation(config, refreshed.refresh_token)
    const after = await openid.tokenIntrospection(config, refreshed.access_token)
    results[pushed ? 'pushed' : 'code'] = { user, scope: tokens.scope, active: [before.active, after.active] }
  }
  const device = await openid.initiateDeviceAuthorization(config, { scope: 'openid bank:read' })
  await open(device.verification_uri_complete)
  const granted = await openid.pollDeviceAuthorizationGrant(config, { ...device, interval: 0 })
  const machine = await openid.clientCredentialsGrant(config, { scope: 'bank:read' })
  const logout = openid.buildEndSessionUrl(config, { id_token_hint: granted.id_token })
  return { ...results, device: granted.scope, machine: machine.scope, logout: (await open(logout.href)).pathname }
}

async function withOauth4webapi() {
  const insecure = { [oauth.allowInsecureRequests]: true }
  const at = new URL(issuer)
  const server = await oauth.processDiscoveryResponse(at, await oauth.discoveryRequest(at, insecure))
  const client = { client_id: clientId }
  const verifier = oauth.generateRandomCodeVerifier()
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()]
  const url = new URL(server.authorization_endpoint)
  url.search = new URLSearchParams({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    scope,
    state,
    nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  })
  const answer = oauth.validateAuthResponse(server, client, await open(url.href), state)
  const authentication = oauth.ClientSecretBasic(secret)
  const response = await oauth.authorizationCodeGrantRequest(
    server, client, authentication, answer, redirectUri, verifier, insecure,
  )
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, response, {
    expectedNonce: nonce,
    requireIdToken: true,
  })
  return { scope: tokens.scope, issuer: oauth.getValidatedIdTokenClaims(tokens).iss }
}

// Every token is bound to a key (DPoP), and the code by `dpop_jkt`.
async function withDpop() {
  const insecure = { [oauth.allowInsecureRequests]: true }
  const at = new URL(issuer)
  const server = await oauth.processDiscoveryResponse(at, await oauth.discoveryRequest(at, insecure))
  const client = { client_id: clientId }
  const authentication = oauth.ClientSecretBasic(secret)
  const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'))
  const thumbprint = await DPoP.calculateThumbprint()
  const options = { DPoP, ...insecure }
  const verifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  const url = new URL(server.authorization_endpoint)
  url.search = new URLSearchParams({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    scope,
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    dpop_jkt: thumbprint,
  })
  const answer = oauth.validateAuthResponse(server, client, await open(url.href), state)
  const tokens = await oauth.processAuthorizationCodeResponse(
    server,
    client,
    await oauth.authorizationCodeGrantRequest(
      server, client, authentication, answer, redirectUri, verifier, options,
    ),
  )
  const refreshed = await oauth.processRefreshTokenResponse(
    server,
    client,
    await oauth.refreshTokenGrantRequest(server, client, authentication, tokens.refresh_token, options),
  )
  const subject = oauth.getValidatedIdTokenClaims(tokens).sub
  const response = await oauth.userInfoRequest(server, client, refreshed.access_token, options)
  const user = await oauth.processUserInfoResponse(server, client, subject, response)
  const asked = await oauth.introspectionRequest(server, client, authentication, refreshed.access_token, insecure)
  const known = await oauth.processIntrospectionResponse(server, client, asked)
  return {
    algorithms: server.dpop_signing_alg_values_supported,
    types: [tokens.token_type, refreshed.token_type, known.token_type],
    name: user.name,
    isBound: known.cnf.jkt === thumbprint,
  }
}

// openid-client pushes the request with a proof, which binds the code, and uses the key until the end.
async function withPushedDpop() {
  const config = await openid.discovery(new URL(issuer), clientId, secret, undefined, {
    execute: [openid.allowInsecureRequests],
  })
  const options = { DPoP: openid.getDPoPHandle(config, await openid.randomDPoPKeyPair('ES256')) }
  const verifier = openid.randomPKCECodeVerifier()
  const state = openid.randomState()
  const parameters = {
    redirect_uri: redirectUri,
    scope,
    state,
    code_challenge: await openid.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  }
  const url = await openid.buildAuthorizationUrlWithPAR(config, parameters, options)
  const checks = { pkceCodeVerifier: verifier, expectedState: state, idTokenExpected: true }
  const tokens = await openid.authorizationCodeGrant(config, await open(url.href), checks, undefined, options)
  const refreshed = await openid.refreshTokenGrant(config, tokens.refresh_token, undefined, options)
  const user = await openid.fetchUserInfo(config, refreshed.access_token, tokens.claims().sub, options)
  return { types: [tokens.token_type, refreshed.token_type], name: user.name }
}

send({
  openidClient: await withOpenidClient(),
  oauth4webapi: await withOauth4webapi(),
  dpop: await withDpop(),
  pushedDpop: await withPushedDpop(),
})
process.exit(0)
