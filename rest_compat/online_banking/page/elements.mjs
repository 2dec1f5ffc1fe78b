// Makes and fills elements. Texts of the bank are always text nodes, never HTML.

/** Make an element with these properties and children. A child that is null is left out. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

export function byId(id) {
  return document.getElementById(id);
}

const drawn = new WeakMap();

/** Replace the children of `parent` by those that `draw` returns, unless `data` is what is shown already. */
export function show(parent, data, draw) {
  const text = JSON.stringify(data);
  if (drawn.get(parent) === text) return;
  drawn.set(parent, text);
  parent.replaceChildren(...draw(data));
}
