'use strict';

/** The page: its URL says what is searched for, its parts show it, and what the user does leads to another URL. */
class Gallery {
  constructor() {
    this.query = NO_QUERY;
    this.entryId = '';
    /** Ends the requests of the query that is shown. */
    this.requests = new AbortController();
    this.history = new ResultHistory();
    this.products = new ProductCache();
    this.facets = /** @type {Promise<Facet[]> | null} */ (null);
    this.results = new ResultsView();
    this.filterForm = new FilterForm((filter) => this.navigate({ ...this.query, filter }));
    this.cropBox = new CropBox((crop) => this.changeCrop(crop));
    this.queryView = new QueryView(this.cropBox, (picture) => this.selectPicture(picture));
    this.things = new ThingFrames(this.cropBox);
    this.comparison = new Comparison(() => this.navigate({ ...this.query, isCompared: !this.query.isCompared }));
  }

  start() {
    history.scrollRestoration = 'manual';
    initKeyDialog();
    initPictureInput({
      onPicture: (file, name) => this.searchByFile(file, name),
      onLink: (url) => this.searchBy({ kind: 'image_url', value: url }),
      onText: (text) => this.searchBy({ kind: 'text', value: text }),
    });
    addEventListener('popstate', () => this.showUrl());
    for (const grid of ['grid', 'suggestions', 'comparison']) byId(grid).addEventListener('click', (event) => this.openHit(event));
    this.results.more.addEventListener('click', () => this.loadMore());
    byId('forget-key').addEventListener('click', () => this.forgetKey());
    onPlainClick(byId('home'), () => this.navigate(NO_QUERY));
    onPlainClick(byId('skip'), () => byId(this.query.input ? 'results-heading' : 'start-heading').focus());
    this.showUrl();
  }

  // ---- From one query to the next

  /**
   * @param {Query} query
   * @param {{isReplacing?: boolean}} options whether the query takes the place of the current one in the browser's history
   */
  navigate(query, { isReplacing = false } = {}) {
    const isNewInput = !isSameInput(query.input, this.query.input);
    this.leave();
    /** @type {HistoryState} */
    const state = { entryId: newEntryId(), uploadId: query.input?.kind === 'upload' ? query.input.value : null };
    if (isReplacing) history.replaceState(state, '', urlOfQuery(query));
    else history.pushState(state, '', urlOfQuery(query));
    this.show(query, state.entryId);
    if (!isNewInput) return;
    scrollTo(0, 0);
    byId(query.input ? 'query-heading' : 'start-heading').focus({ preventScroll: true });
  }

  /** Shows what the URL says: when the page is loaded, and after Back and Forward. */
  showUrl() {
    this.leave();
    const { entryId, uploadId } = currentHistoryState();
    const isUploadLost = uploadId !== null && !uploads.has(uploadId);
    history.replaceState({ entryId, uploadId }, '');
    this.show(queryFromUrl(location.search, isUploadLost ? null : uploadId), entryId);
    byId('start-hint').hidden = !isUploadLost;
  }

  leave() {
    this.requests.abort();
    const saved = this.history.get(this.entryId);
    if (saved) saved.scrollY = scrollY;
  }

  /**
   * @param {Query} query
   * @param {string} entryId
   */
  show(query, entryId) {
    this.query = query;
    this.entryId = entryId;
    byId('start').hidden = query.input !== null;
    byId('found').hidden = query.input === null;
    showPictureError('');
    if (query.input) this.showQuery(query.input, query);
    else this.showStart();
  }

  showStart() {
    document.title = 'Look-alikes';
    showSuggestions(this.products);
  }

  /**
   * @param {QueryInput} input
   * @param {Query} query
   */
  showQuery(input, { crop, filter }) {
    this.requests = new AbortController();
    this.results.filter = filter;
    this.showInput(input, this.requests.signal);
    this.cropBox.show(crop);
    this.things.clearUnless(keyOfInput(input));
    this.comparison.hide();
    this.showFilters(filter);
    const saved = this.history.get(this.entryId);
    if (saved) this.restore(saved, input);
    else this.search(input);
  }

  /** @param {QueryInput} input */
  searchBy(input) {
    this.navigate({ ...NO_QUERY, input, isCompared: this.query.isCompared });
  }

  // ---- What the user does

  /**
   * @param {Blob} file
   * @param {string} name
   */
  async searchByFile(file, name) {
    showPictureError('');
    try {
      this.searchBy(uploadInput(await addUpload(file, name)));
    } catch (error) {
      showPictureError(errorMessage(error).text);
    }
  }

  /** @param {MouseEvent} event */
  openHit(event) {
    const link = /** @type {Element} */ (event.target).closest('a');
    const productId = link?.dataset['productId'];
    if (!productId || hasModifierKey(event)) return;
    event.preventDefault();
    const saved = this.history.get(this.entryId);
    if (saved) saved.openedProduct = productId;
    this.navigate({ ...this.query, input: { kind: 'product_id', value: productId }, crop: null });
  }

  /**
   * A crop belongs to one picture, also where a product has several. Successive crops are one entry of the history.
   *
   * @param {Crop | null} crop
   */
  changeCrop(crop) {
    const { input } = this.query;
    if (!input) return;
    const imageId = crop || !byId('other-pictures').hidden ? this.queryView.picture?.image_id : undefined;
    this.navigate({ ...this.query, input: { ...input, imageId }, crop }, { isReplacing: crop !== null && this.query.crop !== null });
  }

  /** @param {ProductPicture} picture */
  selectPicture({ image_id: imageId }) {
    if (this.query.input) this.navigate({ ...this.query, input: { ...this.query.input, imageId }, crop: null });
  }

  /** @param {Action} action */
  async act(action) {
    if (action === 'choose-picture') return byId('file').click();
    byId('results-heading').focus({ preventScroll: true });
    if (action === 'stop-comparing') this.navigate({ ...this.query, isCompared: false });
    else if (action === 'remove-crop') this.changeCrop(null);
    else if (action === 'remove-filters') this.navigate({ ...this.query, filter: {} });
    else if (action === 'retry' || (await askForKey(false))) this.navigate(this.query, { isReplacing: true });
  }

  forgetKey() {
    apiKey.forget();
    this.results.announce('The API key was removed from this device.');
    byId('link').focus();
  }

  // ---- Searching

  /** @param {QueryInput} input */
  async search(input) {
    const { query, entryId } = this;
    const { signal } = this.requests;
    this.results.showSearching();
    try {
      const request = await searchRequest(input, query, this.products, signal);
      if (query.isCompared) return await this.compare(request, signal);
      const response = await search(request, signal);
      const saved = { hits: response.hits, cursor: response.next_cursor, warnings: response.warnings, scrollY: 0, openedProduct: null };
      this.history.save(entryId, saved);
      this.products.addHits(saved.hits);
      this.showResults(saved, searchFinePrint(response));
      this.showBeside(input);
    } catch (error) {
      if (!signal.aborted) this.results.showMessage(errorMessage(error), (action) => this.act(action));
    }
  }

  /**
   * @param {SearchInput & SearchOptions} request
   * @param {AbortSignal} signal
   */
  async compare(request, signal) {
    const [current, next] = await Promise.all([search(request, signal), search({ ...request, index: 'next' }, signal)]);
    this.products.addHits([...current.hits, ...next.hits]);
    this.results.clear('');
    this.results.announce(this.comparison.show(current, next, this.query.filter));
    this.results.showWarnings(uniqueWarnings([...current.warnings, ...next.warnings]));
    if (this.query.input) this.showBeside(this.query.input);
  }

  /**
   * @param {SavedResults} saved
   * @param {string} finePrint
   */
  showResults({ hits, cursor, warnings }, finePrint = '') {
    if (hits.length) this.results.showHits(hits, { hasMore: cursor !== null, finePrint });
    else this.results.showMessage(noHitsMessage(this.query), (action) => this.act(action));
    this.results.showWarnings(warnings);
  }

  /**
   * @param {SavedResults} saved
   * @param {QueryInput} input
   */
  restore(saved, input) {
    this.showResults(saved);
    this.showBeside(input);
    if (saved.openedProduct) this.results.focusProduct(saved.openedProduct);
    scrollTo(0, saved.scrollY);
  }

  async loadMore() {
    const saved = this.history.get(this.entryId);
    const { signal } = this.requests;
    if (!saved?.cursor || this.results.isLoadingMore) return;
    this.results.showLoadingMore();
    try {
      const { hits, next_cursor: cursor } = await search({ cursor: saved.cursor, size: PAGE_SIZE }, signal);
      saved.hits = [...saved.hits, ...hits];
      saved.cursor = cursor;
      this.products.addHits(hits);
      this.results.appendHits(hits, cursor !== null);
    } catch (error) {
      const isCursorRefused = error instanceof ApiError && error.field === 'cursor';
      const onAction = (/** @type {Action} */ action) => (action === 'retry' && !isCursorRefused ? this.loadMore() : this.act(action));
      if (!signal.aborted) this.results.showMessageBelow(errorMessage(error), onAction);
    }
  }

  // ---- What stands beside the products

  /**
   * What costs further calls, once there are products: the service is awake then, and has a key.
   *
   * @param {QueryInput} input
   */
  showBeside(input) {
    const { signal } = this.requests;
    this.comparison.offer(this.query.isCompared);
    if (input.kind !== 'text') this.things.find(keyOfInput(input), () => pictureOfInput(input, this.products, signal), signal);
  }

  /**
   * @param {QueryInput} input
   * @param {AbortSignal} signal
   */
  async showInput(input, signal) {
    if (input.kind === 'upload') return this.queryView.showUpload(input.value);
    if (input.kind === 'image_url') return this.queryView.showLink(input.value);
    if (input.kind === 'text') return this.queryView.showWords(input.value);
    this.queryView.showProduct(input, this.products.get(input.value) ?? { attributes: {}, pictures: [] });
    const product = await this.products.load(input.value, signal).catch(() => null); // the search shows the error
    if (signal.aborted) return;
    if (product) this.queryView.showProduct(input, product);
    else this.queryView.showNoPicture();
  }

  /** @param {Filter} filter */
  async showFilters(filter) {
    byId('chips').replaceChildren(...filterChips(filter, (others) => this.removeChip(others)));
    this.filterForm.show(filter);
    this.facets ??= getAttributes().then(facetsOf);
    try {
      this.filterForm.build(await this.facets);
    } catch {
      this.facets = null; // so that the next search asks again
      this.filterForm.build([]);
    }
  }

  /** @param {Filter} filter what is left */
  removeChip(filter) {
    byId('results-heading').focus({ preventScroll: true });
    this.navigate({ ...this.query, filter });
  }
}

new Gallery().start();
