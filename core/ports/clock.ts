/** Time, so that tests can move it. */
export interface Clock {
  /**
   * Wall-clock time in nanoseconds since the Unix epoch. Never goes back within
   * a process and has a resolution well below a millisecond: containerd compares
   * the timestamps of a store with its own clock, in nanoseconds.
   */
  now(): bigint;

  /** Milliseconds since some moment, for measuring how long something took. */
  monotonicMs(): number;
}
