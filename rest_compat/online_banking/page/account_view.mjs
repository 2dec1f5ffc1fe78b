// One account: its facts, its transactions page by page, and the form that moves money.

import { byId, make, show } from './elements.mjs';
import { grouped, moment, money, word } from './formats.mjs';
import { ACCOUNT } from './operations.mjs';
import { OrderForm } from './order_form.mjs';
import { run } from './session.mjs';

const PAGE = 10;

let accountId = null;
let cursors = [null]; // where each page up to the shown one begins
let next = null; // where the following page begins; null on the last page
let orderForm = null;

/** Prepare the form and the buttons. `refresh` loads the account again. */
export function activate(refresh) {
  orderForm = new OrderForm(byId('form-order'), refresh);
  byId('older').addEventListener('click', () => turn([...cursors, next], refresh));
  byId('newer').addEventListener('click', () => turn(cursors.slice(0, -1), refresh));
}

export function enter(id) {
  accountId = id;
  cursors = [null];
  next = null;
  orderForm.enter(null);
  byId('account-body').hidden = true;
  byId('account-missing').hidden = true;
}

/** Load the account with the shown page, and show it. Return the name of the signed-in person. */
export async function load(isCurrent) {
  const { me, account } = await run(ACCOUNT, { id: accountId, first: PAGE, after: cursors.at(-1) });
  if (isCurrent()) {
    byId('account-missing').hidden = account !== null;
    byId('account-body').hidden = account === null;
    if (account !== null) draw(account, me?.accounts?.nodes ?? []);
  }
  return me?.name ?? null;
}

async function turn(to, refresh) {
  cursors = to;
  byId('older').disabled = true;
  byId('newer').disabled = true;
  await refresh();
  byId('title-history').scrollIntoView({ block: 'nearest' });
}

function draw(account, own) {
  const { transactions, ...facts } = account;
  show(byId('title-account'), [facts.type, facts.accountNumber], ([type, number]) => [`${word(type)} ${grouped(number)}`]);
  show(byId('account-facts'), facts, factsOf);
  show(byId('own-numbers'), own, (accounts) => accounts.filter(({ id }) => id !== account.id).map(option));
  orderForm.enter(account);
  byId('history-problem').textContent = transactions === null ? 'Transactions are not available at the moment.' : '';
  if (transactions === null) return;
  const { nodes, pageInfo } = transactions;
  byId('history-empty').hidden = nodes.length > 0 || cursors.length > 1;
  show(byId('history'), nodes, (items) => items.map((item) => line(item, account.id)));
  next = pageInfo.hasNextPage ? pageInfo.endCursor : null;
  byId('older').disabled = next === null;
  byId('newer').disabled = cursors.length === 1;
}

function factsOf({ balance, available, held, currency, status }) {
  const rows = [
    ['Balance', money(balance, currency)],
    ['Available', money(available, currency)],
    ['Reserved', money(held, currency)],
    ['Status', word(status)],
  ];
  return rows.map(([name, value]) => make('div', {}, make('dt', {}, name), make('dd', {}, value)));
}

function option({ accountNumber, type }) {
  return make('option', { value: accountNumber }, `Your ${word(type).toLowerCase()}`);
}

function line(item, id) {
  const isOutgoing = item.source?.id === id;
  const { note } = item.metadata;
  const details = [note, item.status === 'COMPLETED' ? null : word(item.status), item.problem?.message].filter(Boolean);
  return make(
    'li',
    { className: item.status === 'FAILED' ? 'entry is-refused' : 'entry' },
    make('span', { className: 'entry-what' }, what(item, isOutgoing)),
    make('span', { className: 'entry-amount' }, money((isOutgoing ? '-' : '') + item.amount, item.currency, { signed: true })),
    make('span', { className: 'quiet' }, [moment(item.createdAt), ...details].join(' · ')),
  );
}

function what({ type, payee, counterparty, source, destination }, isOutgoing) {
  if (type === 'PAYMENT' && payee) return `Payment to ${payee}`;
  if (type !== 'TRANSFER') return word(type);
  const direction = isOutgoing ? 'to' : 'from';
  if (source !== null && destination !== null) return `Transfer ${direction} your other account`;
  if (counterparty === null) return word(type);
  return `Transfer ${direction} ${counterparty.owner?.name ?? grouped(counterparty.accountNumber)}`;
}
