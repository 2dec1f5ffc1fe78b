// Each client sends a query with a variable, a mutation, and two queries with errors to the given URL. The second argument
// is a JSON object with further headers of each request.
// Prints one JSON object: client -> {greeting, renamed, invalid, failed}, with the data and the codes of the errors.
import { ApolloClient, ApolloLink, CombinedGraphQLErrors, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { createPersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { createHash } from "node:crypto";
import { GraphQLClient } from "graphql-request";
import { Client, cacheExchange, fetchExchange } from "urql";

const url = process.argv[2];
const headers = JSON.parse(process.argv[3] ?? "{}");
const GREET = "query Greet($name: String!) { greet(name: $name) }";
const RENAME = "mutation Rename($name: String!) { rename(name: $name) { id name orders { id amount } } }";
const INVALID = "query Invalid { nothing }";
const FAILED = "query Failed { me { name } order(id: 1) { id } }";

const codes = (errors) => (errors ?? []).map((error) => error.extensions?.code ?? error.message);

async function apollo(...links) {
  const http = new HttpLink({ uri: url, headers: { ...headers, "apollographql-client-name": "apollo" } });
  const client = new ApolloClient({ link: ApolloLink.from([...links, http]), cache: new InMemoryCache() });
  const run = async (work) => {
    const { data, error } = await work({ errorPolicy: "all" }).catch((error) => ({ error }));
    return { data, errors: codes(CombinedGraphQLErrors.is(error) ? error.errors : error ? [error] : []) };
  };
  return {
    greeting: await run((options) => client.query({ query: gql(GREET), variables: { name: "Apollo" }, ...options })),
    renamed: await run((options) => client.mutate({ mutation: gql(RENAME), variables: { name: "x" }, ...options })),
    invalid: await run((options) => client.query({ query: gql(INVALID), ...options })),
    failed: await run((options) => client.query({ query: gql(FAILED), ...options })),
  };
}

const clients = {
  "@apollo/client": () => apollo(),

  // It sends the hash of a document, and the document only if the router does not know it or supports no hashes.
  "@apollo/client, persisted queries": () =>
    apollo(createPersistedQueryLink({ sha256: (text) => createHash("sha256").update(text).digest("hex") })),

  async urql() {
    // urql sends short queries by GET; the header shows the router that the request does not come from a form.
    const client = new Client({
      url,
      exchanges: [cacheExchange, fetchExchange],
      preferGetMethod: "within-url-limit",
      fetchOptions: { headers: { ...headers, "apollo-require-preflight": "true" } },
    });
    const run = async (operation) => {
      const { data, error } = await operation.toPromise();
      return { data, errors: codes(error?.graphQLErrors ?? (error ? [error] : [])) };
    };
    return {
      greeting: await run(client.query(GREET, { name: "urql" })),
      renamed: await run(client.mutation(RENAME, { name: "x" })),
      invalid: await run(client.query(INVALID, {})),
      failed: await run(client.query(FAILED, {})),
    };
  },

  async "graphql-request"() {
    const client = new GraphQLClient(url, { errorPolicy: "all", headers });
    const run = async (document, variables) => {
      const { data, errors } = await client.rawRequest(document, variables).catch((error) => error.response);
      return { data, errors: codes(errors) };
    };
    return {
      greeting: await run(GREET, { name: "graphql-request" }),
      renamed: await run(RENAME, { name: "x" }),
      invalid: await run(INVALID),
      failed: await run(FAILED),
    };
  },
};

const results = {};
for (const [name, run] of Object.entries(clients)) results[name] = await run();
console.log(JSON.stringify(results));
