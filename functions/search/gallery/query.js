'use strict';

/**
 * What is searched for, as a value, and its form in the page's URL, which has the parameters of `GET /search`.
 *
 * @typedef {{left: number, top: number, right: number, bottom: number}} Crop edges as fractions of the picture's width and height
 * @typedef {{kind: 'image_url' | 'product_id' | 'text' | 'upload', value: string, imageId?: string | undefined}} QueryInput
 *   the value of an upload is its id in `uploads`; `imageId` selects one of a product's pictures
 * @typedef {Record<string, unknown>} Filter conditions by attribute name, see `filter` of `POST /search`
 * @typedef {{input: QueryInput | null, crop: Crop | null, filter: Filter, isCompared: boolean}} Query without an input: the start page;
 *   `isCompared`: with what the index finds that is being filled
 */

/** The page's path with a slash at its end: `/v1` and `/v1/` are the same page, but relative URLs need the slash. */
const BASE_PATH = location.pathname.endsWith('/') ? location.pathname : `${location.pathname}/`;

/** @type {Query} */
const NO_QUERY = { input: null, crop: null, filter: {}, isCompared: false };

/**
 * @param {string} search the part of the URL from `?` on
 * @param {string | null} uploadId of the history entry; an upload is not part of the URL
 * @returns {Query}
 */
function queryFromUrl(search, uploadId) {
  const parameters = new URLSearchParams(search);
  const input = uploadId ? uploadInput(uploadId) : inputFromUrl(parameters);
  const crop = input && input.kind !== 'text' ? parseCrop(parameters.get('crop')) : null;
  return { input, crop, filter: parseFilter(parameters.get('filter')), isCompared: parameters.has('compare') };
}

/**
 * @param {string} uploadId
 * @returns {QueryInput}
 */
function uploadInput(uploadId) {
  return { kind: 'upload', value: uploadId };
}

/**
 * @param {URLSearchParams} parameters
 * @returns {QueryInput | null}
 */
function inputFromUrl(parameters) {
  const [productId, imageUrl, text] = [parameters.get('product_id'), parameters.get('image_url'), parameters.get('text')];
  if (productId) return { kind: 'product_id', value: productId, imageId: parameters.get('image_id') ?? undefined };
  if (imageUrl) return { kind: 'image_url', value: imageUrl };
  return text ? { kind: 'text', value: text } : null;
}

/** @param {Query} query */
function urlOfQuery({ input, crop, filter, isCompared }) {
  const parameters = new URLSearchParams();
  if (input && input.kind !== 'upload') parameters.set(input.kind, input.value);
  if (input?.imageId) parameters.set('image_id', input.imageId);
  if (input && crop) parameters.set('crop', [crop.left, crop.top, crop.right, crop.bottom].join(','));
  if (!isEmpty(filter)) parameters.set('filter', JSON.stringify(filter));
  if (isCompared) parameters.set('compare', 'next');
  const text = parameters.toString().replaceAll('%2C', ','); // commas need no escape and are easier to read
  return text ? `${BASE_PATH}?${text}` : BASE_PATH;
}

/**
 * @param {string | null} text `left,top,right,bottom`
 * @returns {Crop | null} null unless the text is a box inside the picture
 */
function parseCrop(text) {
  const [left = NaN, top = NaN, right = NaN, bottom = NaN] = (text ?? '').split(',').map((edge) => (edge.trim() ? Number(edge) : NaN));
  return isSection(left, right) && isSection(top, bottom) ? { left, top, right, bottom } : null;
}

/**
 * @param {number} start
 * @param {number} end
 * @returns {boolean} whether these two fractions are the edges of a part of a side
 */
function isSection(start, end) {
  return 0 <= start && start < end && end <= 1;
}

/**
 * @param {string | null} text JSON
 * @returns {Filter} empty unless the text is an object
 */
function parseFilter(text) {
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
 * @param {QueryInput | null} one
 * @param {QueryInput | null} other
 */
function isSameInput(one, other) {
  return one?.kind === other?.kind && one?.value === other?.value;
}

/** @param {QueryInput} input @returns {string} the same for the same picture */
function keyOfInput({ kind, value, imageId }) {
  return [kind, value, imageId].join(' ');
}
