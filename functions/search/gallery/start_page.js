'use strict';

/** The page before the first search: how large the catalogue is, and some products to start with. */

const SUGGESTION_COUNT = 12;
const COLOUR_PICTURE_PX = 32;

/**
 * Loads the suggestions, once. Without an API key, or if the service fails, the page goes without them.
 *
 * @param {ProductCache} products that the suggestions are added to
 */
async function showSuggestions(products) {
  if (!byId('suggestions-section').hidden) return;
  try {
    const count = await countProducts();
    if (!count) return;
    byId('catalogue-size').textContent = `${count.toLocaleString('en')} ${count === 1 ? 'product' : 'products'}`;
    const hits = await searchDiverse(randomColourPicture(), SUGGESTION_COUNT);
    products.addHits(hits);
    byId('suggestions').replaceChildren(...hits.map(suggestionCard));
    byId('suggestions-section').hidden = hits.length === 0;
  } catch {
    byId('suggestions-section').hidden = true;
  }
}

/** @param {Hit} hit @returns {HTMLElement} a card without its score, which means nothing to a user who has searched for nothing */
function suggestionCard(hit) {
  const card = hitCard(hit, {});
  findIn(card, '.score').remove();
  return card;
}

/**
 * The API does not list products, it only finds what looks like a picture; a random colour gives other products on each visit.
 *
 * @returns {string} a data: URL
 */
function randomColourPicture() {
  const canvas = element('canvas', { width: COLOUR_PICTURE_PX, height: COLOUR_PICTURE_PX });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  context.fillStyle = `hsl(${Math.floor(Math.random() * 360)} 45% 60%)`;
  context.fillRect(0, 0, canvas.width, canvas.height);
  return canvas.toDataURL('image/png');
}
