import type { Passage } from "../limits/passage.ts";
import { type IpFamily, ipFamilyOf, parseIp } from "../ip-address.ts";
import { type PeerAddress, normalizePeerAddress } from "../peer-address.ts";
import { type Place, isFar } from "../topology.ts";
import type { ArrivingTorrent } from "./arriving-torrent.ts";
import type { DialSlots } from "./dial-slots.ts";
import type { NodeInfo } from "./extended-handshake.ts";
import { mayGiveWay } from "./give-way.ts";
import { HostCounts } from "./host-counts.ts";
import { PeerBook } from "./peer-book.ts";
import { PieceClient, type PieceClientOwner } from "./piece-client.ts";
import { takeSpread } from "./take-spread.ts";

/** Peers that are left at once for others that may be dialled, while nobody gives. */
const leftAtOnceMax = 8;

/** Time that those who were dialled in their place have to show what they are good for. */
const leaveIntervalMs = 1500;

/**
 * Bytes per second that near peers give together, at least, for the border of a zone to be
 * spared: slower ones would cost the nodes of the zone more than the border gains.
 */
const nearRateMin = 1024 * 1024;

/**
 * Bytes per second that peers give together, at least, for a download to be supplied by them. On the
 * slowest link that a crowd is served over each has more from the start; who gives less does so on purpose, or
 * is of as little use.
 */
const supplyRateMin = 16 * 1024;

/**
 * Addresses of a host that are noted because it came to us, and were never dialled: beyond what nodes have
 * behind one address they are made up, and would leave no room for others.
 */
const metOfHostMax = 16;

/** The same of an IPv6 network of 64 bits, which may be all one host's: half of what is remembered. */
const metOfNetworkMax = 250;

export interface DownloadPeersDeps {
  readonly torrent: ArrivingTorrent;
  /** Peers that are asked at once. */
  readonly peersPerBlobMax: number;
  /** Shared by all downloads. */
  readonly dialSlots: DialSlots;
  /** Nobody waits for the blob. */
  readonly isAhead: () => boolean;
  readonly random: () => number;
  readonly peerId: Uint8Array;
  readonly self: NodeInfo;
  readonly receiveBuffer: Buffer;
  /** A way through the limits that hold for what a peer gives. */
  readonly openPassage: () => Passage;
  readonly now: () => number;
  /** A node serves as many others as it may. */
  readonly onRefused?: () => void;
  /** Is told what comes over the connections. */
  readonly owner: PieceClientOwner;
}

/** The nodes that one download asks for pieces: those it knows of and those it is connected with. */
export class DownloadPeers {
  readonly #deps: DownloadPeersDeps;
  readonly #book = new PeerBook();
  readonly #clients = new Set<PieceClient>();
  /** Those that had not every piece when they came. */
  readonly #partial = new Set<PieceClient>();
  /** Those that gave a piece that was right. */
  readonly #right = new Set<PieceClient>();
  #lastLeftAtMs = -Infinity;
  #isCrowdedOut = false;
  #isInLine = false;

  constructor(deps: DownloadPeersDeps) {
    this.#deps = deps;
  }

  /** Connections, also those that are not up yet. */
  get clients(): ReadonlySet<PieceClient> {
    return this.#clients;
  }

  /** Peers that are connected. */
  get openCount(): number {
    return this.#countOpen(() => true);
  }

  /** Those of them that have the whole blob. */
  get wholeCount(): number {
    return this.#countOpen((client) => client.hasAll);
  }

  /** Those of them that owe nothing they do not give; none where all together give next to nothing. */
  get supplierCount(): number {
    let count = 0;
    let rate = 0;
    for (const client of this.#clients) {
      if (!client.isOpen || client.stalled || !client.isBusy) continue;
      count++;
      // Of a new one nothing is known, and all is to be hoped; what our limits hold up says nothing of it.
      rate += client.rate === 0 || client.isHeldBack ? supplyRateMin : client.rate;
    }
    return rate < supplyRateMin ? 0 : count;
  }

  /** Whether nodes that download as we do are connected. */
  get isCrowd(): boolean {
    for (const client of this.#partial) if (!client.hasAll) return true;
    return false;
  }

  /** Whether somebody who has all served others first, and nodes that download as we do are here. */
  get isInLine(): boolean {
    return this.#isInLine && this.isCrowd;
  }

  /** Whether any is connected from which the border of a zone parts us. */
  get hasFar(): boolean {
    return this.#countOpen((client) => client.isFar) > 0;
  }

  /** Somebody was not dialled, for other downloads have all places there are. */
  get isCrowdedOut(): boolean {
    return this.#isCrowdedOut;
  }

  /** Nobody is connected for that reason. */
  get isWaiting(): boolean {
    return this.#isCrowdedOut && this.#clients.size === 0;
  }

  /** Whether near peers owe bytes, and give too little for their zone to wait for them. */
  get isNearSlow(): boolean {
    let rate = 0;
    for (const client of this.#clients) {
      if (client.isOpen && !client.isFar && client.isBusy && !client.stalled) rate += client.rate;
    }
    return rate > 0 && rate < nearRateMin;
  }

  add(addresses: readonly PeerAddress[]): void {
    this.#book.add(addresses);
  }

  /**
   * Adds a node that wants the blob as we do and came to us. When we have as many peers as we may
   * it takes the place of one, with such a chance that in the end all that we know of are as likely
   * to be among ours: else all would ask who came first, and nobody who came last. One that is
   * far replaces none, nor does a host a second time, which could claim to be anybody: they are dialled
   * in their turn. Who has all is kept, and half of the places for others than one IPv6 network.
   *
   * @returns whether to {@link dial} it, and nobody else: in a large crowd hundreds come in the same
   *   moment, and those who had no place a moment ago have none now.
   */
  meet(comer: PeerAddress, place: Place | undefined): boolean {
    const { peersPerBlobMax, self, random } = this.#deps;
    const address = normalizePeerAddress(comer);
    const met = new HostCounts(this.#book.untried());
    if (met.ofHost(address) >= metOfHostMax || met.ofNetwork(address) >= metOfNetworkMax)
      return false;
    const isClaim = isFar(self.place, place) || this.#book.knowsHost(address);
    if (this.#book.add([address]) === 0 || isClaim) return false;
    if (this.#clients.size >= peersPerBlobMax) {
      if (random() * this.#book.usable >= peersPerBlobMax) return false;
      const all = mayGiveWay(this.#clients, { comer: address, peersMax: peersPerBlobMax });
      const others = all.filter((client) => isReplaceable(client));
      const other = others[Math.floor(random() * others.length)];
      if (!other) return false;
      other.close("another node takes its place");
    }
    this.#book.prefer(address);
    return true;
  }

  /** Dials whom it may, `countMax` of them at most. */
  dial(countMax = Infinity): void {
    const { owner, now, torrent, peerId, self, receiveBuffer, openPassage } = this.#deps;
    const { peersPerBlobMax } = this.#deps;
    const { infoHash, layout } = torrent;
    const isGrowing = torrent.pieceHashes === undefined;
    // Who waits for a blob to grow is idle for a reason.
    if (!isGrowing) this.#makeRoom(now());
    const room = peersPerBlobMax - this.#clients.size;
    for (const address of this.#take(Math.min(countMax, room))) {
      this.#clients.add(
        new PieceClient({
          ...{ address, infoHash, layout, isGrowing, peerId, self, now, receiveBuffer, owner },
          isDoubtful: this.#book.isDoubtful(address),
          passage: openPassage(),
          isTwin: (client, id) => this.#isTwin(client, id),
        }),
      );
    }
  }

  /** Notes that a peer which has said its pieces has not all of them. */
  addPartial(client: PieceClient): void {
    this.#partial.add(client);
  }

  /** Whether a peer is one of {@link addPartial}. */
  isPartial(client: PieceClient): boolean {
    return this.#partial.has(client);
  }

  /** A connection has ended. Gives whether its peer was one of {@link addPartial}. */
  left(client: PieceClient): boolean {
    if (this.#clients.delete(client)) this.#deps.dialSlots.giveBack(client.address);
    const { address, hasGiven: gave, refusal, owedNothing, verdict } = client;
    this.#isInLine ||= refusal?.whole === true || refusal?.dedicatedSeeder === true;
    if (refusal) this.#deps.onRefused?.();
    this.#book.left(address, {
      ...{ nowMs: this.#deps.now(), gave, gaveRight: this.#right.delete(client) },
      ...{ isRefused: refusal !== undefined, owedNothing, verdict },
    });
    return this.#partial.delete(client);
  }

  /** A connected peer gave a piece that was right. */
  gaveRight(client: PieceClient): void {
    this.#right.add(client);
  }

  /** A peer gave a wrong piece. Gives true when it is banned by that. */
  blame(client: PieceClient): boolean {
    return this.#book.blame(client.address);
  }

  #take(count: number): PeerAddress[] {
    const { dialSlots, now, isAhead, peersPerBlobMax } = this.#deps;
    let held = this.#clients.size;
    this.#isCrowdedOut = false;
    const mayDial = (address: PeerAddress) => {
      if (!dialSlots.take(address, { held, isAhead: isAhead() })) {
        this.#isCrowdedOut = true;
        return false;
      }
      held++;
      return true;
    };
    return takeSpread(this.#book, count, {
      ...{ nowMs: now(), peersMax: peersPerBlobMax, mayDial },
      connected: () => [...this.#clients].map(({ address }) => address),
    });
  }

  /**
   * Hangs up on some that are of no use when there is no room for others: peers that claim what
   * they do not give, or have nothing, must not keep us from good ones. Those that owe us come last.
   */
  #makeRoom(nowMs: number): void {
    const isFull = this.#isCrowdedOut || this.#clients.size >= this.#deps.peersPerBlobMax;
    if (!isFull) return;
    if (this.supplierCount > 0 || nowMs - this.#lastLeftAtMs < leaveIntervalMs) return;
    const useless = [...this.#clients].filter((client) => client.isUseless(nowMs));
    const order = [...useless.filter(isIdle), ...useless.filter((client) => !isIdle(client))];
    const others = Math.min(leftAtOnceMax, this.#book.dueCount(nowMs));
    for (const client of order.slice(0, others)) {
      this.#lastLeftAtMs = nowMs;
      client.close("it is of no use");
    }
  }

  /**
   * A node with addresses of both families is asked by one of them. By the same family nodes
   * have one address: who claims the id of another there does not keep that one away.
   */
  #isTwin({ address }: PieceClient, peerId: string): boolean {
    for (const client of this.#clients) {
      // A way that takes handshakes and no blocks must not keep the other one shut.
      if (client.peerId !== peerId || client.stalled) continue;
      if (familyOf(client.address) !== familyOf(address)) return true;
    }
    return false;
  }

  #countOpen(isCounted: (client: PieceClient) => boolean): number {
    let count = 0;
    for (const client of this.#clients) if (client.isOpen && isCounted(client)) count++;
    return count;
  }
}

/** Whether it is one of many. */
function isReplaceable(client: PieceClient): boolean {
  return client.isOpen && !client.isFar && !client.hasAll && client.kind === "peers";
}

function isIdle(client: PieceClient): boolean {
  return !client.isBusy;
}

/** `undefined` for names. */
function familyOf({ host }: PeerAddress): IpFamily | undefined {
  const bytes = parseIp(host);
  return bytes && ipFamilyOf(bytes);
}
