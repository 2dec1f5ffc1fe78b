// A form that asks for a second factor: a code, a recovery code or a passkey.

import { Problem, clear, during, onSubmit } from './forms.mjs';
import { canUse, sign } from './passkeys.mjs';

const HINTS = {
  CODE: 'The code of your authenticator app.',
  RECOVERY_CODE: 'One of your recovery codes.',
  'CODE RECOVERY_CODE': 'The code of your authenticator app, or a recovery code.',
};

export class FactorForm {
  #form;
  #button;
  #options = null;

  /** `give` gets the proof as an input of the bank: `{code}`, `{recoveryCode}` or `{assertion}`. It may throw a Problem. */
  constructor(form, give) {
    this.#form = form;
    this.#button = form.querySelector('.passkey');
    onSubmit(form, ({ code }) => give(proofOf(code)));
    this.#button.addEventListener('click', () => during(form, async () => give({ assertion: await this.#assertion() })));
  }

  /** Ask for one of `methods`. `options` is the JSON of the passkeys, or null. */
  ask(methods, options) {
    const codes = methods.filter((method) => method !== 'PASSKEY');
    const hasCode = codes.length > 0;
    this.#options = canUse(options) ? options : null;
    clear(this.#form);
    this.#form.reset();
    this.#button.hidden = this.#options === null;
    this.#button.className = hasCode ? 'plain passkey' : 'primary passkey';
    this.#form.querySelector('.field').hidden = !hasCode;
    this.#form.querySelector('[type=submit]').hidden = !hasCode;
    this.#form.querySelector('.code-hint').textContent = HINTS[codes.join(' ')] ?? '';
    this.#form.querySelector('.no-way').hidden = hasCode || this.#options !== null;
  }

  /** Put the focus where the person goes on. */
  focus() {
    const target = this.#form.querySelector('.field').hidden ? this.#button : this.#form.elements.code;
    target.focus();
  }

  async #assertion() {
    try {
      return await sign(this.#options);
    } catch {
      throw new Problem('The passkey was not used. Try again, or use another way.');
    }
  }
}

function proofOf(text) {
  const code = text.replaceAll(/\s/g, '');
  return /^[0-9]+$/.test(code) ? { code } : { recoveryCode: code };
}
