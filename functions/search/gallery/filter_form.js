'use strict';

/**
 * Fields of one facet: how they are made, show a condition and are read; what they cannot show is left as it came with the URL.
 *
 * @typedef {{
 *   make: (facet: Facet) => HTMLElement[],
 *   show: (group: HTMLElement, condition: unknown) => void,
 *   read: (group: HTMLElement) => unknown,
 *   canShow: (condition: unknown) => boolean,
 * }} FieldType `read` returns undefined if nothing is filled in
 */

/** How many facets are open at first. */
const OPEN_FACETS = 3;

/** How many choices of a facet are shown at first. */
const FIRST_CHOICES = 8;

/** A group of fields for each facet. At phone width the form is hidden until the user asks for it. */
class FilterForm {
  /** @param {(filter: Filter) => void} onFilter called when the user changes a field */
  constructor(onFilter) {
    this.filter = /** @type {Filter} */ ({});
    this.facets = /** @type {Facet[]} */ ([]);
    this.form = byId('filters');
    this.toggle = byId('filters-toggle');
    this.form.addEventListener('change', () => onFilter(this.read()));
    this.form.addEventListener('submit', (event) => event.preventDefault());
    this.toggle.addEventListener('click', () => this.setOpen(this.toggle.getAttribute('aria-expanded') !== 'true'));
  }

  /** @param {boolean} isOpen */
  setOpen(isOpen) {
    this.toggle.setAttribute('aria-expanded', String(isOpen));
    this.form.classList.toggle('is-open', isOpen);
  }

  /** @param {Facet[]} facets */
  build(facets) {
    if (this.facets === facets) return;
    this.facets = facets;
    this.form.replaceChildren(...facets.map((facet, index) => facetGroup(facet, facet.kind !== 'text' && index < OPEN_FACETS)));
    this.form.hidden = this.toggle.hidden = facets.length === 0;
    this.show(this.filter);
  }

  /** @param {Filter} filter */
  show(filter) {
    this.filter = filter;
    for (const facet of this.facets) FIELD_TYPES[facet.kind].show(this.groupOf(facet), filter[facet.name]);
    const count = Object.keys(filter).length;
    this.toggle.textContent = count ? `Filters (${count})` : 'Filters';
  }

  /** @returns {Filter} the conditions of the form, and those that came with the URL and have no field in it */
  read() {
    const filter = { ...this.filter };
    for (const facet of this.facets) {
      const fields = FIELD_TYPES[facet.kind];
      const condition = fields.read(this.groupOf(facet));
      if (condition !== undefined) filter[facet.name] = condition;
      else if (fields.canShow(filter[facet.name])) delete filter[facet.name];
    }
    return filter;
  }

  /** @param {Facet} facet */
  groupOf({ name }) {
    return required([...this.form.children].find((child) => child.getAttribute('data-name') === name), HTMLElement);
  }
}

/**
 * @param {Facet} facet
 * @param {boolean} isOpen
 */
function facetGroup(facet, isOpen) {
  const label = attributeLabel(facet.name);
  const legend = element('legend', { className: 'visually-hidden' }, label);
  const fieldset = element('fieldset', {}, legend, ...FIELD_TYPES[facet.kind].make(facet));
  const group = element('details', { className: 'facet', open: isOpen }, element('summary', {}, element('bdi', {}, label)), fieldset);
  group.dataset['name'] = facet.name;
  return group;
}

/** @type {FieldType} check boxes */
const CHOICE_FIELDS = {
  make({ values }) {
    const list = element('div', { className: 'choices' }, ...values.map(choiceField));
    if (values.length <= FIRST_CHOICES) return [list];
    list.classList.add('is-short');
    const showAll = button(`Show all ${values.length}`, () => {
      list.classList.remove('is-short');
      showAll.remove();
      inputsIn(list)[FIRST_CHOICES]?.focus();
    }, 'text-button');
    return [list, showAll];
  },

  show(group, condition) {
    const values = termsOf(condition) ?? [];
    const listed = inputsIn(group).map((box) => box.value);
    const unlisted = values.filter((value) => !listed.includes(value));
    findIn(group, '.choices').append(...unlisted.map((value) => choiceField({ value, count: 0 })));
    for (const box of inputsIn(group)) box.checked = values.includes(box.value);
  },

  read(group) {
    const values = inputsIn(group).filter((box) => box.checked).map((box) => box.value);
    return values.length > 1 ? values : values[0];
  },

  canShow: (condition) => termsOf(condition) !== null,
};

/** @type {FieldType} one field, with the most frequent values as suggestions */
const TEXT_FIELD = {
  make({ name, values }) {
    const suggestions = element('datalist', { id: `values-of-${name}` }, ...values.map(({ value }) => element('option', { value })));
    const input = element('input', { type: 'text', autocomplete: 'off' });
    input.setAttribute('list', suggestions.id);
    return [element('label', { className: 'bound' }, element('span', {}, 'is'), input), suggestions];
  },

  show(group, condition) {
    for (const input of inputsIn(group)) input.value = (termsOf(condition) ?? []).join(', ');
  },

  read: (group) => inputsIn(group)[0]?.value.trim() || undefined,
  canShow: (condition) => termsOf(condition) !== null,
};

/**
 * Two fields, for the least and the greatest value.
 *
 * @param {'number' | 'date'} type
 * @param {(text: string) => number | string} parse
 * @returns {FieldType}
 */
function rangeFields(type, parse) {
  return {
    make: ({ min, max }) => [element('div', { className: 'bounds' }, boundField(type, 'from', min), boundField(type, 'to', max))],

    show(group, condition) {
      const { gt, gte = gt, lt, lte = lt } = rangeOf(condition) ?? /** @type {ValueRange} */ ({});
      for (const [index, input] of inputsIn(group).entries()) input.value = String([gte, lte][index] ?? '');
    },

    read(group) {
      const [from, to] = inputsIn(group).map((input) => input.value.trim());
      return from || to ? { ...(from && { gte: parse(from) }), ...(to && { lte: parse(to) }) } : undefined;
    },

    canShow: (condition) => rangeOf(condition) !== null,
  };
}

/** @type {Record<FacetKind, FieldType>} */
const FIELD_TYPES = {
  choices: CHOICE_FIELDS,
  numbers: rangeFields('number', Number),
  dates: rangeFields('date', String),
  text: TEXT_FIELD,
};

/** @param {FacetValue} value */
function choiceField({ value, count }) {
  const box = element('input', { type: 'checkbox', value });
  const number = element('span', { className: 'number' }, count ? count.toLocaleString('en') : '');
  return element('label', { className: 'check' }, box, element('bdi', {}, value), number);
}

/**
 * @param {'number' | 'date'} type
 * @param {string} label
 * @param {number | undefined} limit of the indexed values
 */
function boundField(type, label, limit) {
  const input = element('input', { type, step: 'any' });
  if (limit !== undefined && type === 'number') input.placeholder = String(limit);
  return element('label', { className: 'bound' }, element('span', {}, label), input);
}
