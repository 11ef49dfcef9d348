import { tellsFileTypes } from "../disk/file-types.ts";
import { FailedPreconditionError, InvalidArgumentError } from "../errors.ts";

/** @throws {InvalidArgumentError} when the path of a store cannot be an option of a mount. */
export function checkRootPath(root: string): void {
  if (!/[:,\\]/.test(root)) return;
  throw new InvalidArgumentError(
    `Cannot keep snapshots in ${JSON.stringify(root)}: has ":", "," or "\\"`,
  );
}

/**
 * Sees that overlayfs can use the file system of a store, as containerd's overlay snapshotter
 * does, and says what to do as that does.
 *
 * @param options.folder One of the store that has something in it.
 * @throws {FailedPreconditionError}
 */
export async function checkFileSystem(
  root: string,
  { folder }: { readonly folder: string },
): Promise<void> {
  if (await tellsFileTypes(folder)) return;
  throw new FailedPreconditionError(
    `Cannot keep snapshots in ${JSON.stringify(root)}: its file system does not tell the types ` +
      "of files (d_type), without which overlayfs shows files that were deleted; put " +
      "snapshots.root on another one, or make this one anew: xfs with ftype=1, ext4 with the " +
      "feature filetype",
  );
}
