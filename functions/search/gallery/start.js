'use strict';

/** What is on the page before anything is searched: how much there is, and some products to begin with. */

const SUGGESTIONS = 12;
const SWATCH_PX = 32;

/**
 * Nobody is asked for a key because of this: without one the page begins without it.
 *
 * @param {Products} products told of those that are shown
 */
async function showCatalogue(products) {
  try {
    const { products: count } = await ask('stats');
    if (!count) return;
    byId('catalogue-size').textContent = `${count.toLocaleString('en')} products`;
    const { hits } = await ask(`search?${new URLSearchParams({ image_url: swatch(), size: String(SUGGESTIONS), diversity: '0.8' })}`);
    products.see(hits);
    byId('suggestions').replaceChildren(...hits.map(suggestion));
    byId('begin').hidden = hits.length === 0;
  } catch {
    byId('begin').hidden = true;
  }
}

/** @param {string} path */
function ask(path) {
  return send(path, undefined, undefined, apiKey.get());
}

/** A product without its score: it looks like nothing that anybody asked for. @param {Hit} hit */
function suggestion(hit) {
  const item = card(hit, {});
  part(item, '.score').remove();
  return item;
}

/**
 * The API lists no products, it finds what looks like a picture: of a colour by chance, so that another visit begins elsewhere.
 *
 * @returns {string} a data: address
 */
function swatch() {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = SWATCH_PX;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  context.fillStyle = `hsl(${Math.floor(Math.random() * 360)} 45% 60%)`;
  context.fillRect(0, 0, SWATCH_PX, SWATCH_PX);
  return canvas.toDataURL('image/png');
}
