/** A large layer, not a huge one. */
export const flashCrowdSizeBytes = 200_000_000;

export const flashCrowdNodeCount = 16;

/**
 * Rate of every link of the flash crowd, in each direction: slow enough for two processors to
 * serve seventeen peers, which `flash-crowd.processors` tells.
 */
export const flashCrowdBitsPerSecond = 25e6;

/** One that was not done after so many times size ÷ rate is told as such, and not waited for. */
export const flashCrowdPatience = 8;
