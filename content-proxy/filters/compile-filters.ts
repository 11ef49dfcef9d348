import { InvalidArgumentError } from "../../core/errors.ts";
import { type Selector, parseFilter } from "./parse-filter.ts";
import { compilePattern } from "./regexp/compile-pattern.ts";

/** What a filter looks at: the value of a field, or `undefined` when it is not there. */
export type FilterSubject = (path: readonly string[]) => string | undefined;

/** Characters of all filters of a call together: a list of every digest on a node fits. */
const filtersLengthMax = 1024 * 1024;

/**
 * Makes a test of containerd's filters: one of them must hold. No filter, or an empty
 * one, holds for everything.
 *
 * @throws {InvalidArgumentError} when one cannot be parsed. A pattern that cannot be compiled
 *   matches nothing, as in containerd.
 */
export function compileFilters(filters: readonly string[]): (subject: FilterSubject) => boolean {
  const length = filters.reduce((sum, filter) => sum + filter.length, 0);
  if (length > filtersLengthMax) throw new InvalidArgumentError("Cannot use filters: too long");
  const tests = filters.map((filter) => parseFilter(filter).map(testOf));
  if (tests.length === 0) return () => true;
  return (subject) => tests.some((all) => all.every((test) => test(subject)));
}

function testOf({ path, operator, value }: Selector): (subject: FilterSubject) => boolean {
  switch (operator) {
    case "present":
      return (subject) => subject(path) !== undefined;
    case "==":
      return (subject) => subject(path) === value;
    case "!=":
      return (subject) => (subject(path) ?? "") !== value;
    case "~=": {
      const matches = compilePattern(value);
      return (subject) => matches(subject(path) ?? "");
    }
  }
}
