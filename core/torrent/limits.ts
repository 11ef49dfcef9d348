/** Longest block that we ask for and answer, in bytes: larger ones gain nothing measurable. */
export const blockLengthBulk = 256 * 1024;

/** What every BitTorrent peer asks for and answers, in bytes. @see BEP 3 */
export const blockLengthMin = 16 * 1024;

/** Longest message that is not a block, in bytes: a bitfield of 8,192 pieces has 1,025. */
export const messageLengthMax = 8192;

/**
 * Nodes that are served at once with a blob that is here whole, or that a seeder is receiving. With
 * more of them each would have its first piece, and others theirs from it, so much later.
 */
export const askersOfWholeMax = 32;

/**
 * Part of the places with a blob that there are besides for nodes beyond the border of a zone, once
 * near ones hold all others: the first of a zone must have the blob for those near them to get it there.
 */
export const farAskersPart = 1 / 8;

/**
 * A blob of fewer pieces is served to everybody: who is refused comes back a quarter of a second later,
 * and has it sooner in line with others.
 */
export const crowdedPiecesMin = 16;

/**
 * Messages that a peer may tell us without a block of its own in between: that it has, is
 * fetching, or gave to others, each of 8,192 pieces, some of them again and again.
 */
export const newsMax = 128 * 1024;

/**
 * Messages that a peer may ask us with while it gets no block: requests for what its window
 * holds, taken back and made anew a few times.
 */
export const questionsMax = 16 * 1024;

/** Messages more that a peer may send for each block that came of earlier ones. */
export const messagesPerBlock = 64;

/** A peer that owes bytes and gives none for this long has its pieces given to others. */
export const stallBoundMs = 1500;

/** A peer that stays silent for this long is hung up on. */
export const silenceBoundMs = 6000;

/** Time for a connection to come up. */
export const connectTimeoutMs = 2000;

/** Time for both handshakes, after the connection is up. */
export const handshakeTimeoutMs = 2000;

/**
 * A connection on which nothing was sent for so long is tried by the kernel, each second, and ended
 * 10 s later: what a node that lost its power said to be fetching must not be waited for.
 */
export const keepAliveMs = 10_000;

/** How often the engine looks for stalls, late pieces and peers to dial, while it downloads. */
export const tickMs = 250;
