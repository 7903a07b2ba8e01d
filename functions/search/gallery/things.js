'use strict';

/** Frames around the things in the query picture, where the service can find them; each searches by what it frames. */
class ThingFrames {
  /** @param {CropBox} cropBox */
  constructor(cropBox) {
    this.cropBox = cropBox;
    this.frames = byId('things');
    /** The picture that the frames are of. */
    this.key = '';
  }

  static get isAvailable() {
    return byId('crop').dataset['hasDetection'] === 'true';
  }

  /** @param {string} key of a picture: frames of another are taken away */
  clearUnless(key) {
    if (key !== this.key) this.frames.replaceChildren();
    if (key !== this.key) this.key = '';
  }

  /**
   * Shows the frames; without them the picture can be searched all the same.
   *
   * @param {string} key of the picture
   * @param {() => Promise<PictureInput>} picture
   * @param {AbortSignal} signal
   */
  async find(key, picture, signal) {
    if (!ThingFrames.isAvailable || key === this.key) return;
    const boxes = await picture().then((input) => detect(input, signal)).catch(() => null);
    if (signal.aborted || !boxes) return;
    this.key = key;
    this.frames.replaceChildren(...boxes.filter(({ score }) => score > 0).map(({ crop }, index) => this.frame(crop, index + 1)));
  }

  /**
   * @param {Crop} crop
   * @param {number} number
   */
  frame(crop, number) {
    const frame = button('', () => this.cropBox.crop ?? this.cropBox.take(crop), 'thing');
    frame.setAttribute('aria-label', `Search by thing ${number}: ${cropLabel(crop)}`);
    frame.append(element('span', { className: 'thing-number', ariaHidden: 'true' }, String(number)));
    placeAt(frame, crop);
    return frame;
  }
}
