'use strict';

/**
 * What is shown instead of products: what happened, and buttons for what the user can do.
 *
 * @typedef {'retry' | 'stop-comparing' | 'remove-crop' | 'remove-filters' | 'choose-picture' | 'enter-key'} Action
 * @typedef {{title: string, text: string, actions: Action[], requestId?: string | undefined}} Message
 * @typedef {{title: string, text?: string, actions: Action[]}} Advice without a text, the API's message is shown
 */

/** @type {Record<Action, string>} */
const ACTION_LABELS = {
  'retry': 'Try again',
  'stop-comparing': 'Stop comparing',
  'remove-crop': 'Search the whole picture',
  'remove-filters': 'Remove all filters',
  'choose-picture': 'Choose another picture',
  'enter-key': 'Enter an API key',
};

/** @type {Record<string, Advice>} by the API's error code */
const ADVICE_BY_CODE = {
  api_key_refused: { title: 'An API key is needed', text: 'This catalogue can only be searched with a key.', actions: ['enter-key'] },
  body_too_large: { title: 'The picture is too large', actions: ['choose-picture'] },
  index_missing: { title: 'The catalogue is empty', text: 'No product has been indexed yet.', actions: ['retry'] },
  not_found: { title: 'Product not found', text: 'It is not in the catalogue, or not any more.', actions: ['choose-picture'] },
  offline: { title: 'No connection', text: 'Check that you are online, then try again.', actions: ['retry'] },
  picture_unreachable: { title: 'The picture cannot be downloaded', actions: ['choose-picture'] },
  picture_unusable: { title: 'This picture cannot be used', actions: ['choose-picture'] },
  quota_exceeded: { title: 'The daily quota is used up', actions: [] },
};

/** @type {Record<string, Advice>} by the first name of the request's field that the API refused */
const ADVICE_BY_FIELD = {
  filter: { title: 'This filter cannot be used', actions: ['remove-filters'] },
  text: { title: 'These words cannot be searched', actions: ['choose-picture'] },
  index: { title: 'There is nothing to compare with', text: 'No other index is being filled.', actions: ['stop-comparing'] },
  crop: { title: 'This part cannot be searched', actions: ['remove-crop'] },
  cursor: { title: 'These results are out of date', text: 'The catalogue has changed since they were found.', actions: ['retry'] },
};

/** @type {Record<number, Advice>} by HTTP status */
const ADVICE_BY_STATUS = {
  400: { title: 'This search is not possible', actions: ['choose-picture'] },
  413: { title: 'The picture is too large', text: 'Choose a smaller one.', actions: ['choose-picture'] }, // in API Gateway's own words
  422: { title: 'This search is not possible', actions: ['choose-picture'] },
  429: { title: 'Too many searches', text: 'Wait a moment, then try again.', actions: ['retry'] },
  500: { title: 'The service has failed', actions: ['retry'] },
};

/** @type {Advice} */
const UNAVAILABLE = { title: 'The search is not available right now', actions: ['retry'] };

/**
 * @param {unknown} error
 * @returns {Message}
 */
function errorMessage(error) {
  if (error instanceof UnreadablePicture) return { title: 'This file cannot be used', text: error.message, actions: ['choose-picture'] };
  if (!(error instanceof ApiError)) return { title: 'Something went wrong', text: 'Reload the page and try again.', actions: ['retry'] };
  const { title, text = asSentence(error.message), actions } = adviceOn(error);
  return { title, text, actions, requestId: error.requestId };
}

/** @param {ApiError} error */
function adviceOn({ status, code, field = '' }) {
  const [fieldName = ''] = field.split(/\W/);
  return ADVICE_BY_CODE[code] ?? ADVICE_BY_FIELD[fieldName] ?? ADVICE_BY_STATUS[status] ?? UNAVAILABLE;
}

/**
 * @param {Query} query
 * @returns {Message}
 */
function noHitsMessage({ filter }) {
  if (isEmpty(filter)) return { title: 'No products found', text: 'The catalogue has no other products yet.', actions: ['choose-picture'] };
  return { title: 'No products match these filters', text: 'Remove a filter to see more products.', actions: ['remove-filters'] };
}

/**
 * @param {Message} message
 * @param {(action: Action) => void} onAction
 */
function messageBox({ title, text, actions, requestId }, onAction) {
  const box = cloneTemplate('message-template');
  findIn(box, '.message-title').textContent = title;
  findIn(box, '.message-text').textContent = text;
  findIn(box, '.message-buttons').append(...actions.map((action) => button(ACTION_LABELS[action], () => onAction(action))));
  findIn(box, '.fine-print').textContent = requestId ? `Request ID for support: ${requestId}` : '';
  return box;
}

/** @param {string} message of the API: it begins with a small letter and has no full stop */
function asSentence(message) {
  const text = message.trim();
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?…]$/.test(text) ? '' : '.');
}
