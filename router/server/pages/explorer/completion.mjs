// Finds what can stand at a place of a GraphQL document, by the schema and the text before that place.
//
// The tokens before the place are read once, with a stack of contexts: a selection set has a type, a list of arguments
// has the arguments of a field, and so on. The top of the stack at the end says which names fit.

import { tokenize } from './graphql_tokens.mjs';
import { namedType, typeText } from './schema_model.mjs';

const KEYWORDS = [
  { label: 'query', detail: 'reads data' },
  { label: 'mutation', detail: 'changes data' },
  { label: 'subscription', detail: 'receives events' },
  { label: 'fragment', detail: 'fields to use in several places' },
];
const OPERATIONS = new Set(['query', 'mutation', 'subscription']);
const NAMED = new Set(['name', 'variable', 'directive']);

/**
 * Return {from, to, items}: the items that can replace the text between `from` and `to`, best first. An item is
 * {label, detail, description, isDeprecated}.
 */
export function complete(schema, document, offset) {
  const all = tokenize(document, true);
  const at = all.find((token) => token.start < offset && offset <= token.end);
  if (at && (at.kind === 'comment' || at.kind === 'string')) return nothing(offset);
  const isTyped = at && (NAMED.has(at.kind) || at.text === '$' || at.text === '@');
  const from = isTyped ? at.start : offset;
  const to = isTyped ? Math.max(at.end, offset) : offset;
  const before = tokenize(document).filter((token) => token.end <= from);
  const place = read(schema, before);
  const typed = document.slice(from, offset);
  const prefix = at && isTyped ? typed : '';
  const items = candidates(schema, place, document, prefix);
  return { from, to, items: ranked(items, prefix) };
}

function nothing(offset) {
  return { from: offset, to: offset, items: [] };
}

/** Keep the items that fit the typed text: those that begin with it first, then those that contain it. */
function ranked(items, typed) {
  const wanted = typed.toLowerCase();
  const rank = (item) => {
    const label = item.label.toLowerCase();
    if (label.startsWith(wanted)) return 0;
    return label.includes(wanted) ? 1 : 2;
  };
  return items
    .map((item, index) => ({ item, index, rank: rank(item) }))
    .filter((each) => each.rank < 2 && !(each.item.label === typed && items.length === 1))
    .sort((a, b) => a.rank - b.rank || isOld(a.item) - isOld(b.item) || a.index - b.index)
    .map((each) => each.item);
}

function isOld(item) {
  return Number(item.isDeprecated ?? false);
}

/** Read the tokens before the place. Return the context at the place, and the last tokens that belong to it. */
function read(schema, tokens) {
  const stack = [{ kind: 'document' }];
  let previous = null;
  for (const token of tokens) {
    step(schema, stack, token, previous);
    previous = token;
  }
  return { context: stack[stack.length - 1], previous };
}

function step(schema, stack, token, previous) {
  const top = stack[stack.length - 1];
  if (token.text === '}' || token.text === ')' || token.text === ']') {
    if (stack.length > 1) stack.pop();
    leave(stack[stack.length - 1], token.text);
  } else if (token.text === '{') {
    stack.push(opened(schema, top));
  } else if (token.text === '(') {
    stack.push(parenthesis(schema, top, previous));
  } else if (token.text === '[') {
    stack.push({ kind: 'list', type: top.value ?? top.type ?? null, isVariables: top.kind === 'variables' });
  } else {
    advance(schema, top, token, previous);
  }
}

function leave(context, bracket) {
  if (bracket === '}' && context.kind === 'document') context.definition = null;
  if (bracket === '}' && context.kind === 'selection') {
    Object.assign(context, { field: null, condition: null, isFragment: false });
  }
  if (context.kind === 'arguments' || context.kind === 'object') Object.assign(context, { value: null, isValue: false });
}

/** The context inside a `{` that stands in `top`. */
function opened(schema, top) {
  if (top.kind === 'document') {
    const type = top.definition === 'fragment' ? top.condition : schema.roots[top.definition ?? 'query'];
    return { kind: 'selection', type: type ?? null };
  }
  if (top.kind === 'selection') {
    if (top.isFragment) return { kind: 'selection', type: top.condition ?? top.type };
    return { kind: 'selection', type: top.field ? namedType(top.field.type) : null };
  }
  const type = schema.type(namedType(top.value ?? top.type ?? null));
  return { kind: 'object', fields: type?.inputFields ?? [], value: null };
}

/** The context inside a `(` that stands in `top`. */
function parenthesis(schema, top, previous) {
  if (previous?.kind === 'directive') {
    const directive = schema.directives.find((each) => `@${each.name}` === previous.text);
    return { kind: 'arguments', fields: directive?.args ?? [], value: null };
  }
  if (top.kind === 'document') return { kind: 'variables', value: null };
  return { kind: 'arguments', fields: top.field?.args ?? [], value: null };
}

/** Note what a token that opens or closes nothing means for the context. */
function advance(schema, context, token, previous) {
  if (context.kind === 'document') inDocument(context, token, previous);
  else if (context.kind === 'selection') inSelection(schema, context, token, previous);
  else if (context.kind === 'arguments' || context.kind === 'object') inArguments(context, token, previous);
  else if (context.kind === 'variables') inVariables(schema, context, token, previous);
}

function inDocument(context, token, previous) {
  if (token.kind !== 'name') return;
  if (previous?.text === 'on' && context.definition === 'fragment') context.condition = token.text;
  else if (!context.definition && (OPERATIONS.has(token.text) || token.text === 'fragment')) {
    context.definition = token.text;
  }
}

function inSelection(schema, context, token, previous) {
  if (token.kind === 'spread') {
    Object.assign(context, { isFragment: true, condition: null, field: null });
  } else if (token.kind === 'name') {
    if (previous?.text === 'on' && context.isFragment) context.condition = token.text;
    else if (previous?.kind === 'spread') context.isFragment = true;
    else Object.assign(context, { isFragment: false, condition: null, field: schema.field(context.type, token.text) });
  }
}

function inArguments(context, token, previous) {
  if (token.text === ':') {
    context.value = context.fields.find((field) => field.name === previous?.text)?.type ?? null;
    context.isValue = true;
  } else if (context.isValue) {
    context.value = null;
    context.isValue = false;
  }
}

function inVariables(schema, context, token) {
  if (token.text === ':') context.isType = true;
  else if (token.text === '=') {
    context.isType = false;
    context.value = context.last ? { kind: 'NAMED', name: context.last } : null;
  } else if (token.kind === 'name' && context.isType) {
    context.last = token.text;
    context.isType = false;
  } else if (token.kind === 'variable') Object.assign(context, { value: null, isType: false });
}

function candidates(schema, { context, previous }, document, typed) {
  const isDirective = typed.startsWith('@') || previous?.text === '@';
  if (isDirective && context.kind !== 'variables') {
    const location = context.isFragment ? 'INLINE_FRAGMENT' : 'FIELD';
    return schema.directives
      .filter((each) => each.locations.includes(location))
      .map((each) => item(`@${each.name}`, '', each));
  }
  switch (context.kind) {
    case 'document':
      return inDocumentHere(schema, context, previous);
    case 'selection':
      return inSelectionHere(schema, context, previous, document);
    case 'arguments':
    case 'object':
      if (context.isValue) return values(schema, context.value, document, typed);
      return context.fields.map((each) => item(each.name, typeText(each.type), each));
    case 'list':
      if (context.isVariables) return inputTypes(schema);
      return values(schema, context.type, document, typed);
    default:
      if (context.isType) return inputTypes(schema);
      return context.value ? values(schema, context.value, document, typed) : [];
  }
}

function inDocumentHere(schema, context, previous) {
  if (previous?.text === 'on' && context.definition === 'fragment') return compositeTypes(schema);
  if (context.definition) return [];
  return KEYWORDS.filter((each) => each.label === 'fragment' || schema.roots[each.label]);
}

function inSelectionHere(schema, context, previous, document) {
  if (previous?.text === 'on' && context.isFragment) {
    return schema.fragmentTypes(context.type).map((name) => item(name, 'type', schema.type(name)));
  }
  if (previous?.kind === 'spread') {
    const on = { label: 'on', detail: 'fields of one type' };
    return [on, ...fragments(document).map((name) => item(name, 'fragment'))];
  }
  return schema.selectable(context.type).map((field) => item(field.name, typeText(field.type), field));
}

function values(schema, type, document, typed) {
  const named = schema.type(namedType(type));
  const own = named?.kind === 'ENUM' ? named.enumValues.map((each) => item(each.name, named.name, each)) : [];
  if (named?.name === 'Boolean') own.push(item('true', 'Boolean'), item('false', 'Boolean'));
  if (typed.startsWith('$') || own.length === 0) own.push(...variables(document));
  return own;
}

function variables(document) {
  const tokens = tokenize(document);
  const defined = tokens.filter((token, index) => token.kind === 'variable' && tokens[index + 1]?.text === ':');
  const names = defined
    // `name: $variable` is a use; a definition has no colon before it.
    .filter((token) => tokens[tokens.indexOf(token) - 1]?.text !== ':')
    .map((token) => token.text);
  return [...new Set(names)].map((name) => item(name, 'variable'));
}

function fragments(document) {
  const tokens = tokenize(document);
  return tokens.filter((_, index) => tokens[index - 1]?.text === 'fragment').map((token) => token.text);
}

function inputTypes(schema) {
  return schema.inputTypes().map((type) => item(type.name, type.kind.toLowerCase().replace('_', ' '), type));
}

function compositeTypes(schema) {
  return [...schema.types.keys()]
    .filter((name) => schema.isComposite(name) && !name.startsWith('__'))
    .map((name) => item(name, 'type', schema.type(name)));
}

function item(label, detail, described = null) {
  return {
    label,
    detail,
    description: described?.deprecationReason ?? described?.description ?? '',
    isDeprecated: Boolean(described?.isDeprecated),
  };
}
