// Amounts, times and names as people read and type them.

const moments = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const currencies = new Map();

const WORDS = {
  CHECKING: 'Checking account',
  SAVINGS: 'Savings account',
  BUSINESS: 'Business account',
  ACTIVE: 'Active',
  FROZEN: 'Frozen',
  CLOSED: 'Closed',
  TRANSFER: 'Transfer',
  DEPOSIT: 'Deposit',
  WITHDRAWAL: 'Withdrawal',
  PAYMENT: 'Payment',
  REVERSAL: 'Reversal',
  FEE: 'Fee',
  PENDING: 'Pending',
  HELD: 'In review',
  COMPLETED: 'Completed',
  FAILED: 'Refused',
  REVERSED: 'Reversed',
};

/** The name of an enum value. A value that is newer than this page is shown as it is. */
export function word(value) {
  return WORDS[value] ?? value;
}

/** An amount for people. `amount` stays a decimal string, because a number would round large amounts. */
export function money(amount, currency, { signed = false } = {}) {
  return formatOf(currency, signed ? 'exceptZero' : 'auto').format(amount);
}

function formatOf(currency, signDisplay) {
  const key = `${currency} ${signDisplay}`;
  if (!currencies.has(key)) {
    currencies.set(key, new Intl.NumberFormat(undefined, { style: 'currency', currency, signDisplay }));
  }
  return currencies.get(key);
}

/** The amount that a person typed, with exactly the decimals that `currency` has; null if the text is not an amount. */
export function typedAmount(text, currency) {
  const match = /^0*(\d{1,15}?)(?:[.,](\d*))?$/.exec(text.replaceAll(/[\s']/g, ''));
  const decimals = formatOf(currency, 'auto').resolvedOptions().maximumFractionDigits;
  const [, whole, fraction = ''] = match ?? [];
  if (!match || fraction.length > decimals || /^0*$/.test(whole + fraction)) return null;
  return decimals === 0 ? whole : `${whole}.${fraction.padEnd(decimals, '0')}`;
}

export function moment(text) {
  return moments.format(new Date(text));
}

export function timeOfDay(date) {
  return clock.format(date);
}

/** An account number in groups, which are easier to read. */
export function grouped(accountNumber) {
  return accountNumber.replace(/^(.{4})(.{3})(.*)$/, '$1\u00a0$2\u00a0$3');
}
