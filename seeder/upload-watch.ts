import type { InfoHash } from "../core/info-hash.ts";
import type { Swarm } from "../core/ports/swarm.ts";
import type { KnownBlobs } from "./known-blobs.ts";

/** What {@link UploadWatch} works with. */
export interface UploadWatchDeps {
  readonly swarm: Pick<Swarm, "status">;
  readonly known: Pick<KnownBlobs, "touch">;
}

/** Counts blobs that peers took something of as asked for: most never come by HTTP. */
export class UploadWatch {
  readonly #deps: UploadWatchDeps;
  #seenBytes: ReadonlyMap<InfoHash, number> = new Map();

  constructor(deps: UploadWatchDeps) {
    this.#deps = deps;
  }

  /** Touches what was taken since the last look. */
  look(): void {
    const statuses = this.#deps.swarm.status();
    for (const { digest, infoHash, uploadedBytes } of statuses) {
      if (uploadedBytes > (this.#seenBytes.get(infoHash) ?? 0)) this.#deps.known.touch(digest);
    }
    this.#seenBytes = new Map(
      statuses.map(({ infoHash, uploadedBytes }) => [infoHash, uploadedBytes]),
    );
  }
}
