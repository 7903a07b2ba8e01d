'use strict';

/**
 * What is searched for, shown: the picture with its crop box, the product's other pictures, what is said of it.
 *
 * @typedef {{image_id: string, image_url: string}} ProductPicture
 * @typedef {{attributes: Attributes, pictures: ProductPicture[]}} ProductDetails
 */

const MAX_ATTRIBUTES = 12;

/** Products that were seen: as hits with one picture, or whole once they were asked for. */
class Products {
  constructor() {
    this.known = /** @type {Map<string, ProductDetails>} */ (new Map());
  }

  /** @param {Hit[]} hits */
  see(hits) {
    for (const { product_id: id, image_id, image_url, attributes = {} } of hits) {
      this.known.set(id, { attributes, pictures: [{ image_id, image_url }] });
    }
  }

  /**
   * @param {string} id
   * @param {AbortSignal} signal
   * @returns {Promise<ProductDetails>} asked for each time, for the addresses of its pictures expire
   */
  async whole(id, signal) {
    const { attributes = {}, pictures = [] } = await call(`products/${encodeURIComponent(id)}`, { signal });
    this.known.set(id, { attributes, pictures });
    return { attributes, pictures };
  }
}

class SubjectView {
  /**
   * @param {CropBox} cropBox
   * @param {(picture: ProductPicture) => void} onPicture told when another one of the product's pictures is chosen
   */
  constructor(cropBox, onPicture) {
    this.cropBox = cropBox;
    this.onPicture = onPicture;
    this.image = /** @type {HTMLImageElement} */ (byId('query-image'));
    /** Of a product's pictures the one that is seen. */
    this.shown = /** @type {ProductPicture | null} */ (null);
    this.shownKey = '';
    this.clearImage();
  }

  /** @param {string} number of an upload */
  showUpload(number) {
    const upload = uploads.get(number);
    this.show('Your picture', upload?.name ?? '', {}, []);
    this.showHint('This picture stays in this tab: the address cannot be shared. That of a linked picture or of a product can.');
    this.showImage(`upload ${number}`, upload?.address ?? null);
  }

  /** @param {string} address */
  showLink(address) {
    this.show('Linked picture', hostOf(address), {}, []);
    this.showImage(address, safeAddress(address));
  }

  /**
   * @param {Subject} subject
   * @param {ProductDetails | undefined} details undefined while they are not known
   */
  showProduct({ value: id, imageId }, details) {
    const { attributes = {}, pictures = [] } = details ?? {};
    const title = titleOf(id, attributes);
    this.show(title, title === id ? '' : id, attributes, pictures);
    this.shown = pictures.find(({ image_id }) => image_id === imageId) ?? pictures[0] ?? null;
    this.markShown();
    if (this.shown) this.showImage(this.shown.image_id, safeAddress(this.shown.image_url));
    else this.clearImage();
  }

  /**
   * @param {string} title
   * @param {string} subtitle
   * @param {Attributes} attributes
   * @param {ProductPicture[]} pictures
   */
  show(title, subtitle, attributes, pictures) {
    document.title = `Like ${title} – Look-alikes`;
    byId('query-heading').textContent = title;
    byId('query-subtitle').textContent = subtitle;
    this.showHint('');
    this.showAttributes([title, subtitle], attributes);
    this.showPictures(pictures);
  }

  /** @param {string} hint */
  showHint(hint) {
    byId('query-hint').textContent = hint;
    byId('query-hint').hidden = !hint;
  }

  /**
   * @param {string[]} shown which need not be repeated
   * @param {Attributes} attributes
   */
  showAttributes(shown, attributes) {
    const told = Object.entries(attributes).filter(([, value]) => asText(value) && !shown.includes(asText(value)));
    const rows = told.slice(0, MAX_ATTRIBUTES).map(([name, value]) => element('div', {}, element('dt', {}, name), element('dd', {}, asText(value))));
    byId('query-attributes').replaceChildren(...rows);
  }

  /** @param {ProductPicture[]} pictures */
  showPictures(pictures) {
    const list = byId('other-pictures');
    list.hidden = pictures.length < 2;
    list.replaceChildren(...(list.hidden ? [] : pictures.map((picture, number) => this.thumbnail(picture, number + 1))));
  }

  /**
   * @param {ProductPicture} picture
   * @param {number} number
   */
  thumbnail(picture, number) {
    const image = element('img', { alt: '', draggable: false, referrerPolicy: 'no-referrer', loading: 'lazy' });
    const choose = button('', () => this.onPicture(picture), 'thumbnail');
    choose.dataset.imageId = picture.image_id;
    choose.setAttribute('aria-label', `Search by picture ${number} only`);
    choose.append(image);
    showPicture(image, element('span'), safeAddress(picture.image_url));
    return element('li', {}, choose);
  }

  markShown() {
    for (const choose of /** @type {NodeListOf<HTMLElement>} */ (byId('other-pictures').querySelectorAll('.thumbnail'))) {
      choose.setAttribute('aria-pressed', String(choose.dataset.imageId === this.shown?.image_id));
    }
  }

  /** While it is not known which picture to show. */
  clearImage() {
    this.shownKey = '';
    this.image.removeAttribute('src');
    this.image.hidden = true;
    byId('no-picture').hidden = true;
    this.cropBox.enable(false);
  }

  /**
   * @param {string} key of the picture: the same one is not loaded again, though its address may have another signature
   * @param {string | null} address
   */
  showImage(key, address) {
    if (key === this.shownKey) return;
    this.shownKey = key;
    this.cropBox.enable(false);
    showPicture(this.image, byId('no-picture'), address, () => this.cropBox.enable(true));
  }
}

/** @param {string} address */
function hostOf(address) {
  return safeAddress(address) ? new URL(address).hostname : address;
}
