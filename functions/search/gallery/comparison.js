'use strict';

/** What the current index finds, beside what the index finds that is being filled to take its place. */
class Comparison {
  /** @param {() => void} onToggle called when the user wants to compare, or to compare no more */
  constructor(onToggle) {
    this.section = byId('comparison');
    this.toggle = byId('compare');
    this.toggle.addEventListener('click', onToggle);
    this.nextModel = /** @type {Promise<string | null> | null} */ (null);
  }

  /**
   * Shows the button if an index is being filled. Called after a search, when there is a key.
   *
   * @param {boolean} isCompared
   */
  async offer(isCompared) {
    this.nextModel ??= getNextModel();
    const model = await this.nextModel.catch(() => null);
    this.toggle.hidden = model === null && !isCompared;
    this.toggle.setAttribute('aria-pressed', String(isCompared));
    this.toggle.textContent = isCompared ? 'Stop comparing' : `Compare with ${model}`;
  }

  hide() {
    this.section.hidden = true;
  }

  /**
   * @param {SearchResponse} current
   * @param {SearchResponse} next
   * @param {Filter} filter of the cards' links
   * @returns {string} how much is common, in words
   */
  show(current, next, filter) {
    const common = commonProducts(current.hits, next.hits);
    this.showColumn('current', current, common, filter);
    this.showColumn('next', next, common, filter);
    this.section.hidden = false;
    const most = Math.max(current.hits.length, next.hits.length);
    const share = most ? Math.round((100 * common.size) / most) : 100;
    byId('common-share').textContent = `${common.size} of ${most} products are found by both (${share} %).`;
    return byId('common-share').textContent ?? '';
  }

  /**
   * @param {'current' | 'next'} name
   * @param {SearchResponse} response
   * @param {Set<string>} common
   * @param {Filter} filter
   */
  showColumn(name, { hits, model }, common, filter) {
    byId(`${name}-heading`).textContent = `${name === 'current' ? 'Now' : 'Next'}: ${model}`;
    byId(`${name}-grid`).replaceChildren(...hits.map((hit) => comparedCard(hit, filter, common.has(hit.product_id))));
  }
}

/**
 * @param {Hit[]} some
 * @param {Hit[]} others
 * @returns {Set<string>} ids of the products that are in both
 */
function commonProducts(some, others) {
  const found = new Set(others.map((hit) => hit.product_id));
  return new Set(some.map((hit) => hit.product_id).filter((id) => found.has(id)));
}

/** @param {Warning[]} warnings of two indices, which often warn of the same @returns {Warning[]} */
function uniqueWarnings(warnings) {
  return [...new Map(warnings.map((warning) => [warning.message, warning])).values()];
}

/**
 * @param {Hit} hit
 * @param {Filter} filter
 * @param {boolean} isCommon
 */
function comparedCard(hit, filter, isCommon) {
  const card = hitCard(hit, filter);
  if (isCommon) findIn(card, '.frame').append(element('span', { className: 'common-mark' }, 'in both'));
  return card;
}
