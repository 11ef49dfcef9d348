import { LayerFormatError } from "../errors.ts";
import { type ByteString, quoteBytes } from "./byte-string.ts";
import { isSystemError } from "./system-call-error.ts";
import type { TarEntry } from "./tar-entry.ts";

/**
 * Sets the extended attributes of an entry, but for those that containerd ignores: `trusted.`,
 * with which a layer could tell overlayfs what it likes, what the file system does not have, and
 * `user.` of what cannot have any.
 *
 * @param set Sets one of them.
 * @throws {LayerFormatError} when one can be set nowhere.
 * @see containerd archive/tar.go, createTarFile
 */
export function setAttributes(
  { kind, attributes }: TarEntry,
  set: (name: ByteString, value: Buffer) => void,
): void {
  for (const [name, value] of attributes) {
    if (name.startsWith("trusted.")) continue;
    try {
      set(name, Buffer.from(value, "latin1"));
    } catch (error) {
      if (isSystemError(error, "ENOTSUP")) continue;
      const cannotHaveUser = kind !== "file" && kind !== "directory";
      if (cannotHaveUser && name.startsWith("user.") && isSystemError(error, "EPERM")) continue;
      // The file system has little room for attributes, and says that it is full.
      if (!isSystemError(error, "ENOSPC")) throw error;
      throw new LayerFormatError(`Cannot set attribute ${quoteBytes(name)}: no room for it`, {
        cause: error,
      });
    }
  }
}
