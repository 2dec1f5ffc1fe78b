// Draws a query plan as SVG, and lists its requests in a table. GraphiQL's plan panel uses this module too.

import { layoutPlan, timeOf, timeText } from './plan_layout.mjs';

const SVG = 'http://www.w3.org/2000/svg';
const TEXT_WIDTH = 25; // characters that fit into a box

/** Return an element with the picture and the table of the plan in `extensions.queryPlan`. */
export function planView(shown) {
  const view = html('div', { class: 'plan' });
  const layout = layoutPlan(shown);
  const planning = shown.planCached ? 'plan from the cache' : `planned in ${timeText(shown.planMs)}`;
  if (layout.boxes.length === 0) {
    view.append(html('p', { class: 'plan-summary' }, `No subgraph is needed · ${planning}`));
    return view;
  }
  const count = `${layout.boxes.length} ${layout.boxes.length === 1 ? 'fetch' : 'fetches'}`;
  view.append(html('p', { class: 'plan-summary' }, `${count} · ${timeText(layout.total)} in subgraphs · ${planning}`));
  const frame = html('div', { class: 'plan-frame', tabindex: '0', role: 'region', 'aria-label': 'Picture of the query plan' });
  frame.append(picture(layout));
  view.append(frame, table(layout));
  return view;
}

function picture(layout) {
  const root = svg('svg', {
    class: 'plan-picture',
    width: layout.width,
    height: layout.height,
    viewBox: `0 0 ${layout.width} ${layout.height}`,
    role: 'img',
    'aria-label': `Query plan with ${layout.boxes.length} fetches. The table below has the same content.`,
  });
  for (const line of layout.lines) root.append(connection(line));
  for (const box of layout.boxes) root.append(drawnBox(box, layout.total));
  return root;
}

function connection({ x1, y1, x2, y2 }) {
  const bend = (y2 - y1) / 2;
  const path = `M ${x1} ${y1} C ${x1} ${y1 + bend}, ${x2} ${y2 - bend}, ${x2} ${y2 - 5}`;
  const group = svg('g', { class: 'plan-line' });
  group.append(svg('path', { d: path }), svg('path', { class: 'plan-arrow', d: `M ${x2 - 4} ${y2 - 7} l 4 6 l 4 -6 z` }));
  return group;
}

function drawnBox(box, total) {
  const group = svg('g', { class: `plan-box ${stateOf(box)}`, transform: `translate(${box.x} ${box.y})` });
  group.append(svg('title', {}, `${box.subgraph}: ${box.operation}`));
  group.append(svg('rect', { class: 'plan-card', width: box.width, height: box.height, rx: 8 }));
  group.append(svg('text', { class: 'plan-subgraph', x: 14, y: 27 }, shortened(box.subgraph, 17)));
  group.append(svg('text', { class: 'plan-time', x: box.width - 14, y: 27 }, timeText(timeOf(box))));
  const where = box.condition ? `${box.path || 'root'} ${box.condition}` : box.path || `root ${box.kind}`;
  group.append(svg('text', { class: 'plan-path', x: 14, y: 48 }, endOf(where, TEXT_WIDTH)));
  group.append(...timeline(box, total));
  return group;
}

/** The bars of a box: when its requests ran, as a part of the whole time. */
function timeline(box, total) {
  const [left, width, y] = [14, box.width - 28, 64];
  const parts = [svg('rect', { class: 'plan-track', x: left, y, width, height: 5, rx: 2.5 })];
  for (const run of box.runs) {
    const scale = total > 0 ? width / total : 0;
    const length = Math.min(width, Math.max(4, (run.durationMs ?? 0) * scale));
    const x = left + Math.min(run.startMs * scale, width - length);
    parts.push(svg('rect', { class: 'plan-bar', x: x.toFixed(1), y, width: length.toFixed(1), height: 5, rx: 2.5 }));
  }
  return parts;
}

function stateOf(box) {
  if (box.runs.length === 0) return 'is-skipped';
  return box.runs.every((run) => run.status >= 200 && run.status < 300) ? 'is-sent' : 'is-failed';
}

function table(layout) {
  const frame = html('div', { class: 'plan-table', tabindex: '0', role: 'region', 'aria-label': 'Requests of the query plan' });
  const element = html('table', {});
  element.append(html('caption', { class: 'visually-hidden' }, 'The requests to subgraphs, in the order of the plan'));
  const head = html('tr', {});
  for (const name of ['Subgraph', 'At', 'Start', 'Time', 'Status', 'Size']) head.append(html('th', { scope: 'col' }, name));
  const header = html('thead', {});
  header.append(head);
  const body = html('tbody', {});
  for (const box of layout.boxes) body.append(...rows(box));
  element.append(header, body);
  frame.append(element);
  return frame;
}

function rows(box) {
  const runs = box.runs.length > 0 ? box.runs : [{}];
  const drawn = runs.map((run) => {
    const row = html('tr', {});
    row.append(html('th', { scope: 'row' }, box.subgraph));
    const status = run.startMs === undefined ? 'not sent' : String(run.status ?? 'failed');
    const values = [box.path || 'root', text(run.startMs), text(run.durationMs), status, size(run.bytes)];
    for (const value of values) row.append(html('td', {}, value));
    return row;
  });
  const details = html('details', {});
  details.append(html('summary', {}, 'Operation'), html('pre', { tabindex: '0' }, box.operation));
  const cell = html('td', { colspan: '6', class: 'plan-operation' });
  cell.append(details);
  const last = html('tr', {});
  last.append(cell);
  return [...drawn, last];
}

function text(milliseconds) {
  return milliseconds === undefined ? '–' : timeText(milliseconds);
}

function size(bytes) {
  if (bytes === undefined) return '–';
  return bytes < 1000 ? `${bytes} B` : `${(bytes / 1000).toFixed(1)} kB`;
}

function shortened(text, length) {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}

/** The end of a path says more than its beginning. */
function endOf(text, length) {
  return text.length > length ? `…${text.slice(1 - length)}` : text;
}

function html(name, attributes, text = '') {
  return filled(document.createElement(name), attributes, text);
}

function svg(name, attributes, text = '') {
  return filled(document.createElementNS(SVG, name), attributes, text);
}

function filled(element, attributes, text) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text) element.textContent = text;
  return element;
}
