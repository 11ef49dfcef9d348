import { createDeadline, type Deadline } from "../async/deadline.ts";
import type { ByteRange } from "../byte-range.ts";
import { UnavailableError } from "../errors.ts";
import type { OpenTail } from "../ports/swarm.ts";

/** Bytes that are passed over: a new request costs more than to read so many. */
const passedMax = 4 * 1024 * 1024;

/** A stream that nobody reads from for so long is closed: its server waits for us. */
const idleMs = 5000;

/** A stream under way, and where it is. */
interface OpenStream {
  readonly chunks: AsyncIterator<Uint8Array>;
  readonly deadline: Deadline;
  position: number;
  /** Came, and lies at `position`. */
  rest: Uint8Array;
}

/**
 * Reads parts of a blob from streams that go from an offset to its end. Parts that follow
 * each other come from one stream; for one that lies elsewhere another is opened.
 */
export class BlobTail implements AsyncDisposable {
  readonly #open: OpenTail;
  readonly #over = new AbortController();
  #stream: OpenStream | undefined;
  #idle: NodeJS.Timeout | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(open: OpenTail) {
    this.#open = open;
  }

  /**
   * Reads a part, after those that were asked for before.
   *
   * @throws {UnavailableError} when the blob ends before, and what the stream throws.
   */
  async read(range: ByteRange): Promise<Uint8Array> {
    const reading = this.#last.then(() => this.#read(range));
    this.#last = reading.catch(() => undefined);
    return reading;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort(new DOMException("The download has ended", "AbortError"));
    await this.#last;
    await this.#close();
  }

  async #read({ start, end }: ByteRange): Promise<Uint8Array> {
    this.#over.signal.throwIfAborted();
    clearTimeout(this.#idle);
    try {
      const stream = await this.#streamAt(start);
      const part = Buffer.allocUnsafe(end - start);
      for (let filled = 0; filled < part.length;) {
        const chunk = await next(stream, part.length - filled);
        part.set(chunk, filled);
        filled += chunk.byteLength;
      }
      this.#idle = setTimeout(() => void this.#close(), idleMs).unref();
      return part;
    } catch (error) {
      await this.#close();
      throw error;
    }
  }

  /** A stream that is at an offset. */
  async #streamAt(start: number): Promise<OpenStream> {
    const ahead = start - (this.#stream?.position ?? Infinity);
    if (ahead < 0 || ahead > passedMax) await this.#close();
    const stream = (this.#stream ??= this.#openAt(start));
    while (stream.position < start) await next(stream, start - stream.position);
    return stream;
  }

  #openAt(start: number): OpenStream {
    const deadline = createDeadline(this.#over.signal);
    const chunks = this.#open({ start, signal: deadline.signal })[Symbol.asyncIterator]();
    return { chunks, deadline, position: start, rest: new Uint8Array() };
  }

  async #close(): Promise<void> {
    clearTimeout(this.#idle);
    const stream = this.#stream;
    this.#stream = undefined;
    if (!stream) return;
    stream.deadline.abort();
    stream.deadline[Symbol.dispose]();
    await stream.chunks.return?.().catch(() => undefined);
  }
}

/** The next bytes of a stream, at least one and at most `lengthMax`. @throws {UnavailableError} */
async function next(stream: OpenStream, lengthMax: number): Promise<Uint8Array> {
  while (stream.rest.byteLength === 0) {
    const result = await stream.chunks.next();
    if (result.done === true) throw new UnavailableError("Cannot read blob: its origin broke off");
    stream.rest = result.value;
  }
  const chunk = stream.rest.subarray(0, lengthMax);
  stream.rest = stream.rest.subarray(chunk.byteLength);
  stream.position += chunk.byteLength;
  return chunk;
}
