import type { Tree, TreeEntry } from "./read-tree.ts";

/**
 * Tells in what two trees differ, entry by entry, a line for each difference, in the order
 * of their paths. None when they are equal.
 */
export function compareTrees(actual: Tree, expected: Tree): string[] {
  const paths = [...new Set([...actual.keys(), ...expected.keys()])].sort();
  return paths.flatMap((path) => {
    const differences = compareEntries(actual.get(path), expected.get(path));
    return differences.map((difference) => `${path}: ${difference}`);
  });
}

function compareEntries(actual: TreeEntry | undefined, expected: TreeEntry | undefined): string[] {
  if (actual === undefined) return [`is missing, should be a ${expected?.["type"] ?? "thing"}`];
  if (expected === undefined) return [`should not be there, is a ${actual["type"] ?? "thing"}`];
  const facets = [...new Set([...Object.keys(expected), ...Object.keys(actual)])];
  return facets
    .filter((facet) => actual[facet] !== expected[facet])
    .map((facet) => `${facet} is ${shown(actual[facet])}, should be ${shown(expected[facet])}`);
}

function shown(value: string | undefined): string {
  return value === undefined ? "not there" : JSON.stringify(value);
}
