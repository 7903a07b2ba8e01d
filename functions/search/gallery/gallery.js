'use strict';

/**
 * Puts the parts together: the address says what is shown, and what was found is kept for Back.
 *
 * @typedef {{hits: Hit[], cursor: string | null, scrollY: number, opened: string | null}} Kept `opened` is the product one went on from
 */

const PAGE_SIZE = 24;
const MAX_KEPT = 50;

class Gallery {
  constructor() {
    this.query = queryFromAddress('');
    this.entry = '';
    this.running = new AbortController();
    this.kept = /** @type {Map<string, Kept>} */ (new Map());
    this.facets = /** @type {Promise<Facet[]> | null} */ (null);
    this.products = new Products();
    this.results = new ResultsView();
    this.filters = new FilterForm((filter) => this.go({ ...this.query, filter }));
    this.cropBox = new CropBox((crop) => this.changeCrop(crop));
    this.subject = new SubjectView(this.cropBox, (picture) => this.choosePicture(picture));
  }

  start() {
    history.scrollRestoration = 'manual';
    listenToKeyDialog();
    listenToIntake({ onPicture: (file, name) => this.take(file, name), onLink: (address) => this.seek({ kind: 'image_url', value: address }) });
    addEventListener('popstate', () => this.arrive());
    for (const grid of ['grid', 'suggestions']) byId(grid).addEventListener('click', (event) => this.openHit(event));
    this.results.more.addEventListener('click', () => this.loadMore());
    byId('forget-key').addEventListener('click', () => this.forgetKey());
    onPlainClick('home', () => this.go(queryFromAddress('')));
    onPlainClick('skip', () => byId(this.query.subject ? 'results-heading' : 'start-heading').focus());
    this.arrive();
  }

  // ---- From one query to the next

  /**
   * @param {Query} query
   * @param {{isReplacing?: boolean}} options whether Back skips what was shown until now
   */
  go(query, { isReplacing = false } = {}) {
    const isNew = !isSameSubject(query.subject, this.query.subject);
    this.leave();
    const state = { entry: newEntry(), upload: query.subject?.kind === 'upload' ? query.subject.value : null };
    if (isReplacing) history.replaceState(state, '', addressOf(query));
    else history.pushState(state, '', addressOf(query));
    this.open(query, state.entry);
    if (!isNew) return;
    scrollTo(0, 0);
    byId(query.subject ? 'query-heading' : 'start-heading').focus({ preventScroll: true });
  }

  /** Shows what the address says: when the page is opened, and after Back and Forward. */
  arrive() {
    this.leave();
    const { entry = newEntry(), upload = null } = history.state ?? {};
    const isLost = upload !== null && !uploads.has(upload);
    history.replaceState({ entry, upload }, '');
    this.open(queryFromAddress(location.search, isLost ? null : upload), entry);
    byId('start-hint').hidden = !isLost;
  }

  leave() {
    this.running.abort();
    const kept = this.kept.get(this.entry);
    if (kept) kept.scrollY = scrollY;
  }

  /**
   * @param {Query} query
   * @param {string} entry of the history
   */
  open(query, entry) {
    this.query = query;
    this.entry = entry;
    this.results.filter = query.filter;
    byId('start').hidden = query.subject !== null;
    byId('found').hidden = query.subject === null;
    showIntakeProblem('');
    if (!query.subject) {
      document.title = 'Look-alikes';
      if (byId('begin').hidden) showCatalogue(this.products);
      return;
    }
    const kept = this.kept.get(entry);
    this.running = new AbortController();
    this.showSubject(query.subject, this.running.signal);
    this.cropBox.show(query.crop);
    this.showFilters();
    if (kept) this.restore(kept);
    else this.search();
  }

  /** @param {Subject} subject */
  seek(subject) {
    this.go({ subject, crop: null, filter: {} });
  }

  // ---- What the user does

  /**
   * @param {Blob} file
   * @param {string} name
   */
  async take(file, name) {
    showIntakeProblem('');
    try {
      this.seek(uploadedSubject(await keepUpload(file, name)));
    } catch (error) {
      showIntakeProblem(explained(error).text);
    }
  }

  /** @param {MouseEvent} event */
  openHit(event) {
    const link = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest('.hit'));
    const value = link?.dataset.productId;
    if (!value || isForBrowser(event)) return;
    event.preventDefault();
    const kept = this.kept.get(this.entry);
    if (kept) kept.opened = value;
    this.go({ subject: { kind: 'product_id', value }, crop: null, filter: this.query.filter });
  }

  /**
   * A box is drawn on one picture, even if a product has several. Boxes that follow on each other are one step for Back.
   *
   * @param {Crop | null} crop
   */
  changeCrop(crop) {
    const { subject } = this.query;
    if (!subject) return;
    const imageId = crop || !byId('other-pictures').hidden ? this.subject.shown?.image_id : undefined;
    this.go({ ...this.query, subject: { ...subject, imageId }, crop }, { isReplacing: crop !== null && this.query.crop !== null });
  }

  /** @param {ProductPicture} picture */
  choosePicture({ image_id: imageId }) {
    if (this.query.subject) this.go({ ...this.query, subject: { ...this.query.subject, imageId }, crop: null });
  }

  /** @param {Remedy} remedy */
  async remedy(remedy) {
    if (remedy === 'choose') return byId('file').click();
    byId('results-heading').focus({ preventScroll: true });
    if (remedy === 'whole') this.changeCrop(null);
    else if (remedy === 'unfiltered') this.go({ ...this.query, filter: {} });
    else if (remedy === 'again' || (await askForKey(false))) this.go(this.query, { isReplacing: true });
  }

  forgetKey() {
    apiKey.forget();
    this.results.announce('The API key is forgotten.');
    byId('link').focus();
  }

  // ---- Searching

  async search() {
    const { query, entry } = this;
    const { signal } = this.running;
    this.results.showSearching();
    try {
      const answer = await call('search', { body: await this.bodyOf(query, signal), signal });
      const kept = { hits: answer.hits, cursor: answer.next_cursor ?? null, scrollY: 0, opened: null };
      this.keep(entry, kept);
      this.products.see(kept.hits);
      if (kept.hits.length) this.results.showHits(kept.hits, { hasMore: kept.cursor !== null, answer });
      else this.results.showMessage(emptiness(query), (remedy) => this.remedy(remedy));
    } catch (error) {
      if (!signal.aborted) this.results.showMessage(explained(error), (remedy) => this.remedy(remedy));
    }
  }

  async loadMore() {
    const kept = this.kept.get(this.entry);
    const { signal } = this.running;
    if (!kept?.cursor || this.results.isBusy) return;
    this.results.showLoadingMore();
    try {
      const { hits, next_cursor: cursor = null } = await call('search', { body: { cursor: kept.cursor, size: PAGE_SIZE }, signal });
      kept.hits = [...kept.hits, ...hits];
      kept.cursor = cursor;
      this.products.see(hits);
      this.results.appendHits(hits, cursor !== null);
    } catch (error) {
      const isStale = error instanceof ApiError && error.field === 'cursor';
      const onRemedy = (/** @type {Remedy} */ remedy) => (remedy === 'again' && !isStale ? this.loadMore() : this.remedy(remedy));
      if (!signal.aborted) this.results.showMessageBelow(explained(error), onRemedy);
    }
  }

  /**
   * @param {Query} query
   * @param {AbortSignal} signal
   * @returns {Promise<object>} the body of `POST /search`
   */
  async bodyOf({ subject, crop, filter }, signal) {
    const options = { size: PAGE_SIZE, ...(!isEmpty(filter) && { filter }), ...(crop && { crop }) };
    if (subject?.kind === 'upload') return { image: uploads.get(subject.value)?.base64, ...options };
    if (subject?.kind === 'image_url') return { image_url: subject.value, ...options };
    if (subject && crop) return { image_url: await this.pictureAddress(subject, signal), ...options };
    return subject?.imageId ? { image_id: subject.imageId, ...options } : { product_id: subject?.value, ...options };
  }

  /**
   * A part of a product's picture is new to the index, which needs the picture for it.
   *
   * @param {Subject} subject
   * @param {AbortSignal} signal
   */
  async pictureAddress({ value, imageId }, signal) {
    const { pictures } = await this.products.whole(value, signal);
    return (pictures.find(({ image_id }) => image_id === imageId) ?? pictures[0])?.image_url;
  }

  /**
   * @param {string} entry
   * @param {Kept} kept
   */
  keep(entry, kept) {
    this.kept.set(entry, kept);
    const [oldest] = this.kept.keys();
    if (this.kept.size > MAX_KEPT) this.kept.delete(oldest);
  }

  /** @param {Kept} kept */
  restore({ hits, cursor, scrollY: y, opened }) {
    if (hits.length) this.results.showHits(hits, { hasMore: cursor !== null });
    else this.results.showMessage(emptiness(this.query), (remedy) => this.remedy(remedy));
    if (opened) this.results.linkOf(opened)?.focus({ preventScroll: true });
    scrollTo(0, y);
  }

  // ---- What stands around the products

  /**
   * @param {Subject} subject
   * @param {AbortSignal} signal
   */
  async showSubject(subject, signal) {
    if (subject.kind === 'upload') return this.subject.showUpload(subject.value);
    if (subject.kind === 'image_url') return this.subject.showLink(subject.value);
    this.subject.showProduct(subject, this.products.known.get(subject.value));
    const details = await this.products.whole(subject.value, signal).catch(() => undefined); // the search says what is wrong
    if (details && !signal.aborted) this.subject.showProduct(subject, details);
  }

  async showFilters() {
    const { filter } = this.query;
    byId('chips').replaceChildren(...chips(filter, (others) => this.removeChip(others)));
    this.filters.show(filter);
    this.facets ??= call('attributes').then(facetsOf);
    try {
      this.filters.build(await this.facets);
    } catch {
      this.facets = null; // asked for again with the next search
    }
  }

  /** @param {Filter} filter */
  removeChip(filter) {
    byId('results-heading').focus({ preventScroll: true });
    this.go({ ...this.query, filter });
  }
}

let entryCount = 0;

/** @returns {string} a name that no other entry of the history has, from before a reload neither */
function newEntry() {
  return `${Date.now()}-${++entryCount}`;
}

/** @param {MouseEvent} event @returns {boolean} whether the user asks for a new tab or window */
function isForBrowser(event) {
  return event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
}

/**
 * @param {string} id of a link
 * @param {() => void} act
 */
function onPlainClick(id, act) {
  byId(id).addEventListener('click', (event) => {
    if (isForBrowser(event)) return;
    event.preventDefault();
    act();
  });
}

new Gallery().start();
