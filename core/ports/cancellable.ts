/** What every call that waits takes: the caller's right to stop it. */
export interface Cancellable {
  readonly signal: AbortSignal;
}
