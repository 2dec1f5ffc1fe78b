// Runs the peers: reads one JSON request a line, writes one JSON response a line, in the same order.
//
//   {"compose": [{name, url, sdl}]}             -> {ok, readable, codes, hints, messages, supergraph, seconds}
//   {"plan": {supergraph, operation, by}}       -> {plan}          by: "apollo", "apollo-defer" or "hive"
//   {"print": {plan}}                           -> {text}          the plan as Apollo's planner prints it
//   {"plans": {supergraph, operations, by, rounds}}   -> {load, plans: [{plan, seconds: [of each round]} or {crash}]}
//   {"diff": {old, new}}                        -> {changes: [{type, path, level, meta}]}   by @graphql-inspector/core
//   {"usageReport": {report}}                   -> {content: base64}     Apollo's protobuf of a report
//   {"serve": {supergraph, urls, query, variables, headers}} -> {response}     by @apollo/gateway
//
// An exception gives {crash: text}, for the test to judge. NODE_PATH is the folder of packages.
"use strict";

const { createInterface } = require("node:readline");
const { parse } = require("graphql");

// Each takes a supergraph and returns a function that plans the text of an operation.
const planners = {
  apollo(supergraph, config = {}) {
    const internals = require("@apollo/federation-internals");
    const { QueryPlanner } = require("@apollo/query-planner");
    // By default it refuses what only Apollo's router runs: contexts, authorization, cost, connectors.
    const built = internals.Supergraph.build(supergraph, {
      supportedFeatures: internals.ROUTER_SUPPORTED_SUPERGRAPH_FEATURES,
    });
    const planner = new QueryPlanner(built, config);
    const schema = built.apiSchema();
    return (operation) => planner.buildQueryPlan(internals.operationFromDocument(schema, parse(operation)));
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

// The planner that was used last, by its name and supergraph: to build one can take longer than to plan.
let latest = {};

function plannerFor(by, supergraph) {
  if (latest.by !== by || latest.supergraph !== supergraph) {
    latest = { by, supergraph, plan: planners[by](supergraph) };
  }
  return latest.plan;
}

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

  // One planner for many operations. Each round parses the text of the operation, as a server does.
  plans({ supergraph, operations, by, rounds }) {
    const started = process.cpuUsage();
    const plan = plannerFor(by, supergraph);
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

  usageReport({ report }) {
    const { Report, Trace } = require("@apollo/usage-reporting-protobuf");
    for (const found of Object.values(report.tracesPerQuery)) {
      found.trace = (found.trace ?? []).map((trace) => Trace.encode(trace).finish());
    }
    return { content: Buffer.from(Report.encode(report).finish()).toString("base64") };
  },

  async diff({ old, new: changed }) {
    const { buildSchema } = require("graphql");
    const inspector = require("@graphql-inspector/core");
    const changes = await inspector.diff(buildSchema(old), buildSchema(changed));
    return {
      changes: changes.map(({ type, path, criticality, meta }) => ({ type, path, level: criticality.level, meta })),
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

// The output of libraries must not mix with the responses.
console.log = console.info = console.warn = console.debug = console.error;

(async () => {
  for await (const line of createInterface({ input: process.stdin })) {
    let response;
    try {
      const [[name, request]] = Object.entries(JSON.parse(line));
      response = await handlers[name](request);
    } catch (error) {
      response = { crash: String(error?.stack ?? error).slice(0, 2000) };
    }
    process.stdout.write(`${JSON.stringify(response)}\n`);
  }
})();
