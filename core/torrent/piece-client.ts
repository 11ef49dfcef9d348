import { InvalidArgumentError } from "../errors.ts";
import type { Passage } from "../limits/passage.ts";
import type { InfoHash } from "../info-hash.ts";
import { type PeerAddress, formatPeerAddress } from "../peer-address.ts";
import type { PieceLayout } from "../piece-layout.ts";
import { isFar, isKnown } from "../topology.ts";
import type { PieceSource, SourceKind, SourceOwner } from "./assignment.ts";
import { Bitfield } from "./bitfield.ts";
import { BlockAsker } from "./block-asker.ts";
import { DialledNode, type PeerVerdict } from "./dialled-node.ts";
import { GivenPieces } from "./given-pieces.ts";
import { type NodeInfo, intentMessageId, parseIntent } from "./extended-handshake.ts";
import { blockLengthBulk, silenceBoundMs, stallBoundMs } from "./limits.ts";
import type { WireMessage } from "./wire-message.ts";

/** What a {@link PieceClient} tells its download. */
export interface PieceClientOwner extends SourceOwner {
  /** Handshakes are done and its pieces are known. */
  onOpen(client: PieceClient): void;
  onHave(client: PieceClient, index: number): void;
  /** The first bytes of a piece that it was asked for are coming. */
  onBegun(client: PieceClient, index: number): void;
  /** A piece is, or is not any more, on its way to the peer from a source that has all. */
  onIntent(client: PieceClient, index: number, isComing: boolean): void;
}

/** Who we are and what we want. */
export interface PieceClientDeps {
  readonly address: PeerAddress;
  readonly infoHash: InfoHash;
  readonly layout: PieceLayout;
  /** The torrent is a growing one. */
  readonly isGrowing: boolean;
  readonly peerId: Uint8Array;
  readonly self: NodeInfo;
  readonly owner: PieceClientOwner;
  /** It was dialled before and gave nothing: until it does, its pieces are others' as well. */
  readonly isDoubtful: boolean;
  readonly now: () => number;
  /** Received bytes pass through it; it may be shared, for they are copied before the next read. */
  readonly receiveBuffer: Buffer;
  /** The limits that hold for what it gives. */
  readonly passage: Passage;
  /** Whether the download is connected with that node by an address of its other family. */
  readonly isTwin: (client: PieceClient, peerId: string) => boolean;
}

/**
 * The asking end of a connection to another node: learns who it is and which pieces it has, and
 * has its {@link BlockAsker} ask for some. The other end never gets anything but requests.
 */
export class PieceClient implements PieceSource {
  readonly address: PeerAddress;
  readonly name: string;
  readonly #deps: PieceClientDeps;
  readonly #connection: DialledNode;
  readonly #asker: BlockAsker;
  #node: NodeInfo | undefined;
  #isFar = false;
  #isNear = false;
  #have: Bitfield | undefined;
  #cameWhole = false;
  #given: GivenPieces | undefined;
  #openedAtMs = -Infinity;

  constructor(deps: PieceClientDeps) {
    this.#deps = deps;
    this.address = deps.address;
    this.name = formatPeerAddress(deps.address);
    const { address, infoHash, peerId, self, now, receiveBuffer, passage, owner } = deps;
    this.#connection = new DialledNode({
      ...{ address, infoHash, peerId, self, now, receiveBuffer, passage },
      isTwin: (id) => deps.isTwin(this, id),
      handler: {
        onConnect: (roundTripMs) => this.#asker.connected(roundTripMs),
        onNode: (node) => this.#onNode(node),
        onMessage: (message) => this.#onMessage(message),
        onBlockStart: (block) => this.#asker.startBlock(block),
        onBlockEnd: (block) => this.#asker.endBlock(block),
        onBlockBytes: (length) => this.#asker.came(length),
        onClosed: (reason) => owner.onClosed(this, this.#asker.assignments, reason),
        onFault: (error) => owner.onFault(this, error),
      },
    });
    this.#asker = new BlockAsker({
      ...{ connection: this.#connection, passage, now },
      assign: () => owner.assign(this),
      onPiece: (assignment) => owner.onPiece(this, assignment),
      onBegun: (index) => owner.onBegun(this, index),
    });
  }

  get kind(): SourceKind {
    return this.#node?.dedicatedSeeder ? "seeders" : "peers";
  }

  /** Id of the node, in hex, while it is connected and has said that. */
  get peerId(): string | undefined {
    return this.#connection.isClosed ? undefined : this.#connection.peerId;
  }

  /** Handshakes are done. */
  get isOpen(): boolean {
    return this.#have !== undefined && !this.#connection.isClosed;
  }

  /**
   * It came with all pieces; in a growing swarm the seeder counts as such, and it alone: its link is
   * what all wait for. Who became whole meanwhile is one of many, and asked like others.
   */
  get whole(): boolean {
    return this.#deps.isGrowing ? this.hasAll : this.#cameWhole;
  }

  /** It has all pieces, or will be the first one who has. */
  get hasAll(): boolean {
    if (!this.#have) return false;
    return this.#deps.isGrowing ? this.kind === "seeders" : this.#have.isFull;
  }

  get isFar(): boolean {
    return this.#isFar;
  }

  get isNear(): boolean {
    return this.#isNear;
  }

  get have(): Bitfield | undefined {
    return this.#have;
  }

  get given(): GivenPieces | undefined {
    return this.#given;
  }

  get stalled(): boolean {
    return this.#asker.isStalled || (this.#deps.isDoubtful && !this.hasGiven);
  }

  get rate(): number {
    return this.#asker.rate;
  }

  get gaveAtMs(): number {
    return this.#asker.gaveAtMs;
  }

  /** Bytes that it gave, of blocks that are whole or not. */
  get bytesGiven(): number {
    return this.#connection.blockBytes;
  }

  /** What it said of itself when it would not serve us, for it serves others. */
  get refusal(): NodeInfo | undefined {
    return this.#connection.refusal;
  }

  /** It was connected and is asked for nothing. */
  get owedNothing(): boolean {
    return this.#have !== undefined && !this.#asker.isStalled && !this.isBusy;
  }

  get verdict(): PeerVerdict | undefined {
    return this.#connection.verdict;
  }

  /** Whether it ever gave a block. */
  get hasGiven(): boolean {
    return this.#asker.hasGiven;
  }

  /** It gives faster than our limits let it. */
  get isHeldBack(): boolean {
    return this.#deps.passage.isWaiting;
  }

  /** It was asked for bytes that have not come yet. */
  get isBusy(): boolean {
    return this.#asker.isBusy;
  }

  /** Whether it has given nothing for a while, because it owes it or has nothing that we want. */
  isUseless(nowMs: number): boolean {
    if (!this.isOpen || this.#asker.isStalled) return this.#asker.isStalled;
    const usedAtMs = Math.max(this.#openedAtMs, this.gaveAtMs);
    return !this.isBusy && nowMs - usedAtMs >= stallBoundMs;
  }

  has(index: number): boolean {
    return (this.#have?.has(index) ?? false) && this.#asker.mayAssign(index);
  }

  bytesUntil(index: number): number {
    return this.#asker.bytesUntil(index);
  }

  waitedMs(index: number): number | undefined {
    return this.#asker.waitedMs(index);
  }

  fill(): void {
    this.#asker.fill();
  }

  cancel(index: number): Buffer | undefined {
    return this.#asker.cancel(index);
  }

  /** Looks for lapsed bounds. */
  tick(nowMs: number): void {
    if (!this.isOpen) {
      if (this.#connection.isOverdue(nowMs)) this.close("no handshake in time");
      return;
    }
    this.#asker.tick(nowMs);
    this.#given?.tick(nowMs);
    if (this.#asker.silentMs(nowMs) > silenceBoundMs) this.close("silent for too long");
  }

  close(reason: string): void {
    this.#connection.close(reason);
  }

  #onMessage(message: WireMessage): void {
    switch (message.type) {
      case "bitfield":
        if (this.#have) throw new InvalidArgumentError("Cannot read bitfield: it came twice");
        this.#open(Bitfield.parse(message.bytes, this.#deps.layout.pieceCount));
        break;
      case "have":
        this.#onHave(message.index);
        break;
      case "extended":
        if (message.id === intentMessageId) this.#onIntent(message.payload);
        break;
      case "unchoke":
        this.#asker.unchoke();
        break;
      case "choke":
        this.#asker.choke();
        break;
      default:
        break;
    }
  }

  #onNode(node: NodeInfo): void {
    this.#node = node;
    const { place } = this.#deps.self;
    this.#isFar = isFar(place, node.place);
    this.#isNear = !this.#isFar && isKnown(place) && isKnown(node.place);
    this.#asker.limitBlocks(Math.min(blockLengthBulk, node.blockLengthMax));
    if (node.whole) this.#open(Bitfield.full(this.#deps.layout.pieceCount));
  }

  #open(have: Bitfield): void {
    this.#have = have;
    this.#cameWhole = have.isFull;
    this.#openedAtMs = this.#deps.now();
    this.#deps.owner.onOpen(this);
    this.fill();
  }

  #onHave(index: number): void {
    if (!this.#have || index >= this.#deps.layout.pieceCount) {
      throw new InvalidArgumentError(`Cannot note piece ${index}`);
    }
    if (this.#have.add(index)) this.#deps.owner.onHave(this, index);
  }

  #onIntent(payload: Uint8Array): void {
    const { index, isComing } = parseIntent(payload);
    if (index >= this.#deps.layout.pieceCount) {
      throw new InvalidArgumentError(`Cannot note piece ${index}`);
    }
    if (!this.#have?.has(index)) this.#deps.owner.onIntent(this, index, isComing);
    else if (isComing && this.whole) this.#noteGiven(index);
  }

  /** Of what it has itself it can but say that others get it: they may be asked soon. */
  #noteGiven(index: number): void {
    this.#given ??= new GivenPieces(this.#deps.layout.pieceCount);
    this.#given.add(index, this.#deps.now());
  }
}
