'use strict';

/** Products that were shown as hits, with one picture each, or loaded with all their pictures. */
class ProductCache {
  constructor() {
    this.products = /** @type {Map<string, Product>} */ (new Map());
  }

  /** @param {Hit[]} hits */
  addHits(hits) {
    for (const { product_id: productId, image_id, image_url, attributes } of hits) {
      this.products.set(productId, { attributes, pictures: [{ image_id, image_url }] });
    }
  }

  /**
   * @param {string} productId
   * @returns {Product | undefined}
   */
  get(productId) {
    return this.products.get(productId);
  }

  /**
   * Loads a product each time anew, because the URLs of its pictures expire.
   *
   * @param {string} productId
   * @param {AbortSignal} signal
   * @throws {ApiError}
   */
  async load(productId, signal) {
    const product = await getProduct(productId, signal);
    this.products.set(productId, product);
    return product;
  }
}

/**
 * @param {Product} product
 * @param {string | undefined} imageId
 * @returns {ProductPicture | undefined} the selected picture, else the first one
 */
function pictureOf({ pictures }, imageId) {
  return pictures.find(({ image_id }) => image_id === imageId) ?? pictures[0];
}
