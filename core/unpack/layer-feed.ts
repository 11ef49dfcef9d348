import assert from "node:assert/strict";

import { abortable } from "../async/deadline.ts";
import type { Cancellable } from "../ports/cancellable.ts";
import type { LayerFile } from "../ports/layer-unpacker.ts";

/**
 * Follows the bytes of a file as they come, from its start to its end.
 *
 * @param options.onAdvance Called with each new end of what can be read.
 * @throws {UnavailableError} when the bytes can be had nowhere.
 */
export async function feedLayer(
  file: LayerFile,
  { signal, onAdvance }: Cancellable & { readonly onAdvance: (end: number) => void },
): Promise<void> {
  for (let offset = 0; offset < file.size;) {
    const end = await abortable(file.availableEnd(offset, { signal }), signal);
    assert(end > offset && end <= file.size, "available bytes end where no byte can be");
    onAdvance(end);
    offset = end;
  }
}
