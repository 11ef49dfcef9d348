import { constants, createReadStream, open } from "node:fs";
import { stat } from "node:fs/promises";
import { promisify } from "node:util";

import { InvalidArgumentError } from "../core/errors.ts";
import { type PipeOptions, readPipe } from "./read-pipe.ts";

/** Longest file that is read: configurations are short, and a wrong name may be a disk. */
const lengthMax = 1024 * 1024;

/** Text that is written back must be the same bytes, so nothing is replaced or left out. */
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads a file that a person named.
 *
 * @param pipes Given where it may be a pipe as well: `/dev/stdin`, `<(command)` of a shell, or a
 *   FIFO.
 * @throws {InvalidArgumentError} when it cannot be read, is longer than 1 MiB, or is no UTF-8, and
 *   when it is a pipe that may not be one, does not end in time, or has nothing in it.
 */
export async function readTextFile(path: string, pipes?: PipeOptions): Promise<string> {
  pipes?.signal.throwIfAborted();
  try {
    return decoder.decode(await readBytes(path, pipes));
  } catch (cause) {
    pipes?.signal.throwIfAborted();
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new InvalidArgumentError(`Cannot read ${path}: ${why}`, { cause });
  }
}

async function readBytes(path: string, pipes: PipeOptions | undefined): Promise<Uint8Array> {
  if (!(await stat(path)).isFIFO()) return joined(createReadStream(path, { end: lengthMax }));
  if (!pipes) throw new Error("it is a pipe");
  // Without O_NONBLOCK it would take for ever to open a FIFO that nobody writes to, in one of the
  // few threads that Node has for files: the process could not even end then.
  const fd = await promisify(open)(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return joined(readPipe(fd, pipes));
}

async function joined(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of chunks) {
    length += part.byteLength;
    if (length > lengthMax) throw new Error(`it is longer than ${lengthMax} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}
