import { type Agent, type IncomingMessage, request } from "node:http";
import { request as requestSecure } from "node:https";

import { UnavailableError } from "../errors.ts";
import type { Passage } from "../limits/passage.ts";
import { type PieceLayout, pieceLengthAt } from "../piece-layout.ts";
import type { Assignment, PieceSource, SourceOwner } from "./assignment.ts";
import { connectTimeoutMs, silenceBoundMs, stallBoundMs } from "./limits.ts";
import { RequestWindow } from "./request-window.ts";
import { StallTimer } from "./stall-timer.ts";

/** Requests at once to one web seed: enough to hide a round trip, few for a source of last resort. */
const requestsMax = 3;

/** Pause after a failed request, and the most that repeated failures make of it. */
const retryPauseMs = 500;
const retryPauseMaxMs = 15_000;

/** Wrong pieces until it is not asked again for this blob. */
const offencesMax = 2;

export interface WebSeedDeps {
  readonly url: string;
  readonly layout: PieceLayout;
  readonly owner: SourceOwner;
  /** Keeps connections for the next request; plain HTTP only. */
  readonly agent: Agent;
  readonly now: () => number;
  /** A way through the limits that hold for what it gives. */
  readonly openPassage: () => Passage;
}

/** A request under way. */
interface Transfer {
  readonly assignment: Assignment;
  readonly abort: AbortController;
  readonly passage: Passage;
  received: number;
}

/**
 * An HTTP server that has the blob: gives pieces by Range. Its answers are believed as
 * little as a peer's; redirects are not followed, for a URL was configured and not the
 * place where it leads.
 *
 * @see BEP 19
 */
export class WebSeed implements PieceSource {
  readonly kind = "webSeeds";
  readonly name: string;
  readonly whole = true;
  readonly #deps: WebSeedDeps;
  readonly #transfers = new Map<number, Transfer>();
  readonly #stall = new StallTimer(stallBoundMs);
  readonly #window: RequestWindow;
  readonly #closing = new AbortController();
  #stalled = false;
  #gaveAtMs = -Infinity;
  #bytesGiven = 0;
  #isGood = false;
  #failures = 0;
  #offences = 0;
  #retryAtMs = 0;

  constructor(deps: WebSeedDeps) {
    this.#deps = deps;
    this.name = new URL(deps.url).host;
    this.#window = new RequestWindow({ roundTripMs: 0, nowMs: deps.now() });
  }

  /** It answered {@link probe} as a server of this blob does. */
  get isGood(): boolean {
    return this.#isGood && !this.#isBanned;
  }

  get stalled(): boolean {
    return this.#stalled;
  }

  /** It gives faster than our limits let it. */
  get isHeldBack(): boolean {
    for (const { passage } of this.#transfers.values()) if (passage.isWaiting) return true;
    return false;
  }

  get gaveAtMs(): number {
    return this.#gaveAtMs;
  }

  /** Bytes that it gave, of pieces that are whole or not. */
  get bytesGiven(): number {
    return this.#bytesGiven;
  }

  get rate(): number {
    return this.#window.rate;
  }

  get #isBanned(): boolean {
    return this.#offences >= offencesMax || this.#closing.signal.aborted;
  }

  has(index: number): boolean {
    return !this.#isBanned && !this.#transfers.has(index);
  }

  bytesUntil(index: number): number {
    const transfer = this.#transfers.get(index);
    return transfer ? transfer.assignment.buffer.length - transfer.received : 0;
  }

  /** Asks whether it has the blob, within the bound for connecting. */
  async probe(): Promise<void> {
    try {
      const timeout = AbortSignal.timeout(connectTimeoutMs);
      const signal = AbortSignal.any([timeout, this.#closing.signal]);
      const response = await this.#request("HEAD", {}, signal);
      response.resume();
      const { size } = this.#deps.layout;
      this.#isGood =
        response.statusCode === 200 && response.headers["content-length"] === String(size);
    } catch {
      this.#isGood = false;
    }
  }

  fill(): void {
    if (this.#isBanned || this.#deps.now() < this.#retryAtMs) return;
    while (this.#transfers.size < requestsMax) {
      const assignment = this.#deps.owner.assign(this);
      if (!assignment) return;
      const passage = this.#deps.openPassage();
      const transfer = { assignment, abort: new AbortController(), passage, received: 0 };
      if (this.#transfers.size === 0) {
        this.#stall.restart(this.#deps.now());
        this.#window.restart(this.#deps.now());
      }
      this.#transfers.set(assignment.index, transfer);
      this.#run(transfer).catch((error: unknown) => this.#deps.owner.onFault(this, error));
    }
  }

  cancel(index: number): Buffer | undefined {
    const transfer = this.#transfers.get(index);
    if (!transfer) return undefined;
    this.#end(transfer);
    transfer.abort.abort();
    return transfer.assignment.buffer;
  }

  /** Notes a wrong piece. Gives true when it is not asked any more. */
  blame(): boolean {
    this.#offences++;
    return this.#isBanned;
  }

  /** Looks for lapsed bounds. */
  tick(nowMs: number): void {
    if (this.isHeldBack) this.#stall.restart(nowMs);
    this.#stalled = this.#stall.isStalled(nowMs);
    if (this.#stall.silentMs(nowMs) <= silenceBoundMs) return;
    for (const { abort } of this.#transfers.values()) {
      abort.abort(new UnavailableError("Cannot read from web seed: it is silent"));
    }
  }

  close(reason: string): void {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    const transfers = [...this.#transfers.values()];
    for (const transfer of transfers) {
      this.#end(transfer);
      transfer.abort.abort();
    }
    const unfinished = transfers.map(({ assignment }) => assignment);
    this.#deps.owner.onClosed(this, unfinished, reason);
  }

  async #run(transfer: Transfer): Promise<void> {
    const { owner, now } = this.#deps;
    try {
      await this.#fetch(transfer);
    } catch (error) {
      // Somebody who has cancelled it has taken its buffer.
      if (this.#transfers.get(transfer.assignment.index) !== transfer) return;
      const pause = Math.min(retryPauseMaxMs, retryPauseMs * 2 ** this.#failures++);
      this.#retryAtMs = now() + pause;
      this.#end(transfer);
      const reason = error instanceof Error ? error.message : "";
      const isExpected = error instanceof AbsentError;
      owner.onGaveUp(this, transfer.assignment, { reason, isExpected });
      return;
    }
    if (this.#transfers.get(transfer.assignment.index) !== transfer) return;
    this.#failures = 0;
    this.#stall.restart(now());
    this.#end(transfer);
    owner.onPiece(this, transfer.assignment);
    this.fill();
  }

  /** Reads one piece into its buffer. @throws {AbsentError} and {UnavailableError} */
  async #fetch(transfer: Transfer): Promise<void> {
    const { index, buffer } = transfer.assignment;
    const { layout } = this.#deps;
    const start = index * layout.pieceLength;
    const end = start + pieceLengthAt(layout, index) - 1;
    const { signal } = transfer.abort;
    const response = await this.#request("GET", { Range: `bytes=${start}-${end}` }, signal);
    try {
      requireRange(response, `bytes ${start}-${end}/${layout.size}`);
      for await (const chunk of response as AsyncIterable<Buffer>) {
        signal.throwIfAborted();
        if (transfer.received + chunk.length > buffer.length) throw refused("it sent too much");
        chunk.copy(buffer, transfer.received);
        transfer.received += chunk.length;
        this.#onBytes(chunk.length);
        if (!transfer.passage.isOpen) await transfer.passage.passed(chunk.length, { signal });
      }
      if (transfer.received < buffer.length) throw refused("it sent too little");
    } catch (error) {
      response.destroy();
      throw error;
    }
  }

  #request(
    method: "GET" | "HEAD",
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const { url, agent } = this.#deps;
    return new Promise((resolve, reject) => {
      const isSecure = url.startsWith("https:");
      const send = isSecure ? requestSecure : request;
      const options = { method, headers, signal, ...(isSecure ? {} : { agent }) };
      send(url, options, resolve).on("error", reject).end();
    });
  }

  #onBytes(length: number): void {
    const nowMs = this.#deps.now();
    this.#bytesGiven += length;
    this.#gaveAtMs = nowMs;
    this.#stall.came(length, nowMs);
    this.#stalled = this.#stall.isStalled(nowMs);
    this.#window.received(length, nowMs);
  }

  #end({ assignment }: Transfer): void {
    this.#transfers.delete(assignment.index);
    if (this.#transfers.size === 0) this.#stall.stop();
  }
}

/** Whether a URL is one that can be asked. Others, from whatever directory, are left out. */
export function isWebSeedUrl(url: string): boolean {
  return URL.canParse(url) && ["http:", "https:"].includes(new URL(url).protocol);
}

/** The server does not know the blob, as one of many seeders need not. */
class AbsentError extends Error {}

/** @throws {AbsentError} and {UnavailableError} unless the answer is just the part that was asked for. */
function requireRange(response: IncomingMessage, range: string): void {
  const { statusCode, headers } = response;
  if (statusCode === 404) throw new AbsentError("it has not got the blob");
  if (statusCode !== 206) throw refused(`its status is ${String(statusCode)}`);
  if (headers["content-range"] !== range) throw refused("it sent another range");
}

function refused(why: string): UnavailableError {
  return new UnavailableError(`Cannot read from web seed: ${why}`);
}
