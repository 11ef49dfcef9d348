import { UnavailableError } from "../errors.ts";
import type { ArrivingTorrent } from "./arriving-torrent.ts";
import type { PieceSource } from "./assignment.ts";
import { OriginNeed } from "./origin-need.ts";
import { WebSeedNeed } from "./web-seed-need.ts";

/** Slowest link on which a piece is waited for, in bytes per second. */
const rateMin = 64 * 1024;

export interface SupplyWatchDeps {
  readonly torrent: ArrivingTorrent;
  /** A download from which nothing came for this long goes to its last resort, and then fails. */
  readonly stallBoundMs: number;
  readonly hasOrigin: boolean;
  readonly knowsPeers: boolean;
  readonly nowMs: number;
}

/**
 * Part of the stall bound for which a node is patient that is to get pieces by others, of a growing
 * swarm or from another zone: when it is connected, gets nothing, and hears of no piece that came
 * to another, or when a reader waits for one piece. Only then it takes from who serves all, or from
 * afar, what is on its way to others, too: on slow links, with many blobs at once, a piece takes
 * seconds to get to its first node.
 */
const patientPart = 1 / 2;

/**
 * Milliseconds in which the first pieces of a crowd are to come to a node that a seeder has no place for,
 * from those who have one: who went to the seeder's HTTP instead would take the same link.
 */
const inLineMs = 1500;

/** How a download is supplied at a moment. */
export interface Supply {
  readonly nowMs: number;
  /** Peers that are giving. */
  readonly suppliers: number;
  /** Peers that are connected. */
  readonly connected: number;
  /** A piece is missing that may be fetched; and one is being fetched. */
  readonly isWanting: boolean;
  readonly isFetching: boolean;
  /** The piece for which a reader waits. */
  readonly waitingAt: number | undefined;
  /** Far peers are connected, and spared: what is missing comes by near ones. */
  readonly isSparing?: boolean;
  /** Nodes that download as we do are connected, and one that has pieces serves others first. */
  readonly isInLine?: boolean;
  /** When anybody but the origin last gave a byte. */
  readonly swarmGaveAtMs: number;
}

/** Watches how one download is supplied, and decides whom else to ask and when to give up. */
export class SupplyWatch {
  readonly webSeedNeed: WebSeedNeed;
  readonly originNeed: OriginNeed;
  readonly #deps: SupplyWatchDeps;
  #progressAtMs: number;
  #fedAtMs: number;
  #isStarving = false;
  #inLineSinceMs: number | undefined;

  constructor(deps: SupplyWatchDeps) {
    const { nowMs, knowsPeers, stallBoundMs, torrent } = deps;
    this.#deps = deps;
    this.#progressAtMs = nowMs;
    this.#fedAtMs = nowMs;
    this.webSeedNeed = new WebSeedNeed({
      ...{ nowMs, knowsPeers },
      ...(torrent.pieceHashes ? {} : { patienceMs: stallBoundMs * patientPart }),
    });
    this.originNeed = new OriginNeed({ silenceMs: stallBoundMs });
  }

  /**
   * Nothing is being fetched, for long, of what is missing. Only told where others are to fetch it
   * first: of growing torrents, and while far peers are spared.
   */
  get isStarving(): boolean {
    return this.#isStarving;
  }

  /** Sources may be asked from now on: time before that counts for nothing. */
  start(nowMs: number): void {
    this.#progressAtMs = nowMs;
  }

  /** A peer told of a piece that came to it. */
  heard(nowMs: number): void {
    this.#fedAtMs = nowMs;
  }

  /** A right piece came. One from afar does not end it that near nodes do not give. */
  pieceCame({ kind, isFar }: Pick<PieceSource, "kind" | "isFar">, nowMs: number): void {
    this.#progressAtMs = nowMs;
    if (kind !== "origin") this.originNeed.swarmGave();
    if (kind === "peers" && !isFar) this.#isStarving = false;
  }

  /** Looks at the supply. Gives why the download has failed; `undefined` while it has not. */
  update(supply: Supply): UnavailableError | undefined {
    const { torrent, stallBoundMs, hasOrigin } = this.#deps;
    const { nowMs, swarmGaveAtMs } = supply;
    const isGrowing = torrent.pieceHashes === undefined;
    const isLeftToOthers = isGrowing || isForOthers(supply);
    if (!isLeftToOthers) this.#eatsByItself(supply);
    const isPatient = isLeftToOthers && this.#isPatient(supply);
    const isSupplied = isPatient || supply.suppliers > 0 || this.#isInLine(supply);
    this.webSeedNeed.update({ ...supply, isSupplied });
    const silentMs = nowMs - this.#progressAtMs;
    const pieceMs = (torrent.layout.pieceLength / rateMin) * 1000;
    const isLate = silentMs > Math.max(stallBoundMs, pieceMs);
    const bytesMs = nowMs - Math.max(this.#progressAtMs, swarmGaveAtMs);
    // An origin that nobody checks is none: without hashes of missing pieces it is not asked.
    const isOriginOfUse = hasOrigin && (!isGrowing || supply.isWanting);
    if (isOriginOfUse && this.originNeed.update({ bytesMs, isLate })) {
      // The origin has its own time.
      this.#progressAtMs = nowMs;
      return undefined;
    }
    if (!isLate) return undefined;
    const what = isGrowing && !supply.isWanting ? "hash" : "piece";
    const late = `no ${what} came for ${Math.round(silentMs)} ms`;
    return new UnavailableError(`Cannot get blob ${torrent.digest}: ${late}`);
  }

  #isInLine({ nowMs, isInLine = false }: Supply): boolean {
    if (!isInLine || this.webSeedNeed.isNeeded) return false;
    this.#inLineSinceMs ??= nowMs;
    return nowMs - this.#inLineSinceMs < inLineMs;
  }

  /** Nothing is left to others: what was missed while it was does not count. */
  #eatsByItself({ nowMs, isSparing = false }: Supply): void {
    this.#fedAtMs = nowMs;
    if (!isSparing) this.#isStarving = false;
  }

  /** Whether a download that gets nothing has no reason to ask others. */
  #isPatient({ nowMs, isWanting, isFetching, connected }: Supply): boolean {
    if (!isWanting || isFetching) this.#fedAtMs = nowMs;
    if (!isWanting) this.#isStarving = false;
    else if (nowMs - this.#fedAtMs >= this.#deps.stallBoundMs * patientPart) {
      this.#isStarving = true;
    }
    return !isWanting || (connected > 0 && !this.#isStarving);
  }
}

/** Whether pieces come by near nodes, and not from peers that owe them and do not give. */
function isForOthers({ isSparing = false, isFetching, suppliers }: Supply): boolean {
  return isSparing && (suppliers > 0 || !isFetching);
}
