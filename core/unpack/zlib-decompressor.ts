import assert from "node:assert/strict";
import type { Transform } from "node:stream";
import { constants, createGunzip, createZstdDecompress } from "node:zlib";

import { LayerFormatError } from "../errors.ts";
import { type Decompressor, chunkLength } from "./decompressor.ts";

/** What Node's streams of zlib drive, and are driven by here: one call, one thread, no queue. */
interface ZlibHandle {
  onerror: (message: string) => void;
  writeSync(
    flush: number,
    input: Uint8Array,
    inputOffset: number,
    inputLength: number,
    output: Uint8Array,
    outputOffset: number,
    outputLength: number,
  ): void;
}

/** A stream of zlib, of which only the handle is used. */
interface ZlibStream {
  readonly _handle: ZlibHandle;
  /** Bytes of output and of input that the last write has left. */
  readonly _writeState: Uint32Array;
  destroy(): void;
}

/**
 * Log2 of the longest window of zstd that is taken, in bytes: 32 MiB, which level 20 uses.
 * A frame with a longer one would need more memory than a layer may have.
 */
const zstdWindowLogMax = 25;

/**
 * Decompresses by Node's zlib, synchronously.
 *
 * The streams that Node offers hand each chunk to the threads of libuv, which all layers
 * share, and take a fifth more processor time. What they are made of is private, though:
 * {@link isZlibUsable} tells whether it is there.
 *
 * As in Go, a gzip stream may have several members and nothing else behind them. Of zstd
 * this cannot tell whether the last frame is complete: the tar stream in it can.
 */
export class ZlibDecompressor implements Decompressor {
  readonly #stream: ZlibStream;
  readonly #finishFlag: number;
  readonly #output = Buffer.allocUnsafeSlow(chunkLength);
  #input: Uint8Array | undefined;
  #failure: string | undefined;

  constructor(compression: "gzip" | "zstd") {
    const stream = streamOf(compression);
    assert(isZlibStream(stream), "this version of Node has another zlib");
    this.#stream = stream;
    this.#finishFlag = compression === "gzip" ? constants.Z_FINISH : constants.ZSTD_e_end;
    this.#stream._handle.onerror = (message) => (this.#failure = message);
  }

  push(input: Uint8Array): void {
    this.#input = input;
  }

  pull(): Uint8Array | undefined {
    while (this.#input) {
      const before = this.#input.byteLength;
      const { produced, left } = this.#write(this.#input, constants.Z_NO_FLUSH);
      // With the output full there may be more of it, also when no input is left.
      const isDone = left === 0 && produced < chunkLength;
      this.#input = isDone ? undefined : this.#input.subarray(before - left);
      if (produced > 0) return this.#output.subarray(0, produced);
      if (left > 0 && left === before) {
        throw new LayerFormatError("Cannot decompress layer: bytes after its end");
      }
    }
    return undefined;
  }

  finish(): void {
    this.#write(new Uint8Array(), this.#finishFlag);
  }

  [Symbol.dispose](): void {
    this.#stream.destroy();
  }

  #write(input: Uint8Array, flush: number): { produced: number; left: number } {
    const { _handle: handle, _writeState: state } = this.#stream;
    handle.writeSync(flush, input, 0, input.byteLength, this.#output, 0, chunkLength);
    if (this.#failure !== undefined) {
      throw new LayerFormatError(`Cannot decompress layer: ${this.#failure}`);
    }
    const [outputLeft = 0, left = 0] = state;
    return { produced: chunkLength - outputLeft, left };
  }
}

/** Whether this version of Node has inside its streams what is driven here. */
export function isZlibUsable(): boolean {
  return (["gzip", "zstd"] as const).every((compression) => {
    const stream = streamOf(compression);
    const isUsable = isZlibStream(stream);
    stream.destroy();
    return isUsable;
  });
}

/** Its own buffer of output stays unused, so it is as small as it can be. */
function streamOf(compression: "gzip" | "zstd"): Transform {
  const chunkSize = constants.Z_MIN_CHUNK;
  if (compression === "gzip") return createGunzip({ chunkSize });
  const params = { [constants.ZSTD_d_windowLogMax]: zstdWindowLogMax };
  return createZstdDecompress({ chunkSize, params });
}

function isZlibStream(stream: Transform): stream is Transform & ZlibStream {
  const handle: unknown = "_handle" in stream ? stream._handle : undefined;
  return (
    typeof handle === "object" &&
    handle !== null &&
    "writeSync" in handle &&
    typeof handle.writeSync === "function" &&
    "_writeState" in stream &&
    stream._writeState instanceof Uint32Array
  );
}
