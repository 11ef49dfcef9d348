/** Longest block that we ask for and answer, in bytes: larger ones gain nothing measurable. */
export const blockLengthBulk = 256 * 1024;

/** Longest message that is not a block, in bytes: a bitfield of 8,192 pieces has 1,025. */
export const messageLengthMax = 8192;

/** A peer that owes bytes and gives none for this long has its pieces given to others. */
export const stallBoundMs = 1500;

/** A peer that stays silent for this long is hung up on. */
export const silenceBoundMs = 6000;

/** Time for a connection to come up. */
export const connectTimeoutMs = 2000;

/** Time for both handshakes, after the connection is up. */
export const handshakeTimeoutMs = 2000;

/** How often the engine looks for stalls, late pieces and peers to dial, while it downloads. */
export const tickMs = 250;
