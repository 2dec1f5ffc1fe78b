// The peers behind a pipe: one JSON request a line in, one JSON answer a line out, in order.
//
//   {"compose": [{name, url, sdl}]}             -> {ok, readable, codes, hints, messages, supergraph, seconds}
//   {"plan": {supergraph, operation, by}}       -> {plan}          by: "apollo", "apollo-defer" or "hive"
//   {"print": {plan}}                           -> {text}          a plan of Apollo's as Apollo's planner prints it
//   {"plans": {supergraph, operations, by, rounds}}   -> {load, plans: [{plan, seconds: [of each round]} or {crash}]}
//   {"serve": {supergraph, urls, query, variables, headers}} -> {response}     by @apollo/gateway
//
// Whatever goes wrong on the way is {crash: text}: it is the test's to judge. NODE_PATH names the folder of packages.
"use strict";

const { createInterface } = require("node:readline");
const { parse } = require("graphql");

// Each makes, of a supergraph, a function from an operation's text to its plan.
const planners = {
  apollo(supergraph, config = {}) {
    const { Supergraph, operationFromDocument } = require("@apollo/federation-internals");
    const { QueryPlanner } = require("@apollo/query-planner");
    const built = Supergraph.build(supergraph);
    const planner = new QueryPlanner(built, config);
    const schema = built.apiSchema();
    return (operation) => planner.buildQueryPlan(operationFromDocument(schema, parse(operation)));
  },

  "apollo-defer"(supergraph) {
    return planners.apollo(supergraph, { incrementalDelivery: { enableDefer: true } });
  },

  hive(supergraph) {
    const { QueryPlanner } = require("@graphql-hive/router-query-planner");
    const planner = new QueryPlanner(supergraph);
    return (operation) => planner.plan(operation, null, new Set(), 0);
  },
};

const handlers = {
  compose(subgraphs) {
    const { composeServices } = require("@apollo/composition");
    const started = process.cpuUsage();
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
    return { plan: planners[by](supergraph)(operation) };
  },

  print({ plan }) {
    const { prettyFormatQueryPlan } = require("@apollo/query-planner");
    return { text: prettyFormatQueryPlan(plan) };
  },

  // One planner for many operations; the text of an operation is read anew in every round, as in a server.
  plans({ supergraph, operations, by, rounds }) {
    const started = process.cpuUsage();
    const plan = planners[by](supergraph);
    const load = secondsSince(started);
    return {
      load,
      plans: operations.map((operation) => {
        try {
          const seconds = [];
          let planned;
          for (let round = 0; round < rounds; round++) {
            const begun = process.cpuUsage();
            planned = plan(operation);
            seconds.push(secondsSince(begun));
          }
          return { plan: planned, seconds };
        } catch (error) {
          return { crash: String(error?.stack ?? error).slice(0, 2000) };
        }
      }),
    };
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
  const { user, system } = process.cpuUsage(started);
  return (user + system) / 1e6;
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
