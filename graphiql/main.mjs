// GraphiQL for this router, with the query plan as a plugin.

import { createElement, useEffect, useRef, useSyncExternalStore } from 'react';
import { createRoot } from 'react-dom/client';
import { GraphiQL, HISTORY_PLUGIN } from 'graphiql';
import 'graphiql/style.css';
import { planView } from '#explorer/plan_picture.mjs';
import { send } from '#explorer/request.mjs';

const { graphql: endpoint, explorer, editorWorker, graphqlWorker, jsonWorker } = document.documentElement.dataset;
const linked = new URLSearchParams(location.search);
const WORKERS = { graphql: graphqlWorker, json: jsonWorker };

globalThis.MonacoEnvironment = {
  getWorker: (_id, label) => new Worker(WORKERS[label] ?? editorWorker),
};

// The plan of the last response, for the plugin.
const plan = {
  value: null,
  listeners: new Set(),
  set(value) {
    this.value = value;
    for (const listener of this.listeners) listener();
  },
};
const subscribe = (listener) => {
  plan.listeners.add(listener);
  return () => plan.listeners.delete(listener);
};

async function fetcher(parameters, options) {
  const { body, plan: shown } = await send(endpoint, {
    query: parameters.query,
    operationName: parameters.operationName,
    variables: parameters.variables ?? {},
    headers: Object.entries(options?.headers ?? {}),
  });
  if (parameters.operationName !== 'IntrospectionQuery') plan.set(shown);
  return typeof body === 'string' ? { errors: [{ message: body }] } : body;
}

function PlanPanel() {
  const place = useRef(null);
  const shown = useSyncExternalStore(subscribe, () => plan.value);
  useEffect(() => {
    const empty = document.createElement('p');
    empty.textContent = 'Run an operation to see which subgraphs it is fetched from, and how long each fetch takes.';
    place.current.replaceChildren(shown ? planView(shown) : empty);
  }, [shown]);
  return createElement(
    'section',
    { className: 'plan-panel', 'aria-label': 'Query plan' },
    createElement('div', { className: 'graphiql-doc-explorer-title' }, 'Query plan'),
    createElement('div', { ref: place }),
  );
}

/**
 * GraphiQL puts a button into an element of the role "tab", which screen readers cannot announce. The tabs become a list
 * of buttons, of which one is current.
 */
function mendTabs(list) {
  const mend = () => {
    list.removeAttribute('role');
    for (const tab of list.querySelectorAll('li')) {
      const isCurrent = tab.classList.contains('graphiql-tab-active');
      tab.removeAttribute('role');
      tab.removeAttribute('aria-selected');
      tab.querySelector('.graphiql-tab-button')?.setAttribute('aria-current', String(isCurrent));
    }
  };
  mend();
  const observer = new MutationObserver(mend);
  observer.observe(list, { subtree: true, childList: true, attributeFilter: ['role', 'aria-selected', 'class'] });
  return () => observer.disconnect();
}

/** The name of the product, beside the tabs; a link to the explorer. */
function Home() {
  useEffect(() => {
    const list = document.querySelector('.graphiql-tabs');
    return list ? mendTabs(list) : undefined;
  }, []);
  return createElement('a', { className: 'home', href: explorer }, 'MoSafe router');
}

function PlanIcon() {
  return createElement(
    'svg',
    { viewBox: '0 0 24 24', height: '1.5em', fill: 'none', stroke: 'currentColor', strokeWidth: 1.6, 'aria-hidden': true },
    createElement('path', { d: 'M12 7v4m0 0-5 5m5-5 5 5' }),
    createElement('circle', { cx: 12, cy: 5, r: 2 }),
    createElement('circle', { cx: 6, cy: 18, r: 2 }),
    createElement('circle', { cx: 18, cy: 18, r: 2 }),
  );
}

const PLAN_PLUGIN = { title: 'Query plan', icon: PlanIcon, content: PlanPanel };

// Headers can have a token: GraphiQL would keep them for ever in localStorage, so it gets the storage of this tab.
const page = createElement(
  GraphiQL,
  {
    fetcher,
    storage: globalThis.sessionStorage,
    plugins: [HISTORY_PLUGIN, PLAN_PLUGIN],
    shouldPersistHeaders: true,
    showPersistHeadersSettings: false,
    defaultEditorToolsVisibility: true,
    initialQuery: linked.get('query') ?? undefined,
    initialVariables: linked.get('variables') ?? undefined,
    defaultQuery: '{\n  __typename\n}\n',
  },
  createElement(GraphiQL.Logo, null, createElement(Home)),
);
createRoot(document.getElementById('graphiql')).render(page);
