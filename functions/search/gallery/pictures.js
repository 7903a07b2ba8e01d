'use strict';

/**
 * Pictures of the user's own: read, scaled down where they are too large to be sent, and kept while the page is open.
 *
 * @typedef {{name: string, base64: string, address: string}} Upload `address` is for showing it
 */

/** Larger files are drawn anew: API Gateway carries 4.4 MB, and the network looks at a few hundred pixels a side. */
const MAX_SENT_BYTES = 2_000_000;

/** Enough for a crop of a tenth of the picture. */
const MAX_SIDE_PX = 2048;

/** What the service decodes by itself; anything else is drawn anew if the browser can. */
const SENT_AS_IT_IS = ['image/jpeg', 'image/png', 'image/webp', 'image/gif', 'image/bmp'];

/** How many are kept for Back; each may be some MB. */
const MAX_UPLOADS = 20;

/** @type {Map<string, Upload>} by their numbers */
const uploads = new Map();

let uploadCount = 0;

/**
 * @param {Blob} file
 * @param {string} name
 * @returns {Promise<string>} its number
 * @throws {UnreadablePicture}
 */
async function keepUpload(file, name) {
  const address = URL.createObjectURL(file);
  try {
    const canBeSent = file.size <= MAX_SENT_BYTES && SENT_AS_IT_IS.includes(file.type);
    const sent = canBeSent ? file : await redrawn(address, name);
    uploads.set(String(++uploadCount), { name, base64: await base64Of(sent), address });
  } catch (error) {
    URL.revokeObjectURL(address);
    throw error;
  }
  if (uploads.size > MAX_UPLOADS) forgetOldestUpload();
  return String(uploadCount);
}

function forgetOldestUpload() {
  const [[number, { address }]] = uploads;
  URL.revokeObjectURL(address);
  uploads.delete(number);
}

/** The browser cannot decode a file, and it cannot be sent as it is. */
class UnreadablePicture extends Error {}

/**
 * @param {string} address of a file
 * @param {string} name
 * @returns {Promise<Blob>} a JPEG of `MAX_SIDE_PX` at most, turned as EXIF says, on white where it was transparent
 */
async function redrawn(address, name) {
  const image = new Image();
  image.src = address;
  await image.decode().catch(() => {
    throw new UnreadablePicture(`“${name}” is not a picture that this browser can read. Save it as JPEG or PNG and try again.`);
  });
  // An SVG may have no size of its own.
  const [width, height] = [image.naturalWidth || MAX_SIDE_PX, image.naturalHeight || MAX_SIDE_PX];
  const scale = Math.min(1, MAX_SIDE_PX / Math.max(width, height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  context.fillStyle = 'white';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = 'high';
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) => {
    const done = (/** @type {Blob | null} */ blob) => (blob ? resolve(blob) : reject(new UnreadablePicture(`“${name}” could not be scaled down.`)));
    canvas.toBlob(done, 'image/jpeg', 0.9);
  });
}

/**
 * @param {Blob} blob
 * @returns {Promise<string>}
 */
function base64Of(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).replace(/^[^,]*,/, ''));
    reader.onerror = () => reject(new UnreadablePicture('The file cannot be read. It may have been moved or changed: choose it again.'));
    reader.readAsDataURL(blob);
  });
}

/**
 * @param {string} address beginning with `data:`
 * @returns {Blob | null} null if it is no picture in base64
 */
function blobOfDataAddress(address) {
  const [, type, base64] = address.match(/^data:(image\/[\w.+-]+);base64,(.+)$/s) ?? [];
  if (!base64) return null;
  try {
    return new Blob([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))], { type });
  } catch {
    return null;
  }
}

/**
 * What an `img` may load: addresses come from the index, and anybody may have written them there.
 *
 * @param {unknown} address
 * @returns {string | null} null unless it is an http or https address
 */
function safeAddress(address) {
  try {
    const { protocol, href } = new URL(String(address));
    return protocol === 'http:' || protocol === 'https:' ? href : null;
  } catch {
    return null;
  }
}
