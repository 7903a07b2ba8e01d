'use strict';

/** URLs that come from the index or from the user, either of whom may have written anything. */

/**
 * @param {unknown} url
 * @returns {string | null} the URL if an `img` may load it: http or https
 */
function safeUrl(url) {
  try {
    const { protocol, href } = new URL(String(url));
    return protocol === 'http:' || protocol === 'https:' ? href : null;
  } catch {
    return null;
  }
}

/** @param {string} url @returns {string} its host, or the text itself if it is no URL that may be loaded */
function hostOf(url) {
  return safeUrl(url) ? new URL(url).hostname : url;
}

/**
 * @param {string} text what the user typed, pasted or dropped
 * @returns {string | null} an http or https URL, https where the text names no scheme
 */
function enteredUrl(text) {
  const url = safeUrl(/^[a-z][a-z\d+.-]*:\/\//i.test(text) ? text : `https://${text}`);
  return url !== null && !/\s/.test(text) && new URL(url).hostname.includes('.') ? url : null;
}

/**
 * @param {string} url beginning with `data:`
 * @returns {Blob | null} null unless it is a picture in base64
 */
function blobOfDataUrl(url) {
  const [, type, base64] = url.match(/^data:(image\/[\w.+-]+);base64,(.+)$/s) ?? [];
  if (!type || !base64) return null;
  try {
    return new Blob([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))], { type });
  } catch {
    return null;
  }
}
