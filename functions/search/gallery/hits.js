'use strict';

/**
 * Products as cards. Whatever comes from the index is hostile: it becomes text, or an address that `safeAddress` lets pass.
 *
 * @typedef {Record<string, unknown>} Attributes
 */

const TITLE_ATTRIBUTES = ['name', 'title', 'label'];
const DETAILS_OF_A_CARD = 3;
const MAX_TEXT = 200;

/**
 * @param {Hit} hit
 * @param {Filter} filter that stays when one goes on from this product
 * @returns {HTMLElement}
 */
function card(hit, filter) {
  const item = copyOf('hit-template');
  const link = /** @type {HTMLAnchorElement} */ (item.querySelector('.hit'));
  const attributes = hit.attributes ?? {};
  link.dataset.productId = hit.product_id;
  link.href = addressOf({ subject: { kind: 'product_id', value: hit.product_id }, crop: null, filter });
  part(item, '.title').textContent = titleOf(hit.product_id, attributes);
  part(item, '.number').textContent = hit.score.toFixed(3);
  part(item, '.details').textContent = detailsOf(hit.product_id, attributes);
  showPicture(/** @type {HTMLImageElement} */ (item.querySelector('img')), part(item, '.no-picture'), safeAddress(hit.image_url));
  return item;
}

/**
 * @param {HTMLImageElement} image
 * @param {HTMLElement} instead what is shown if it cannot be loaded
 * @param {string | null} address
 * @param {() => void} onLoad
 */
function showPicture(image, instead, address, onLoad = () => {}) {
  const show = (/** @type {boolean} */ isThere) => {
    image.hidden = !isThere;
    instead.hidden = isThere;
  };
  image.onload = onLoad;
  image.onerror = () => show(false);
  show(address !== null);
  if (address !== null) image.src = address;
  else image.removeAttribute('src');
}

/** @param {number} count */
function skeletons(count) {
  return Array.from({ length: count }, () => copyOf('skeleton-template'));
}

/**
 * What a product is called: by its name, unless that only repeats the id, or by the first thing that is said of it.
 *
 * @param {string} productId
 * @param {Attributes} attributes
 */
function titleOf(productId, attributes) {
  const [name] = titleAttribute(productId, attributes) ?? [];
  return name === undefined ? productId : asText(attributes[name]);
}

/**
 * @param {string} productId
 * @param {Attributes} attributes
 * @returns {[string, unknown] | undefined} name and value
 */
function titleAttribute(productId, attributes) {
  const told = Object.entries(attributes).filter(([, value]) => asText(value) && asText(value) !== productId);
  return told.find(([name]) => TITLE_ATTRIBUTES.includes(name.toLowerCase())) ?? told.find(([, value]) => typeof value === 'string');
}

/**
 * What the title does not say already.
 *
 * @param {string} productId
 * @param {Attributes} attributes
 */
function detailsOf(productId, attributes) {
  const said = `${productId} ${titleOf(productId, attributes)}`.toLowerCase();
  const told = Object.entries(attributes).filter(([, value]) => asText(value) && !said.includes(asText(value).toLowerCase()));
  return told
    .slice(0, DETAILS_OF_A_CARD)
    .map(([name, value]) => (typeof value === 'string' && Number.isNaN(Number(value)) ? asText(value) : `${name} ${asText(value)}`))
    .join(' · ');
}

/**
 * @param {unknown} value any JSON
 * @returns {string} cut where nobody would read on
 */
function asText(value) {
  if (value === null || value === undefined) return '';
  const text = Array.isArray(value) ? value.map(asText).join(', ') : typeof value === 'object' ? JSON.stringify(value) : String(value);
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT - 1)}…` : text;
}
