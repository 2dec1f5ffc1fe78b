// The form that moves money: a transfer, a payment, a deposit or a withdrawal.

import { Problem, clear, onSubmit } from './forms.mjs';
import { money, typedAmount } from './formats.mjs';
import { ORDERS } from './operations.mjs';
import { randomText, run } from './session.mjs';
import { confirm } from './step_up.mjs';

const NAMES = { transfer: 'Transfer', pay: 'Pay', deposit: 'Deposit', withdraw: 'Withdraw' };
const DONE = { transfer: 'transferred', pay: 'paid', deposit: 'deposited', withdraw: 'withdrawn' };
const FINAL = 'COMPLETED';
const STEP_UP_REQUIRED = 'STEP_UP_REQUIRED';

export class OrderForm {
  #form;
  #account = null;
  #attempt = null; // {input, key} of an order whose outcome is unknown: sent again, it has the same key

  constructor(form, refresh) {
    this.#form = form;
    form.elements.kind.addEventListener('change', () => this.#showKind());
    onSubmit(form, async (values) => {
      const done = await this.#send(values);
      form.reset();
      form.elements.kind.value = values.kind;
      refresh();
      return done;
    });
    this.#showKind();
  }

  /** Use the form for this account. What a person has typed stays if it is the same account as before. */
  enter(account) {
    if (account?.id !== this.#account?.id) {
      this.#form.reset();
      this.#showKind();
      this.#attempt = null;
    }
    this.#account = account;
    if (account !== null) this.#form.querySelector('#order-currency').textContent = account.currency;
  }

  #showKind() {
    const kind = this.#form.elements.kind.value;
    clear(this.#form);
    for (const field of this.#form.querySelectorAll('[data-kinds]')) {
      field.hidden = !field.dataset.kinds.split(' ').includes(kind);
    }
    this.#form.querySelector('[type=submit]').textContent = NAMES[kind];
  }

  async #send(values) {
    const { currency } = this.#account;
    const amountSent = typedAmount(values.amount, currency);
    if (amountSent === null) {
      throw new Problem('', [{ path: ['amount'], message: `must be an amount such as ${typedAmount('20', currency)}` }]);
    }
    const input = inputOf({ ...values, amount: amountSent }, this.#account);
    const idempotencyKey = this.#keyOf(values.kind, input);
    const order = () => run(ORDERS[values.kind], { input: { ...input, idempotencyKey } });
    let { result } = await order();
    if (result.code === STEP_UP_REQUIRED) {
      // Nothing was recorded, so the same order goes through with the same key.
      await confirm(`${NAMES[values.kind]} ${money(input.amount, currency)}`);
      ({ result } = await order());
    }
    this.#attempt = null;
    if (result.__typename !== 'TransactionSuccess') throw new Problem(refusal(result));
    const amount = money(input.amount, currency);
    if (result.transaction.status !== FINAL) return `Your order of ${amount} is accepted, but not final yet.`;
    return `${amount} ${DONE[values.kind]}.`;
  }

  /** The key of this order. Without an answer, the bank may have carried out the order; with the same key it does so once. */
  #keyOf(kind, input) {
    const text = JSON.stringify([kind, input]);
    if (this.#attempt?.text !== text) this.#attempt = { text, key: randomText() };
    return this.#attempt.key;
  }
}

function inputOf({ kind, amount, metadata, payee, destinationAccountNumber }, { id, currency }) {
  const note = metadata.trim();
  const common = { amount, currency, metadata: note ? { note } : null };
  if (kind === 'deposit') return { ...common, destinationAccountId: id };
  if (kind === 'withdraw') return { ...common, sourceAccountId: id };
  if (kind === 'pay') return { ...common, sourceAccountId: id, payee: payee.trim() };
  return { ...common, sourceAccountId: id, destinationAccountNumber: destinationAccountNumber.replaceAll(/\s/g, '') };
}

/** What the bank says, with the facts that help a person to go on. */
function refusal({ message, available, currency, limit, remaining, limitCurrency, accountCurrency, reason }) {
  const facts = [
    available && `Available: ${money(available, currency)}.`,
    limit && `Limit: ${money(limit, limitCurrency)}, of which ${money(remaining, limitCurrency)} is left.`,
    accountCurrency && `The other account is held in ${accountCurrency}.`,
    reason && `${reason}.`,
  ];
  return [`${message}.`, ...facts.filter(Boolean)].join(' ');
}
