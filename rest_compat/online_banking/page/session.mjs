// The session of this tab: signing in and out, and new tokens before the old ones expire.
//
// The access token is only in the memory of this page. The refresh token is also in `sessionStorage`, so that a reload
// does not sign the person out. It is gone when the tab is closed, and no other site can read it. It is not in
// `localStorage`, where it would outlive the browser, and not in a cookie, which the browser would send by itself.
//
// A refresh token is valid once: a second use ends the session. A duplicated tab gets a copy of `sessionStorage`. So a
// page that starts with a stored token first asks the other tabs, and forgets its copy if one of them has the session.

import { GraphQLFailure, send } from './graphql.mjs';
import { COMPLETE_LOGIN, LOG_IN, LOG_OUT, REFRESH, REGISTER, STEP_UP } from './operations.mjs';

const KEY = 'mosafe-online-banking';
const ANSWER_MS = 200;
const EARLY_MS = 30_000;

/** There is no session, or it has ended. */
export class SignedOut extends Error {}

let session = null; // {id, accessToken, refreshToken, expiresAt}
let renewal = null; // the running exchange of tokens, which all requests wait for that need new ones
const tabs = 'BroadcastChannel' in globalThis ? new BroadcastChannel(KEY) : null;

tabs?.addEventListener('message', ({ data }) => {
  if (data.asks !== undefined && data.asks === session?.id) tabs.postMessage({ owned: session.id });
});

export function isSignedIn() {
  return session !== null;
}

/** Continue the session that this tab had before a reload. Return whether there is one. */
export async function resume() {
  const stored = readStored();
  if (stored === null) return false;
  if (await isOwnedByAnotherTab(stored.id)) {
    forget();
    return false;
  }
  session = { ...stored, accessToken: null, expiresAt: 0 };
  try {
    await renew();
  } catch (error) {
    if (error instanceof SignedOut) return false;
    throw error;
  }
  return true;
}

/** Sign in. Return the problem if the bank refuses or asks for a second factor, otherwise null. */
export async function signIn(email, password) {
  return begin(await send(LOG_IN, { input: { email, password } }));
}

/** Complete a sign-in with a second factor. Return the problem if the bank refuses, otherwise null. */
export async function completeSignIn(challenge, proof) {
  return begin(await send(COMPLETE_LOGIN, { input: { challenge, ...proof } }));
}

/** Prove the identity again, for orders that need it. Return the problem if the bank refuses, otherwise null. */
export async function stepUp(input) {
  if (session === null) throw new SignedOut('Sign in first.');
  if (renewal !== null || Date.now() > session.expiresAt - EARLY_MS) await renew();
  // The bank replaces both tokens at once. A request that it refuses meanwhile waits for the new ones.
  const proof = proveAgain(input).finally(() => {
    renewal = null;
  });
  renewal = proof;
  return proof;
}

async function proveAgain(input) {
  const { id, accessToken } = session;
  const { result } = await send(STEP_UP, { input }, accessToken);
  if (session?.id !== id) throw new SignedOut('The session has ended.'); // signed out in the meantime
  if (result.__typename !== 'StepUpSuccess') return result;
  adopt(result, id);
  return null;
}

/** Register, and sign in. Return the problem if the bank refuses, otherwise null. */
export async function register(input) {
  return begin(await send(REGISTER, { input }));
}

export async function signOut() {
  const token = session?.accessToken ?? null;
  forget();
  if (token !== null) await send(LOG_OUT, {}, token);
}

/** Send an operation with the access token. Throws SignedOut if the session has ended. */
export async function run(document_, variables = {}) {
  if (session === null) throw new SignedOut('Sign in first.');
  if (Date.now() > session.expiresAt - EARLY_MS) await renew();
  try {
    return await send(document_, variables, session.accessToken);
  } catch (error) {
    if (!(error instanceof GraphQLFailure) || error.code !== 'UNAUTHENTICATED') throw error;
  }
  // The token was refused before anything was carried out, so the operation can be sent again.
  await renew();
  return send(document_, variables, session.accessToken);
}

function begin({ result }) {
  if (result.__typename !== 'Session') return result;
  adopt(result, randomText());
  return null;
}

function adopt({ accessToken, refreshToken, expiresIn }, id) {
  session = { id, accessToken, refreshToken, expiresAt: Date.now() + expiresIn * 1000 };
  store({ id, refreshToken });
}

function renew() {
  renewal ??= exchange().finally(() => {
    renewal = null;
  });
  return renewal;
}

async function exchange() {
  if (session === null) throw new SignedOut('The session has ended.');
  const { id, refreshToken } = session;
  const { result } = await send(REFRESH, { input: { refreshToken } });
  if (session?.id !== id) throw new SignedOut('The session has ended.'); // signed out in the meantime
  if (result.__typename !== 'Session') {
    forget();
    throw new SignedOut('Your session has ended. Sign in again.');
  }
  adopt(result, id);
}

function forget() {
  session = null;
  store(null);
}

function isOwnedByAnotherTab(id) {
  if (tabs === null) return false;
  return new Promise((resolve) => {
    const hear = ({ data }) => data.owned === id && finish(true);
    const timer = setTimeout(() => finish(false), ANSWER_MS);
    const finish = (isOwned) => {
      clearTimeout(timer);
      tabs.removeEventListener('message', hear);
      resolve(isOwned);
    };
    tabs.addEventListener('message', hear);
    tabs.postMessage({ asks: id });
  });
}

/** 32 random hexadecimal digits. `crypto.randomUUID` is not available to pages over plain HTTP. */
export function randomText() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function readStored() {
  try {
    const value = JSON.parse(sessionStorage.getItem(KEY));
    return typeof value?.id === 'string' && typeof value.refreshToken === 'string' ? value : null;
  } catch {
    return null; // the browser forbids storage, or somebody else wrote there
  }
}

function store(value) {
  try {
    if (value === null) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, JSON.stringify(value));
  } catch {
    // The browser forbids storage: a reload signs out.
  }
}
