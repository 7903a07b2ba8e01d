'use strict';

/** Finding and making elements of the page. */

/**
 * @template {Element} Type
 * @param {Element | null | undefined} found
 * @param {new () => Type} type
 * @returns {Type}
 */
function required(found, type) {
  if (found instanceof type) return found;
  throw new TypeError(`The page has no such ${type.name}`);
}

/** @param {string} id */
function byId(id) {
  return required(document.getElementById(id), HTMLElement);
}

/** @param {string} id */
function inputById(id) {
  return required(document.getElementById(id), HTMLInputElement);
}

/**
 * @param {ParentNode} parent
 * @param {string} selector of an element inside it
 */
function findIn(parent, selector) {
  return required(parent.querySelector(selector), HTMLElement);
}

/** @param {ParentNode} parent */
function inputsIn(parent) {
  return [...parent.querySelectorAll('input')];
}

/** @param {string} id of a template that holds one element */
function cloneTemplate(id) {
  const template = required(document.getElementById(id), HTMLTemplateElement);
  return required(document.importNode(template.content, true).firstElementChild, HTMLElement);
}

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Partial<HTMLElementTagNameMap[Tag]>} properties
 * @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/**
 * @param {string} label
 * @param {() => void} onClick
 * @param {string} className
 */
function button(label, onClick, className = 'button quiet') {
  const made = element('button', { type: 'button', className }, label);
  made.addEventListener('click', onClick);
  return made;
}

/**
 * Shows an image, or another element in its place if it cannot be loaded.
 *
 * @param {HTMLImageElement} image
 * @param {HTMLElement} fallback
 * @param {string | null} url
 * @param {() => void} onLoad
 */
function showImage(image, fallback, url, onLoad = () => {}) {
  const show = (/** @type {boolean} */ isAvailable) => {
    image.hidden = !isAvailable;
    fallback.hidden = isAvailable;
  };
  image.onload = onLoad;
  image.onerror = () => show(false);
  show(url !== null);
  if (url !== null) image.src = url;
  else image.removeAttribute('src');
}

/**
 * Shows what is wrong with a field and moves the focus to it.
 *
 * @param {HTMLInputElement} input
 * @param {HTMLElement} messageElement
 * @param {string} message empty if nothing is wrong
 */
function showFieldError(input, messageElement, message) {
  messageElement.textContent = message;
  if (message) {
    input.setAttribute('aria-invalid', 'true');
    input.focus();
  } else {
    input.removeAttribute('aria-invalid');
  }
}

/** @param {MouseEvent} event @returns {boolean} whether the browser opens a new tab or window, or saves the link */
function hasModifierKey(event) {
  return event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
}

/**
 * @param {HTMLElement} link
 * @param {() => void} onClick called instead of following the link, unless a modifier key is held
 */
function onPlainClick(link, onClick) {
  link.addEventListener('click', (event) => {
    if (hasModifierKey(event)) return;
    event.preventDefault();
    onClick();
  });
}
