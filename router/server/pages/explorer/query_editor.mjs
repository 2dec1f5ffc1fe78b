// The editor of the operation: a text area with coloured text behind it, and a list of completions.

import { complete } from './completion.mjs';
import { tokenize } from './graphql_tokens.mjs';

const SHOWN = 50;
const PAIRS = { '{': '}', '(': ')', '[': ']' };

export class QueryEditor {
  constructor(root, { onChange, onRun }) {
    this.area = root.querySelector('textarea');
    this.colours = root.querySelector('.editor-colours');
    this.list = root.querySelector('.completions');
    this.root = root;
    this.schema = null;
    this.onChange = onChange;
    this.onRun = onRun;
    this.found = null;
    this.selected = 0;
    this.leavesWithTab = false;
    this.area.addEventListener('input', (event) => this.changed(event));
    this.area.addEventListener('keydown', (event) => this.pressed(event));
    this.area.addEventListener('scroll', () => this.scrolled());
    this.area.addEventListener('blur', () => this.hide());
    this.area.addEventListener('click', () => this.hide());
    this.list.addEventListener('mousedown', (event) => this.clicked(event));
  }

  get text() {
    return this.area.value;
  }

  set text(value) {
    this.area.value = value;
    this.paint();
  }

  paint() {
    const pieces = tokenize(this.text, true).map((token) => {
      if (token.kind === 'blank' || token.kind === 'other') return document.createTextNode(token.text);
      const span = document.createElement('span');
      span.className = `token-${token.kind}`;
      span.textContent = token.text;
      return span;
    });
    // The last line needs a character, or the coloured text is one line shorter than the text area.
    this.colours.replaceChildren(...pieces, document.createTextNode('\n '));
    this.scrolled();
  }

  scrolled() {
    this.colours.scrollTop = this.area.scrollTop;
    this.colours.scrollLeft = this.area.scrollLeft;
    if (this.found) this.moveList();
  }

  changed(event) {
    this.paint();
    this.onChange();
    const typed = event.inputType === 'insertText' ? event.data : null;
    if (typed && /[_A-Za-z$@]/.test(typed)) this.offer();
    else this.hide();
  }

  pressed(event) {
    const isCommand = event.ctrlKey || event.metaKey;
    if (isCommand && event.key === 'Enter') {
      event.preventDefault();
      this.hide();
      this.onRun();
    } else if (isCommand && event.key === ' ') {
      event.preventDefault();
      this.offer();
    } else if (this.found && this.steer(event.key)) {
      event.preventDefault();
    } else if (event.key === 'Escape') {
      this.leavesWithTab = true;
      return;
    } else if (event.key === 'Tab' && !event.shiftKey && !isCommand && !this.leavesWithTab) {
      event.preventDefault();
      this.insert('  ');
    } else if (event.key === 'Enter' && !isCommand && !event.isComposing) {
      event.preventDefault();
      this.breakLine();
    }
    this.leavesWithTab = false;
  }

  /** Handle a key while completions are shown. Return whether the key was for them. */
  steer(key) {
    const last = this.found.items.length - 1;
    if (key === 'ArrowDown') this.select(this.selected === last ? 0 : this.selected + 1);
    else if (key === 'ArrowUp') this.select(this.selected === 0 ? last : this.selected - 1);
    else if (key === 'Enter' || key === 'Tab') this.accept(this.selected);
    else if (key === 'Escape') this.hide();
    else return false;
    return true;
  }

  /** Replace the selection as if it was typed, so that the browser can undo it. */
  insert(text) {
    if (!document.execCommand('insertText', false, text)) {
      this.area.setRangeText(text, this.area.selectionStart, this.area.selectionEnd, 'end');
      this.paint();
      this.onChange();
    }
  }

  breakLine() {
    const { selectionStart: start, selectionEnd: end } = this.area;
    const line = this.text.slice(this.text.lastIndexOf('\n', start - 1) + 1, start);
    const indent = /^\s*/.exec(line)[0];
    const opening = this.text[start - 1];
    const isPair = start === end && PAIRS[opening] !== undefined && PAIRS[opening] === this.text[start];
    const deeper = PAIRS[opening] ? '  ' : '';
    this.insert(`\n${indent}${deeper}${isPair ? `\n${indent}` : ''}`);
    if (isPair) this.area.selectionStart = this.area.selectionEnd = start + 1 + indent.length + deeper.length;
  }

  offer() {
    if (!this.schema) return;
    const found = complete(this.schema, this.text, this.area.selectionStart);
    if (found.items.length === 0) {
      this.hide();
      return;
    }
    this.found = { ...found, items: found.items.slice(0, SHOWN) };
    this.list.replaceChildren(...this.found.items.map((item, index) => option(item, index)));
    this.list.hidden = false;
    this.area.setAttribute('aria-expanded', 'true');
    this.select(0);
    this.moveList();
  }

  hide() {
    this.found = null;
    this.list.hidden = true;
    this.area.setAttribute('aria-expanded', 'false');
    this.area.removeAttribute('aria-activedescendant');
  }

  select(index) {
    this.selected = index;
    [...this.list.children].forEach((child, position) => {
      child.setAttribute('aria-selected', String(position === index));
    });
    const child = this.list.children[index];
    this.area.setAttribute('aria-activedescendant', child.id);
    child.scrollIntoView({ block: 'nearest' });
  }

  accept(index) {
    const { from, to, items } = this.found;
    this.area.focus();
    this.area.setSelectionRange(from, to);
    this.insert(items[index].label);
    this.hide();
  }

  clicked(event) {
    event.preventDefault();
    const chosen = event.target.closest('[role=option]');
    if (chosen) this.accept([...this.list.children].indexOf(chosen));
  }

  /** Put the list below the place where the completed name begins. */
  moveList() {
    const before = this.text.slice(0, this.found.from);
    const line = before.split('\n').length - 1;
    const column = before.length - (before.lastIndexOf('\n') + 1);
    const style = getComputedStyle(this.area);
    const lineHeight = parseFloat(style.lineHeight);
    const left = parseFloat(style.paddingLeft) + column * this.characterWidth(style) - this.area.scrollLeft;
    const top = parseFloat(style.paddingTop) + (line + 1) * lineHeight - this.area.scrollTop;
    const isLow = top + this.list.offsetHeight > this.root.clientHeight && top > this.list.offsetHeight + lineHeight;
    const most = Math.max(0, this.root.clientWidth - this.list.offsetWidth - 4);
    this.list.style.left = `${Math.min(Math.max(0, left), most)}px`;
    this.list.style.top = `${isLow ? top - lineHeight - this.list.offsetHeight : top}px`;
  }

  characterWidth(style) {
    this.context ??= document.createElement('canvas').getContext('2d');
    this.context.font = style.font;
    return this.context.measureText('0'.repeat(64)).width / 64;
  }
}

function option(item, index) {
  const element = document.createElement('li');
  element.id = `completion-${index}`;
  element.setAttribute('role', 'option');
  const label = document.createElement('span');
  label.className = item.isDeprecated ? 'completion-label is-deprecated' : 'completion-label';
  label.textContent = item.label;
  const detail = document.createElement('span');
  detail.className = 'completion-detail';
  detail.textContent = item.detail;
  element.append(label, detail);
  if (item.description) element.title = item.description;
  return element;
}
