'use strict';

const KEY_ITEM = 'lookalike.api-key';

/** The API key: stored for this tab, or on this device if the user says so, until it is forgotten. */
const apiKey = {
  /** For browsers that refuse to store anything. */
  inMemory: /** @type {string | null} */ (null),

  get() {
    return this.inMemory ?? readStorage('sessionStorage') ?? readStorage('localStorage');
  },

  /**
   * @param {string} key
   * @param {boolean} isRemembered when the tab is closed
   */
  set(key, isRemembered) {
    this.forget();
    this.inMemory = key;
    writeStorage(isRemembered ? 'localStorage' : 'sessionStorage', key);
    byId('forget-key').hidden = false;
  },

  forget() {
    this.inMemory = null;
    writeStorage('sessionStorage', null);
    writeStorage('localStorage', null);
    byId('forget-key').hidden = true;
  },
};

/** @type {Promise<boolean> | null} the open dialog's answer, shared by concurrent calls */
let keyAnswer = null;

/**
 * @param {boolean} wasRefused whether a key was sent and not accepted
 * @returns {Promise<boolean>} whether the user entered a key
 */
function askForKey(wasRefused) {
  keyAnswer ??= openKeyDialog(wasRefused).finally(() => (keyAnswer = null));
  return keyAnswer;
}

/**
 * @param {boolean} wasRefused
 * @returns {Promise<boolean>}
 */
function openKeyDialog(wasRefused) {
  const dialog = keyDialog();
  const input = inputById('key');
  input.value = '';
  const refusal = 'This key was not accepted. Check it for typing errors, or ask for another one.';
  showFieldError(input, byId('key-error'), wasRefused ? refusal : '');
  dialog.returnValue = '';
  dialog.showModal();
  input.focus();
  return new Promise((resolve) => dialog.addEventListener('close', () => resolve(dialog.returnValue === 'key'), { once: true }));
}

function initKeyDialog() {
  byId('key-form').addEventListener('submit', (event) => {
    event.preventDefault();
    submitKey();
  });
  byId('key-cancel').addEventListener('click', () => keyDialog().close(''));
  byId('forget-key').hidden = apiKey.get() === null;
}

function submitKey() {
  const input = inputById('key');
  const key = input.value.trim();
  if (!/^[\x21-\x7e]+$/.test(key)) {
    const error = key ? 'An API key has no spaces and no accented letters.' : 'Enter the key, or choose “Not now”.';
    showFieldError(input, byId('key-error'), error);
    return;
  }
  apiKey.set(key, inputById('key-remember').checked);
  input.value = '';
  keyDialog().close('key');
}

function keyDialog() {
  return required(document.getElementById('key-dialog'), HTMLDialogElement);
}

/** @param {'sessionStorage' | 'localStorage'} name */
function readStorage(name) {
  try {
    return window[name].getItem(KEY_ITEM);
  } catch {
    return null;
  }
}

/**
 * @param {'sessionStorage' | 'localStorage'} name where storage is switched off, reading this property throws
 * @param {string | null} key
 */
function writeStorage(name, key) {
  try {
    if (key === null) window[name].removeItem(KEY_ITEM);
    else window[name].setItem(KEY_ITEM, key);
  } catch {
    // Storage is switched off: the key is in memory until the page is closed.
  }
}
