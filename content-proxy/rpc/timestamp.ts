const nsPerSecond = 1_000_000_000n;

/** Renders nanoseconds since the Unix epoch as `google.protobuf.Timestamp`. */
export function timestampOf(timeNs: bigint): { readonly seconds: number; readonly nanos: number } {
  return { seconds: Number(timeNs / nsPerSecond), nanos: Number(timeNs % nsPerSecond) };
}
