'use strict';

const SKELETONS = 12;

/** After this a search is said to take longer: Lambda may be starting a container. */
const SLOW_MS = 4000;

/** The products on the right: loading, found, none, or why not. */
class ResultsView {
  constructor() {
    this.section = byId('results');
    this.grid = byId('grid');
    this.notice = byId('notice');
    this.count = byId('count');
    this.more = /** @type {HTMLButtonElement} */ (byId('more'));
    this.slow = 0;
    /** What stays when one goes on from a product. */
    this.filter = /** @type {Filter} */ ({});
  }

  /** @param {string} text said by screen readers */
  announce(text) {
    byId('live').textContent = text;
  }

  showSearching() {
    this.clear('Searching…');
    this.section.setAttribute('aria-busy', 'true');
    this.grid.append(...skeletons(SKELETONS));
    this.announce('Searching');
    this.slow = setTimeout(() => this.showSlowness(), SLOW_MS);
  }

  showSlowness() {
    this.count.textContent = 'Still searching. After a pause the first search takes a few seconds.';
    this.announce('Still searching');
  }

  /**
   * @param {Hit[]} hits
   * @param {{hasMore: boolean, answer?: Answer}} options `answer` if they just came
   */
  showHits(hits, { hasMore, answer }) {
    this.clear('');
    this.addHits(hits, hasMore);
    this.announce(hits.length ? `${this.count.textContent}. The nearest has the score ${hits[0].score.toFixed(3)}.` : 'No products');
    byId('fine-print').textContent = answer ? provenance(answer) : '';
  }

  /**
   * @param {Hit[]} hits
   * @param {boolean} hasMore
   */
  addHits(hits, hasMore) {
    this.grid.append(...hits.map((hit) => card(hit, this.filter)));
    const count = this.grid.children.length;
    this.count.textContent = hasMore ? `The ${count} nearest products` : `${count} ${count === 1 ? 'product' : 'products'}`;
    this.showMoreButton(hasMore ? 'ready' : 'none');
  }

  /**
   * @param {Hit[]} hits
   * @param {boolean} hasMore
   */
  appendHits(hits, hasMore) {
    const before = this.grid.children.length;
    this.addHits(hits, hasMore);
    this.announce(`${hits.length} more products, ${this.grid.children.length} in all`);
    /** @type {HTMLElement | null | undefined} */ (this.grid.children[before]?.querySelector('.hit'))?.focus({ preventScroll: true });
  }

  showLoadingMore() {
    this.showMoreButton('busy');
    byId('more-notice').replaceChildren();
    this.announce('Loading more products');
  }

  get isBusy() {
    return this.more.getAttribute('aria-disabled') === 'true';
  }

  /** @param {'none' | 'ready' | 'busy'} state */
  showMoreButton(state) {
    this.more.hidden = state === 'none';
    this.more.setAttribute('aria-disabled', String(state === 'busy'));
    this.more.textContent = state === 'busy' ? 'Loading…' : 'Show more';
  }

  /**
   * @param {Message} message
   * @param {(remedy: Remedy) => void} onRemedy
   */
  showMessage(message, onRemedy) {
    this.clear('');
    this.notice.append(messageBox(message, onRemedy));
    this.announce(`${message.title}. ${message.text}`);
  }

  /**
   * Below what was found already.
   *
   * @param {Message} message
   * @param {(remedy: Remedy) => void} onRemedy
   */
  showMessageBelow(message, onRemedy) {
    this.showMoreButton('ready');
    byId('more-notice').replaceChildren(messageBox(message, onRemedy));
    this.announce(`${message.title}. ${message.text}`);
  }

  /** @param {string} count */
  clear(count) {
    clearTimeout(this.slow);
    this.section.setAttribute('aria-busy', 'false');
    this.notice.replaceChildren();
    this.grid.replaceChildren();
    byId('more-notice').replaceChildren();
    byId('fine-print').textContent = '';
    this.count.textContent = count;
    this.showMoreButton('none');
  }

  /** @param {string} productId @returns {HTMLElement | undefined} the product's link */
  linkOf(productId) {
    return [.../** @type {NodeListOf<HTMLElement>} */ (this.grid.querySelectorAll('.hit'))].find((link) => link.dataset.productId === productId);
  }
}

/** @param {Answer} answer */
function provenance({ model, timings_ms: timings }) {
  const total = Object.values(timings).reduce((sum, each) => sum + each, 0);
  return `Found in ${Math.round(total)} ms by ${model}`;
}
