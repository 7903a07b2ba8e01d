'use strict';

/**
 * Filters from the index's own attributes.
 *
 * @typedef {{name: string, kind: 'choices' | 'numbers' | 'dates' | 'text', values: {value: string, count: number}[], min?: number, max?: number}} Facet
 * @typedef {{name: string, pictures: number, values: {value: string, pictures: number}[], least?: number | null, most?: number | null}} AttributeAnswer
 */

const OPEN_FACETS = 3;
const FIRST_VALUES = 8;

/** Which part of the pictures the listed values must cover: where most have another one, choosing among these is of no use. */
const WELL_COVERED = 0.5;

class FilterForm {
  /** @param {(filter: Filter) => void} onFilter */
  constructor(onFilter) {
    this.onFilter = onFilter;
    this.filter = /** @type {Filter} */ ({});
    this.facets = /** @type {Facet[]} */ ([]);
    this.form = /** @type {HTMLFormElement} */ (byId('filters'));
    this.toggle = byId('filters-toggle');
    this.form.addEventListener('change', () => this.onFilter(this.read()));
    this.form.addEventListener('submit', (event) => event.preventDefault());
    this.toggle.addEventListener('click', () => this.unfold(this.toggle.getAttribute('aria-expanded') !== 'true'));
  }

  /** @param {boolean} isOpen whether the filters are shown at phone width */
  unfold(isOpen) {
    this.toggle.setAttribute('aria-expanded', String(isOpen));
    this.form.classList.toggle('is-open', isOpen);
  }

  /** @param {Facet[]} facets */
  build(facets) {
    if (this.facets === facets) return;
    this.facets = facets;
    this.form.replaceChildren(...facets.map((facet, number) => facetGroup(facet, facet.kind !== 'text' && number < OPEN_FACETS)));
    this.form.hidden = this.toggle.hidden = facets.length === 0;
    this.show(this.filter);
  }

  /** @param {Filter} filter */
  show(filter) {
    this.filter = filter;
    for (const facet of this.facets) this.showFacet(facet, filter[facet.name]);
    const count = Object.keys(filter).length;
    this.toggle.textContent = count ? `Filters (${count})` : 'Filters';
  }

  /**
   * @param {Facet} facet
   * @param {unknown} wanted
   */
  showFacet({ name, kind }, wanted) {
    const group = this.group(name);
    if (kind === 'choices') {
      const values = termsOf(wanted) ?? [];
      const boxes = inputsOf(group);
      const missing = values.filter((value) => !boxes.some((box) => box.value === value));
      if (missing.length) part(group, '.choices').append(...missing.map((value) => choice({ value, count: 0 })));
      for (const box of inputsOf(group)) box.checked = values.includes(box.value);
    } else if (kind === 'text') {
      const [input] = inputsOf(group);
      input.value = (termsOf(wanted) ?? []).join(', ');
    } else {
      const bounds = boundsOf(wanted) ?? {};
      const [from, to] = inputsOf(group);
      from.value = String(bounds.gte ?? bounds.gt ?? '');
      to.value = String(bounds.lte ?? bounds.lt ?? '');
    }
  }

  /** @returns {Filter} what the form asks for, and what the address asked for and no field of the form can show */
  read() {
    const filter = { ...this.filter };
    for (const facet of this.facets) {
      const wanted = this.readFacet(facet);
      if (wanted !== undefined) filter[facet.name] = wanted;
      else if (isShown(facet, filter[facet.name])) delete filter[facet.name];
    }
    return filter;
  }

  /** @param {Facet} facet */
  readFacet({ name, kind }) {
    const inputs = inputsOf(this.group(name));
    if (kind === 'choices') return oneOrMore(inputs.filter((box) => box.checked).map((box) => box.value));
    const values = inputs.map((input) => input.value.trim());
    if (kind === 'text') return values[0] || undefined;
    const [gte, lte] = kind === 'numbers' ? values.map((value) => (value ? Number(value) : undefined)) : values.map((value) => value || undefined);
    return gte === undefined && lte === undefined ? undefined : { ...(gte !== undefined && { gte }), ...(lte !== undefined && { lte }) };
  }

  /** @param {string} name */
  group(name) {
    return /** @type {HTMLElement} */ ([...this.form.children].find((child) => /** @type {HTMLElement} */ (child).dataset.name === name));
  }
}

/**
 * @param {Facet} facet
 * @param {boolean} isOpen
 */
function facetGroup(facet, isOpen) {
  const fields = { choices: choiceFields, numbers: boundFields, dates: boundFields, text: textFields }[facet.kind](facet);
  const legend = element('legend', { className: 'unseen' }, facet.name);
  const summary = element('summary', {}, element('bdi', {}, facet.name));
  const group = element('details', { className: 'facet', open: isOpen }, summary, element('fieldset', {}, legend, ...fields));
  group.dataset.name = facet.name;
  return group;
}

/** @param {Facet} facet */
function choiceFields({ values }) {
  const list = element('div', { className: 'choices' }, ...values.map(choice));
  if (values.length <= FIRST_VALUES) return [list];
  list.classList.add('is-short');
  const more = button(`All ${values.length}`, () => {
    list.classList.remove('is-short');
    more.remove();
    inputsOf(list)[FIRST_VALUES].focus();
  }, 'text-button');
  return [list, more];
}

/** @param {{value: string, count: number}} value */
function choice({ value, count }) {
  const box = element('input', { type: 'checkbox', value });
  const number = element('span', { className: 'number' }, count ? count.toLocaleString('en') : '');
  return element('label', { className: 'check' }, box, element('bdi', {}, value), number);
}

/** @param {Facet} facet */
function boundFields({ kind, min, max }) {
  const bound = (/** @type {string} */ label, /** @type {number | undefined} */ limit) => {
    const input = element('input', { type: kind === 'dates' ? 'date' : 'number', step: 'any' });
    if (limit !== undefined && kind === 'numbers') input.placeholder = String(limit);
    return element('label', { className: 'bound' }, element('span', {}, label), input);
  };
  return [element('div', { className: 'bounds' }, bound('from', min), bound('to', max))];
}

/** @param {Facet} facet */
function textFields({ name, values }) {
  const suggestions = element('datalist', { id: `values-of-${name}` }, ...values.map(({ value }) => element('option', { value })));
  const input = element('input', { type: 'text', autocomplete: 'off' });
  input.setAttribute('list', suggestions.id);
  return [element('label', { className: 'bound' }, element('span', {}, 'is'), input), suggestions];
}

/** @param {ParentNode} group */
function inputsOf(group) {
  return /** @type {HTMLInputElement[]} */ ([...group.querySelectorAll('input')]);
}

/**
 * Whether the form's fields can express a part of a filter.
 *
 * @param {Facet} facet
 * @param {unknown} wanted
 */
function isShown({ kind }, wanted) {
  return kind === 'choices' || kind === 'text' ? termsOf(wanted) !== null : boundsOf(wanted) !== null;
}

/**
 * @param {unknown} wanted of an attribute
 * @returns {string[] | null} null unless it is a value or a list of values
 */
function termsOf(wanted) {
  const values = Array.isArray(wanted) ? wanted : [wanted];
  return values.every((value) => ['string', 'number', 'boolean'].includes(typeof value)) ? values.map(String) : null;
}

/**
 * @param {unknown} wanted of an attribute
 * @returns {Partial<Record<'gt' | 'gte' | 'lt' | 'lte', string | number>> | null} null unless it is a range
 */
function boundsOf(wanted) {
  const isRange = wanted !== null && typeof wanted === 'object' && !Array.isArray(wanted) && !('exists' in wanted);
  return isRange ? wanted : null;
}

/**
 * @param {string[]} values
 * @returns {string | string[] | undefined}
 */
function oneOrMore(values) {
  return values.length > 1 ? values : values[0];
}

/**
 * @param {string} name
 * @param {unknown} wanted
 * @returns {string} what a part of a filter asks for
 */
function filterInWords(name, wanted) {
  const [terms, bounds] = [termsOf(wanted), boundsOf(wanted)];
  if (name === 'all' || name === 'any' || name === 'not') return `${name} ${JSON.stringify(wanted)}`;
  if (terms) return `${name}: ${terms.join(' or ')}`;
  if (!bounds) return `${name}: ${JSON.stringify(wanted)}`;
  const [from, to] = [bounds.gte ?? bounds.gt, bounds.lte ?? bounds.lt];
  if (from === undefined) return `${name}: up to ${to}`;
  return to === undefined ? `${name}: from ${from}` : `${name}: ${from} to ${to}`;
}

/**
 * @param {Filter} filter
 * @param {(filter: Filter) => void} onFilter
 * @returns {HTMLLIElement[]} one for each part, which removes it
 */
function chips(filter, onFilter) {
  return Object.entries(filter).map(([name, wanted]) => {
    const { [name]: _, ...others } = filter;
    const words = filterInWords(name, wanted);
    const chip = button('', () => onFilter(others), 'chip');
    chip.setAttribute('aria-label', `Remove the filter ${words}`);
    chip.append(element('bdi', {}, words), element('span', { ariaHidden: 'true' }, '×'));
    return element('li', {}, chip);
  });
}

/**
 * @param {{attributes: AttributeAnswer[]}} answer of `GET /attributes`
 * @returns {Facet[]} choices first, free text last
 */
function facetsOf({ attributes }) {
  const order = ['choices', 'numbers', 'dates', 'text'];
  const facets = attributes.map(facetOf);
  return facets.sort((one, other) => order.indexOf(one.kind) - order.indexOf(other.kind));
}

/**
 * @param {AttributeAnswer} attribute
 * @returns {Facet}
 */
function facetOf({ name, pictures, values, least, most }) {
  const listed = values.reduce((sum, each) => sum + each.pictures, 0);
  const hasBounds = least !== null && least !== undefined && most !== null && most !== undefined;
  const areDates = hasBounds && values.every(({ value }) => /^\d{4}-\d\d-\d\d/.test(value));
  const areNumbers = hasBounds && values.every(({ value }) => value.trim() !== '' && Number.isFinite(Number(value)));
  const areChoices = listed >= pictures * WELL_COVERED;
  const kind = areDates ? 'dates' : areNumbers ? 'numbers' : areChoices ? 'choices' : 'text';
  const counted = values.map(({ value, pictures: count }) => ({ value, count }));
  return { name, kind, values: counted, ...(hasBounds && { min: least, max: most }) };
}
