// Keeps a view fresh: loads it again and again while the page is visible.

const INTERVAL_MS = 5_000;
const LONGEST_MS = 60_000;

/**
 * Calls `load` at once, then every five seconds; after failures less and less often. `load` gets a function that says
 * whether its result is still wanted, and returns whether it worked.
 */
export class Polling {
  #load = null;
  #timer = null;
  #failures = 0;
  #round = 0;

  constructor() {
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') this.now();
      else clearTimeout(this.#timer);
    });
  }

  start(load) {
    this.#load = load;
    this.#failures = 0;
    return this.now();
  }

  stop() {
    this.#load = null;
    this.#cancel();
  }

  async now() {
    this.#cancel();
    if (this.#load === null) return;
    const round = this.#round;
    const isCurrent = () => round === this.#round;
    const isDone = await this.#load(isCurrent);
    if (!isCurrent()) return;
    this.#failures = isDone ? 0 : this.#failures + 1;
    if (document.visibilityState !== 'visible') return;
    this.#timer = setTimeout(() => this.now(), Math.min(INTERVAL_MS * 2 ** this.#failures, LONGEST_MS));
  }

  #cancel() {
    clearTimeout(this.#timer);
    this.#round += 1;
  }
}
