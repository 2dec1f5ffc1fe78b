// Shows the schema to people who read: root types first, then one type at a time, with a search over all names.

import { namedType, typeText } from './schema_model.mjs';

const KINDS = {
  OBJECT: 'type',
  INTERFACE: 'interface',
  UNION: 'union',
  ENUM: 'enum',
  INPUT_OBJECT: 'input',
  SCALAR: 'scalar',
};

export class SchemaReader {
  constructor(panel, schema) {
    this.schema = schema;
    this.visited = [];
    this.body = element('div', 'schema-body');
    this.search = element('input', 'schema-search');
    this.search.type = 'search';
    this.search.id = 'schema-search';
    this.search.placeholder = 'Search types and fields';
    this.search.addEventListener('input', () => this.show());
    const label = element('label', 'visually-hidden', 'Search types and fields');
    label.htmlFor = this.search.id;
    panel.replaceChildren(label, this.search, this.body);
    this.show();
  }

  open(name) {
    this.visited.push(name);
    this.search.value = '';
    this.show();
    this.body.querySelector('h2')?.focus();
  }

  back() {
    this.visited.pop();
    this.show();
    this.body.querySelector('h2')?.focus();
  }

  show() {
    if (this.search.value.trim()) this.body.replaceChildren(...this.found());
    else if (this.visited.length > 0) this.body.replaceChildren(...this.type(this.visited[this.visited.length - 1]));
    else this.body.replaceChildren(...this.roots());
  }

  found() {
    const results = this.schema.search(this.search.value);
    if (results.length === 0) return [element('p', 'empty', 'No type and no field has this in its name.')];
    const list = element('ul', 'schema-list');
    for (const { type, field } of results) {
      const entry = element('li');
      entry.append(this.link(type.name));
      if (field) entry.append(element('span', 'schema-field-name', `.${field.name}`));
      list.append(entry);
    }
    return [list];
  }

  roots() {
    const parts = [];
    for (const [operation, name] of Object.entries(this.schema.roots)) {
      if (!name) continue;
      const line = element('p', 'schema-root');
      line.append(element('span', 'schema-keyword', operation), ' ', this.link(name));
      parts.push(line, this.fields(this.schema.type(name).fields ?? []));
    }
    return parts;
  }

  type(name) {
    const type = this.schema.type(name);
    const back = element('button', 'quiet', '← Back');
    back.type = 'button';
    back.addEventListener('click', () => this.back());
    const title = element('h2', 'schema-title');
    title.tabIndex = -1;
    title.append(element('span', 'schema-keyword', KINDS[type.kind]), ` ${type.name}`);
    const parts = [back, title];
    if (type.description) parts.push(element('p', 'schema-description', type.description));
    if (type.interfaces?.length) parts.push(this.names('implements', type.interfaces));
    if (type.possibleTypes?.length) parts.push(this.names('possible types', type.possibleTypes));
    if (type.enumValues?.length) parts.push(this.fields(type.enumValues));
    if (type.fields?.length || type.inputFields?.length) parts.push(this.fields(type.fields ?? type.inputFields));
    return parts;
  }

  names(title, types) {
    const line = element('p', 'schema-names');
    line.append(element('span', 'schema-keyword', title), ' ');
    types.forEach((type, index) => line.append(index > 0 ? ', ' : '', this.link(type.name)));
    return line;
  }

  fields(fields) {
    const list = element('ul', 'schema-list');
    for (const field of fields) {
      const entry = element('li');
      const head = element('p', 'schema-field');
      head.append(element('span', field.isDeprecated ? 'schema-field-name is-deprecated' : 'schema-field-name', field.name));
      if (field.args?.length) head.append(...this.arguments(field.args));
      if (field.type) head.append(': ', this.link(namedType(field.type), typeText(field.type)));
      if (field.defaultValue) head.append(` = ${field.defaultValue}`);
      entry.append(head);
      if (field.description) entry.append(element('p', 'schema-description', field.description));
      if (field.isDeprecated) entry.append(element('p', 'schema-description', `Deprecated: ${field.deprecationReason}`));
      list.append(entry);
    }
    return list;
  }

  arguments(args) {
    const parts = args.map((argument, index) => {
      const part = element('span', 'schema-argument', `${argument.name}: `);
      part.append(this.link(namedType(argument.type), typeText(argument.type)));
      if (argument.defaultValue) part.append(` = ${argument.defaultValue}`);
      if (index < args.length - 1) part.append(',');
      return [part, index < args.length - 1 ? ' ' : ''];
    });
    return ['(', ...parts.flat(), ')'];
  }

  link(name, text = name) {
    const button = element('button', 'schema-link', text);
    button.type = 'button';
    button.addEventListener('click', () => this.open(name));
    return button;
  }
}

function element(name, className = '', text = '') {
  const created = document.createElement(name);
  if (className) created.className = className;
  if (text) created.textContent = text;
  return created;
}
