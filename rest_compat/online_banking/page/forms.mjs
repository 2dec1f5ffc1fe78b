// Forms: one request at a time, and each problem beside the field that it is about.

import { make } from './elements.mjs';
import { GraphQLFailure, Unreachable } from './graphql.mjs';
import { SignedOut } from './session.mjs';

const MESSAGES = {
  RATE_LIMITED: 'Too many attempts.',
  FORBIDDEN: 'You may not do this.',
  BAD_USER_INPUT: 'Check what you typed.',
  SERVICE_UNAVAILABLE: 'This service is not available at the moment. Try again later.',
};

/**
 * Call `submit` with the form's values when the form is submitted. `submit` returns a text that says what is done, or
 * throws a Problem, a GraphQLFailure or Unreachable.
 */
export function onSubmit(form, submit) {
  const button = form.querySelector('[type=submit]');
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (button.disabled) return;
    clear(form);
    if (hasAll(form)) during(form, () => submit(Object.fromEntries(new FormData(form))));
  });
}

/** Call `work` as a submission of the form is called, but without its values. Nothing happens while another one runs. */
export async function during(form, work) {
  const button = form.querySelector('[type=submit]');
  if (button.disabled) return;
  clear(form);
  button.disabled = true;
  try {
    say(form, '.done', (await work()) ?? '');
  } catch (error) {
    report(form, error);
  } finally {
    button.disabled = false;
  }
}

/** The bank refused, or an input cannot be sent. `message` is for people; `fields` are the wrong inputs. */
export class Problem extends Error {
  constructor(message, fields = []) {
    super(message);
    this.fields = fields;
  }
}

export function clear(form) {
  say(form, '.problem', '');
  say(form, '.done', '');
  for (const input of form.querySelectorAll('[aria-invalid]')) {
    input.removeAttribute('aria-invalid');
    input.removeAttribute('aria-describedby');
    input.parentElement.querySelector('.field-problem')?.remove();
  }
}

/** A text for people about an error of a request. */
export function explanation(error) {
  if (error instanceof Unreachable || error instanceof SignedOut || error instanceof Problem) return error.message;
  if (!(error instanceof GraphQLFailure)) throw error;
  const wait = error.retryAfter === null ? '' : ` Try again in ${error.retryAfter} s.`;
  return (MESSAGES[error.code] ?? 'This did not work. Try again later.') + wait;
}

function report(form, error) {
  const unplaced = (error.fields ?? []).filter(({ path, message }) => !mark(form, path.at(-1), message));
  const more = unplaced.map(({ path, message }) => `${path.at(-1)}: ${message}.`);
  say(form, '.problem', [explanation(error), ...more].join(' '));
  form.querySelector('[aria-invalid]')?.focus();
}

function hasAll(form) {
  const missing = [...form.querySelectorAll('[required]')].filter(
    (input) => !input.value.trim() && !input.closest('[hidden]'),
  );
  for (const input of missing) mark(form, input.name, 'is needed');
  missing[0]?.focus();
  return missing.length === 0;
}

function mark(form, name, message) {
  const input = form.elements.namedItem(name);
  if (!(input instanceof HTMLElement) || input.closest('[hidden]')) return false;
  const id = `${input.id}-problem`;
  input.setAttribute('aria-invalid', 'true');
  input.setAttribute('aria-describedby', id);
  input.parentElement.querySelector('.field-problem')?.remove();
  input.after(make('p', { className: 'field-problem', id }, message));
  return true;
}

function say(form, selector, text) {
  const element = form.querySelector(selector);
  if (element !== null) element.textContent = text;
}
