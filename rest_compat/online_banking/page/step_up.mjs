// Asks the person to prove their identity again, before an order that needs it.

import { byId } from './elements.mjs';
import { FactorForm } from './factor_form.mjs';
import { Problem } from './forms.mjs';
import { BEGIN_PASSKEY_STEP_UP, SECOND_FACTORS } from './operations.mjs';
import { run, stepUp } from './session.mjs';

const NO_FACTOR = 'Your account has no second factor. Orders of this size need one: add an authenticator app or a passkey first.';

let form = null;
let passkey = null; // the challenge of the passkeys, or null
let settle = null; // ends the question: with true when the proof was accepted, with false when the person has cancelled

/** Prepare the dialog. */
export function activate() {
  const dialog = byId('step-up');
  form = new FactorForm(byId('form-step-up'), async (proof) => {
    const problem = await stepUp('assertion' in proof ? { ...proof, challenge: passkey.challenge } : proof);
    if (problem !== null) {
      if ('assertion' in proof) await prepare(); // a challenge is used once
      throw new Problem(`${problem.message}.`);
    }
    settle?.(true);
    dialog.close();
  });
  byId('step-up-cancel').addEventListener('click', () => dialog.close());
  dialog.addEventListener('close', () => settle?.(false));
}

/** Ask for the proof. `what` names the order. Throws a Problem if the person cancels, or has no second factor. */
export async function confirm(what) {
  byId('step-up-what').textContent = what;
  await prepare();
  const isAccepted = await new Promise((resolve) => {
    settle = resolve;
    byId('step-up').showModal();
    form.focus();
  });
  settle = null;
  if (!isAccepted) throw new Problem('You did not confirm the order. It was not carried out.');
}

async function prepare() {
  const { secondFactors } = await run(SECOND_FACTORS);
  if (!secondFactors.enrolled) throw new Problem(NO_FACTOR);
  const { authenticatorApp, recoveryCodesLeft, passkeys } = secondFactors;
  passkey = passkeys.length > 0 ? await challenge() : null;
  const methods = [authenticatorApp && 'CODE', recoveryCodesLeft > 0 && 'RECOVERY_CODE'].filter(Boolean);
  form.ask(methods, passkey?.options ?? null);
}

async function challenge() {
  const { result } = await run(BEGIN_PASSKEY_STEP_UP);
  return result.__typename === 'PasskeyChallenge' ? result : null;
}
