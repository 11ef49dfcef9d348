import { createDeadline } from "../async/deadline.ts";
import { CodedError, UnavailableError } from "../errors.ts";
import { HttpClient, type HttpClientAnswer } from "../http/http-client.ts";
import type { InfoHash } from "../info-hash.ts";
import type { Cancellable } from "../ports/cancellable.ts";
import { parseHttpAnnounceAnswer } from "./http-announce-answer.ts";
import type { AnnounceAnswer, AnnounceRequest, TrackerClient } from "./tracker-client.ts";

/** Connections to one tracker: a thousand announces of a start are through in a second. */
const connectionsMax = 4;

/** Milliseconds that an answer may take. Trackers answer from memory. */
const answerTimeoutMs = 5000;

/** Longest answer: 200 peers in the long form are 20 KB. */
const answerLengthMax = 64 * 1024;

/** Our trackers name their run in every answer. */
const generationHeader = "x-shoal-generation";

/** Speaks with a tracker over HTTP, on connections that are kept. @see BEP 3 */
export class HttpTrackerClient implements TrackerClient {
  readonly name: string;
  readonly concurrencyMax = connectionsMax;
  readonly #url: string;
  readonly #client: HttpClient;

  /** @param options.peerId Ours, 20 bytes. */
  constructor(url: URL, { peerId }: { readonly peerId: Uint8Array }) {
    this.name = url.origin;
    const separator = url.search === "" ? "?" : "&";
    this.#url = `${url.origin}${url.pathname}${url.search}${separator}peer_id=${percentEncoded(peerId)}`;
    this.#client = new HttpClient({ connectionsMax, answerLengthMax });
  }

  async announce(request: AnnounceRequest, { signal }: Cancellable): Promise<AnnounceAnswer> {
    // One bound for all of it, for an answer may trickle.
    const deadline = createDeadline(signal, answerTimeoutMs);
    try {
      const asked = { method: "GET", url: `${this.#url}&${queryOf(request)}` } as const;
      return answerOf(await this.#client.request(asked, deadline));
    } catch (cause) {
      signal.throwIfAborted();
      if (cause instanceof CodedError) throw cause;
      throw new UnavailableError(`Cannot announce to ${this.name}: no answer`, { cause });
    } finally {
      deadline[Symbol.dispose]();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client[Symbol.dispose]();
  }
}

function answerOf({ status, headers, body }: HttpClientAnswer): AnnounceAnswer {
  if (status !== 200) {
    throw new UnavailableError(`Cannot announce: the tracker answers ${status}`);
  }
  const generation = headers[generationHeader];
  return {
    ...parseHttpAnnounceAnswer(body),
    generation: typeof generation === "string" ? generation : undefined,
  };
}

function queryOf(request: AnnounceRequest): string {
  const parameters = [
    `info_hash=${percentEncoded(bytesOf(request.infoHash))}`,
    `port=${request.port}`,
    `uploaded=${request.uploaded}`,
    `downloaded=${request.downloaded}`,
    `left=${request.left}`,
    `numwant=${request.peersWanted}`,
    "compact=1",
  ];
  if (request.event) parameters.push(`event=${request.event}`);
  return parameters.join("&");
}

function bytesOf(infoHash: InfoHash): Buffer {
  return Buffer.from(infoHash, "hex");
}

function percentEncoded(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
}
