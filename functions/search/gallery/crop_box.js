'use strict';

/** @typedef {{x: number, y: number}} Point fractions of the picture's width and height */

/** The smallest side of a box, as a fraction: a smaller one is a slip of the hand. */
const MIN_CROP_SIDE = 0.05;

/** The box to start with when the user does not draw one. */
const INITIAL_CROP = { left: 0.15, top: 0.15, right: 0.85, bottom: 0.85 };

/** How far an arrow key moves an edge, as a fraction. */
const KEY_STEP = 0.02;

/** The search starts when no key was pressed for this long. */
const KEY_DEBOUNCE_MS = 600;

/** @type {Record<string, Point>} */
const ARROW_KEYS = { ArrowLeft: { x: -1, y: 0 }, ArrowRight: { x: 1, y: 0 }, ArrowUp: { x: 0, y: -1 }, ArrowDown: { x: 0, y: 1 } };

/**
 * The box on the query picture: drawn with mouse or pen, resized by its handles with a finger, moved with the keys.
 *
 * A finger scrolls the page unless there is a box.
 */
class CropBox {
  /** @param {(crop: Crop | null) => void} onCrop called when the user has finished a change */
  constructor(onCrop) {
    this.onCrop = onCrop;
    this.area = byId('crop');
    this.box = byId('crop-box');
    this.crop = /** @type {Crop | null} */ (null);
    /** Drawn as soon as the picture is loaded. */
    this.pendingCrop = /** @type {Crop | null} */ (null);
    this.isEnabled = false;
    this.keyTimer = 0;
    this.area.addEventListener('pointerdown', (event) => this.onPointerDown(event));
    this.box.addEventListener('keydown', (event) => this.onKeyDown(event));
    byId('crop-start').addEventListener('click', () => this.take(INITIAL_CROP));
    byId('crop-remove').addEventListener('click', () => this.remove());
  }

  /** @param {Crop | null} crop */
  show(crop) {
    clearTimeout(this.keyTimer);
    this.pendingCrop = crop;
    this.draw(this.isEnabled ? crop : null);
  }

  /** @param {boolean} isEnabled whether the picture is loaded */
  enable(isEnabled) {
    this.isEnabled = isEnabled;
    byId('crop-tools').hidden = !isEnabled;
    this.draw(isEnabled ? this.pendingCrop : null);
  }

  /** @param {Crop} crop that the user has chosen */
  take(crop) {
    this.draw(crop);
    this.box.focus();
    this.onCrop(crop);
  }

  remove() {
    clearTimeout(this.keyTimer);
    this.draw(null);
    byId('crop-start').focus();
    this.onCrop(null);
  }

  /** @param {Crop | null} crop */
  draw(crop) {
    this.crop = crop;
    this.box.hidden = !crop;
    this.area.classList.toggle('is-cropped', crop !== null);
    byId('crop-start').hidden = crop !== null;
    byId('crop-hint').hidden = crop !== null;
    byId('crop-remove').hidden = crop === null;
    if (!crop) return;
    placeAt(this.box, crop);
    this.box.setAttribute('aria-label', cropLabel(crop));
  }

  /** @param {PointerEvent} event */
  onPointerDown(event) {
    const isFinger = event.pointerType === 'touch';
    if (!this.isEnabled || event.button !== 0 || !event.isPrimary || (isFinger && !this.crop)) return;
    event.preventDefault();
    const before = this.crop;
    const target = required(/** @type {Element} */ (event.target), HTMLElement);
    const change = this.changeByPointer(target, this.pointOf(event));
    const drag = new AbortController();
    const finish = (/** @type {boolean} */ isComplete) => {
      drag.abort();
      this.finishDrag(before, isComplete);
      if (isComplete && !before && !this.crop) target.closest('button')?.click(); // on a frame, and no box was drawn
    };
    this.area.setPointerCapture(event.pointerId);
    this.area.addEventListener('pointermove', (move) => this.draw(change(this.pointOf(move))), { signal: drag.signal });
    this.area.addEventListener('pointerup', () => finish(true), { signal: drag.signal });
    this.area.addEventListener('pointercancel', () => finish(false), { signal: drag.signal });
  }

  /**
   * @param {HTMLElement} target a handle, the box, or the picture
   * @param {Point} start
   * @returns {(point: Point) => Crop} the box when the pointer has moved to a point
   */
  changeByPointer(target, start) {
    const crop = this.crop;
    const edges = target.dataset['edges']?.split(' ');
    if (crop && edges) return (point) => resized(crop, edges, point);
    if (crop && target === this.box) return (point) => moved(crop, point.x - start.x, point.y - start.y);
    return (point) => spanned(start, point);
  }

  /**
   * @param {Crop | null} before
   * @param {boolean} isComplete
   */
  finishDrag(before, isComplete) {
    const { crop } = this;
    const isLargeEnough = crop && crop.right - crop.left >= MIN_CROP_SIDE && crop.bottom - crop.top >= MIN_CROP_SIDE;
    if (!isComplete || !isLargeEnough) this.draw(before);
    else if (crop !== before) this.onCrop(crop);
  }

  /** @param {KeyboardEvent} event */
  onKeyDown(event) {
    if (!this.crop || event.altKey || event.ctrlKey || event.metaKey) return;
    const step = ARROW_KEYS[event.key];
    if (step) this.changeByKey(this.crop, step.x * KEY_STEP, step.y * KEY_STEP, event.shiftKey);
    else if (event.key === 'Escape' || event.key === 'Delete') this.remove();
    else return;
    event.preventDefault();
  }

  /**
   * @param {Crop} crop
   * @param {number} dx
   * @param {number} dy
   * @param {boolean} isResizing by its right and its bottom edge
   */
  changeByKey(crop, dx, dy, isResizing) {
    const corner = { x: clamp(crop.right + dx), y: clamp(crop.bottom + dy) };
    this.draw(isResizing ? resized(crop, ['right', 'bottom'], corner) : moved(crop, dx, dy));
    clearTimeout(this.keyTimer);
    this.keyTimer = setTimeout(() => this.onCrop(this.crop), KEY_DEBOUNCE_MS);
  }

  /**
   * @param {PointerEvent} event
   * @returns {Point}
   */
  pointOf({ clientX, clientY }) {
    const { left, top, width, height } = this.area.getBoundingClientRect();
    return { x: clamp((clientX - left) / width), y: clamp((clientY - top) / height) };
  }
}

/**
 * @param {HTMLElement} box that is put on the picture
 * @param {Crop} crop
 */
function placeAt(box, { left, top, right, bottom }) {
  const sides = { left, top, width: right - left, height: bottom - top };
  for (const [side, fraction] of Object.entries(sides)) box.style.setProperty(side, `${fraction * 100}%`);
}

/**
 * @param {Point} start
 * @param {Point} end
 * @returns {Crop} the box between two of its corners
 */
function spanned(start, end) {
  const [left, right] = [Math.min(start.x, end.x), Math.max(start.x, end.x)];
  const [top, bottom] = [Math.min(start.y, end.y), Math.max(start.y, end.y)];
  return { left, top, right, bottom };
}

/**
 * @param {Crop} crop
 * @param {number} x
 * @param {number} y
 * @returns {Crop} inside the picture
 */
function moved({ left, top, right, bottom }, x, y) {
  const [dx, dy] = [Math.min(Math.max(x, -left), 1 - right), Math.min(Math.max(y, -top), 1 - bottom)];
  return { left: rounded(left + dx), top: rounded(top + dy), right: rounded(right + dx), bottom: rounded(bottom + dy) };
}

/**
 * @param {Crop} crop
 * @param {string[]} edges that follow the point
 * @param {Point} point
 * @returns {Crop}
 */
function resized(crop, edges, { x, y }) {
  return {
    left: edges.includes('left') ? Math.min(x, rounded(crop.right - MIN_CROP_SIDE)) : crop.left,
    top: edges.includes('top') ? Math.min(y, rounded(crop.bottom - MIN_CROP_SIDE)) : crop.top,
    right: edges.includes('right') ? Math.max(x, rounded(crop.left + MIN_CROP_SIDE)) : crop.right,
    bottom: edges.includes('bottom') ? Math.max(y, rounded(crop.top + MIN_CROP_SIDE)) : crop.bottom,
  };
}

/** @param {Crop} crop @returns {string} what a screen reader says */
function cropLabel({ left, top, right, bottom }) {
  const percent = (/** @type {number} */ fraction) => Math.round(fraction * 100);
  return `${percent(left)} to ${percent(right)} percent across, ${percent(top)} to ${percent(bottom)} percent down`;
}

/** @param {number} fraction */
function clamp(fraction) {
  return rounded(Math.min(1, Math.max(0, fraction)));
}

/** @param {number} fraction @returns {number} with three digits: finer than a pixel of what the network sees, and short in a URL */
function rounded(fraction) {
  return Math.round(fraction * 1000) / 1000;
}
