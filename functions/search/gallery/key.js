'use strict';

/** The API key: kept for this tab, or on this device if the user says so, until it is forgotten. */
const apiKey = {
  /** What is used where the browser refuses to store anything. */
  held: /** @type {string | null} */ (null),

  /** @returns {string | null} */
  get() {
    return this.held ?? stored('sessionStorage') ?? stored('localStorage');
  },

  /**
   * @param {string} key
   * @param {boolean} remember beyond this tab
   */
  set(key, remember) {
    this.forget();
    this.held = key;
    store(remember ? 'localStorage' : 'sessionStorage', key);
    byId('forget-key').hidden = false;
  },

  forget() {
    this.held = null;
    store('sessionStorage', null);
    store('localStorage', null);
    byId('forget-key').hidden = true;
  },
};

const KEY_ITEM = 'lookalike.api-key';

/** @type {Promise<boolean> | null} the question that is open: calls that run side by side share it */
let openQuestion = null;

/**
 * @param {boolean} wasRefused a key was sent and is not known
 * @returns {Promise<boolean>} whether there is a key to try
 */
function askForKey(wasRefused) {
  openQuestion ??= showKeyDialog(wasRefused).finally(() => (openQuestion = null));
  return openQuestion;
}

/**
 * @param {boolean} wasRefused
 * @returns {Promise<boolean>}
 */
function showKeyDialog(wasRefused) {
  const dialog = /** @type {HTMLDialogElement} */ (byId('key-dialog'));
  const input = /** @type {HTMLInputElement} */ (byId('key'));
  input.value = '';
  showFieldProblem(input, byId('key-problem'), wasRefused ? 'This key was refused. Look for a typing error, or ask for another one.' : '');
  dialog.returnValue = '';
  dialog.showModal();
  input.focus();
  return new Promise((resolve) => dialog.addEventListener('close', () => resolve(dialog.returnValue === 'key'), { once: true }));
}

function listenToKeyDialog() {
  const dialog = /** @type {HTMLDialogElement} */ (byId('key-dialog'));
  const input = /** @type {HTMLInputElement} */ (byId('key'));
  const remember = /** @type {HTMLInputElement} */ (byId('key-remember'));
  byId('key-form').addEventListener('submit', (event) => {
    event.preventDefault();
    const key = input.value.trim();
    if (!/^[\x21-\x7e]+$/.test(key)) {
      showFieldProblem(input, byId('key-problem'), key ? 'A key has no spaces and no special letters.' : 'Enter the key, or choose “Not now”.');
      return;
    }
    apiKey.set(key, remember.checked);
    input.value = '';
    dialog.close('key');
  });
  byId('key-cancel').addEventListener('click', () => dialog.close(''));
  byId('forget-key').hidden = apiKey.get() === null;
}

/**
 * @param {HTMLInputElement} input
 * @param {HTMLElement} place
 * @param {string} problem empty if there is none
 */
function showFieldProblem(input, place, problem) {
  place.textContent = problem;
  if (problem) {
    input.setAttribute('aria-invalid', 'true');
    input.focus();
  } else {
    input.removeAttribute('aria-invalid');
  }
}

/** @param {'sessionStorage' | 'localStorage'} storage */
function stored(storage) {
  try {
    return window[storage].getItem(KEY_ITEM);
  } catch {
    return null;
  }
}

/**
 * @param {'sessionStorage' | 'localStorage'} storage its name: where it is switched off, even naming it in code throws
 * @param {string | null} key
 */
function store(storage, key) {
  try {
    if (key === null) window[storage].removeItem(KEY_ITEM);
    else window[storage].setItem(KEY_ITEM, key);
  } catch {
    // Storage is switched off: the key is held until the page is closed.
  }
}
