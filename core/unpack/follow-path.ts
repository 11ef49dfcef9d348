import { LayerFormatError } from "../errors.ts";
import { type ByteString, quoteBytes } from "./byte-string.ts";
import type { LayerDirectory } from "./layer-directory.ts";
import { componentsFollowedMax } from "./layer-limits.ts";
import { rawComponents } from "./layer-path.ts";
import type { OpenDirectory } from "./open-directory.ts";

/** Where a path leads to. */
export interface Followed {
  /** The last directory on the way that is there. */
  readonly directory: LayerDirectory;
  /** Components after it that are not there. */
  readonly missing: readonly ByteString[];
  /** The last component, when it is there and is neither a directory nor a link. */
  readonly leaf: ByteString | undefined;
}

/**
 * Follows a path through a layer, as a process would that has the layer for its root: a link
 * to an absolute path leads on from `top`, and `..` of `top` is `top`. Nothing leads out.
 *
 * What is not there counts as directories yet to be made. Directories that were not known
 * become so.
 *
 * @throws {LayerFormatError} when something on the way is no directory, or the way has no end.
 * @see containerd continuity fs/path.go, RootPath
 */
export function followPath(
  components: readonly ByteString[],
  { top, open }: { top: LayerDirectory; open: (directory: LayerDirectory) => OpenDirectory },
): Followed {
  const ahead = components.toReversed();
  const missing: ByteString[] = [];
  let directory = top;
  for (let count = 0; ; count++) {
    const name = ahead.pop();
    if (name === undefined) return { directory, missing, leaf: undefined };
    if (count === componentsFollowedMax) throw noDirectory(components, "it leads on and on");
    const known = missing.length === 0 ? directory.child(name) : undefined;
    if (name === "..") {
      if (missing.pop() === undefined) directory = directory.parent ?? top;
    } else if (known) {
      directory = known;
    } else if (missing.length > 0) {
      missing.push(name);
    } else {
      const status = open(directory).statusOf(name);
      if (!status) {
        missing.push(name);
      } else if (status.kind === "directory") {
        directory = directory.addChild(name);
      } else if (status.kind === "symlink") {
        const target = open(directory).readLink(name);
        if (target.startsWith("/")) directory = top;
        ahead.push(...rawComponents(target).reverse());
      } else if (ahead.length === 0) {
        return { directory, missing, leaf: name };
      } else {
        throw noDirectory(components, `${quoteBytes(name)} is no directory`);
      }
    }
  }
}

function noDirectory(components: readonly ByteString[], why: string): LayerFormatError {
  return new LayerFormatError(`Cannot follow ${quoteBytes(components.join("/"))}: ${why}`);
}
