'use strict';

/**
 * The conditions of a filter: read, described, and shown as chips that remove them.
 *
 * @typedef {Partial<Record<'gt' | 'gte' | 'lt' | 'lte', string | number>>} ValueRange
 */

/**
 * @param {unknown} condition
 * @returns {string[] | null} null unless it is a value or a list of values
 */
function termsOf(condition) {
  const values = Array.isArray(condition) ? condition : [condition];
  return values.every((value) => ['string', 'number', 'boolean'].includes(typeof value)) ? values.map(String) : null;
}

/**
 * @param {unknown} condition
 * @returns {ValueRange | null} null unless it is a range
 */
function rangeOf(condition) {
  const isRange = condition !== null && typeof condition === 'object' && !Array.isArray(condition) && !('exists' in condition);
  return isRange ? condition : null;
}

/**
 * @param {string} name of an attribute, or `all`, `any` or `not`
 * @param {unknown} condition
 */
function describeCondition(name, condition) {
  if (['all', 'any', 'not'].includes(name)) return `${name} ${JSON.stringify(condition)}`;
  const label = attributeLabel(name);
  const terms = termsOf(condition);
  if (terms) return `${label}: ${terms.join(' or ')}`;
  const range = rangeOf(condition);
  return `${label}: ${range ? describeRange(range) : JSON.stringify(condition)}`;
}

/** @param {ValueRange} range */
function describeRange({ gt, gte = gt, lt, lte = lt }) {
  if (gte === undefined) return `up to ${lte}`;
  return lte === undefined ? `from ${gte}` : `${gte} to ${lte}`;
}

/**
 * @param {Filter} filter
 * @param {(filter: Filter) => void} onFilter called with what is left when a chip is clicked
 * @returns {HTMLLIElement[]} one for each condition
 */
function filterChips(filter, onFilter) {
  return Object.entries(filter).map(([name, condition]) => {
    const { [name]: _, ...others } = filter;
    const description = describeCondition(name, condition);
    const chip = button('', () => onFilter(others), 'chip');
    chip.setAttribute('aria-label', `Remove the filter ${description}`);
    chip.append(element('bdi', {}, description), element('span', { ariaHidden: 'true' }, '×'));
    return element('li', {}, chip);
  });
}
