'use strict';

/** What is said of a product. Attributes may hold anything: all of it stays text. */

const TITLE_ATTRIBUTES = ['name', 'title', 'label'];
const MAX_DETAILS = 3;
const MAX_TEXT_LENGTH = 200;

/**
 * A product's name, unless that only repeats the id; else the first text among its attributes, else the id.
 *
 * @param {string} productId
 * @param {Attributes} attributes
 */
function productTitle(productId, attributes) {
  const candidates = Object.entries(attributes).filter(([, value]) => asText(value) && asText(value) !== productId);
  const named = candidates.find(([name]) => TITLE_ATTRIBUTES.includes(name.toLowerCase()));
  const [, title = productId] = named ?? candidates.find(([, value]) => typeof value === 'string') ?? [];
  return asText(title);
}

/**
 * The first attributes that the title does not contain.
 *
 * @param {string} productId
 * @param {Attributes} attributes
 */
function productDetails(productId, attributes) {
  const shown = `${productId} ${productTitle(productId, attributes)}`.toLowerCase();
  return Object.entries(attributes)
    .filter(([, value]) => asText(value) && !shown.includes(asText(value).toLowerCase()))
    .slice(0, MAX_DETAILS)
    .map(([name, value]) => attributeText(attributeLabel(name), value))
    .join(' · ');
}

/**
 * @param {string} label
 * @param {unknown} value
 * @returns {string} `cotton`, but `price 45.95`; `in stock` or `not in stock`
 */
function attributeText(label, value) {
  const text = asText(value);
  if (text === 'true') return label;
  if (text === 'false') return `not ${label}`;
  return typeof value === 'string' && Number.isNaN(Number(value)) ? text : `${label} ${text}`;
}

/** @param {string} name of an attribute @returns {string} as it is shown */
function attributeLabel(name) {
  return name.replaceAll('_', ' ');
}

/**
 * @param {unknown} value any JSON
 * @returns {string} of `MAX_TEXT_LENGTH` at most
 */
function asText(value) {
  if (value === null || value === undefined) return '';
  const text = Array.isArray(value) ? value.map(asText).join(', ') : typeof value === 'object' ? JSON.stringify(value) : String(value);
  return text.length > MAX_TEXT_LENGTH ? `${text.slice(0, MAX_TEXT_LENGTH - 1)}…` : text;
}
