import { InvalidArgumentError } from "../../../core/errors.ts";

/** Longest name: containerd keeps names as keys of a database that takes no longer ones. */
const nameBytesMax = 32_768;

/** @throws {InvalidArgumentError} when there is none, or it is longer than any name is. */
export function parseSnapshotName(name: string): string {
  if (name === "") throw new InvalidArgumentError("Cannot find a snapshot without a name");
  if (Buffer.byteLength(name) > nameBytesMax) {
    throw new InvalidArgumentError(`Cannot use the name of a snapshot: over ${nameBytesMax} bytes`);
  }
  return name;
}

/** A parent as the store takes it: on the wire, none is an empty name. @throws as {@link parseSnapshotName} */
export function parseParent(parent: string): { readonly parent?: string } {
  return parent === "" ? {} : { parent: parseSnapshotName(parent) };
}
