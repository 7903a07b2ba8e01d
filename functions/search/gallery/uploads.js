'use strict';

/**
 * The user's own pictures: read, scaled down where they are too large to be sent, and held in memory while the page is open.
 *
 * @typedef {{name: string, base64: string, url: string}} Upload `base64` is sent, `url` (blob:) is shown
 */

/** Larger files are scaled down: API Gateway carries 4.4 MB, and the network sees a few hundred pixels a side. */
const MAX_SENT_BYTES = 2_000_000;

/** What API Gateway carries at most. */
const MAX_BODY_BYTES = 4_300_000;

/** Enough for a crop of a tenth of the picture. */
const MAX_SIDE_PX = 2048;

/** Each may take some MB; the oldest are dropped, and Back cannot show them any more. */
const MAX_UPLOADS = 20;

/** @type {Map<string, Upload>} by id, the oldest first */
const uploads = new Map();

let lastUploadId = 0;

/** A file that the browser cannot read, and that cannot be sent as it is; the message says what to do. */
class UnreadablePicture extends Error {}

/**
 * @param {Blob} file
 * @param {string} name
 * @returns {Promise<string>} the upload's id
 * @throws {UnreadablePicture}
 */
async function addUpload(file, name) {
  const url = URL.createObjectURL(file);
  const id = String(++lastUploadId);
  try {
    uploads.set(id, { name, base64: await base64Of(await sendable(file, name, url)), url });
  } catch (error) {
    URL.revokeObjectURL(url);
    throw error;
  }
  dropOldUploads();
  return id;
}

/**
 * @param {Blob} file
 * @param {string} name
 * @param {string} url of the file
 * @returns {Promise<Blob>} the file if it is small, else a smaller JPEG; what only the service may be able to read is sent as it is
 * @throws {UnreadablePicture}
 */
async function sendable(file, name, url) {
  const isAccepted = acceptedTypes().includes(file.type);
  if (isAccepted && file.size <= MAX_SENT_BYTES) return file;
  try {
    return await scaledJpeg(url, name);
  } catch (error) {
    if ((isAccepted || file.type === '') && file.size <= MAX_BODY_BYTES) return file; // a phone's HEIC has no type in some systems
    throw error;
  }
}

/** @returns {string[]} media types that the service decodes; files of others are converted, if the browser can read them */
function acceptedTypes() {
  return (byId('file').dataset.acceptedTypes ?? '').split(' ');
}

function dropOldUploads() {
  for (const [id, { url }] of [...uploads].slice(0, -MAX_UPLOADS)) {
    URL.revokeObjectURL(url);
    uploads.delete(id);
  }
}

/**
 * @param {string} url of a file
 * @param {string} name
 * @returns {Promise<Blob>} a JPEG of `MAX_SIDE_PX` at most, turned upright, on white where it was transparent
 */
async function scaledJpeg(url, name) {
  const image = new Image();
  image.src = url;
  await image.decode().catch(() => {
    throw new UnreadablePicture(`“${name}” is not a picture that this browser can read. Save it as JPEG or PNG and try again.`);
  });
  const canvas = drawnOnCanvas(image);
  const jpeg = await new Promise((/** @type {BlobCallback} */ resolve) => canvas.toBlob(resolve, 'image/jpeg', 0.9));
  if (!jpeg) throw new UnreadablePicture(`“${name}” could not be scaled down. Choose a smaller picture.`);
  return jpeg;
}

/** @param {HTMLImageElement} image */
function drawnOnCanvas(image) {
  // An SVG may have no size of its own.
  const [width, height] = [image.naturalWidth || MAX_SIDE_PX, image.naturalHeight || MAX_SIDE_PX];
  const scale = Math.min(1, MAX_SIDE_PX / Math.max(width, height));
  const canvas = element('canvas', { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  context.fillStyle = 'white';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = 'high';
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas;
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
