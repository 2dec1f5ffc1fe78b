// Mercurius as a gateway. It reads the SDL of each subgraph, and only Federation 1. So the supergraph is written as the
// SDLs that Federation 1 would have: one subgraph owns an entity, and the others extend it.
import { readFileSync } from 'node:fs';
import mercurius from '@mercuriusjs/gateway';
import fastify from 'fastify';
import { Kind, parse, print } from 'graphql';

const ROOTS = new Set(['Query', 'Mutation', 'Subscription']);

function argumentsOf(directive) {
  const pairs = directive.arguments.map(({ name, value }) => [name.value, value.value]);
  return Object.fromEntries(pairs);
}

function joins(node, name) {
  return (node.directives ?? []).filter((each) => each.name.value === name).map(argumentsOf);
}

// The fields of a type in one subgraph, each with the arguments of its `@join__field`.
function fieldsIn(type, graph) {
  return type.fields.flatMap((field) => {
    const found = joins(field, 'join__field');
    const own = found.length ? found.find((each) => each.graph === graph) : {};
    return own ? [{ field, own }] : [];
  });
}

// The subgraph with the most fields, among those that resolve all of theirs without fields of others.
function ownerOf(type, graphs) {
  const fields = graphs.map((graph) => fieldsIn(type, graph));
  const counts = fields.map((all) => (all.some(({ own }) => own.external) ? 0 : all.length));
  return graphs[counts.indexOf(Math.max(...counts))];
}

function printedField({ field, own }, isExternal) {
  const suffix = isExternal || own.external ? ' @external' : own.requires ? ` @requires(fields: "${own.requires}")` : '';
  return print({ ...field, directives: [] }) + suffix;
}

function printedObject(type, graph) {
  const types = joins(type, 'join__type');
  const keys = types.filter((each) => each.graph === graph && each.key).map((each) => each.key);
  const graphs = [...new Set(types.map((each) => each.graph))];
  const isExtension = ROOTS.has(type.name.value) || (keys.length && ownerOf(type, graphs) !== graph);
  const external = new Set(isExtension ? keys.flatMap((key) => key.split(/\s+/)) : []);
  const fields = fieldsIn(type, graph).map((each) => printedField(each, external.has(each.field.name.value)));
  const directives = keys.map((key) => ` @key(fields: "${key}")`).join('');
  if (!fields.length) return '';
  return `${isExtension ? 'extend ' : ''}type ${type.name.value}${directives} {\n  ${fields.join('\n  ')}\n}\n`;
}

function withoutDirectives(node) {
  const { fields, values } = node;
  const plain = { ...node, directives: [] };
  if (fields) plain.fields = fields.map((each) => ({ ...each, directives: [] }));
  if (values) plain.values = values.map((each) => ({ ...each, directives: [] }));
  return print(plain);
}

function subgraphs(supergraph) {
  const definitions = parse(supergraph).definitions;
  const graphs = definitions.find((each) => each.name?.value === 'join__Graph');
  return graphs.values.map((value) => {
    const [{ name, url }] = joins(value, 'join__graph');
    const graph = value.name.value;
    const own = definitions.filter((each) => joins(each, 'join__type').some((join) => join.graph === graph));
    const printed = own.map((each) =>
      each.kind === Kind.OBJECT_TYPE_DEFINITION ? printedObject(each, graph) : withoutDirectives(each),
    );
    return { name, url, schema: printed.join('\n') };
  });
}

const services = subgraphs(readFileSync(process.env.SUPERGRAPH, 'utf8'));
const app = fastify();
await app.register(mercurius, { gateway: { services }, path: '/graphql', jit: 1 });
await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) });
