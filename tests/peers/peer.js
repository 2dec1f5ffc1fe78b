// The peers behind a pipe: one JSON request a line in, one JSON answer a line out, in order.
//
//   {"compose": [{name, url, sdl}]}             -> {ok, readable, codes, hints, messages, supergraph, seconds}
//   {"plan": {supergraph, operation, by}}       -> {plan}          by: "apollo" or "hive"
//   {"serve": {supergraph, urls, query, variables, headers}} -> {response}     by @apollo/gateway
//
// Whatever goes wrong on the way is {crash: text}: it is the test's to judge. NODE_PATH names the folder of packages.
"use strict";

const { createInterface } = require("node:readline");
const { parse } = require("graphql");

const handlers = {
  compose(subgraphs) {
    const { composeServices } = require("@apollo/composition");
    const started = process.hrtime.bigint();
    const failed = (errors, readable = true) => ({
      ok: false,
      readable,
      codes: unique(errors.map((error) => error.extensions?.code ?? "INVALID_GRAPHQL")),
      hints: [],
      messages: errors.map((error) => error.message),
      supergraph: null,
      seconds: secondsSince(started),
    });
    let services;
    try {
      services = subgraphs.map(({ name, url, sdl }) => ({ name, url, typeDefs: parse(sdl) }));
    } catch (error) {
      return failed([error], false);
    }
    const { errors, hints, supergraphSdl } = composeServices(services);
    if (errors?.length) return failed(errors);
    return {
      ok: true,
      readable: true,
      codes: [],
      hints: unique(hints.map((hint) => hint.definition.code)),
      messages: hints.map((hint) => hint.message),
      supergraph: supergraphSdl,
      seconds: secondsSince(started),
    };
  },

  plan({ supergraph, operation, by }) {
    if (by === "hive") {
      const { QueryPlanner } = require("@graphql-hive/router-query-planner");
      return { plan: new QueryPlanner(supergraph).plan(operation, null, new Set(), 0) };
    }
    const { Supergraph, operationFromDocument } = require("@apollo/federation-internals");
    const { QueryPlanner } = require("@apollo/query-planner");
    const built = Supergraph.build(supergraph);
    const document = operationFromDocument(built.apiSchema(), parse(operation));
    return { plan: new QueryPlanner(built).buildQueryPlan(document) };
  },

  async serve({ supergraph, urls, query, variables, headers }) {
    const { ApolloGateway, RemoteGraphQLDataSource } = require("@apollo/gateway");
    class Forwarding extends RemoteGraphQLDataSource {
      willSendRequest({ request }) {
        for (const [name, value] of Object.entries(headers ?? {})) request.http.headers.set(name, value);
      }
    }
    const quiet = { debug() {}, info() {}, warn() {}, error() {} };
    const gateway = new ApolloGateway({
      supergraphSdl: supergraph,
      logger: quiet,
      buildService: ({ name, url }) => new Forwarding({ url: urls[name] ?? url }),
    });
    const { executor } = await gateway.load({ apollo: {} });
    try {
      const response = await executor({
        document: parse(query),
        request: { query, variables },
        queryHash: query,
        context: {},
        cache: new Map(),
        schema: gateway.schema,
        overallCachePolicy: { restrict() {}, policyIfCacheable: () => null },
        operationName: null,
        metrics: {},
        logger: quiet,
      });
      return { response };
    } finally {
      await gateway.stop();
    }
  },
};

function unique(codes) {
  return [...new Set(codes)].sort();
}

function secondsSince(started) {
  return Number(process.hrtime.bigint() - started) / 1e9;
}

// What a library writes to the console must not come between the answers.
console.log = console.info = console.warn = console.debug = console.error;

(async () => {
  for await (const line of createInterface({ input: process.stdin })) {
    let answer;
    try {
      const [[name, request]] = Object.entries(JSON.parse(line));
      answer = await handlers[name](request);
    } catch (error) {
      answer = { crash: String(error?.stack ?? error).slice(0, 2000) };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
})();
