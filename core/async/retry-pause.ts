/** First pause and longest pause after failures in a row, in milliseconds. */
const pauseMs = { first: 1000, max: 60_000 } as const;

/**
 * Milliseconds to wait after so many failures in a row: doubled each time, and spread
 * by half to either side so that a thousand nodes do not come back as one.
 */
export function retryPauseMs(
  failures: number,
  random: () => number,
  bounds: { readonly first: number; readonly max: number } = pauseMs,
): number {
  const pause = Math.min(bounds.max, bounds.first * 2 ** Math.min(failures - 1, 16));
  return pause * (0.5 + random());
}
