'use strict';

/**
 * The HTTP API.
 *
 * @typedef {{product_id: string, image_id: string, image_url: string, score: number, attributes?: Record<string, unknown>}} Hit
 * @typedef {{hits: Hit[], next_cursor?: string | null, model: string, timings_ms: Record<string, number>}} Answer
 */

const CALL_TIMEOUT_MS = 40_000;

/** An answer that is none, with what the caller may be told. */
class ApiError extends Error {
  /**
   * @param {number} status 0 if there was no answer at all
   * @param {{code: string, message: string, field?: string, request_id?: string}} error
   */
  constructor(status, { code, message, field, request_id: requestId }) {
    super(message);
    this.status = status;
    this.code = code;
    this.field = field;
    this.requestId = requestId;
  }
}

/**
 * Asks the API; asks the user for a key if it wants one, and then once more.
 *
 * @param {string} path relative to the page
 * @param {{body?: object, signal?: AbortSignal}} options with a body it is a POST
 * @returns {Promise<any>}
 */
async function call(path, { body, signal } = {}) {
  for (let refused = false; ; refused = true) {
    const key = apiKey.get();
    try {
      return await send(path, body, signal, key);
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== 'api_key_refused') throw error;
      const hasChanged = apiKey.get() !== key;
      if (!hasChanged && !(await askForKey(refused || key !== null))) throw error;
    }
  }
}

/**
 * @param {string} path
 * @param {object | undefined} body
 * @param {AbortSignal | undefined} signal
 * @param {string | null} key
 */
async function send(path, body, signal, key) {
  const headers = new Headers();
  if (key !== null) headers.set('x-api-key', key);
  if (body) headers.set('content-type', 'application/json');
  const timeout = AbortSignal.timeout(CALL_TIMEOUT_MS);
  const either = signal ? AbortSignal.any([signal, timeout]) : timeout;
  const request = { method: body ? 'POST' : 'GET', headers, body: body && JSON.stringify(body), signal: either };
  const response = await fetch(BASE + path, request).catch((error) => {
    throw signal?.aborted ? error : noAnswer(timeout.aborted);
  });
  const answer = await response.json().catch(() => null);
  signal?.throwIfAborted();
  if (!response.ok || answer === null) throw new ApiError(response.status, answer?.error ?? unreadable(response.status));
  return answer;
}

/** @param {boolean} wasLate */
function noAnswer(wasLate) {
  const message = wasLate ? 'There was no answer in time.' : 'There is no connection to the service.';
  return new ApiError(0, { code: wasLate ? 'timeout' : 'offline', message });
}

/** @param {number} status */
function unreadable(status) {
  return { code: 'unreadable', message: `The service gave an answer that cannot be read (HTTP ${status}).` };
}
