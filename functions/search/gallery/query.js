'use strict';

/**
 * What is searched for, as a value, and its form in the address bar.
 *
 * The address takes the parameters of `GET /search`, so that a shared link and a call of the API read alike.
 *
 * @typedef {{left: number, top: number, right: number, bottom: number}} Crop fractions of the picture's sides
 * @typedef {{kind: 'image_url' | 'product_id' | 'upload', value: string, imageId?: string}} Subject
 *   an upload's value is its number in `uploads`; `imageId` is the one of a product's pictures that is meant, if not all of them
 * @typedef {Record<string, unknown>} Filter by the attribute's name
 * @typedef {{subject: Subject | null, crop: Crop | null, filter: Filter}} Query
 */

const CROP_SIDES = /** @type {const} */ (['left', 'top', 'right', 'bottom']);

/** The page's own path with a slash at its end: `/v1` and `/v1/` are one page, but relative addresses need the slash. */
const BASE = location.pathname.endsWith('/') ? location.pathname : `${location.pathname}/`;

/**
 * @param {string} search the address's part from `?` on
 * @param {string | null} upload the history entry's upload, which no address can name
 * @returns {Query}
 */
function queryFromAddress(search, upload = null) {
  const given = new URLSearchParams(search);
  const subject = upload ? uploadedSubject(upload) : addressedSubject(given);
  return { subject, crop: subject ? cropFromText(given.get('crop')) : null, filter: filterFromText(given.get('filter')) };
}

/**
 * @param {string} number
 * @returns {Subject}
 */
function uploadedSubject(number) {
  return { kind: 'upload', value: number };
}

/**
 * @param {URLSearchParams} given
 * @returns {Subject | null}
 */
function addressedSubject(given) {
  const [productId, imageUrl] = [given.get('product_id'), given.get('image_url')];
  if (productId) return { kind: 'product_id', value: productId, imageId: given.get('image_id') ?? undefined };
  return imageUrl ? { kind: 'image_url', value: imageUrl } : null;
}

/** @param {Query} query */
function addressOf({ subject, crop, filter }) {
  const parameters = new URLSearchParams();
  if (subject && subject.kind !== 'upload') parameters.set(subject.kind, subject.value);
  if (subject?.imageId) parameters.set('image_id', subject.imageId);
  if (subject && crop) parameters.set('crop', CROP_SIDES.map((side) => crop[side]).join(','));
  if (!isEmpty(filter)) parameters.set('filter', JSON.stringify(filter));
  const text = parameters.toString().replaceAll('%2C', ','); // a comma may stand as it is
  return text ? `${BASE}?${text}` : BASE;
}

/**
 * @param {string | null} text
 * @returns {Crop | null} null unless the text is a box inside the picture
 */
function cropFromText(text) {
  const [left, top, right, bottom] = (text ?? '').split(',').map((number) => (number.trim() ? Number(number) : NaN));
  const isBox = 0 <= left && left < right && right <= 1 && 0 <= top && top < bottom && bottom <= 1;
  return isBox ? { left, top, right, bottom } : null;
}

/**
 * @param {string | null} text
 * @returns {Filter} empty unless the text is a JSON object
 */
function filterFromText(text) {
  try {
    const filter = JSON.parse(text ?? '{}');
    return filter && typeof filter === 'object' && !Array.isArray(filter) ? filter : {};
  } catch {
    return {};
  }
}

/** @param {object} value */
function isEmpty(value) {
  return Object.keys(value).length === 0;
}

/**
 * @param {Subject | null} one
 * @param {Subject | null} other
 */
function isSameSubject(one, other) {
  return one?.kind === other?.kind && one?.value === other?.value;
}
