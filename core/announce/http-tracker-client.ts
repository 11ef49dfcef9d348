import type { IncomingHttpHeaders } from "node:http";
import type { LookupFunction } from "node:net";

import {
  batchContentType,
  batchHeader,
  batchTorrentsMax,
  encodeAnnounceBatch,
} from "../announce-batch.ts";
import { abortable, createDeadline } from "../async/deadline.ts";
import { AccessDeniedError, CodedError, UnavailableError } from "../errors.ts";
import { HttpClient, type HttpClientAnswer, type HttpClientRequest } from "../http/http-client.ts";
import type { InfoHash } from "../info-hash.ts";
import type { Cancellable } from "../ports/cancellable.ts";
import { type Place, formatPlace } from "../topology.ts";
import { parseHttpAnnounceAnswer, parseHttpBatchAnswer } from "./http-announce-answer.ts";
import { type TrackerHost, failureOfFamily } from "./tracker-host.ts";
import type {
  AnnounceAnswer,
  AnnounceRequest,
  BatchAnswer,
  BatchRequest,
  TrackerClient,
} from "./tracker-client.ts";

/** Connections to one tracker: a thousand announces of a start are through in a second. */
const connectionsMax = 4;

/** Milliseconds that an answer may take. Trackers answer from memory. */
const answerTimeoutMs = 5000;

/** Longest answer: 200 peers in the long form are 20 KB. */
const answerLengthMax = 64 * 1024;

/** Our trackers name their run in every answer. */
const generationHeader = "x-shoal-generation";

/** What {@link HttpTrackerClient} works with. */
export interface HttpTrackerClientDeps {
  /** How the tracker is reached. */
  readonly place: TrackerHost;
  /** Ours, 20 bytes. */
  readonly peerId: Uint8Array;
  /** The same in all announces of a run, so that a tracker knows us by all of our addresses. */
  readonly key: number;
  /** Where this host is, which our trackers go by; others are not told. */
  readonly whereabouts?: Place | undefined;
  /** The system's, for names. */
  readonly lookup: LookupFunction;
}

/** Speaks with a tracker over HTTP, on connections that are kept. @see BEP 3 */
export class HttpTrackerClient implements TrackerClient {
  readonly name: string;
  readonly concurrencyMax = connectionsMax;
  readonly #deps: HttpTrackerClientDeps;
  readonly #url: string;
  readonly #client: HttpClient;
  /** Where we are, for the URL: not told to trackers that are not known to be ours. */
  readonly #whereabouts: string;
  #isOurs = false;

  constructor(url: URL, deps: HttpTrackerClientDeps) {
    const { place, peerId, key, whereabouts } = deps;
    this.#deps = deps;
    this.name = place.isName ? `${url.origin} by IPv${place.family}` : url.origin;
    const separator = url.search === "" ? "?" : "&";
    const ours = `peer_id=${percentEncoded(peerId)}&key=${key.toString(16).padStart(8, "0")}`;
    this.#whereabouts = whereabouts ? `&place=${formatPlace(whereabouts)}` : "";
    this.#url = `${url.origin}${url.pathname}${url.search}${separator}${ours}`;
    this.#client = new HttpClient({ connectionsMax, answerLengthMax, lookup: place.lookup });
  }

  async announce(request: AnnounceRequest, { signal }: Cancellable): Promise<AnnounceAnswer> {
    const isPlaceTold = this.#isOurs;
    const url = `${this.#placedUrl()}&${queryOf(request)}`;
    const answer = await this.#ask({ method: "GET", url }, { read: answerOf, signal });
    this.#isOurs ||= answer.generation !== undefined || answer.batchTorrentsMax !== undefined;
    const wantsPlace = this.#isOurs && !isPlaceTold && this.#whereabouts !== "";
    return { ...answer, wantsPlace };
  }

  async announceBatch(request: BatchRequest, { signal }: Cancellable): Promise<BatchAnswer> {
    const body = encodeAnnounceBatch({ ...request, peerId: this.#deps.peerId });
    const isHeartbeat = request.seeding.length + request.stopped.length === 0;
    const headers = {
      "content-type": batchContentType,
      // The next comes after an idle connection's time: one would stand open for nothing most of
      // the time, at a tracker that has to hold those of all nodes.
      ...(isHeartbeat && { connection: "close" }),
    };
    const asked = { method: "POST", url: this.#placedUrl(), headers, body } as const;
    return this.#ask(asked, { read: batchAnswerOf, signal });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client[Symbol.dispose]();
  }

  #placedUrl(): string {
    return this.#isOurs ? this.#url + this.#whereabouts : this.#url;
  }

  async #ask<T>(
    request: HttpClientRequest,
    { read, signal }: Cancellable & { readonly read: (answer: HttpClientAnswer) => T },
  ): Promise<T> {
    // One bound for all of it, for an answer may trickle.
    const deadline = createDeadline(signal, answerTimeoutMs);
    try {
      return read(await this.#client.request(request, deadline));
    } catch (cause) {
      signal.throwIfAborted();
      if (cause instanceof UnavailableError) throw await this.#failure(cause, signal);
      if (cause instanceof CodedError) throw cause;
      throw new UnavailableError(`Cannot announce to ${this.name}: no answer`, { cause });
    } finally {
      deadline[Symbol.dispose]();
    }
  }

  #failure(cause: UnavailableError, signal: AbortSignal): Promise<UnavailableError> {
    const { place, lookup } = this.#deps;
    return abortable(failureOfFamily(cause, place, lookup), signal);
  }
}

function answerOf({ status, headers, body }: HttpClientAnswer): AnnounceAnswer {
  if (status !== 200) {
    throw new UnavailableError(`Cannot announce: the tracker answers ${status}`);
  }
  return {
    ...parseHttpAnnounceAnswer(body),
    generation: generationIn(headers),
    batchTorrentsMax: torrentsMaxIn(headers),
  };
}

function batchAnswerOf({ status, headers, body }: HttpClientAnswer): BatchAnswer {
  if (saysNotHere(status)) {
    throw new AccessDeniedError(`Cannot announce together: the tracker answers ${status}`);
  }
  if (status !== 200) {
    throw new UnavailableError(`Cannot announce: the tracker answers ${status}`);
  }
  return { ...parseHttpBatchAnswer(body), generation: generationIn(headers) };
}

/**
 * Whether a status is of who does not know what a batch is: also "not implemented" and "version
 * not supported", as proxies say of methods and bodies. "Too many requests" is of who is busy.
 */
function saysNotHere(status: number): boolean {
  return (status >= 400 && status < 500 && status !== 429) || status === 501 || status === 505;
}

function generationIn(headers: IncomingHttpHeaders): string | undefined {
  const generation = headers[generationHeader];
  return typeof generation === "string" ? generation : undefined;
}

/** How many torrents a batch may have here: what the tracker takes, and we read answers of. */
function torrentsMaxIn(headers: IncomingHttpHeaders): number | undefined {
  const said = headers[batchHeader];
  if (typeof said !== "string" || !/^[1-9][0-9]{0,5}$/.test(said)) return undefined;
  return Math.min(Number(said), batchTorrentsMax);
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
