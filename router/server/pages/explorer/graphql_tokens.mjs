// Splits a GraphQL document into tokens, for highlighting and completion. It never fails: an unknown character is a
// token of kind "other", and an unfinished string ends with its line.

const PATTERN = new RegExp(
  [
    '(?<comment>#[^\\n\\r]*)',
    '(?<string>"""(?:\\\\"""|[^"]|"(?!""))*(?:"""|$)|"(?:\\\\.|[^"\\\\\\n\\r])*(?:"|(?=[\\n\\r])|$))',
    '(?<variable>\\$[_A-Za-z][_0-9A-Za-z]*)',
    '(?<directive>@[_A-Za-z][_0-9A-Za-z]*)',
    '(?<name>[_A-Za-z][_0-9A-Za-z]*)',
    '(?<number>-?[0-9]+(?:\\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)',
    '(?<spread>\\.\\.\\.)',
    '(?<punctuation>[!$&():=@[\\]{|}])',
    '(?<blank>[\\s,\\ufeff]+)',
    '(?<other>.)',
  ].join('|'),
  'gsu',
);

/**
 * Return the tokens of a document: {kind, text, start, end}. Tokens of kind "blank" are included if `all` is true, so
 * that the texts of all tokens together are the document.
 */
export function tokenize(document, all = false) {
  const tokens = [];
  for (const match of document.matchAll(PATTERN)) {
    const kind = Object.keys(match.groups).find((name) => match.groups[name] !== undefined);
    if (all || (kind !== 'blank' && kind !== 'comment')) {
      tokens.push({ kind, text: match[0], start: match.index, end: match.index + match[0].length });
    }
  }
  return tokens;
}

const DEFINITIONS = new Set(['query', 'mutation', 'subscription']);

/** Return the operations of a document, each {kind, name, start}. `name` is null for an anonymous operation. */
export function operationsOf(document) {
  const operations = [];
  const tokens = tokenize(document);
  let depth = 0;
  let isBody = false; // the next { belongs to a definition that is already in the list, or to a fragment
  tokens.forEach((token, index) => {
    if (token.text === '{' || token.text === '(' || token.text === '[') {
      if (token.text === '{' && depth === 0) {
        if (!isBody) operations.push({ kind: 'query', name: null, start: token.start });
        isBody = false;
      }
      depth += 1;
    } else if (token.text === '}' || token.text === ')' || token.text === ']') {
      depth = Math.max(0, depth - 1);
    } else if (depth === 0 && !isBody && DEFINITIONS.has(token.text)) {
      const next = tokens[index + 1];
      const name = next?.kind === 'name' ? next.text : null;
      operations.push({ kind: token.text, name, start: token.start });
      isBody = true;
    } else if (depth === 0 && token.text === 'fragment') {
      isBody = true;
    }
  });
  return operations;
}
