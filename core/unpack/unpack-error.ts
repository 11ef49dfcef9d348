import { storageErrorFrom, systemCodeOf } from "../disk/storage-error.ts";
import { LayerFormatError } from "../errors.ts";
import { type ByteString, quoteBytes } from "./byte-string.ts";

/** What the kernel says of names, links and attributes that it does not take. */
const faultsOfLayers = new Set([
  ...["E2BIG", "EEXIST", "EFBIG", "EINVAL", "EISDIR", "ELOOP", "EMLINK", "ENAMETOOLONG"],
  ...["ENOENT", "ENOTDIR", "ENOTEMPTY", "ERANGE"],
]);

/** Says in our words what went wrong with an entry of a layer. */
export function unpackErrorFrom(cause: unknown, entryName: ByteString): unknown {
  const code = systemCodeOf(cause);
  if (!faultsOfLayers.has(code)) return storageErrorFrom(cause);
  return new LayerFormatError(`Cannot unpack ${quoteBytes(entryName)}: ${code}`, { cause });
}
