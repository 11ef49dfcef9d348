import type { Credential } from "../core/credential.ts";
import type { Digest } from "../core/digest.ts";
import type { BlobArrivals, BlobReader, BlobRecord } from "../core/ports/blob-store.ts";
import type { Logger } from "../core/ports/logger.ts";
import type { BytesReceived, Swarm } from "../core/ports/swarm.ts";
import type { LastResort } from "./last-resort.ts";
import type { TorrentChoiceDeps } from "./torrent-choice.ts";

/** What an arrival works with. */
export interface ArrivalDeps extends TorrentChoiceDeps {
  readonly store: BlobArrivals & Pick<BlobReader, "metainfo" | "find">;
  readonly swarm: Pick<Swarm, "download">;
  /** Where promised blobs come from that nobody gives; `undefined`: they wait. */
  readonly lastResort?: Pick<LastResort, "read" | "describe"> | undefined;
  readonly logger: Logger;
  /** Whether blobs may be relied on before they are whole that no seeder vouches for. */
  readonly trustPeers: boolean;
  /** Told once the blob is whole and in its place, before the download's peers are let go. */
  readonly onWhole: (record: BlobRecord) => void;
  /** Told what a download received, when it has ended. */
  readonly onReceived: (received: BytesReceived) => void;
}

/** A blob that is to arrive. */
export interface WantedArrival {
  readonly digest: Digest;
  readonly size: number;
  /** containerd relies on it. */
  readonly promised: boolean;
  readonly authorization?: Credential | undefined;
  /** Nobody waits for it yet. */
  readonly isAhead?: boolean;
  /** What must be over before: an earlier arrival of the same blob works on the same file. */
  readonly after?: Promise<void> | undefined;
}
