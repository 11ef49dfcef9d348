import { parseDigest } from "../../core/digest.ts";
import { BlobNotFoundError, InvalidArgumentError } from "../../core/errors.ts";
import type { BlobManager, BlobReader, Labels } from "../../core/ports/blob-store.ts";
import type { UnaryHandler } from "./handler.ts";
import { infoMessageOf } from "./info-message.ts";
import { parseLabels } from "./labels.ts";
import type { UpdateRequest, UpdateResponse } from "./messages.ts";

/**
 * Answers containerd.services.content.v1.Content/Update: labels are all that can change.
 *
 * @throws {InvalidArgumentError} and {BlobNotFoundError}
 */
export function updateHandler(deps: {
  readonly store: Pick<BlobReader, "find"> & Pick<BlobManager, "label">;
}): UnaryHandler<UpdateRequest, UpdateResponse> {
  return async ({ info, updateMask }) => {
    const digest = parseDigest(info?.digest ?? "");
    const record = deps.store.find(digest);
    if (record?.owned !== true) throw new BlobNotFoundError(digest);
    const labels = maskedLabels(record.labels, info?.labels ?? {}, updateMask?.paths ?? []);
    return { info: infoMessageOf(await deps.store.label(digest, parseLabels(labels))) };
  };
}

const labelPrefix = "labels.";

/**
 * Applies a field mask: none, or `labels`, replaces all labels; `labels.<key>` sets that
 * one, or removes it if it has no value.
 *
 * @throws {InvalidArgumentError} when a path names anything else.
 */
function maskedLabels(
  old: Labels,
  given: Labels,
  paths: readonly string[],
): Record<string, string> {
  if (paths.length === 0) return { ...given };
  let labels = new Map(Object.entries(old));
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
  return Object.fromEntries(labels);
}
