// Shows the view that the address names, and keeps it fresh. `#/` is the list of accounts, `#/accounts/ID` one account.

import * as accountView from './account_view.mjs';
import * as accountsView from './accounts_view.mjs';
import { byId } from './elements.mjs';
import { FactorForm } from './factor_form.mjs';
import { Problem, clear, explanation, onSubmit } from './forms.mjs';
import { timeOfDay } from './formats.mjs';
import { Polling } from './polling.mjs';
import * as session from './session.mjs';
import * as stepUp from './step_up.mjs';

const VIEWS = ['sign-in', 'second-step', 'register', 'accounts', 'account'];
const polling = new Polling();
let pendingChallenge = null; // of the sign-in whose second step is shown
let factorForm = null;

/** Show the view of the address. If `focus`, its title gets the focus, so that a screen reader announces it. */
function navigate({ focus = true } = {}) {
  const [, account = null] = /^#\/accounts\/([0-9a-f]+)$/.exec(location.hash) ?? [];
  polling.stop();
  byId('signed-in').hidden = !session.isSignedIn();
  if (!session.isSignedIn()) {
    open(location.hash === '#/register' ? 'register' : 'sign-in', focus);
  } else if (account === null) {
    accountsView.enter();
    open('accounts', focus);
    polling.start((isCurrent) => refresh(accountsView, isCurrent));
  } else {
    accountView.enter(account);
    open('account', focus);
    polling.start((isCurrent) => refresh(accountView, isCurrent));
  }
}

function open(name, focus) {
  for (const view of VIEWS) byId(`view-${view}`).hidden = view !== name;
  const title = byId(`title-${name}`);
  document.title = `${title.textContent} – MoSafe online banking`;
  if (focus) title.focus();
}

async function refresh(view, isCurrent) {
  try {
    const name = await view.load(isCurrent);
    if (name !== null) byId('person').textContent = name;
    if (isCurrent()) sayFreshness(`Updated ${timeOfDay(new Date())}`);
    return true;
  } catch (error) {
    if (error instanceof session.SignedOut) end(error.message);
    else if (isCurrent()) sayFreshness(`Not up to date. ${explanation(error)}`);
    return false;
  }
}

function sayFreshness(text) {
  for (const element of document.querySelectorAll('.freshness')) element.textContent = text;
}

/** Show the sign-in form with a text that says why. */
function end(reason) {
  polling.stop();
  byId('sign-in-notice').textContent = reason;
  navigate();
}

function activateSignIn(form, begin) {
  onSubmit(form, async (values) => {
    const problem = await begin(values);
    if (problem?.__typename === 'SecondFactorRequired') {
      form.reset();
      askForFactor(problem);
      return;
    }
    if (problem !== null) throw new Problem(`${problem.message}.`);
    form.reset();
    welcome();
  });
}

function welcome() {
  byId('sign-in-notice').textContent = '';
  if (location.hash === '#/register') location.hash = '#/';
  else navigate();
}

function askForFactor({ challenge, methods, passkeyOptions }) {
  pendingChallenge = challenge;
  factorForm.ask(methods, passkeyOptions);
  byId('sign-in-notice').textContent = '';
  open('second-step', true);
}

async function completeSignIn(proof) {
  const problem = await session.completeSignIn(pendingChallenge, proof);
  if (problem === null) welcome();
  else if (problem.code === 'INVALID_CHALLENGE') end('This took too long, or had too many attempts. Sign in again.');
  else throw new Problem(`${problem.message}.`);
}

async function start() {
  activateSignIn(byId('form-sign-in'), ({ email, password }) => session.signIn(email.trim(), password));
  activateSignIn(byId('form-register'), ({ name, email, password }) =>
    session.register({ name: name.trim(), email: email.trim(), password }),
  );
  factorForm = new FactorForm(byId('form-second-step'), completeSignIn);
  byId('second-step-back').addEventListener('click', () => navigate());
  stepUp.activate();
  accountsView.activate(() => polling.now());
  accountView.activate(() => polling.now());
  byId('sign-out').addEventListener('click', async () => {
    try {
      await session.signOut();
      end('You are signed out.');
    } catch {
      end('This page has forgotten your session, but the bank could not be told. The session ends by itself.');
    }
  });
  addEventListener('hashchange', () => {
    clear(byId('form-sign-in'));
    clear(byId('form-register'));
    navigate();
  });
  try {
    await session.resume();
  } catch (error) {
    byId('sign-in-notice').textContent = explanation(error);
  }
  navigate({ focus: false });
}

start();
