import type { Socket } from "node:net";

import { InvalidArgumentError, codeOf } from "../errors.ts";
import type { Passage } from "../limits/passage.ts";
import type { PeerAddress } from "../peer-address.ts";
import { pieceLengthAt } from "../piece-layout.ts";
import { AskerWatch } from "./asker-watch.ts";
import { BlockSender } from "./block-sender.ts";
import {
  type NodeInfo,
  encodeExtendedHandshake,
  encodeIntent,
  intentMessageId,
  parseExtendedHandshake,
} from "./extended-handshake.ts";
import { FrameParser } from "./frame-parser.ts";
import { encodeHandshake } from "./handshake.ts";
import type { Buffers } from "./host-shares.ts";
import {
  blockLengthBulk,
  blockLengthMin,
  handshakeTimeoutMs,
  messageLengthMax,
  messagesPerBlock,
  questionsMax,
} from "./limits.ts";
import { PlaceUse } from "./place-use.ts";
import type { HaveListener, ServedTorrent } from "./served-torrent.ts";
import {
  type Block,
  type WireMessage,
  encodeBitfield,
  encodeExtended,
  encodeHave,
  encodeSignal,
} from "./wire-message.ts";

/** Bytes that wait to be taken by a peer: its blocks, and what it is told, which is far less. */
const waitingBytesMax = 1024 * 1024;

/**
 * Pieces that a peer has asked for beyond what it took and that count as given to it: more than
 * a node asks one peer for at once, and too few to keep a blob from all others.
 */
const untakenMax = 32;

export interface PieceServerDeps {
  readonly socket: Socket;
  readonly torrent: ServedTorrent;
  readonly peerId: Uint8Array;
  readonly self: Omit<NodeInfo, "whole">;
  readonly buffers: Buffers;
  /** It is far, and served though as many others are as may be. */
  readonly isExtra?: boolean;
  /** What is given goes through it. */
  readonly passage: Passage;
  readonly now: () => number;
  readonly onClosed: (server: PieceServer, reason: string) => void;
  /** The peer did what no node does. The connection has been closed. */
  readonly onOffence: (reason: string) => void;
  /** Something threw that the peer cannot be blamed for: a bug. The connection has been closed. */
  readonly onFault: (error: unknown) => void;
}

/**
 * The giving end of a connection from another node: tells our pieces, answers requests
 * in order, and tells of new pieces while we download ourselves.
 */
export class PieceServer implements HaveListener {
  readonly isExtra: boolean;
  readonly #deps: PieceServerDeps;
  readonly #parser: FrameParser;
  readonly #watch: AskerWatch;
  readonly #sender: BlockSender;
  #node: NodeInfo | undefined;
  #closed = false;
  /** It is not served, for others are: it is told so, and listened to until it has said where it is. */
  readonly #isRefused: boolean;
  readonly #startMs: number;
  readonly #placeUse: PlaceUse;
  #sentBytes = 0;
  /** Pieces that others were told to be on their way to the peer. */
  #piecesTold = 0;

  constructor(deps: PieceServerDeps) {
    this.#deps = deps;
    this.isExtra = deps.isExtra ?? false;
    this.#isRefused = deps.torrent.isCrowded && !this.isExtra;
    this.#startMs = deps.now();
    const { isGrowing } = deps.torrent;
    this.#placeUse = new PlaceUse({ isGrowing, nowMs: this.#startMs });
    this.#watch = new AskerWatch(this.#startMs);
    this.#sender = new BlockSender({
      ...deps,
      onSent: (length) => {
        this.#sentBytes += length;
        this.#parser.allow(messagesPerBlock);
      },
      onTaken: () => this.#onTaken(),
      onError: (error) => this.close(codeOf(error)),
    });
    this.#parser = new FrameParser(
      {
        onMessage: (message) => this.#onMessage(message),
        onBlockStart: () => undefined,
        onBlockEnd: () => undefined,
      },
      { messageLengthMax, blockLengthMax: 0, messagesMax: questionsMax },
    );
  }

  /** Greets the peer and takes its messages; `received` are bytes that came after its handshake. */
  start(received: Buffer): void {
    const { socket } = this.#deps;
    socket.on("error", (error) => this.close(error.message));
    socket.on("close", () => this.close("hung up"));
    socket.on("drain", () => this.#sender.sendNext());
    this.#greet();
    this.#onBytes(received);
    if (!this.#closed) socket.on("data", (chunk: Buffer) => this.#onBytes(chunk));
  }

  #greet(): void {
    const { socket, torrent, peerId, self } = this.#deps;
    const crowded = this.#isRefused;
    socket.cork();
    socket.write(encodeHandshake({ infoHash: torrent.infoHash, peerId }));
    const node = { ...self, whole: torrent.whole, ...(crowded && { crowded }) };
    socket.write(encodeExtended(0, encodeExtendedHandshake(node)));
    if (!crowded) this.#open();
    socket.uncork();
  }

  #open(): void {
    const { socket, torrent } = this.#deps;
    if (torrent.told) socket.write(encodeBitfield(torrent.told.toBytes()));
    this.#placeUse.told(torrent.told?.held ?? torrent.layout.pieceCount, this.#startMs);
    for (const index of torrent.intents) this.onIntent(index, true);
    this.onGiven([...torrent.given(this.#startMs)]);
    socket.write(encodeSignal("unchoke"));
    torrent.listen(this);
  }

  /** Milliseconds for which it holds a place and has no use for it. */
  idleMs(nowMs: number): number {
    return this.#sender.isBusy ? 0 : this.#placeUse.idleMs(nowMs);
  }

  onHave(index: number): void {
    this.#placeUse.told(1, this.#deps.now());
    this.#tell(encodeHave(index));
  }

  onIntent(index: number, isComing: boolean): void {
    this.#tell(encodeExtended(intentMessageId, encodeIntent(index, isComing)));
  }

  /** What others do makes nobody busy who asks for nothing. */
  onGiven(indexes: readonly number[]): void {
    if (indexes.length === 0) return;
    const messages = indexes.map((index) =>
      encodeExtended(intentMessageId, encodeIntent(index, true)),
    );
    this.#write(Buffer.concat(messages));
  }

  /** Looks for lapsed bounds. */
  tick(nowMs: number): void {
    if (this.#isRefused && nowMs - this.#startMs >= handshakeTimeoutMs) {
      this.close("as many nodes ask as are served at once");
    }
    const isOurTurn = this.#sender.isBusy && !this.#sender.isSending;
    const lapse = this.#watch.lapse(nowMs, { isOurTurn });
    if (!lapse || this.#closed) return;
    this.close(lapse.reason);
    if (lapse.isOffence) this.#deps.onOffence(lapse.reason);
  }

  close(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#deps.socket.destroy();
    this.#sender.close();
    this.#deps.torrent.unlisten(this);
    this.#deps.onClosed(this, reason);
  }

  #tell(message: Buffer): void {
    if (!this.#closed) this.#noteUse();
    this.#write(message);
  }

  #write(message: Buffer): void {
    if (this.#closed) return;
    const { socket } = this.#deps;
    socket.write(message);
    if (socket.writableLength > waitingBytesMax) this.close("it takes nothing of what it is told");
  }

  /** While a block is on its way nothing but its arrival counts. */
  #noteUse(): void {
    if (!this.#sender.isSending) this.#watch.used(this.#deps.now());
  }

  #onBytes(chunk: Buffer): void {
    if (this.#closed) return;
    const { onOffence, onFault } = this.#deps;
    try {
      this.#parser.push(chunk);
    } catch (error) {
      const isTheirs = error instanceof InvalidArgumentError;
      this.close(isTheirs ? error.message : "internal error");
      if (isTheirs) onOffence(error.message);
      else onFault(error);
    }
  }

  #onMessage(message: WireMessage): void {
    if (this.#closed) return;
    if (!this.#node) {
      this.#onNodeInfo(message);
      return;
    }
    if (this.#isRefused) return;
    switch (message.type) {
      case "request":
        this.#enqueue(message.block);
        break;
      case "cancel":
        this.#sender.drop(message.block);
        break;
      default:
        break;
    }
  }

  #onNodeInfo(message: WireMessage): void {
    if (message.type !== "extended" || message.id !== 0) {
      throw new InvalidArgumentError("Cannot serve peer: no extended handshake");
    }
    this.#node = parseExtendedHandshake(message.payload);
    this.#watch.greeted();
    const address = this.#listenAddress(this.#node.listenPort);
    if (address) this.#deps.torrent.onPeer?.(address, this.#node.place);
    // What it was told is to reach it, and nothing that it sent to be unread: it hangs up.
    if (this.#isRefused) this.#deps.socket.end();
  }

  #listenAddress(port: number): PeerAddress | undefined {
    const host = this.#deps.socket.remoteAddress;
    return host === undefined || port === 0 ? undefined : { host, port };
  }

  #enqueue(block: Block): void {
    const { torrent } = this.#deps;
    const { index, begin, length } = block;
    const inPiece =
      index < torrent.layout.pieceCount && begin + length <= pieceLengthAt(torrent.layout, index);
    if (!inPiece || length === 0 || length > blockLengthBulk || !torrent.has(index)) {
      throw new InvalidArgumentError(`Cannot serve block ${begin}+${length} of piece ${index}`);
    }
    this.#sender.add(block);
    const isLast = begin + length === pieceLengthAt(torrent.layout, index);
    this.#placeUse.asked(this.#deps.now(), { isLast });
    this.#noteUse();
    torrent.asked(this, block);
    if (begin === 0) this.#noteGiven(block);
    this.#sender.sendNext();
  }

  /** Others have a piece from the peer, if it takes what it asks for. */
  #noteGiven({ index, length }: Block): void {
    const { torrent, now } = this.#deps;
    const { layout } = torrent;
    if (length < Math.min(blockLengthMin, pieceLengthAt(layout, index))) return;
    if (this.#piecesTold >= untakenMax + this.#sentBytes / layout.pieceLength) return;
    this.#piecesTold++;
    torrent.gives(this, index, now());
  }

  #onTaken(): void {
    const nowMs = this.#deps.now();
    this.#placeUse.took(nowMs);
    this.#watch.used(nowMs);
  }
}
