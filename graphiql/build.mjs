// Bundles GraphiQL into the folder of the first argument. `make ide` runs it with the packages of package-lock.json.

import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const [, , target, explorer] = process.argv;
const common = {
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  outdir: target,
  loader: { '.ttf': 'file' },
  assetNames: '[name]',
  define: { 'process.env.NODE_ENV': '"production"', 'process.env': '{}' },
  legalComments: 'none',
  alias: { '#explorer': explorer },
  logLevel: 'warning',
};

rmSync(target, { recursive: true, force: true });
mkdirSync(target, { recursive: true });
await build({ ...common, entryPoints: { graphiql: 'main.mjs' }, jsx: 'automatic' });
await build({
  ...common,
  format: 'iife', // a classic worker needs no module loader
  entryPoints: {
    'editor.worker': 'monaco-editor/esm/vs/editor/editor.worker.js',
    'graphql.worker': 'monaco-graphql/esm/graphql.worker.js',
    'json.worker': 'monaco-editor/esm/vs/language/json/json.worker.js',
  },
});
for (const name of ['index.html', 'page.css']) copyFileSync(name, join(target, name));
for (const name of ['icon.svg', 'plan.css']) copyFileSync(join(explorer, name), join(target, name));
writeFileSync(join(target, 'licences.txt'), licences());

/** Return the licences of all packages, which their authors want to be passed on with the code. */
function licences() {
  const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'));
  const texts = [];
  for (const [path, { version, dev, optional }] of Object.entries(lock.packages)) {
    if (!path || dev || optional) continue;
    const file = readdirSync(path).find((name) => /^licen[cs]e/i.test(name));
    const { license = 'unknown' } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'));
    const text = file ? readFileSync(join(path, file), 'utf8').trim() : license;
    texts.push(`${path.split('node_modules/').at(-1)} ${version}\n\n${text}`);
  }
  return texts.join(`\n\n${'-'.repeat(80)}\n\n`);
}
