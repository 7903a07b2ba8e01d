'use strict';

/**
 * @param {string} id of an element that the page has
 * @returns {HTMLElement}
 */
function byId(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

/**
 * @param {ParentNode} whole
 * @param {string} selector of a part that it has
 * @returns {HTMLElement}
 */
function part(whole, selector) {
  return /** @type {HTMLElement} */ (whole.querySelector(selector));
}

/**
 * @param {string} id of a template with one element
 * @returns {HTMLElement}
 */
function copyOf(id) {
  const template = /** @type {HTMLTemplateElement} */ (byId(id));
  return /** @type {HTMLElement} */ (/** @type {Element} */ (template.content.firstElementChild).cloneNode(true));
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
 * @param {() => void} act
 * @param {string} className
 */
function button(label, act, className = 'button quiet') {
  const made = element('button', { type: 'button', className }, label);
  made.addEventListener('click', act);
  return made;
}
