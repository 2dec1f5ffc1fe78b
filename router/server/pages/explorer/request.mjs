// Sends an operation to the router, and reads what people type as variables and headers.

/** Return the JSON object in `text`; an empty text is an empty object. Throws an Error with a message for people. */
export function readVariables(text) {
  if (!text.trim()) return {};
  let value;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`Variables are not JSON: ${error.message}`);
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new Error('Variables are a JSON object, such as {"first": 10}.');
  }
  return value;
}

/** Return the headers in `text`, one in each line, as [name, value]. Throws an Error with a message for people. */
export function readHeaders(text) {
  const headers = [];
  text.split('\n').forEach((line, index) => {
    if (!line.trim() || line.trimStart().startsWith('#')) return;
    const match = /^\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*:\s*(.*?)\s*$/.exec(line);
    if (!match) throw new Error(`Line ${index + 1} is not a header, such as Authorization: Bearer abc.`);
    if (/[^\t\x20-\x7e\x80-\xff]/.test(match[2])) throw new Error(`Line ${index + 1} has a character that headers cannot have.`);
    headers.push([match[1], match[2]]);
  });
  return headers;
}

/**
 * Send an operation. Return {status, milliseconds, bytes, body, plan}: `body` is the response without the plan, or
 * text if it is not JSON.
 */
export async function send(endpoint, { query, operationName = null, variables = {}, headers = [] }) {
  const started = performance.now();
  const response = await fetch(endpoint, {
    method: 'POST',
    credentials: 'same-origin',
    headers: [
      ['accept', 'application/graphql-response+json, application/json;q=0.9'],
      ['content-type', 'application/json'],
      ['query-plan', 'include'],
      ...headers,
    ],
    body: JSON.stringify({ query, operationName: operationName ?? undefined, variables }),
  });
  const text = await response.text();
  const milliseconds = performance.now() - started;
  return { status: response.status, milliseconds, bytes: text.length, ...split(text) };
}

/** Take the plan out of the response: people read the data, and the plan has its own panel. */
export function split(text) {
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    return { body: text, plan: null };
  }
  const { queryPlan = null, ...others } = body?.extensions ?? {};
  if (queryPlan !== null) {
    if (Object.keys(others).length > 0) body.extensions = others;
    else delete body.extensions;
  }
  return { body, plan: queryPlan };
}
