'use strict';

const MAX_ATTRIBUTES = 12;

/** What is searched for: the picture with its crop box; of a product also its other pictures and its attributes. */
class QueryView {
  /**
   * @param {CropBox} cropBox
   * @param {(picture: ProductPicture) => void} onPicture called when the user selects one of the product's pictures
   */
  constructor(cropBox, onPicture) {
    this.cropBox = cropBox;
    this.onPicture = onPicture;
    this.image = required(document.getElementById('query-image'), HTMLImageElement);
    /** The product's picture that is shown. */
    this.picture = /** @type {ProductPicture | undefined} */ (undefined);
    this.imageKey = '';
    this.clearImage();
  }

  /** @param {string} id of an upload */
  showUpload(id) {
    const upload = uploads.get(id);
    this.showText('Your picture', upload?.name ?? '', {});
    this.showPictures([]);
    this.showHint('This search cannot be shared as a link, because your picture is not stored. Searches by product or by link can.');
    this.showImage(`upload ${id}`, upload?.url ?? null);
  }

  /** @param {string} url */
  showLink(url) {
    this.showText('Linked picture', hostOf(url), {});
    this.showPictures([]);
    this.showHint('');
    this.showImage(url, safeUrl(url));
  }

  /** @param {string} text */
  showWords(text) {
    this.showText(`“${text}”`, '', {});
    this.showPictures([]);
    this.showHint('');
    this.showNoPicture();
  }

  /** The heading takes the picture's place too. */
  showNoPicture() {
    this.clearImage();
    byId('query').classList.add('has-no-picture');
  }

  /**
   * @param {QueryInput} input
   * @param {Product} product
   */
  showProduct({ value: productId, imageId }, product) {
    const title = productTitle(productId, product.attributes);
    this.showText(title, title === productId ? '' : productId, product.attributes);
    this.picture = pictureOf(product, imageId);
    this.showPictures(product.pictures);
    this.showHint('');
    if (this.picture) this.showImage(this.picture.image_id, safeUrl(this.picture.image_url));
    else this.clearImage();
  }

  /**
   * @param {string} title
   * @param {string} subtitle
   * @param {Attributes} attributes
   */
  showText(title, subtitle, attributes) {
    byId('query').classList.remove('has-no-picture');
    document.title = `Similar to ${title} – Look-alikes`;
    byId('query-heading').textContent = title;
    byId('query-subtitle').textContent = subtitle;
    const rows = Object.entries(attributes)
      .map(([name, value]) => ({ name, text: asText(value) }))
      .filter(({ text }) => text && text !== title && text !== subtitle)
      .map(({ name, text }) => element('div', {}, element('dt', {}, attributeLabel(name)), element('dd', {}, text)));
    byId('query-attributes').replaceChildren(...rows.slice(0, MAX_ATTRIBUTES));
  }

  /** @param {string} hint */
  showHint(hint) {
    byId('query-hint').textContent = hint;
    byId('query-hint').hidden = !hint;
  }

  /** @param {ProductPicture[]} pictures */
  showPictures(pictures) {
    const list = byId('other-pictures');
    list.hidden = pictures.length < 2;
    list.replaceChildren(...(list.hidden ? [] : pictures.map((picture, index) => this.thumbnail(picture, index + 1))));
  }

  /**
   * @param {ProductPicture} picture
   * @param {number} number
   */
  thumbnail(picture, number) {
    const image = element('img', { alt: '', draggable: false, referrerPolicy: 'no-referrer', loading: 'lazy' });
    const select = button('', () => this.onPicture(picture), 'thumbnail');
    select.setAttribute('aria-label', `Search by picture ${number} only`);
    select.setAttribute('aria-pressed', String(picture.image_id === this.picture?.image_id));
    select.append(image);
    showImage(image, element('span'), safeUrl(picture.image_url));
    return element('li', {}, select);
  }

  /** For the time in which it is not known which picture to show. */
  clearImage() {
    this.imageKey = '';
    this.image.removeAttribute('src');
    this.image.hidden = true;
    byId('no-picture').hidden = true;
    this.cropBox.enable(false);
  }

  /**
   * @param {string} key of the picture: it is not loaded again, though its URL may have a new signature
   * @param {string | null} url
   */
  showImage(key, url) {
    if (key === this.imageKey) return;
    this.imageKey = key;
    this.cropBox.enable(false);
    showImage(this.image, byId('no-picture'), url, () => this.cropBox.enable(true));
  }
}
