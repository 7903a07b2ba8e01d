'use strict';

/** Products found, as cards. */

/**
 * @param {Hit} hit
 * @param {Filter} filter of the card's link
 * @returns {HTMLElement}
 */
function hitCard({ product_id: productId, image_url: imageUrl, score, attributes }, filter) {
  const card = cloneTemplate('hit-template');
  const link = required(card.querySelector('.hit'), HTMLAnchorElement);
  link.dataset['productId'] = productId;
  link.href = urlOfQuery({ ...NO_QUERY, input: { kind: 'product_id', value: productId }, filter });
  findIn(card, '.title').textContent = productTitle(productId, attributes);
  findIn(card, '.number').textContent = score.toFixed(3);
  findIn(card, '.details').textContent = productDetails(productId, attributes);
  showImage(required(card.querySelector('img'), HTMLImageElement), findIn(card, '.no-picture'), safeUrl(imageUrl));
  return card;
}

/** @param {number} count */
function skeletonCards(count) {
  return Array.from({ length: count }, () => cloneTemplate('skeleton-template'));
}
