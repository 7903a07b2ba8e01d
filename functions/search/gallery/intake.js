'use strict';

/**
 * The ways in: drop, paste, choose, link.
 *
 * @typedef {{onPicture: (file: Blob, name: string) => void, onLink: (address: string) => void}} Doors
 */

/** @param {Doors} doors */
function listenToIntake(doors) {
  listenToChoosing(doors);
  listenToLinking(doors);
  listenToPasting(doors);
  listenToDropping(doors);
}

/** @param {Doors} doors */
function listenToChoosing({ onPicture }) {
  const input = /** @type {HTMLInputElement} */ (byId('file'));
  byId('dropzone').addEventListener('click', () => input.click());
  input.addEventListener('change', () => {
    const [file] = input.files ?? [];
    if (file) onPicture(file, file.name);
    input.value = ''; // so that the same file can be chosen again
  });
}

/** @param {Doors} doors */
function listenToLinking(doors) {
  const input = /** @type {HTMLInputElement} */ (byId('link'));
  const problem = byId('link-problem');
  input.addEventListener('input', () => showFieldProblem(input, problem, ''));
  byId('intake').addEventListener('submit', (event) => {
    event.preventDefault();
    const isTaken = takeLink(input.value, doors);
    showFieldProblem(input, problem, isTaken ? '' : 'Enter the address of a picture, beginning with https:// or http://');
    if (isTaken) input.value = '';
  });
}

/** @param {Doors} doors */
function listenToPasting(doors) {
  document.addEventListener('paste', (event) => {
    if (isDialogOpen() || !event.clipboardData) return;
    const file = pictureIn(event.clipboardData);
    const isText = event.target instanceof HTMLInputElement && event.target.type !== 'checkbox';
    if (file) doors.onPicture(file, file.name || 'Pasted picture');
    else if (isText || !takeLink(event.clipboardData.getData('text'), doors)) return;
    event.preventDefault();
  });
}

/** @param {Doors} doors */
function listenToDropping(doors) {
  const curtain = byId('curtain');
  const isWelcome = (/** @type {DragEvent} */ { dataTransfer }) =>
    !isDialogOpen() && Boolean(dataTransfer) && ['Files', 'text/uri-list'].some((type) => dataTransfer?.types.includes(type));
  document.addEventListener('dragover', (event) => {
    if (!isWelcome(event)) return;
    event.preventDefault();
    curtain.hidden = false;
  });
  document.addEventListener('dragleave', (event) => {
    if (!event.relatedTarget) curtain.hidden = true; // the pointer left the window
  });
  document.addEventListener('drop', (event) => {
    curtain.hidden = true;
    if (!isWelcome(event) || !event.dataTransfer) return;
    event.preventDefault();
    const file = pictureIn(event.dataTransfer);
    const link = event.dataTransfer.getData('text/uri-list').split('\n')[0];
    if (file) doors.onPicture(file, file.name);
    else if (!takeLink(link, doors)) showIntakeProblem('That is no picture. Drop the file of one, or a picture from another page.');
  });
}

/** @param {string} problem empty if there is none */
function showIntakeProblem(problem) {
  byId('link').removeAttribute('aria-invalid');
  byId('link-problem').textContent = problem;
}

/**
 * @param {DataTransfer} data
 * @returns {File | undefined} of several, the first
 */
function pictureIn(data) {
  return [...data.files].find((file) => file.type.startsWith('image/')) ?? data.files[0];
}

/**
 * @param {string} text what was entered, pasted or dropped
 * @param {Doors} doors
 * @returns {boolean} whether it is the address of a picture
 */
function takeLink(text, { onPicture, onLink }) {
  const entered = text.trim();
  if (entered.startsWith('data:')) {
    const blob = blobOfDataAddress(entered);
    if (blob) onPicture(blob, 'Pasted picture');
    return blob !== null;
  }
  const address = safeAddress(/^[a-z][a-z\d+.-]*:\/\//i.test(entered) ? entered : `https://${entered}`);
  const isAddress = address !== null && !/\s/.test(entered) && new URL(address).hostname.includes('.');
  if (isAddress) onLink(address);
  return isAddress;
}

function isDialogOpen() {
  return document.querySelector('dialog[open]') !== null;
}
