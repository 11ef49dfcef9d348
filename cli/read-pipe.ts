import { Socket } from "node:net";
import { addAbortSignal } from "node:stream";

import { createDeadline } from "../core/async/deadline.ts";
import type { Cancellable } from "../core/ports/cancellable.ts";

/** How a pipe is read. */
export interface PipeOptions extends Cancellable {
  /** How long is waited for its end, if not 30 s. */
  readonly timeoutMs?: number;
}

/** A tool that gets secrets, or a person who starts the writer by hand, may take its time. */
const defaultTimeoutMs = 30_000;

/**
 * Reads a pipe to its end, that is until nobody has it open for writing any more. Closes it.
 *
 * @param fd Opened with O_NONBLOCK.
 * @throws {Error} when it does not end in time, and when it is empty: what a pipe had can be read
 *   only once, and the second one to read it must not take that for an empty file.
 */
export async function* readPipe(
  fd: number,
  { signal, timeoutMs = defaultTimeoutMs }: PipeOptions,
): AsyncGenerator<Uint8Array, void> {
  const deadline = createDeadline(signal, timeoutMs);
  const pipe = new Socket({ fd, readable: true, writable: false });
  try {
    let isEmpty = true;
    for await (const chunk of addAbortSignal(deadline.signal, pipe) as AsyncIterable<Uint8Array>) {
      isEmpty = false;
      yield chunk;
    }
    if (isEmpty) throw new Error("it is a pipe with nothing in it");
  } catch (error) {
    if (!deadline.signal.aborted) throw error;
    throw new Error(`it is a pipe, and nobody wrote it to its end within ${timeoutMs} ms`);
  } finally {
    deadline[Symbol.dispose]();
    pipe.destroy();
  }
}
