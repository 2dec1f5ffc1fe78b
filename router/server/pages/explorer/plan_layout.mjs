// Places the requests of a query plan on a plane, from top to bottom in the order of time.
//
// A sequence puts its nodes below each other, a parallel node puts them side by side, and each request is a box. A line
// leads from the last boxes of a step to the first boxes of the next one.

export const BOX = { width: 208, height: 84, gapX: 24, gapY: 44, margin: 12 };

/**
 * Return {width, height, boxes, lines, total} for the plan in `extensions.queryPlan`.
 *
 * A box is {x, y, width, height, number, subgraph, path, operation, kind, runs, condition}: `runs` has the entries of
 * `requests` with this number, and `path` is where the fields are added. A line is {x1, y1, x2, y2}. `total` is the time
 * in milliseconds after which the last response was complete.
 */
export function layoutPlan(shown) {
  const runs = new Map();
  for (const each of shown.requests ?? []) {
    if (each.request === undefined) continue;
    if (!runs.has(each.request)) runs.set(each.request, []);
    runs.get(each.request).push(each);
  }
  const state = { runs, next: 0, boxes: [], lines: [] };
  const size = shown.plan?.node ? place(state, measure(shown.plan.node, state), BOX.margin, BOX.margin) : null;
  const ends = (shown.requests ?? []).map((each) => each.startMs + (each.durationMs ?? 0));
  return {
    width: (size?.width ?? 0) + 2 * BOX.margin,
    height: (size?.height ?? 0) + 2 * BOX.margin,
    boxes: state.boxes,
    lines: state.lines,
    total: Math.max(0, ...ends),
  };
}

/** Return the node as {kind, width, height, children | box}. The numbers of requests are those of the plan's order. */
function measure(node, state, path = [], condition = '') {
  switch (node.kind) {
    case 'Fetch':
    case 'BatchFetch':
      return leaf(node, state, path, condition);
    case 'Flatten':
      return measure(node.node, state, node.path, condition);
    case 'Condition':
      return group(
        'Parallel',
        [
          node.ifClause && measure(node.ifClause, state, path, `if $${node.condition}`),
          node.elseClause && measure(node.elseClause, state, path, `unless $${node.condition}`),
        ].filter(Boolean),
      );
    case 'Defer':
      return group(
        'Sequence',
        [node.primary?.node, ...node.deferred.map((part) => part.node)]
          .filter(Boolean)
          .map((each) => measure(each, state, path, condition)),
      );
    case 'Subscription':
      return group(
        'Sequence',
        [node.primary, node.rest].filter(Boolean).map((each) => measure(each, state, path, condition)),
      );
    default:
      return group(node.kind, node.nodes.map((each) => measure(each, state, path, condition)));
  }
}

function leaf(node, state, path, condition) {
  const number = state.next;
  state.next += 1;
  const places = node.kind === 'BatchFetch' ? node.parts.map((part) => spelled(part.node.path ?? [])) : [spelled(path)];
  const box = {
    number,
    subgraph: node.serviceName,
    kind: node.operationKind ?? 'query',
    path: places.filter(Boolean).join(', '),
    operation: node.operation,
    condition,
    runs: state.runs.get(number) ?? [],
  };
  return { kind: 'leaf', box, width: BOX.width, height: BOX.height };
}

function spelled(path) {
  return path.map((step) => step.replace('@', '[]')).join('.').replaceAll('.[]', '[]');
}

function group(kind, children) {
  if (children.length === 1) return children[0];
  const widths = children.map((child) => child.width);
  const heights = children.map((child) => child.height);
  if (kind === 'Sequence') {
    return { kind, children, width: Math.max(0, ...widths), height: sum(heights) + BOX.gapY * Math.max(0, children.length - 1) };
  }
  return { kind, children, width: sum(widths) + BOX.gapX * Math.max(0, children.length - 1), height: Math.max(0, ...heights) };
}

/** Give each box of a measured node its place. Return the size, and the first and last boxes of the node. */
function place(state, node, x, y) {
  if (node.kind === 'leaf') {
    const box = { ...node.box, x, y, width: BOX.width, height: BOX.height };
    state.boxes.push(box);
    return { width: node.width, height: node.height, first: [box], last: [box] };
  }
  return node.kind === 'Sequence' ? placeBelow(state, node, x, y) : placeBeside(state, node, x, y);
}

function placeBelow(state, node, x, y) {
  let top = y;
  let before = null;
  let first = [];
  for (const child of node.children) {
    const placed = place(state, child, x + (node.width - child.width) / 2, top);
    if (before === null) first = placed.first;
    else connect(state, before, placed.first);
    if (placed.last.length > 0) before = placed.last;
    top += child.height + BOX.gapY;
  }
  return { width: node.width, height: node.height, first, last: before ?? [] };
}

function placeBeside(state, node, x, y) {
  let left = x;
  const first = [];
  const last = [];
  for (const child of node.children) {
    const placed = place(state, child, left, y);
    first.push(...placed.first);
    last.push(...placed.last);
    left += child.width + BOX.gapX;
  }
  return { width: node.width, height: node.height, first, last };
}

function connect(state, from, to) {
  for (const a of from) {
    for (const b of to) {
      state.lines.push({ x1: a.x + a.width / 2, y1: a.y + a.height, x2: b.x + b.width / 2, y2: b.y });
    }
  }
}

function sum(numbers) {
  return numbers.reduce((total, each) => total + each, 0);
}

/** Return the time of a box in milliseconds, from its first request to its last response; null if it was not sent. */
export function timeOf(box) {
  if (box.runs.length === 0) return null;
  const start = Math.min(...box.runs.map((run) => run.startMs));
  return Math.max(...box.runs.map((run) => run.startMs + (run.durationMs ?? 0))) - start;
}

/** Return a duration in milliseconds as text: `0.42 ms`, `12.3 ms`, `1.24 s`. */
export function timeText(milliseconds) {
  if (milliseconds === null || milliseconds === undefined) return 'not sent';
  if (milliseconds >= 1000) return `${(milliseconds / 1000).toFixed(2)} s`;
  if (milliseconds >= 100) return `${milliseconds.toFixed(0)} ms`;
  return `${milliseconds.toFixed(milliseconds >= 10 ? 1 : 2)} ms`;
}
