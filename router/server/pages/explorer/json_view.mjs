// Shows JSON with colours.

const PATTERN = /(?<key>"(?:\\.|[^"\\])*")(?=\s*:)|(?<string>"(?:\\.|[^"\\])*")|(?<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?<keyword>true|false|null)/g;
const LARGEST = 400_000; // a longer text is shown without colours: a span for each token would make the page slow

/** Return [kind, text] for each piece of a JSON text; `kind` is "" between the tokens. */
export function pieces(text) {
  const found = [];
  let end = 0;
  for (const match of text.matchAll(PATTERN)) {
    if (match.index > end) found.push(['', text.slice(end, match.index)]);
    found.push([Object.keys(match.groups).find((name) => match.groups[name] !== undefined), match[0]]);
    end = match.index + match[0].length;
  }
  if (end < text.length) found.push(['', text.slice(end)]);
  return found;
}

export function showJson(element, value) {
  const text = typeof value === 'string' ? value : JSON.stringify(value, null, 2);
  if (text.length > LARGEST || typeof value === 'string') {
    element.textContent = text;
    return;
  }
  element.replaceChildren(
    ...pieces(text).map(([kind, piece]) => {
      if (!kind) return document.createTextNode(piece);
      const span = document.createElement('span');
      span.className = `json-${kind}`;
      span.textContent = piece;
      return span;
    }),
  );
}
