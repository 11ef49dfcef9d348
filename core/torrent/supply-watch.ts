import { UnavailableError } from "../errors.ts";
import type { Metainfo } from "../metainfo.ts";
import type { SourceKind } from "./assignment.ts";
import { OriginNeed } from "./origin-need.ts";
import { WebSeedNeed } from "./web-seed-need.ts";

/** Slowest link on which a piece is waited for, in bytes per second. */
const rateMin = 64 * 1024;

export interface SupplyWatchDeps {
  readonly metainfo: Metainfo;
  /** A download from which nothing came for this long goes to its last resort, and then fails. */
  readonly stallBoundMs: number;
  readonly hasOrigin: boolean;
  readonly knowsPeers: boolean;
  readonly nowMs: number;
}

/** How a download is supplied at a moment. */
export interface Supply {
  readonly nowMs: number;
  /** Peers that are giving. */
  readonly suppliers: number;
  /** The piece for which a reader waits. */
  readonly waitingAt: number | undefined;
  /** When anybody but the origin last gave a byte. */
  readonly swarmGaveAtMs: number;
}

/** Watches how one download is supplied, and decides whom else to ask and when to give up. */
export class SupplyWatch {
  readonly webSeedNeed: WebSeedNeed;
  readonly originNeed: OriginNeed;
  readonly #deps: SupplyWatchDeps;
  #progressAtMs: number;

  constructor(deps: SupplyWatchDeps) {
    const { nowMs, knowsPeers, stallBoundMs } = deps;
    this.#deps = deps;
    this.#progressAtMs = nowMs;
    this.webSeedNeed = new WebSeedNeed({ nowMs, knowsPeers });
    this.originNeed = new OriginNeed({ silenceMs: stallBoundMs });
  }

  /** Sources may be asked from now on: time before that counts for nothing. */
  start(nowMs: number): void {
    this.#progressAtMs = nowMs;
  }

  /** A right piece came. */
  pieceCame(from: SourceKind, nowMs: number): void {
    this.#progressAtMs = nowMs;
    if (from !== "origin") this.originNeed.swarmGave();
  }

  /** Looks at the supply. Gives why the download has failed; `undefined` while it has not. */
  update(supply: Supply): UnavailableError | undefined {
    const { metainfo, stallBoundMs, hasOrigin } = this.#deps;
    const { nowMs, swarmGaveAtMs } = supply;
    this.webSeedNeed.update(supply);
    const silentMs = nowMs - this.#progressAtMs;
    const pieceMs = (metainfo.layout.pieceLength / rateMin) * 1000;
    const isLate = silentMs > Math.max(stallBoundMs, pieceMs);
    const bytesMs = nowMs - Math.max(this.#progressAtMs, swarmGaveAtMs);
    if (hasOrigin && this.originNeed.update({ bytesMs, isLate })) {
      // The origin has its own time.
      this.#progressAtMs = nowMs;
      return undefined;
    }
    if (!isLate) return undefined;
    const late = `no piece came for ${Math.round(silentMs)} ms`;
    return new UnavailableError(`Cannot get blob ${metainfo.digest}: ${late}`);
  }
}
