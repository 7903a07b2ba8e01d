'use strict';

/**
 * The HTTP API: its JSON as types, and a function for each call.
 *
 * @typedef {Record<string, unknown>} Attributes of a product, any JSON by name
 * @typedef {{product_id: string, image_id: string, image_url: string, score: number, attributes: Attributes}} Hit
 * @typedef {{image_id: string, image_url: string}} ProductPicture
 * @typedef {{attributes: Attributes, pictures: ProductPicture[]}} Product
 * @typedef {{value: string, pictures: number}} AttributeValue
 * @typedef {{name: string, pictures: number, values: AttributeValue[], least: number | null, most: number | null}} FilterableAttribute
 *
 * @typedef {{size: number, crop?: Crop, filter?: Filter, index?: 'next'}} SearchOptions
 * @typedef {{image: string} | {image_url: string}} PictureInput `image` is base64
 * @typedef {PictureInput | {image_id: string} | {product_id: string} | {text: string}} SearchInput
 * @typedef {(SearchInput & SearchOptions) | {cursor: string, size: number}} SearchRequest
 * @typedef {{field: string, message: string}} Warning
 *
 * @typedef {{hits: Hit[], next_cursor: string | null, model: string, timings_ms: Record<string, number>,
 *   warnings: Warning[]}} SearchResponse
 *
 * @typedef {{code: string, message: string, field?: string, request_id?: string}} ErrorDetails
 */

const REQUEST_TIMEOUT_MS = 40_000;

/** The API answered with an error, or not at all. */
class ApiError extends Error {
  /**
   * @param {number} status HTTP status; 0 without a response
   * @param {ErrorDetails} details
   */
  constructor(status, { code, message, field, request_id: requestId }) {
    super(message);
    this.status = status;
    this.code = code;
    this.field = field;
    this.requestId = requestId;
  }
}

/**
 * @param {SearchRequest} request
 * @param {AbortSignal} signal
 */
async function search(request, signal) {
  return /** @type {SearchResponse} */ (await callWithKey('search', { body: request, signal }));
}

/**
 * The things in a picture, those that stand out most first.
 *
 * @param {PictureInput} picture
 * @param {AbortSignal} signal
 */
async function detect(picture, signal) {
  return /** @type {{boxes: {crop: Crop, score: number}[]}} */ (await callWithKey('detect', { body: picture, signal })).boxes;
}

/**
 * @param {string} productId
 * @param {AbortSignal} signal
 */
async function getProduct(productId, signal) {
  return /** @type {Product} */ (await callWithKey(`products/${encodeURIComponent(productId)}`, { signal }));
}

async function getAttributes() {
  return /** @type {{attributes: FilterableAttribute[]}} */ (await callWithKey('attributes')).attributes;
}

/** The number of indexed products. Never asks the user for a key. */
async function countProducts() {
  return /** @type {{products: number}} */ (await call('stats')).products;
}

/** The model of the index that is being filled to take the current one's place, if any. */
async function getNextModel() {
  return /** @type {{next_model: string | null}} */ (await callWithKey('stats')).next_model;
}

/**
 * Products as different from each other as possible. Never asks the user for a key.
 *
 * @param {string} imageUrl a data: URL of the picture that they should resemble
 * @param {number} size
 */
async function searchDiverse(imageUrl, size) {
  const parameters = new URLSearchParams({ image_url: imageUrl, size: String(size), diversity: '0.8' });
  return /** @type {SearchResponse} */ (await call(`search?${parameters}`)).hits;
}

/**
 * Calls the API; if it refuses the key, asks the user for one and tries again.
 *
 * @param {string} path relative to the page
 * @param {{body?: object, signal?: AbortSignal}} options
 * @throws {ApiError}
 */
async function callWithKey(path, options = {}) {
  for (let wasRefused = false; ; wasRefused = true) {
    const key = apiKey.get();
    try {
      return await call(path, options);
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== 'api_key_refused') throw error;
      const hasChanged = apiKey.get() !== key;
      if (!hasChanged && !(await askForKey(wasRefused || key !== null))) throw error;
    }
  }
}

/**
 * @param {string} path relative to the page
 * @param {{body?: object, signal?: AbortSignal}} options with a body it is a POST
 * @returns {Promise<unknown>} the JSON of the response
 * @throws {ApiError}
 */
async function call(path, { body, signal } = {}) {
  const timeout = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
  const request = { ...requestOf(body), signal: signal ? AbortSignal.any([signal, timeout]) : timeout };
  const response = await fetch(BASE_PATH + path, request).catch((error) => {
    throw signal?.aborted ? error : noResponse(timeout.aborted);
  });
  const json = await response.json().catch(() => null);
  signal?.throwIfAborted();
  if (!response.ok || json === null) throw new ApiError(response.status, json?.error ?? unreadable(response.status));
  return json;
}

/**
 * @param {object | undefined} body
 * @returns {RequestInit}
 */
function requestOf(body) {
  const headers = new Headers();
  const key = apiKey.get();
  if (key !== null) headers.set('x-api-key', key);
  if (!body) return { headers };
  headers.set('content-type', 'application/json');
  return { method: 'POST', headers, body: JSON.stringify(body) };
}

/** @param {boolean} isTimeout */
function noResponse(isTimeout) {
  const message = isTimeout ? 'The service did not answer in time.' : 'The service cannot be reached.';
  return new ApiError(0, { code: isTimeout ? 'timeout' : 'offline', message });
}

/**
 * @param {number} status
 * @returns {ErrorDetails}
 */
function unreadable(status) {
  return { code: 'unreadable', message: `The service sent a response that cannot be read (HTTP ${status}).` };
}
