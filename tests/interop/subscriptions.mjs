// Subscribes with `graphql-ws`. Arguments: the URL, and the access token of each connection, one after the other.
// Each line of the input is a command: {subscribe: id, query, variables} or {complete: id}. At its end, the client closes.
// Prints one JSON object a line: {begun}, {id, data}, {id, errors}, {id, closed}, {id, completed} or {connectionClosed}.
import { createClient } from "graphql-ws";
import { createInterface } from "node:readline";
import WebSocket from "ws";

const [url, ...tokens] = process.argv.slice(2);
const print = (event) => console.log(JSON.stringify(event));

// The service has begun a subscription when it responds to a ping that was sent after `subscribe`.
class PingingWebSocket extends WebSocket {
  send(text) {
    super.send(text);
    if (JSON.parse(text).type === "subscribe") super.send(JSON.stringify({ type: "ping" }));
  }
}

const client = createClient({
  url,
  webSocketImpl: PingingWebSocket,
  connectionParams: () => ({ authorization: `Bearer ${tokens.shift()}` }),
  retryAttempts: tokens.length - 1,
  retryWait: async () => {},
  on: {
    pong: (received) => received && print({ begun: true }),
    closed: ({ code }) => print({ connectionClosed: code }),
  },
});

const complete = {};
createInterface({ input: process.stdin })
  .on("line", (line) => {
    const { subscribe: id, complete: ended, ...operation } = JSON.parse(line);
    if (ended) return complete[ended]();
    complete[id] = client.subscribe(operation, {
      next: ({ data }) => print({ id, data }),
      error: (error) =>
        print(Array.isArray(error) ? { id, errors: error.map((each) => each.extensions.code) } : { id, closed: error.code }),
      complete: () => print({ id, completed: true }),
    });
  })
  .on("close", () => client.dispose());
