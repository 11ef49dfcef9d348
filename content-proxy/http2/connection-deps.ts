import type { Duplex } from "node:stream";

import type { HeaderBlock } from "./header-assembler.ts";

/** What a connection works with, and whom it tells of what it gets. */
export interface ConnectionDeps {
  readonly isServer: boolean;
  readonly socket: Duplex;
  /** What the peer sends before its first frame. */
  readonly preface: Buffer;
  /** Flow-control window of each stream, and of all together. */
  readonly streamWindowBytes: number;
  readonly connectionWindowBytes: number;
  /** Further settings to announce. */
  readonly settings: readonly (readonly [id: number, value: number])[];
  /** Takes each header block, also those for streams that are gone. */
  readonly headers: (headers: HeaderBlock) => void;
  /** Whether the peer may have opened a stream of that number. */
  readonly isIdle: (streamId: number) => boolean;
  /** Last stream of the peer's that we dealt with. */
  readonly lastStreamId: () => number;
  /** The peer opens no more streams and wants none opened. */
  readonly goaway: () => void;
  /** A stream is over. */
  readonly forgotten: () => void;
  /** The connection is over, and all its streams with it. With an error if by somebody's fault. */
  readonly closed: (error: Error | undefined) => void;
}
