'use strict';

/** The least side of a box, as a fraction: a smaller one is a slip of the hand. */
const MIN_CROP_SIDE = 0.05;

/** What is shown when the user asks for a box without drawing one. */
const FIRST_CROP = { left: 0.15, top: 0.15, right: 0.85, bottom: 0.85 };

const KEY_STEP = 0.02;

/** How long the keys must rest until the search starts. */
const KEY_REST_MS = 600;

/**
 * The box on the query picture, drawn with mouse or pen, dragged by its handles with a finger, moved with the keys.
 *
 * A finger scrolls the page until there is a box; then it draws.
 */
class CropBox {
  /** @param {(crop: Crop | null) => void} onCrop told when the user is done with a change */
  constructor(onCrop) {
    this.onCrop = onCrop;
    this.stage = byId('crop');
    this.box = byId('crop-box');
    this.crop = /** @type {Crop | null} */ (null);
    this.wanted = /** @type {Crop | null} */ (null);
    this.isUsable = false;
    this.resting = 0;
    this.stage.addEventListener('pointerdown', (event) => this.startDrag(event));
    this.box.addEventListener('keydown', (event) => this.press(event));
    byId('crop-start').addEventListener('click', () => this.begin());
    byId('crop-end').addEventListener('click', () => this.end());
  }

  /** @param {Crop | null} crop drawn as soon as there is a picture */
  show(crop) {
    clearTimeout(this.resting);
    this.wanted = crop;
    this.draw(this.isUsable ? crop : null);
  }

  /** @param {boolean} isUsable whether there is a picture to draw on */
  enable(isUsable) {
    this.isUsable = isUsable;
    byId('crop-tools').hidden = !isUsable;
    this.draw(isUsable ? this.wanted : null);
  }

  begin() {
    this.draw(FIRST_CROP);
    this.box.focus();
    this.onCrop(FIRST_CROP);
  }

  end() {
    clearTimeout(this.resting);
    this.draw(null);
    byId('crop-start').focus();
    this.onCrop(null);
  }

  /** @param {Crop | null} crop */
  draw(crop) {
    this.crop = crop;
    this.box.hidden = !crop;
    this.stage.classList.toggle('is-cropped', crop !== null);
    byId('crop-start').hidden = crop !== null;
    byId('crop-hint').hidden = crop !== null;
    byId('crop-end').hidden = crop === null;
    if (!crop) return;
    const { left, top, right, bottom } = crop;
    const sides = { left, top, width: right - left, height: bottom - top };
    for (const [side, fraction] of Object.entries(sides)) this.box.style.setProperty(side, `${fraction * 100}%`);
    this.box.setAttribute('aria-label', cropInWords(crop));
  }

  /** @param {PointerEvent} down */
  startDrag(down) {
    const target = /** @type {HTMLElement} */ (down.target);
    const isFinger = down.pointerType === 'touch';
    if (!this.isUsable || down.button !== 0 || !down.isPrimary || (isFinger && !this.crop)) return;
    down.preventDefault();
    const before = this.crop;
    const start = this.place(down);
    const edges = target.dataset.edges?.split(' ');
    const change = edges && before ? resizing(before, edges) : target === this.box && before ? moving(before, start) : drawing(start);
    const onMove = (/** @type {PointerEvent} */ move) => this.draw(change(this.place(move)));
    const drag = new AbortController();
    const finish = (/** @type {boolean} */ isDone) => {
      drag.abort();
      this.finishDrag(before, isDone);
    };
    this.stage.setPointerCapture(down.pointerId);
    this.stage.addEventListener('pointermove', onMove, { signal: drag.signal });
    this.stage.addEventListener('pointerup', () => finish(true), { signal: drag.signal });
    this.stage.addEventListener('pointercancel', () => finish(false), { signal: drag.signal });
  }

  /**
   * @param {Crop | null} before
   * @param {boolean} isDone
   */
  finishDrag(before, isDone) {
    const isBox = this.crop && this.crop.right - this.crop.left >= MIN_CROP_SIDE && this.crop.bottom - this.crop.top >= MIN_CROP_SIDE;
    if (!isDone || !isBox) this.draw(before);
    else if (this.crop !== before) this.onCrop(this.crop);
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    const crop = this.crop;
    if (!crop || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === 'Escape' || event.key === 'Delete') {
      this.end();
    } else if (event.key in ARROWS) {
      const [x, y] = ARROWS[/** @type {keyof typeof ARROWS} */ (event.key)];
      this.draw(event.shiftKey ? resized(crop, x, y) : moved(crop, x * KEY_STEP, y * KEY_STEP));
      clearTimeout(this.resting);
      this.resting = setTimeout(() => this.onCrop(this.crop), KEY_REST_MS);
    } else {
      return;
    }
    event.preventDefault();
  }

  /**
   * @param {PointerEvent} event
   * @returns {{x: number, y: number}} as fractions of the picture
   */
  place({ clientX, clientY }) {
    const { left, top, width, height } = this.stage.getBoundingClientRect();
    return { x: within((clientX - left) / width), y: within((clientY - top) / height) };
  }
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** @typedef {(place: {x: number, y: number}) => Crop} Change where the pointer is -> the box */

/**
 * @param {{x: number, y: number}} start
 * @returns {Change}
 */
function drawing(start) {
  return ({ x, y }) => ({
    left: Math.min(start.x, x),
    top: Math.min(start.y, y),
    right: Math.max(start.x, x),
    bottom: Math.max(start.y, y),
  });
}

/**
 * @param {Crop} crop
 * @param {{x: number, y: number}} start
 * @returns {Change}
 */
function moving(crop, start) {
  return ({ x, y }) => moved(crop, x - start.x, y - start.y);
}

/**
 * @param {Crop} crop
 * @param {string[]} edges those that follow the pointer
 * @returns {Change}
 */
function resizing(crop, edges) {
  return ({ x, y }) => ({
    left: edges.includes('left') ? Math.min(x, tidy(crop.right - MIN_CROP_SIDE)) : crop.left,
    top: edges.includes('top') ? Math.min(y, tidy(crop.bottom - MIN_CROP_SIDE)) : crop.top,
    right: edges.includes('right') ? Math.max(x, tidy(crop.left + MIN_CROP_SIDE)) : crop.right,
    bottom: edges.includes('bottom') ? Math.max(y, tidy(crop.top + MIN_CROP_SIDE)) : crop.bottom,
  });
}

/**
 * @param {Crop} crop
 * @param {number} x
 * @param {number} y
 */
function moved({ left, top, right, bottom }, x, y) {
  const [dx, dy] = [Math.min(Math.max(x, -left), 1 - right), Math.min(Math.max(y, -top), 1 - bottom)];
  return { left: tidy(left + dx), top: tidy(top + dy), right: tidy(right + dx), bottom: tidy(bottom + dy) };
}

/**
 * The right and the lower edge, moved by the keys.
 *
 * @param {Crop} crop
 * @param {number} x
 * @param {number} y
 */
function resized(crop, x, y) {
  return resizing(crop, ['right', 'bottom'])({ x: within(crop.right + x * KEY_STEP), y: within(crop.bottom + y * KEY_STEP) });
}

/** @param {Crop} crop */
function cropInWords({ left, top, right, bottom }) {
  const percent = (/** @type {number} */ fraction) => Math.round(fraction * 100);
  return `${percent(left)} to ${percent(right)} percent across, ${percent(top)} to ${percent(bottom)} percent down`;
}

/** @param {number} fraction */
function within(fraction) {
  return tidy(Math.min(1, Math.max(0, fraction)));
}

/** Three digits: finer than a pixel of what the network sees, and short in the address bar. @param {number} fraction */
function tidy(fraction) {
  return Math.round(fraction * 1000) / 1000;
}
