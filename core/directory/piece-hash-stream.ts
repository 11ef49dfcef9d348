import { createDeadline } from "../async/deadline.ts";
import { pause } from "../async/pause.ts";
import { UnavailableError } from "../errors.ts";
import { type HttpClient, type HttpClientStream, isRefused } from "../http/http-client.ts";
import { pieceHashLength } from "../piece-hasher.ts";
import type { Cancellable } from "../ports/cancellable.ts";

/** Where the hashes of a blob's pieces are told as they become known. */
export interface PieceHashSource {
  readonly client: Pick<HttpClient, "open">;
  readonly url: string;
  readonly pieceCount: number;
}

/** Times in a row that the stream may break without a hash in between. */
const fruitlessMax = 3;

/** Times that it is opened at all: a seeder must not keep us with a hash each time. */
const opensMax = 100;

/** Milliseconds before it is opened again: somebody may have the seeder go on meanwhile. */
const reopenPauseMs = 300;

/**
 * Reads the hashes from that of piece `start` on, in runs of 20 bytes each, going on where a
 * connection broke. Nothing is checked but their number: the blob's digest does that.
 *
 * @throws {UnavailableError} when the seeder cannot go on.
 */
export async function* readPieceHashes(
  source: PieceHashSource,
  { start, signal }: Cancellable & { readonly start: number },
): AsyncGenerator<Uint8Array, void> {
  let index = start;
  for (let opens = 1, fruitless = 0; index < source.pieceCount; opens++) {
    const before = index;
    try {
      for await (const run of runsFrom(source, { start: index, signal })) {
        index += run.byteLength / pieceHashLength;
        yield run;
      }
    } catch (error) {
      signal.throwIfAborted();
      fruitless = index > before ? 1 : fruitless + 1;
      // Who has ended is not there again in a moment, and another one may have the blob.
      const isLast = isRefused(error) || fruitless >= fruitlessMax || opens >= opensMax;
      if (!(error instanceof UnavailableError) || isLast) throw error;
      await pause(reopenPauseMs, signal);
    }
  }
}

/** What one connection gives: all of the rest, or it throws. */
async function* runsFrom(
  { client, url, pieceCount }: PieceHashSource,
  { start, signal }: Cancellable & { readonly start: number },
): AsyncGenerator<Uint8Array, void> {
  const range = start > 0 ? { range: `bytes=${start * pieceHashLength}-` } : {};
  // A body that nobody has begun to read holds its socket: ending the signal frees it.
  const opened = createDeadline(signal);
  try {
    const answer = await client.open({ method: "GET", url, headers: range }, opened);
    checkHead(answer, { start, pieceCount });
    let left = (pieceCount - start) * pieceHashLength;
    let rest = Buffer.alloc(0);
    for await (const chunk of answer.body) {
      const bytes = Buffer.concat([rest, chunk]);
      const whole = bytes.length - (bytes.length % pieceHashLength);
      if (bytes.length > left) throw refused("it tells too many");
      left -= whole;
      rest = bytes.subarray(whole);
      if (whole > 0) yield bytes.subarray(0, whole);
    }
    if (left > 0) throw refused("it ends too early");
  } catch (error) {
    opened.abort();
    throw error;
  } finally {
    opened[Symbol.dispose]();
  }
}

function checkHead(
  { status, headers }: HttpClientStream,
  { start, pieceCount }: { readonly start: number; readonly pieceCount: number },
): void {
  const size = pieceCount * pieceHashLength;
  const startByte = start * pieceHashLength;
  if (start === 0 && status === 200) return;
  const isPart = headers["content-range"] === `bytes ${startByte}-${size - 1}/${size}`;
  if (status !== 206 || !isPart) throw refused(`its status is ${status}`);
}

function refused(why: string): UnavailableError {
  return new UnavailableError(`Cannot read piece hashes of a seeder: ${why}`);
}
