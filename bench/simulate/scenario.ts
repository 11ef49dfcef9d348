/** A crowd that is simulated. Sizes in bytes, rates in bytes per second. */
export interface Scenario {
  /** Hosts that want all blobs at once. */
  readonly hostCount: number;
  readonly blobSizes: readonly number[];
  readonly bytesPerSecond: number;
  /** Seeders that hold all blobs, but in a cold crowd. */
  readonly seederCount: number;
  readonly trackerCount: number;
  /** One way within a zone. */
  readonly latencyMs: number;
  /** Part of the hosts whose link is that much slower; their times do not count. */
  readonly slow?: { readonly part: number; readonly factor: number };
  /**
   * Part of the hosts that vanish, without a word and at any time; as many come new meanwhile, whose time
   * begins with them. Times of those who vanish do not count.
   */
  readonly churnPart?: number;
  /** Nobody has any blob: each is fetched by one seeder, all of them over one link of this rate. */
  readonly coldBytesPerSecond?: number;
  /**
   * Zones, between which a border lets so much through, each way, and messages need longer. Hosts are
   * in all of them alike, seeders in the first.
   */
  readonly zones?: {
    readonly count: number;
    readonly latencyMs: number;
    readonly borderBytesPerSecond: number;
  };
  /** On each host somebody reads each blob from its start, as an image's unpacking does. */
  readonly hasReaders?: boolean;
  readonly seed: number;
}
