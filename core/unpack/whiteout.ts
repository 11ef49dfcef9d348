import { LayerFormatError } from "../errors.ts";
import { type ByteString, quoteBytes } from "./byte-string.ts";

/** What an entry says of the layers below, by its name alone. */
export type Whiteout =
  /** Nothing below shows through in the directory that it is in. */
  | { readonly type: "opaque" }
  /** Nothing of that name shows through. */
  | { readonly type: "hidden"; readonly name: ByteString };

const prefix = ".wh.";
const opaqueName = ".wh..wh..opq";

/**
 * Reads the name of an entry as a whiteout; `undefined` when it is none.
 *
 * @param name The last component.
 * @throws {LayerFormatError} when it would hide the directory that it is in, or the one above.
 * @see OCI image-spec v1.1, layer.md, "Whiteouts"; containerd archive/tar.go, validateWhiteout
 */
export function whiteoutFrom(name: ByteString): Whiteout | undefined {
  if (!name.startsWith(prefix)) return undefined;
  if (name === opaqueName) return { type: "opaque" };
  const hidden = name.slice(prefix.length);
  if (hidden !== "" && hidden !== "." && hidden !== "..") return { type: "hidden", name: hidden };
  throw new LayerFormatError(`Cannot unpack ${quoteBytes(name)}: it hides no name`);
}
