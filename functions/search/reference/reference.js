'use strict';
// Shows the OpenAPI document, one operation after another, each with a form that tries it out.

/** @typedef {{$ref?: string, type?: string, description?: string, enum?: unknown[], minimum?: number, maximum?: number, default?: unknown,
 *   pattern?: string, anyOf?: Schema[], items?: Schema, properties?: Record<string, Schema>}} Schema */
/** @typedef {{name: string, in: string, description?: string, required?: boolean, example?: unknown, schema?: Schema,
 *   content?: Record<string, {schema: Schema}>}} Parameter */
/** @typedef {{schema?: Schema, examples?: Record<string, {value: unknown}>}} Media */
/** @typedef {{operationId: string, summary: string, description?: string, parameters: Parameter[], security?: unknown[],
 *   requestBody?: {content: Record<string, Media>}, responses: Record<string, {$ref?: string, description?: string}>}} Operation */
/** @typedef {{info: {title: string, description: string}, paths: Record<string, Record<string, Operation>>,
 *   components: {responses: Record<string, {description: string}>, schemas: Record<string, Schema>}}} OpenApi */

/**
 * An element with text or children.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {...(Node | string)} children
 */
function make(tag, ...children) {
  const element = document.createElement(tag);
  element.append(...children);
  return element;
}

/** The element of the page with this id. @param {string} id */
function part(id) {
  const element = document.getElementById(id);
  if (!element) {
    throw new Error(`no element ${id}`);
  }
  return element;
}

/** A schema in a few words. @param {Schema | undefined} schema @returns {string} */
function kindOf(schema) {
  if (!schema) {
    return '';
  }
  if (schema.$ref) {
    return schema.$ref.split('/').pop() ?? '';
  }
  if (schema.anyOf) {
    return schema.anyOf.map(kindOf).filter((kind) => kind !== 'null').join(' or ');
  }
  const limits = schema.minimum === undefined ? '' : ` ${schema.minimum} to ${schema.maximum ?? '…'}`;
  return schema.enum ? schema.enum.join(' | ') : `${schema.type ?? ''}${limits}`;
}

/**
 * A text in which line ends are spaces and what is in backticks is code, as CommonMark has it.
 * @param {string} text
 * @returns {(Node | string)[]}
 */
function spansOf(text) {
  return text.replaceAll('\n', ' ').split('`').map((span, place) => (place % 2 ? make('code', span) : span));
}

/** The paragraphs of a text, which empty lines separate. @param {string} text */
function paragraphsOf(text) {
  return text.split('\n\n').map((paragraph) => make('p', ...spansOf(paragraph)));
}

/** A table of names, kinds and descriptions. @param {[string | Node, string, string][]} rows */
function tableOf(rows) {
  return make('table', ...rows.map(([name, kind, text]) => make('tr', make('th', name), make('td', kind), make('td', ...spansOf(text)))));
}

/** The fields of a schema by its name. @param {OpenApi} api @param {string} name */
function fieldsOf(api, name) {
  const fields = Object.entries(api.components.schemas[name]?.properties ?? {});
  return tableOf(fields.map(([field, schema]) => [field, kindOf(schema), schema.description ?? '']));
}

/**
 * One input for each parameter.
 * @param {Parameter[]} parameters
 * @returns {Map<Parameter, HTMLInputElement>}
 */
function inputsFor(parameters) {
  return new Map(parameters.map((parameter) => {
    const input = make('input');
    input.setAttribute('aria-label', parameter.name);
    input.value = parameter.in === 'path' ? String(parameter.example ?? '') : '';
    input.placeholder = String(parameter.schema?.default ?? '');
    return [parameter, input];
  }));
}

/**
 * The address that a form asks for.
 * @param {string} path
 * @param {Map<Parameter, HTMLInputElement>} inputs
 */
function addressOf(path, inputs) {
  const query = new URLSearchParams();
  let filled = path.slice(1);
  for (const [parameter, input] of inputs) {
    if (parameter.in === 'path') {
      filled = filled.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
    } else if (input.value) {
      query.append(parameter.name, input.value);
    }
  }
  return query.size ? `${filled}?${query}` : filled;
}

/**
 * Sends a request and shows the answer.
 * @param {string} address
 * @param {RequestInit} request
 * @param {HTMLElement} place
 */
async function tryOut(address, request, place) {
  const key = /** @type {HTMLInputElement} */ (part('key')).value;
  const headers = new Headers(request.headers);
  if (key) {
    headers.set('x-api-key', key);
  }
  const began = performance.now();
  try {
    const answer = await fetch(address, { ...request, headers });
    const text = await answer.text();
    const shown = answer.headers.get('content-type')?.includes('json') ? JSON.stringify(JSON.parse(text), null, 2) : text;
    place.replaceChildren(`${answer.status} after ${Math.round(performance.now() - began)} ms`, make('pre', shown));
  } catch (error) {
    place.replaceChildren(String(error));
  }
}

/**
 * The part of a form that holds a body: JSON, or a picture's file.
 * @param {Operation} operation
 * @returns {{nodes: Node[], request: () => RequestInit}}
 */
function bodyOf(operation) {
  if (!operation.requestBody) {
    return { nodes: [], request: () => ({}) };
  }
  const examples = Object.values(operation.requestBody.content['application/json']?.examples ?? {});
  const text = make('textarea', JSON.stringify(examples[0]?.value ?? {}, null, 2));
  text.setAttribute('aria-label', 'JSON body');
  const file = make('input');
  file.type = 'file';
  file.accept = 'image/*';
  const nodes = [make('p', make('label', 'JSON body', text)), make('p', make('label', 'or a picture ', file))];
  const request = () => {
    const picture = file.files?.[0];
    return { body: picture ?? text.value, headers: { 'Content-Type': picture ? picture.type : 'application/json' } };
  };
  return { nodes, request };
}

/** What each status means. @param {OpenApi} api @param {Operation} operation */
function answersOf(api, operation) {
  const rows = Object.entries(operation.responses).map(([status, answer]) => {
    const shared = answer.$ref ? api.components.responses[answer.$ref.split('/').pop() ?? ''] : undefined;
    return /** @type {[string, string, string]} */ ([status, '', shared?.description ?? answer.description ?? '']);
  });
  return tableOf(rows);
}

/**
 * An operation with its form.
 * @param {OpenApi} api
 * @param {string} method
 * @param {string} path
 * @param {Operation} operation
 */
function show(api, method, path, operation) {
  const inputs = inputsFor(operation.parameters);
  const rows = [...inputs].map(([parameter, input]) => {
    const schema = parameter.schema ?? Object.values(parameter.content ?? {})[0]?.schema;
    return /** @type {[Node, string, string]} */ (
      [make('label', `${parameter.name} `, input), kindOf(schema), parameter.description ?? '']);
  });
  const body = bodyOf(operation);
  const result = make('div');
  result.className = 'result';
  const send = make('button', 'Send');
  send.type = 'button';
  send.addEventListener('click', () => {
    const isPicture = body.nodes.length > 0;
    const address = addressOf(path, inputs);
    void tryOut(address, { method: method.toUpperCase(), ...(isPicture ? body.request() : {}) }, result);
  });
  const head = make('summary', make('code', `${method.toUpperCase()} ${path}`), ` ${operation.summary}`);
  const fields = operation.requestBody ? [make('h3', 'Fields of the JSON body'), fieldsOf(api, 'SearchRequest')] : [];
  const details = make('details', head, ...paragraphsOf(operation.description ?? ''), tableOf(rows), ...fields, ...body.nodes, send, result,
    make('h3', 'Answers'), answersOf(api, operation));
  details.id = operation.operationId;
  return details;
}

/** Loads the document and shows it. */
async function start() {
  const answer = await fetch('openapi.json');
  const api = /** @type {OpenApi} */ (await answer.json());
  part('title').textContent = `${api.info.title}: HTTP API`;
  part('about').replaceChildren(...paragraphsOf(api.info.description));
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      part('operations').append(show(api, method, path, operation));
    }
  }
}

void start();
