'use strict';

/**
 * What the latest searches found, so that Back and Forward show it without searching again.
 *
 * @typedef {{entryId: string, uploadId: string | null}} HistoryState of an entry of the browser's history
 * @typedef {{hits: Hit[], cursor: string | null, warnings: Warning[], scrollY: number, openedProduct: string | null}} SavedResults
 *   `openedProduct` is the one whose link was followed
 */

const MAX_SAVED = 50;

class ResultHistory {
  constructor() {
    this.results = /** @type {Map<string, SavedResults>} by entry, the oldest first */ (new Map());
  }

  /**
   * @param {string} entryId
   * @returns {SavedResults | undefined}
   */
  get(entryId) {
    return this.results.get(entryId);
  }

  /**
   * @param {string} entryId
   * @param {SavedResults} results
   */
  save(entryId, results) {
    this.results.set(entryId, results);
    for (const oldest of [...this.results.keys()].slice(0, -MAX_SAVED)) this.results.delete(oldest);
  }
}

let entryCount = 0;

/** @returns {string} an id that no other entry has, not even one from before a reload */
function newEntryId() {
  return `${Date.now()}-${++entryCount}`;
}

/** @returns {HistoryState} */
function currentHistoryState() {
  return history.state ?? { entryId: newEntryId(), uploadId: null };
}
