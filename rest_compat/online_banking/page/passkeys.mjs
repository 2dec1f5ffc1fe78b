// Asks the browser for the signature of a passkey (WebAuthn).

/** Whether this page can use a passkey with these options: browsers bind passkeys to a domain. */
export function canUse(options) {
  if (options === null || !('PublicKeyCredential' in globalThis)) return false;
  const { rpId } = JSON.parse(options);
  return location.hostname === rpId || location.hostname.endsWith(`.${rpId}`);
}

/** Return the JSON of the signature for the bank. Throws NotAllowedError if the person cancels, or the device refuses. */
export async function sign(options) {
  const { challenge, allowCredentials = [], ...others } = JSON.parse(options);
  const publicKey = {
    ...others,
    challenge: bytes(challenge),
    allowCredentials: allowCredentials.map((each) => ({ ...each, id: bytes(each.id) })),
  };
  const { id, rawId, type, response, authenticatorAttachment } = await navigator.credentials.get({ publicKey });
  const signed = {};
  for (const name of ['clientDataJSON', 'authenticatorData', 'signature', 'userHandle']) {
    if (response[name]) signed[name] = base64url(response[name]);
  }
  return JSON.stringify({ id, rawId: base64url(rawId), type, response: signed, authenticatorAttachment });
}

function bytes(text) {
  const base64 = text.replaceAll('-', '+').replaceAll('_', '/');
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

function base64url(buffer) {
  const base64 = btoa(String.fromCharCode(...new Uint8Array(buffer)));
  return base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
