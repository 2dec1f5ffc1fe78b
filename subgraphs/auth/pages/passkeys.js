// Lets the browser make and use passkeys (WebAuthn) on the pages of the auth service.
//
// An element with `data-passkey-origins` has the origins of the pages on which passkeys work. What needs this script is
// hidden in the HTML, and is shown only where passkeys work (`data-passkey-shown`). If the element has the options of a
// passkey, a button with `data-passkey-use` asks the user for it. The answer of the browser goes into the field
// `assertion` of the form, which is then sent like any other. `data-passkey-start` begins this when the page opens.
'use strict'

const MESSAGES = {
  NotAllowedError: 'The passkey was not used. Try again, or use another way.',
  InvalidStateError: 'This device already has a passkey of your account.',
}
const OTHER = 'Your browser cannot use a passkey here. Use another way.'

function bytes(text) {
  const base64 = text.replaceAll('-', '+').replaceAll('_', '/')
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
}

function base64url(buffer) {
  const base64 = btoa(String.fromCharCode(...new Uint8Array(buffer)))
  return base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

// The options of the server, whose binary members are base64url texts.
function parsed(text) {
  const options = JSON.parse(text)
  const known = (credentials) => credentials?.map((each) => ({ ...each, id: bytes(each.id) }))
  return {
    ...options,
    challenge: bytes(options.challenge),
    ...(options.user && { user: { ...options.user, id: bytes(options.user.id) } }),
    ...(options.allowCredentials && { allowCredentials: known(options.allowCredentials) }),
    ...(options.excludeCredentials && { excludeCredentials: known(options.excludeCredentials) }),
  }
}

// The same as `PublicKeyCredential.toJSON()`, which browsers of 2023 do not have.
function answer(credential) {
  const response = {}
  for (const name of ['clientDataJSON', 'attestationObject', 'authenticatorData', 'signature', 'userHandle']) {
    if (credential.response[name]) response[name] = base64url(credential.response[name])
  }
  return JSON.stringify({
    id: credential.id,
    rawId: base64url(credential.rawId),
    type: credential.type,
    response,
    clientExtensionResults: credential.getClientExtensionResults(),
    authenticatorAttachment: credential.authenticatorAttachment,
  })
}

async function use(element) {
  const form = element.querySelector('form')
  const problem = element.querySelector('[data-passkey-problem]')
  const button = element.querySelector('[data-passkey-use]')
  // The form may have a field that the browser checks, such as the name of a new passkey.
  if (!form.reportValidity()) return
  problem.hidden = true
  button.disabled = true
  try {
    const options = { publicKey: parsed(element.dataset.passkeyOptions) }
    const credential = await navigator.credentials[element.dataset.passkeyAction](options)
    form.elements.assertion.value = answer(credential)
    form.submit()
  } catch (error) {
    problem.textContent = MESSAGES[error.name] ?? OTHER
    problem.hidden = false
    button.disabled = false
  }
}

function prepare(element) {
  const isHere = element.dataset.passkeyOrigins.split(' ').includes(location.origin)
  for (const each of element.querySelectorAll('[data-passkey-shown]')) {
    each.hidden = each.dataset.passkeyShown !== (isHere ? 'here' : 'elsewhere')
  }
  if (!isHere || !element.dataset.passkeyAction) return
  element.querySelector('[data-passkey-use]').addEventListener('click', () => use(element))
  if ('passkeyStart' in element.dataset) use(element)
}

if (window.PublicKeyCredential) document.querySelectorAll('[data-passkey-origins]').forEach(prepare)
