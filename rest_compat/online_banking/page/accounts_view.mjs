// The list of accounts, and the form that opens one.

import { byId, make, show } from './elements.mjs';
import { Problem, clear, onSubmit } from './forms.mjs';
import { grouped, money, word } from './formats.mjs';
import { ACCOUNTS, OPEN_ACCOUNT } from './operations.mjs';
import { run } from './session.mjs';

const form = byId('form-open');

/** Prepare the form. `refresh` loads the list again. */
export function activate(refresh) {
  onSubmit(form, async ({ type, currency }) => {
    const { result } = await run(OPEN_ACCOUNT, { input: { type, currency } });
    if (result.__typename !== 'OpenAccountSuccess') throw new Problem(result.message);
    refresh();
    return `Account ${grouped(result.account.accountNumber)} is open.`;
  });
}

export function enter() {
  clear(form);
}

/** Load the list and show it. Return the name of the signed-in person. */
export async function load(isCurrent) {
  const { me } = await run(ACCOUNTS);
  if (isCurrent() && me?.accounts) draw(me.accounts);
  return me?.name ?? null;
}

function draw({ nodes, pageInfo }) {
  byId('accounts-empty').hidden = nodes.length > 0;
  byId('accounts-more').hidden = !pageInfo.hasNextPage;
  show(byId('accounts'), nodes, (accounts) => accounts.map(card));
}

function card({ id, accountNumber, type, status, currency, balance, available }) {
  const isReserved = available !== balance;
  return make(
    'li',
    {},
    make(
      'a',
      { className: 'card', href: `#/accounts/${id}` },
      make('span', { className: 'card-type' }, word(type)),
      status === 'ACTIVE' ? null : make('span', { className: 'badge' }, word(status)),
      make('span', { className: 'card-number' }, grouped(accountNumber)),
      make('span', { className: 'card-balance' }, money(balance, currency)),
      isReserved ? make('span', { className: 'quiet' }, `${money(available, currency)} available`) : null,
    ),
  );
}
