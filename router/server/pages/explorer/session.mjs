// What the page remembers. Headers can have a token: they are kept only for this tab of the browser, until it is closed.

const KEY = 'mosafe-router-ide';

export function load() {
  return { ...read(globalThis.localStorage), ...read(globalThis.sessionStorage) };
}

export function save({ query, variables, headers }) {
  write(globalThis.localStorage, { query, variables });
  write(globalThis.sessionStorage, { headers });
}

function read(storage) {
  try {
    const value = JSON.parse(storage.getItem(KEY) ?? '{}');
    return value !== null && typeof value === 'object' ? value : {};
  } catch {
    return {}; // the browser forbids storage, or somebody else wrote there
  }
}

function write(storage, value) {
  try {
    storage.setItem(KEY, JSON.stringify(value));
  } catch {
    // The browser forbids storage: the page works without it.
  }
}
