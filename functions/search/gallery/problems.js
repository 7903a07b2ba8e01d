'use strict';

/**
 * What went wrong, in words that say what to do.
 *
 * @typedef {'again' | 'whole' | 'unfiltered' | 'choose' | 'key'} Remedy
 * @typedef {{title: string, text: string, remedies: Remedy[], reference?: string}} Message
 */

/** @type {Record<Remedy, string>} */
const REMEDY_LABELS = {
  again: 'Try again',
  whole: 'Search the whole picture',
  unfiltered: 'Remove all filters',
  choose: 'Choose another picture',
  key: 'Enter an API key',
};

/**
 * @param {unknown} error
 * @returns {Message}
 */
function explained(error) {
  if (error instanceof UnreadablePicture) return { title: 'That is no picture', text: error.message, remedies: ['choose'] };
  if (!(error instanceof ApiError)) return { title: 'Something went wrong', text: 'Reload the page and try again.', remedies: ['again'] };
  const { title, text = sentence(error.message), remedies } = adviceOn(error);
  return { title, text, remedies, reference: error.requestId };
}

/**
 * @param {ApiError} error
 * @returns {{title: string, text?: string, remedies: Remedy[]}}
 */
function adviceOn({ status, code, field = '' }) {
  switch (code) {
    case 'api_key_refused':
      return { title: 'An API key is needed', text: 'Without one this catalogue gives no answer.', remedies: ['key'] };
    case 'index_missing':
      return { title: 'The catalogue is empty', text: 'Products appear here as soon as the first one is indexed.', remedies: ['again'] };
    case 'not_found':
      return { title: 'This product is gone', text: 'It is not in the catalogue any more.', remedies: ['choose'] };
    case 'picture_unreachable':
      return { title: 'There is no picture at this address', remedies: ['choose'] };
    case 'picture_unusable':
      return { title: 'This picture cannot be used', remedies: ['choose'] };
    case 'body_too_large':
      return { title: 'The picture is too large', remedies: ['choose'] };
    case 'quota_exceeded':
      return { title: 'That was all for today', remedies: [] };
    case 'offline':
      return { title: 'No connection', text: 'Look whether you are online, then try again.', remedies: ['again'] };
  }
  if (field.startsWith('filter')) return { title: 'This filter cannot be used', remedies: ['unfiltered'] };
  if (field.startsWith('crop')) return { title: 'This part cannot be searched', remedies: ['whole'] };
  if (field === 'cursor') return { title: 'These results are out of date', text: 'The catalogue has changed since.', remedies: ['again'] };
  if (status === 429) return { title: 'One moment, please', text: 'There were too many searches at once.', remedies: ['again'] };
  if (status === 400 || status === 422) return { title: 'This cannot be searched', remedies: ['choose'] };
  if (status === 500) return { title: 'That was our fault', remedies: ['again'] };
  return { title: 'No answer just now', remedies: ['again'] };
}

/**
 * @param {Query} query that found nothing
 * @returns {Message}
 */
function emptiness({ crop, filter }) {
  if (!isEmpty(filter)) return { title: 'Nothing passes these filters', text: 'Remove one of them to see more products.', remedies: ['unfiltered'] };
  if (crop) return { title: 'Nothing looks like this part', text: 'Draw a larger box, or search the whole picture.', remedies: ['whole'] };
  return { title: 'Nothing was found', text: 'The catalogue has no other product yet.', remedies: ['choose'] };
}

/**
 * @param {Message} message
 * @param {(remedy: Remedy) => void} onRemedy
 * @returns {HTMLElement}
 */
function messageBox({ title, text, remedies, reference }, onRemedy) {
  const box = copyOf('message-template');
  part(box, '.message-title').textContent = title;
  part(box, '.message-text').textContent = text;
  part(box, '.message-buttons').append(...remedies.map((remedy) => button(REMEDY_LABELS[remedy], () => onRemedy(remedy))));
  part(box, '.fine-print').textContent = reference ? `Reference for support: ${reference}` : '';
  return box;
}

/** The API's messages begin with a small letter and have no full stop. @param {string} message */
function sentence(message) {
  const text = message.trim();
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?…]$/.test(text) ? '' : '.');
}
