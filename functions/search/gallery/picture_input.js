'use strict';

/**
 * The ways to say what is searched for: choose a picture's file, enter words or a link, paste, drop.
 *
 * @typedef {{onPicture: (file: Blob, name: string) => void, onLink: (url: string) => void, onText: (text: string) => void}} PictureHandlers
 */

/** @param {PictureHandlers} handlers */
function initPictureInput(handlers) {
  initFileInput(handlers);
  initLinkInput(handlers);
  initPaste(handlers);
  initDrop(handlers);
}

/** @param {PictureHandlers} handlers */
function initFileInput({ onPicture }) {
  const input = inputById('file');
  byId('dropzone').addEventListener('click', () => input.click());
  input.addEventListener('change', () => {
    const [file] = input.files ?? [];
    if (file) onPicture(file, file.name);
    input.value = ''; // so that the same file can be chosen again
  });
}

/** @param {PictureHandlers} handlers */
function initLinkInput(handlers) {
  const input = inputById('link');
  input.addEventListener('input', () => showFieldError(input, byId('link-error'), ''));
  byId('picture-form').addEventListener('submit', (event) => {
    event.preventDefault();
    const isAccepted = submitLink(input.value, handlers) || submitWords(input.value, handlers);
    const advice = 'Enter words, or a link to a picture. It starts with https:// or http://';
    showFieldError(input, byId('link-error'), isAccepted ? '' : advice);
    if (isAccepted) input.value = '';
  });
}

/** @param {PictureHandlers} handlers */
function initPaste(handlers) {
  document.addEventListener('paste', (event) => {
    if (isDialogOpen() || !event.clipboardData) return;
    const file = pictureIn(event.clipboardData);
    const isTextField = event.target instanceof HTMLInputElement && event.target.type !== 'checkbox';
    if (file) handlers.onPicture(file, file.name || 'Pasted picture');
    else if (isTextField || !submitLink(event.clipboardData.getData('text'), handlers)) return;
    event.preventDefault();
  });
}

/** @param {PictureHandlers} handlers */
function initDrop(handlers) {
  const overlay = byId('drop-overlay');
  document.addEventListener('dragover', (event) => {
    if (!canBeDropped(event)) return;
    event.preventDefault();
    overlay.hidden = false;
  });
  document.addEventListener('dragleave', (event) => {
    if (!event.relatedTarget) overlay.hidden = true; // the pointer left the window
  });
  document.addEventListener('drop', (event) => {
    overlay.hidden = true;
    if (!canBeDropped(event) || !event.dataTransfer) return;
    event.preventDefault();
    drop(event.dataTransfer, handlers);
  });
}

/** @param {DragEvent} event */
function canBeDropped({ dataTransfer }) {
  return !isDialogOpen() && ['Files', 'text/uri-list'].some((type) => dataTransfer?.types.includes(type));
}

/**
 * @param {DataTransfer} data
 * @param {PictureHandlers} handlers
 */
function drop(data, handlers) {
  const file = pictureIn(data);
  const [link = ''] = data.getData('text/uri-list').split('\n');
  if (file) handlers.onPicture(file, file.name);
  else if (!submitLink(link, handlers)) showPictureError('That is not a picture. Drop a picture file, or a picture from another page.');
}

/** @param {string} message empty if nothing is wrong */
function showPictureError(message) {
  inputById('link').removeAttribute('aria-invalid');
  byId('link-error').textContent = message;
}

/**
 * @param {DataTransfer} data
 * @returns {File | undefined} the first picture, else the first file
 */
function pictureIn(data) {
  return [...data.files].find((file) => file.type.startsWith('image/')) ?? data.files[0];
}

/**
 * @param {string} text what was entered, pasted or dropped
 * @param {PictureHandlers} handlers
 * @returns {boolean} whether it is a URL of a picture
 */
function submitLink(text, { onPicture, onLink }) {
  const entered = text.trim();
  if (entered.startsWith('data:')) {
    const blob = blobOfDataUrl(entered);
    if (blob) onPicture(blob, 'Pasted picture');
    return blob !== null;
  }
  const url = enteredUrl(entered);
  if (url !== null) onLink(url);
  return url !== null;
}

/**
 * @param {string} text what was entered, and is no URL of a picture
 * @param {PictureHandlers} handlers
 * @returns {boolean} whether it is words rather than a URL that cannot be used
 */
function submitWords(text, { onText }) {
  const words = text.trim();
  const areWords = words !== '' && !/^[a-z][a-z\d+.-]*:\S/i.test(words);
  if (areWords) onText(words);
  return areWords;
}

function isDialogOpen() {
  return document.querySelector('dialog[open]') !== null;
}
