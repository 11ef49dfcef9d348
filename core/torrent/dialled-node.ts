import { type Socket, connect } from "node:net";

import { InvalidArgumentError } from "../errors.ts";
import type { InfoHash } from "../info-hash.ts";
import type { Passage } from "../limits/passage.ts";
import type { PeerAddress } from "../peer-address.ts";
import { isShoalPeerId } from "../peer-id.ts";
import {
  type NodeInfo,
  encodeExtendedHandshake,
  parseExtendedHandshake,
} from "./extended-handshake.ts";
import { type FrameHandler, FrameParser } from "./frame-parser.ts";
import { encodeHandshake, handshakeLength, parseHandshake } from "./handshake.ts";
import {
  blockLengthBulk,
  connectTimeoutMs,
  handshakeTimeoutMs,
  keepAliveMs,
  messageLengthMax,
  messagesPerBlock,
  newsMax,
} from "./limits.ts";
import { type WireMessage, encodeExtended, encodeSignal } from "./wire-message.ts";

/** Why a peer is not one to ask, beyond "it hung up". */
export type PeerVerdict = "self" | "foreign" | "hostile";

/** What a {@link DialledNode} calls. One that throws ends the connection. */
export interface DialledNodeHandler extends FrameHandler {
  onConnect(roundTripMs: number): void;
  /** Both handshakes are done; messages follow. */
  onNode(node: NodeInfo): void;
  /** Bytes of blocks came, of whole ones or not. */
  onBlockBytes(length: number): void;
  /** Called once. */
  onClosed(reason: string): void;
  /** A handler threw what no peer can be blamed for: a bug. The connection has been closed. */
  onFault(error: unknown): void;
}

export interface DialledNodeDeps {
  readonly address: PeerAddress;
  readonly infoHash: InfoHash;
  readonly peerId: Uint8Array;
  readonly self: NodeInfo;
  readonly now: () => number;
  /** Received bytes pass through it; it may be shared, for they are copied before the next read. */
  readonly receiveBuffer: Buffer;
  /** Blocks that come go through it: nothing more is read meanwhile. */
  readonly passage: Passage;
  /** Whether we are connected with that node by an address of its other family. */
  readonly isTwin: (peerId: string) => boolean;
  readonly handler: DialledNodeHandler;
}

/** A connection that we open to another node: dials, shakes hands, cuts what comes into messages. */
export class DialledNode {
  readonly #deps: DialledNodeDeps;
  readonly #socket: Socket;
  readonly #parser: FrameParser;
  readonly #dialledAt: number;
  /** Its handshake as far as it came; `undefined` afterwards. */
  #greeting: Buffer | undefined = Buffer.alloc(0);
  #isGreeted = false;
  #refusal: NodeInfo | undefined;
  #peerId: string | undefined;
  #deadline: number;
  #isClosed = false;
  /** Bytes of blocks that were read and have not gone through the limit. */
  #unpassed = 0;
  #verdict: PeerVerdict | undefined;

  constructor(deps: DialledNodeDeps) {
    this.#deps = deps;
    const { handler, receiveBuffer } = deps;
    this.#parser = new FrameParser(
      {
        onMessage: (message) => this.#onMessage(message),
        onBlockStart: (block) => (this.#isClosed ? undefined : handler.onBlockStart(block)),
        onBlockEnd: (block) => {
          if (this.#isClosed) return;
          this.#parser.allow(messagesPerBlock);
          handler.onBlockEnd(block);
        },
      },
      { messageLengthMax, blockLengthMax: blockLengthBulk, messagesMax: newsMax },
    );
    this.#dialledAt = deps.now();
    this.#deadline = this.#dialledAt + connectTimeoutMs;
    this.#socket = connect({
      host: deps.address.host,
      port: deps.address.port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: keepAliveMs,
      onread: {
        buffer: () => this.#nextBuffer(),
        callback: (length) => this.#onBytes(receiveBuffer.subarray(0, length)),
      },
    });
    this.#socket.on("connect", () => this.#guard(() => this.#onConnect()));
    this.#socket.on("error", (error) => this.#guard(() => this.close(error.message)));
    this.#socket.on("close", () => this.#guard(() => this.close("hung up")));
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Bytes of blocks that came so far. */
  get blockBytes(): number {
    return this.#parser.blockBytes;
  }

  /** What it said of itself when it said that it serves others. */
  get refusal(): NodeInfo | undefined {
    return this.#refusal;
  }

  get verdict(): PeerVerdict | undefined {
    return this.#verdict;
  }

  /** Id of the node, in hex, once it has said that. */
  get peerId(): string | undefined {
    return this.#peerId;
  }

  /** Whether the bound for connecting, or for handshakes after that, has lapsed. */
  isOverdue(nowMs: number): boolean {
    return nowMs > this.#deadline;
  }

  write(bytes: Uint8Array): void {
    if (!this.#isClosed) this.#socket.write(bytes);
  }

  /** Drops what is still to come of a block of that piece. */
  dropBlockOf(index: number): void {
    this.#parser.dropBlockOf(index);
  }

  close(reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#deps.passage.settle();
    this.#socket.destroy();
    this.#deps.handler.onClosed(reason);
  }

  #onConnect(): void {
    const { infoHash, peerId, self, now, handler } = this.#deps;
    const nowMs = now();
    this.#deadline = nowMs + handshakeTimeoutMs;
    handler.onConnect(nowMs - this.#dialledAt);
    this.#socket.cork();
    this.#socket.write(encodeHandshake({ infoHash, peerId }));
    this.#socket.write(encodeExtended(0, encodeExtendedHandshake(self)));
    this.#socket.write(encodeSignal("interested"));
    this.#socket.uncork();
  }

  /** Takes bytes; they are copied when it returns. Gives whether to go on reading. */
  #onBytes(chunk: Buffer): boolean {
    if (this.#isClosed) return false;
    this.#guard(() => {
      if (this.#greeting) this.#takeGreeting(this.#greeting, chunk);
      else this.#parse(chunk);
    });
    // A handler may have closed the connection.
    return !this.isClosed && this.#mayReadOn();
  }

  #nextBuffer(): Buffer {
    const { passage, receiveBuffer } = this.#deps;
    return passage.isOpen ? receiveBuffer : receiveBuffer.subarray(0, passage.readLength);
  }

  #mayReadOn(): boolean {
    const bytes = this.#unpassed;
    this.#unpassed = 0;
    return bytes === 0 || this.#deps.passage.pass(bytes, () => this.#socket.resume());
  }

  /** Has whatever goes wrong on this connection end this connection, and nothing else. */
  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      const isTheirs = error instanceof InvalidArgumentError;
      if (isTheirs) this.#verdict ??= "hostile";
      else this.#deps.handler.onFault(error);
      this.#closeAfter(error);
    }
  }

  #closeAfter(error: unknown): void {
    try {
      this.close(error instanceof InvalidArgumentError ? error.message : "internal error");
    } catch (fault) {
      this.#deps.handler.onFault(fault);
    }
  }

  #parse(chunk: Buffer): void {
    const before = this.#parser.blockBytes;
    this.#parser.push(chunk);
    const length = this.#parser.blockBytes - before;
    this.#unpassed += length;
    if (length > 0) this.#deps.handler.onBlockBytes(length);
  }

  #takeGreeting(greeting: Buffer, chunk: Buffer): void {
    const needed = handshakeLength - greeting.length;
    this.#greeting = Buffer.concat([greeting, chunk.subarray(0, needed)]);
    if (this.#greeting.length < handshakeLength) return;
    const handshake = parseHandshake(this.#greeting);
    this.#greeting = undefined;
    if (Buffer.compare(handshake.peerId, this.#deps.peerId) === 0) this.#verdict = "self";
    else if (!handshake.extended || !isShoalPeerId(handshake.peerId)) this.#verdict = "foreign";
    if (handshake.infoHash !== this.#deps.infoHash) {
      throw new InvalidArgumentError("Cannot use peer: it answers for another torrent");
    }
    const peerId = Buffer.from(handshake.peerId).toString("hex");
    if (this.#verdict) this.close(this.#verdict);
    else if (this.#deps.isTwin(peerId)) this.close("it is connected by its other address");
    else this.#peerId = peerId;
    if (!this.#isClosed && chunk.length > needed) this.#parse(chunk.subarray(needed));
  }

  #onMessage(message: WireMessage): void {
    if (this.#isClosed) return;
    if (this.#isGreeted) {
      this.#deps.handler.onMessage(message);
      return;
    }
    if (message.type !== "extended" || message.id !== 0) {
      throw new InvalidArgumentError("Cannot use peer: no extended handshake");
    }
    this.#isGreeted = true;
    const node = parseExtendedHandshake(message.payload);
    if (node.crowded) {
      this.#refusal = node;
      this.close("it serves as many others as it may");
    } else {
      this.#deps.handler.onNode(node);
    }
  }
}
