'use strict';

/**
 * The attributes to filter by, and which kind of field suits each.
 *
 * @typedef {'choices' | 'numbers' | 'dates' | 'text'} FacetKind
 * @typedef {{value: string, count: number}} FacetValue `count` is the number of pictures; 0 if it is not known
 * @typedef {{name: string, kind: FacetKind, values: FacetValue[], min?: number, max?: number}} Facet
 */

/** @type {FacetKind[]} in the order of the form */
const FACET_KINDS = ['choices', 'numbers', 'dates', 'text'];

/** Which part of the pictures the listed values must cover to be offered as choices: else most products have another value. */
const MIN_COVERAGE = 0.5;

/**
 * @param {FilterableAttribute[]} attributes
 * @returns {Facet[]}
 */
function facetsOf(attributes) {
  return attributes.map(facetOf).sort((one, other) => FACET_KINDS.indexOf(one.kind) - FACET_KINDS.indexOf(other.kind));
}

/**
 * @param {FilterableAttribute} attribute
 * @returns {Facet}
 */
function facetOf(attribute) {
  const { name, least, most } = attribute;
  const values = attribute.values.map(({ value, pictures }) => ({ value, count: pictures }));
  return { name, kind: facetKind(attribute), values, ...(least !== null && { min: least }), ...(most !== null && { max: most }) };
}

/**
 * @param {FilterableAttribute} attribute
 * @returns {FacetKind}
 */
function facetKind({ pictures, values, least, most }) {
  const hasRange = least !== null && most !== null;
  if (hasRange && values.every(({ value }) => /^\d{4}-\d\d-\d\d/.test(value))) return 'dates';
  if (hasRange && values.every(({ value }) => value.trim() !== '' && Number.isFinite(Number(value)))) return 'numbers';
  const listed = values.reduce((sum, each) => sum + each.pictures, 0);
  return listed >= pictures * MIN_COVERAGE ? 'choices' : 'text';
}
