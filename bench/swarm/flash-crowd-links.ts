/** A large layer, not a huge one. */
export const flashCrowdSizeBytes = 200_000_000;

/**
 * Rate of every link of the flash crowd, in each direction: slow enough for two processors to
 * serve seventeen peers, which is seen by `flash-crowd.processors`.
 */
export const flashCrowdBitsPerSecond = 50e6;
