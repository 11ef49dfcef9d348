/** A large layer, not a huge one. */
export const flashCrowdSizeBytes = 200_000_000;

export const flashCrowdNodeCount = 16;

/**
 * Links of the flash crowd. Their rate, in each direction, is slow enough for two processors to
 * serve seventeen peers, which `flash-crowd.processors` tells. Packets are the large ones of a
 * datacentre's network: on a slow link each packet is a read of its own for who receives it, and
 * with 1500 bytes the same crowd takes some 40 % more processor time. With 50 Mbit/s two
 * processors have nothing to spare.
 */
export const flashCrowdLinks = { bitsPerSecond: 25e6, packetBytesMax: 9000 } as const;

/** One that was not done after so many times size ÷ rate is told as such, and not waited for. */
export const flashCrowdPatience = 8;
