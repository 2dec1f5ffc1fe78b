// The logic of the explorer's modules, without a browser. `test_explorer_modules.py` runs this file in Node.js.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';

const folder = pathToFileURL(`${process.env.EXPLORER}/`);
const load = (name) => import(new URL(name, folder));
const { tokenize, operationsOf } = await load('graphql_tokens.mjs');
const { Schema, typeText, namedType } = await load('schema_model.mjs');
const { complete } = await load('completion.mjs');
const { BOX, layoutPlan, timeOf, timeText } = await load('plan_layout.mjs');
const { readHeaders, readVariables, split } = await load('request.mjs');
const { pieces } = await load('json_view.mjs');

const schema = new Schema(JSON.parse(readFileSync(process.env.INTROSPECTION, 'utf8')));

/** The labels at the place of `|` in the document. */
function labels(document) {
  const offset = document.indexOf('|');
  return complete(schema, document.replace('|', ''), offset).items.map((item) => item.label);
}

test('the tokens of a document are the whole document', () => {
  for (const text of ['{ a(b: "x\\"y") @c ...D }', 'query ($a: [Int!] = [1, -2.5e3]) { a } # end', '"""b"c"""{', '{ § "open\n}']) {
    assert.equal(tokenize(text, true).map((token) => token.text).join(''), text);
  }
  assert.deepEqual(tokenize('{ a # c\n}').map((token) => token.kind), ['punctuation', 'name', 'punctuation']);
});

test('the operations of a document', () => {
  const text = 'query A($x: I = {a: 1}) { query { b } } fragment F on T { mutation } mutation B { c } { d } subscription';
  assert.deepEqual(
    operationsOf(text).map(({ kind, name }) => [kind, name]),
    [['query', 'A'], ['mutation', 'B'], ['query', null], ['subscription', null]],
  );
  assert.deepEqual(operationsOf(''), []);
});

test('fields of the root type and of nested objects are offered', () => {
  assert.deepEqual(labels('{ | }'), ['me', 'search', 'node', '__typename']);
  assert.deepEqual(labels('{ me { | } }'), ['name', 'friends', '__typename', 'old']);
  assert.deepEqual(labels('{ me { friends { | } } }'), ['name', 'friends', '__typename', 'old']);
  assert.deepEqual(labels('{ me { name } | }'), ['me', 'search', 'node', '__typename']);
  assert.deepEqual(labels('{ other: me { | } }'), ['name', 'friends', '__typename', 'old']);
  assert.deepEqual(labels('mutation { | }'), ['rename', '__typename']);
});

test('what begins with the typed text comes first, and deprecated fields last', () => {
  assert.deepEqual(labels('{ me { na| } }'), ['name', '__typename']);
  assert.deepEqual(labels('{ me { d| } }'), ['friends', 'old']);
  assert.deepEqual(labels('{ nothing { | } }'), []);
});

test('the typed name is replaced', () => {
  const found = complete(schema, '{ me { nam } }', 10);
  assert.deepEqual([found.from, found.to, found.items[0].label, found.items[0].detail], [7, 10, 'name', 'String!']);
  const inside = complete(schema, '{ me { name } }', 9);
  assert.deepEqual([inside.from, inside.to], [7, 11]);
});

test('arguments and their values are offered', () => {
  assert.deepEqual(labels('{ search(|) { __typename } }'), ['text', 'filter', 'kind']);
  assert.deepEqual(labels('{ search(kind: |) }'), ['USER', 'BOOK']);
  assert.deepEqual(labels('{ search(kind: USER, |) }'), ['text', 'filter', 'kind']);
  assert.deepEqual(labels('{ search(filter: {|}) }'), ['kinds', 'exact', 'inner']);
  assert.deepEqual(labels('{ search(filter: {inner: {ex|}}) }'), ['exact']);
  assert.deepEqual(labels('{ search(filter: {exact: |}) }'), ['true', 'false']);
  assert.deepEqual(labels('{ search(filter: {kinds: [|]}) }'), ['USER', 'BOOK']);
  assert.deepEqual(labels('{ search(filter: {kinds: [USER], |}) }'), ['kinds', 'exact', 'inner']);
});

test('variables are offered where they can stand', () => {
  const head = 'query ($text: String, $n: Int) ';
  assert.deepEqual(labels(`${head}{ search(text: $|) }`), ['$text', '$n']);
  assert.deepEqual(labels(`${head}{ search(text: |) }`), ['$text', '$n']);
  assert.ok(labels('query ($a: |) { me { name } }').includes('Boolean'));
  assert.ok(labels('query ($a: [|]) { me { name } }').includes('Filter'));
  assert.ok(!labels('query ($a: |) { me { name } }').includes('User'));
});

test('types of fragments, and fragments', () => {
  assert.deepEqual(labels('{ search { ... on | } }'), ['Node', 'User', 'Book', 'Result']);
  assert.deepEqual(labels('{ search { ... on Book { | } } }'), ['title', '__typename']);
  assert.deepEqual(labels('{ search { ...| } } fragment F on Book { title }'), ['on', 'F']);
  assert.deepEqual(labels('fragment F on Book { | }'), ['title', '__typename']);
  assert.ok(labels('fragment F on |').includes('Book'));
  assert.deepEqual(labels('{ search { ... on Book { title } | } }'), ['__typename']);
});

test('directives and their arguments', () => {
  assert.deepEqual(labels('{ me @| { name } }'), ['@include', '@skip']);
  assert.deepEqual(labels('{ me @include(|) { name } }'), ['if']);
  assert.deepEqual(labels('{ me @include(if: |) { name } }'), ['true', 'false']);
});

test('keywords stand between definitions, and nothing in comments and strings', () => {
  assert.deepEqual(labels('|'), ['query', 'mutation', 'fragment']);
  assert.deepEqual(labels('{ me { name } } mu|'), ['mutation']);
  assert.deepEqual(labels('# na|\n{ me }'), []);
  assert.deepEqual(labels('{ search(text: "na|") }'), []);
});

test('types are written as GraphQL writes them', () => {
  const type = schema.field('User', 'friends').type;
  assert.equal(typeText(type), '[User!]!');
  assert.equal(namedType(type), 'User');
});

test('the schema is searched by names', () => {
  const found = schema.search('fri').map(({ type, field }) => [type.name, field?.name ?? null]);
  assert.deepEqual(found, [['User', 'friends']]);
  assert.deepEqual(schema.search('  '), []);
});

const fetch = (serviceName, more = {}) => ({ kind: 'Fetch', serviceName, operation: `{ ${serviceName} }`, operationKind: 'query', ...more });
const PLAN = {
  plan: {
    kind: 'QueryPlan',
    node: {
      kind: 'Sequence',
      nodes: [
        fetch('auth'),
        {
          kind: 'Parallel',
          nodes: [
            { kind: 'Flatten', path: ['me', 'accounts', '@'], node: fetch('account') },
            { kind: 'BatchFetch', serviceName: 'transaction', operation: '{ t }', parts: [{ node: { kind: 'Flatten', path: ['a'], node: fetch('transaction') } }] },
          ],
        },
        { kind: 'Condition', condition: 'more', ifClause: fetch('auth'), elseClause: null },
      ],
    },
  },
  requests: [
    { request: 0, subgraph: 'auth', startMs: 1, durationMs: 4, status: 200 },
    { request: 2, subgraph: 'transaction', startMs: 6, durationMs: 10, status: 200 },
    { request: 2, subgraph: 'transaction', startMs: 18, durationMs: 2, status: 500 },
  ],
};

test('a plan is laid out from top to bottom, with the times at the right boxes', () => {
  const { boxes, lines, total, width, height } = layoutPlan(PLAN);
  assert.deepEqual(boxes.map((box) => [box.number, box.subgraph, box.path, box.condition]), [
    [0, 'auth', '', ''],
    [1, 'account', 'me.accounts[]', ''],
    [2, 'transaction', 'a', ''],
    [3, 'auth', '', 'if $more'],
  ]);
  assert.deepEqual(boxes.map(timeOf), [4, null, 14, null]);
  assert.equal(total, 20);
  assert.equal(boxes[1].y, boxes[2].y);
  assert.ok(boxes[0].y + BOX.height < boxes[1].y && boxes[2].y + BOX.height < boxes[3].y);
  assert.equal(lines.length, 4);
  assert.ok(boxes.every((box) => box.x >= 0 && box.x + box.width <= width && box.y + box.height <= height));
});

test('no two boxes of a plan lie on each other', () => {
  const nodes = [1, 2, 3].map((n) => ({ kind: 'Sequence', nodes: Array.from({ length: n }, () => fetch(`s${n}`)) }));
  const { boxes } = layoutPlan({ plan: { node: { kind: 'Parallel', nodes } }, requests: [] });
  for (const a of boxes) {
    for (const b of boxes) {
      const apart = a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
      assert.ok(a === b || apart);
    }
  }
});

test('a plan without fetches has no boxes', () => {
  const { boxes, total } = layoutPlan({ plan: { kind: 'QueryPlan' }, requests: [] });
  assert.deepEqual([boxes, total], [[], 0]);
});

test('durations are short texts', () => {
  assert.deepEqual([null, 0.1234, 12.34, 123.4, 1234].map(timeText), ['not sent', '0.12 ms', '12.3 ms', '123 ms', '1.23 s']);
});

test('headers are one in each line', () => {
  assert.deepEqual(readHeaders('Authorization: Bearer a:b\n\n# no\n x-a :1 '), [['Authorization', 'Bearer a:b'], ['x-a', '1']]);
  for (const bad of ['Authorization', 'a b: c', 'x: €']) assert.throws(() => readHeaders(bad), /Line 1/);
});

test('variables are an object', () => {
  assert.deepEqual(readVariables(' '), {});
  assert.deepEqual(readVariables('{"a": 1}'), { a: 1 });
  for (const bad of ['[]', 'null', '1', '{']) assert.throws(() => readVariables(bad), /Variables are/);
});

test('the plan is taken out of the response', () => {
  assert.deepEqual(split('{"data":1,"extensions":{"queryPlan":{"a":1}}}'), { body: { data: 1 }, plan: { a: 1 } });
  assert.deepEqual(split('{"extensions":{"queryPlan":{},"b":2}}'), { body: { extensions: { b: 2 } }, plan: {} });
  assert.deepEqual(split('<html>'), { body: '<html>', plan: null });
  assert.deepEqual(split('null'), { body: null, plan: null });
});

test('the pieces of a JSON text are the whole text', () => {
  const text = JSON.stringify({ a: 'x: "y"', 'b\\': [1.5, true, null] }, null, 2);
  assert.equal(pieces(text).map(([, piece]) => piece).join(''), text);
  assert.deepEqual(pieces('{"a": "b"}').filter(([kind]) => kind), [['key', '"a"'], ['string', '"b"']]);
});
