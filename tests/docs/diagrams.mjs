// Parse Mermaid diagrams: a JSON list of texts on stdin, a JSON list of error messages (or null) on stdout.
import DOMPurify from "dompurify";
import mermaid from "mermaid";
import { readFileSync } from "node:fs";

// Mermaid cleans labels with DOMPurify, which does nothing without a browser; parsing does not need it.
Object.assign(DOMPurify, { addHook() {}, sanitize: (text) => text });

const problem = (text) => mermaid.parse(text).then(() => null, (error) => error.message);
console.log(JSON.stringify(await Promise.all(JSON.parse(readFileSync(0, "utf8")).map(problem))));
