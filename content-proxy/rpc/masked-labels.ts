import { InvalidArgumentError } from "../../core/errors.ts";
import type { Labels } from "../../core/ports/blob-store.ts";
import { parseLabels } from "./labels.ts";

const labelPrefix = "labels.";

/** What an update says. */
export interface LabelUpdate {
  readonly labels: Record<string, string>;
  /** The paths of its field mask. */
  readonly paths: readonly string[];
}

/**
 * Applies a field mask to labels, which are all that can be updated: no path, or `labels`,
 * replaces all of them; `labels.<key>` sets that one, or removes it if it has no value.
 *
 * @throws {InvalidArgumentError} when a path names anything else, or a label is too long.
 */
export function updatedLabels(before: Labels, { labels: given, paths }: LabelUpdate): Labels {
  if (paths.length === 0) return parseLabels({ ...given });
  let labels = new Map(Object.entries(before));
  for (const path of paths) {
    if (path === "labels") labels = new Map(Object.entries(given));
    else if (path.startsWith(labelPrefix)) {
      const key = path.slice(labelPrefix.length);
      const value = Object.hasOwn(given, key) ? given[key] : undefined;
      if (value) labels.set(key, value);
      else labels.delete(key);
    } else {
      const name = JSON.stringify(path.slice(0, 64));
      throw new InvalidArgumentError(`Cannot update ${name}: it does not change`);
    }
  }
  return parseLabels(Object.fromEntries(labels));
}
