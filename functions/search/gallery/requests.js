'use strict';

/** What the API is asked for a query. */

const PAGE_SIZE = 24;

/**
 * @param {QueryInput} input
 * @param {Query} query
 * @param {ProductCache} products
 * @param {AbortSignal} signal
 * @returns {Promise<SearchInput & SearchOptions>}
 */
async function searchRequest(input, { crop, filter }, products, signal) {
  const options = { size: PAGE_SIZE, ...(!isEmpty(filter) && { filter }), ...(crop && { crop }) };
  if (input.kind === 'text') return { text: input.value, ...options };
  if (crop || input.kind !== 'product_id') return { ...(await pictureOfInput(input, products, signal)), ...options };
  return input.imageId ? { image_id: input.imageId, ...options } : { product_id: input.value, ...options };
}

/**
 * The index has vectors of whole pictures only: for a part of one, the service needs the picture.
 *
 * @param {QueryInput} input not words
 * @param {ProductCache} products
 * @param {AbortSignal} signal
 * @returns {Promise<PictureInput>}
 */
async function pictureOfInput({ kind, value, imageId }, products, signal) {
  if (kind === 'upload') return { image: uploads.get(value)?.base64 ?? '' };
  if (kind === 'image_url') return { image_url: value };
  return { image_url: pictureOf(await products.load(value, signal), imageId)?.image_url ?? '' };
}
