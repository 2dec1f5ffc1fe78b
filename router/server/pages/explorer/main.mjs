// Connects the parts of the page.

import { operationsOf } from './graphql_tokens.mjs';
import { showJson } from './json_view.mjs';
import { planView } from './plan_picture.mjs';
import { QueryEditor } from './query_editor.mjs';
import { readHeaders, readVariables, send } from './request.mjs';
import { INTROSPECTION, Schema } from './schema_model.mjs';
import { SchemaReader } from './schema_reader.mjs';
import { load, save } from './session.mjs';
import { activateTabs } from './tabs.mjs';

const ENDPOINT = document.documentElement.dataset.graphql;
const WELCOME = `# Press Ctrl and Enter to run the operation, Ctrl and Space for completions.
{
  __typename
}
`;

const byId = (id) => document.getElementById(id);
const [run, chooser, variables, headers] = ['run', 'operation', 'variables', 'headers'].map(byId);
const editor = new QueryEditor(byId('editor'), { onChange: changed, onRun: execute });

function start() {
  const kept = load();
  const linked = new URLSearchParams(location.search);
  editor.text = linked.get('query') ?? kept.query ?? WELCOME;
  variables.value = linked.get('variables') ?? kept.variables ?? '';
  headers.value = kept.headers ?? '';
  for (const list of document.querySelectorAll('[role=tablist]')) activateTabs(list);
  for (const area of [variables, headers]) area.addEventListener('input', changed);
  headers.addEventListener('change', readSchema);
  run.addEventListener('click', execute);
  if (/Mac|iPhone|iPad/.test(navigator.platform)) run.querySelector('kbd').textContent = '⌘ ↵';
  changed();
  readSchema();
}

function changed() {
  save({ query: editor.text, variables: variables.value, headers: headers.value });
  listOperations();
}

/** Let people choose where a document has several operations. */
function listOperations() {
  const named = operationsOf(editor.text).filter((operation) => operation.name !== null);
  const chosen = chooser.value;
  const options = named.length > 1 ? named : [];
  const labels = options.map(({ kind, name }) => [`${kind} ${name}`, name]);
  if (labels.length === 0) labels.push([named.length === 1 ? `${named[0].kind} ${named[0].name}` : 'the only operation', '']);
  chooser.replaceChildren(...labels.map(([text, value]) => new Option(text, value, false, value === chosen)));
  chooser.disabled = options.length === 0;
}

/** Return what `read` makes of the text of a text area; null, with a message on the page, if it cannot be used. */
function valid(area, read) {
  const problem = byId(`${area.id}-problem`);
  try {
    problem.textContent = '';
    area.removeAttribute('aria-invalid');
    return read(area.value);
  } catch (error) {
    problem.textContent = error.message;
    area.setAttribute('aria-invalid', 'true');
    byId(`tab-${area.id}`).click();
    return null;
  }
}

async function execute() {
  const given = { variables: valid(variables, readVariables), headers: valid(headers, readHeaders) };
  if (given.variables === null || given.headers === null || run.disabled) return;
  const status = byId('status');
  run.disabled = true;
  status.textContent = 'Running …';
  try {
    const request = { query: editor.text, operationName: chooser.value || null, ...given };
    showResult(await send(ENDPOINT, request));
  } catch (error) {
    status.textContent = 'no response';
    showResponse(`The router cannot be reached: ${error.message}`);
  } finally {
    run.disabled = false;
  }
}

function showResult({ status, milliseconds, bytes, body, plan }) {
  const size = bytes < 1000 ? `${bytes} B` : `${(bytes / 1000).toFixed(1)} kB`;
  byId('status').textContent = `${status} · ${milliseconds.toFixed(0)} ms · ${size}`;
  showResponse(body);
  if (plan) byId('panel-plan').replaceChildren(planView(plan));
  else byId('panel-plan').replaceChildren(message('This response has no query plan: the operation was not executed.'));
}

function showResponse(body) {
  byId('response-empty').hidden = true;
  showJson(byId('response'), body);
}

async function readSchema() {
  const given = valid(headers, readHeaders);
  if (given === null) return;
  const panel = byId('panel-schema');
  try {
    const { body } = await send(ENDPOINT, { query: INTROSPECTION, headers: given });
    if (!body.data?.__schema) throw new Error(body.errors?.[0]?.message ?? 'the router sent no schema');
    editor.schema = new Schema(body.data);
    new SchemaReader(panel, editor.schema);
  } catch (error) {
    panel.replaceChildren(message(`The schema cannot be read: ${error.message}`));
  }
}

function message(text) {
  const paragraph = document.createElement('p');
  paragraph.className = 'empty';
  paragraph.textContent = text;
  return paragraph;
}

start();
