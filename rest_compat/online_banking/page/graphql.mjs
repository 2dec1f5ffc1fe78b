// Sends operations to the server of this page, which forwards them to the router.

// An order can take as long as the slowest service behind the router.
const TIMEOUT_MS = 60_000;
const endpoint = document.body.dataset.graphql;

/** The bank gave no GraphQL response. Whether it carried out the operation is unknown. */
export class Unreachable extends Error {}

/** The response has GraphQL errors. `code` is that of the first one; `fields` are the wrong inputs of the operation. */
export class GraphQLFailure extends Error {
  constructor(errors) {
    const [{ message, extensions = {} }] = errors;
    super(message);
    this.code = extensions.code ?? '';
    this.fields = extensions.fields ?? [];
    this.retryAfter = extensions.retryAfter ?? null;
  }
}

/**
 * Send an operation. Return its data, which may be partial: null stands where a service has failed.
 * Throws GraphQLFailure if there is no data at all, or an error that concerns the whole request.
 */
export async function send(document_, variables, accessToken = null) {
  const body = await exchange(JSON.stringify({ query: document_, variables }), accessToken);
  const errors = body.errors ?? [];
  const isWhole = body.data == null || errors.some(({ extensions }) => extensions?.code === 'UNAUTHENTICATED');
  if (errors.length > 0 && (isWhole || Object.values(body.data).every((value) => value === null))) {
    throw new GraphQLFailure(errors);
  }
  return body.data;
}

async function exchange(content, accessToken) {
  const headers = { accept: 'application/graphql-response+json', 'content-type': 'application/json' };
  if (accessToken !== null) headers.authorization = `Bearer ${accessToken}`;
  let body;
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const options = { method: 'POST', headers, body: content, cache: 'no-store', credentials: 'omit', redirect: 'error', signal };
    body = await (await fetch(endpoint, options)).json();
  } catch {
    throw new Unreachable('The bank cannot be reached.');
  }
  if (body === null || typeof body !== 'object' || !('data' in body || Array.isArray(body.errors))) {
    throw new Unreachable('The bank cannot be reached.');
  }
  return body;
}
