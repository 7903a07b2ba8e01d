'use strict';

const SKELETON_COUNT = 12;

/** After this time the page says that the search takes longer: Lambda may be starting. */
const SLOW_SEARCH_MS = 4000;

/** The products found, placeholders while they are searched, or a message instead of them. */
class ResultsView {
  constructor() {
    this.section = byId('results');
    this.grid = byId('grid');
    this.notice = byId('notice');
    this.count = byId('count');
    this.more = byId('more');
    this.slowTimer = 0;
    /** The filter of the cards' links. */
    this.filter = /** @type {Filter} */ ({});
  }

  /** @param {string} text said by screen readers */
  announce(text) {
    byId('live').textContent = text;
  }

  showSearching() {
    this.clear('Searching…');
    this.section.setAttribute('aria-busy', 'true');
    this.grid.append(...skeletonCards(SKELETON_COUNT));
    this.announce('Searching');
    this.slowTimer = setTimeout(() => this.showSlowSearch(), SLOW_SEARCH_MS);
  }

  showSlowSearch() {
    this.count.textContent = 'Still searching. The first search after a pause takes some seconds longer.';
    this.announce('Still searching');
  }

  /**
   * @param {Hit[]} hits not empty
   * @param {{hasMore: boolean, finePrint?: string}} options
   */
  showHits(hits, { hasMore, finePrint = '' }) {
    this.clear('');
    this.addHits(hits, hasMore);
    this.announce(`${this.count.textContent}. The best score is ${hits[0]?.score.toFixed(3)}.`);
    byId('fine-print').textContent = finePrint;
  }

  /**
   * @param {Hit[]} hits
   * @param {boolean} hasMore
   */
  addHits(hits, hasMore) {
    this.grid.append(...hits.map((hit) => hitCard(hit, this.filter)));
    const count = this.grid.children.length;
    this.count.textContent = count === 1 ? '1 product' : `${count} products, most similar first`;
    this.showMoreButton(hasMore ? 'ready' : 'none');
  }

  /**
   * Adds the next page and moves the focus to its first product.
   *
   * @param {Hit[]} hits
   * @param {boolean} hasMore
   */
  appendHits(hits, hasMore) {
    const before = this.grid.children.length;
    this.addHits(hits, hasMore);
    this.announce(`${hits.length} more products, ${this.grid.children.length} in all`);
    this.links()[before]?.focus({ preventScroll: true });
  }

  /** @param {Warning[]} warnings what the filter asks for that no product has */
  showWarnings(warnings) {
    const text = warnings.map(({ message }) => `${message}.`).join(' ');
    byId('warnings').textContent = text;
    if (text) this.announce(`${byId('live').textContent} ${text}`);
  }

  showLoadingMore() {
    this.showMoreButton('busy');
    byId('more-notice').replaceChildren();
    this.announce('Loading more products');
  }

  get isLoadingMore() {
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
   * @param {(action: Action) => void} onAction
   */
  showMessage(message, onAction) {
    this.clear('');
    this.notice.append(messageBox(message, onAction));
    this.announce(`${message.title}. ${message.text}`);
  }

  /**
   * Shows a message below the products, which stay.
   *
   * @param {Message} message
   * @param {(action: Action) => void} onAction
   */
  showMessageBelow(message, onAction) {
    this.showMoreButton('ready');
    byId('more-notice').replaceChildren(messageBox(message, onAction));
    this.announce(`${message.title}. ${message.text}`);
  }

  /** @param {string} count */
  clear(count) {
    clearTimeout(this.slowTimer);
    this.section.setAttribute('aria-busy', 'false');
    this.notice.replaceChildren();
    byId('warnings').textContent = '';
    this.grid.replaceChildren();
    byId('more-notice').replaceChildren();
    byId('fine-print').textContent = '';
    this.count.textContent = count;
    this.showMoreButton('none');
  }

  links() {
    return [...this.grid.querySelectorAll('a')];
  }

  /** @param {string} productId */
  focusProduct(productId) {
    this.links().find((link) => link.dataset['productId'] === productId)?.focus({ preventScroll: true });
  }
}

/** @param {SearchResponse} response @returns {string} how long the service took, and with which model */
function searchFinePrint({ model, timings_ms: timings }) {
  const total = Object.values(timings).reduce((sum, each) => sum + each, 0);
  return `Found in ${Math.round(total)} ms with the model ${model}`;
}
