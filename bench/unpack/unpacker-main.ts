// Our unpacker as a process of its own: takes requests from who started it, one after the other.
import { open } from "node:fs/promises";

import { MemoryLogger } from "../../core/testing/memory-logger.ts";
import { defaultLayerLimits } from "../../core/unpack/layer-limits.ts";
import { ThreadLayerUnpacker } from "../../core/unpack/thread-layer-unpacker.ts";
import type { UnpackReport, UnpackRequest } from "./unpacker-protocol.ts";

/** More layers at once than are ever asked for. */
const threadsMax = 16;

const { signal } = new AbortController();
const logger = new MemoryLogger();
const unpacker = new ThreadLayerUnpacker({ limits: defaultLayerLimits, threadsMax, logger });

process.on("message", (request: UnpackRequest) => {
  void unpack(request).then(report, (error: unknown) => {
    report({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
  });
});
process.once("disconnect", () => void unpacker[Symbol.asyncDispose]());
report({ kind: "ready" });

async function unpack(request: UnpackRequest): Promise<UnpackReport> {
  const handle = await open(request.blobPath);
  try {
    const { size } = await handle.stat();
    const file = { fd: handle.fd, size, availableEnd: () => Promise.resolve(size) };
    const start = performance.now();
    await Promise.all(
      request.into.map((into) => unpacker.unpack({ ...request, file, into }, { signal })),
    );
    return { kind: "unpacked", durationMs: performance.now() - start };
  } finally {
    await handle.close();
  }
}

function report(message: UnpackReport): void {
  process.send?.(message);
}
