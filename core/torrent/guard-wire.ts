import type { Wire } from "webtorrent";

import { type PieceLayout, pieceLengthAt } from "../piece-layout.ts";

/** Bytes of one message at most: a block has 16 KiB, a bitfield 1 KiB, and some may wait. */
const messageLengthMax = 1024 * 1024;

/** Bytes that a stock client may have asked for and not taken: 500 blocks, as libtorrent asks for. */
const waitingBytesMax = 8 * 1024 * 1024;

/** Events that tell of a message that came whole. */
const messageEvents = new Set<string | symbol>([
  ...["handshake", "choke", "unchoke", "interested", "uninterested", "keep-alive", "port"],
  ...["have", "bitfield", "request", "piece", "cancel", "extended", "unknownmessage"],
  ...["have-all", "have-none", "suggest", "reject", "allowed-fast"],
]);

/** What a wire is guarded with. */
export interface WireGuard {
  readonly layout: PieceLayout;
  /** Bytes that the peer has taken so far. */
  readonly bytesTaken: () => number;
}

/**
 * Stands between webtorrent and a peer that means harm: webtorrent counts pieces of any index,
 * which takes the memory of 2^31 of them, reads blocks of any length, even a negative one, for
 * any number of requests, and collects messages of any length. Who sends such things is hung up
 * on before webtorrent is told.
 */
export function guardWire(wire: Wire, { layout, bytesTaken }: WireGuard): void {
  const emit = wire.emit.bind(wire);
  const write = wire.write.bind(wire);
  let unread = 0;
  let requested = 0;
  wire.write = (bytes) => {
    unread += bytes.byteLength;
    if (unread > messageLengthMax) wire.destroy();
    return unread <= messageLengthMax && write(bytes);
  };
  wire.emit = (event, ...values: unknown[]) => {
    if (messageEvents.has(event)) unread = 0;
    const [index, begin, length] = values.map(Number);
    let isGood = true;
    if (event === "have") isGood = isBelow(index, layout.pieceCount);
    if (event === "request") {
      requested += length ?? 0;
      const isTooMuch = requested - bytesTaken() > waitingBytesMax;
      isGood = isBlockOf(layout, { index, begin, length }) && !isTooMuch;
    }
    if (isGood) return emit(event, ...values);
    wire.destroy();
    return false;
  };
}

function isBlockOf(
  layout: PieceLayout,
  block: Readonly<Record<"index" | "begin" | "length", number | undefined>>,
): boolean {
  const { index = -1, begin = -1, length = 0 } = block;
  return (
    isBelow(index, layout.pieceCount) &&
    isBelow(begin, pieceLengthAt(layout, index)) &&
    length > 0 &&
    begin + length <= pieceLengthAt(layout, index)
  );
}

/** webtorrent reads the numbers of messages with their signs. */
function isBelow(value: number | undefined, end: number): boolean {
  return value !== undefined && value >= 0 && value < end;
}
