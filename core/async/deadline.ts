/** A signal of one's own that must be let go of. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal;
  /** Aborts the signal now. */
  abort(reason?: unknown): void;
}

/** A timer that is later than this tells that the process did not run meanwhile. */
const lateMs = 50;

/**
 * Derives a signal that follows `parent` and is aborted with a `TimeoutError` after
 * `timeoutMs`, if given. Disposing of it takes its listener away from the parent,
 * which may live for months.
 *
 * Time in which the process did not run is given back, once and up to `timeoutMs`: what is waited
 * for may lie in a socket that nobody has read, and the others are not slow because we were.
 */
export function createDeadline(parent: AbortSignal, timeoutMs?: number): Deadline {
  const controller = new AbortController();
  const follow = () => controller.abort(parent.reason);
  const expire = () =>
    controller.abort(new DOMException("The operation timed out", "TimeoutError"));
  const endMs = performance.now() + (timeoutMs ?? Infinity);
  const look = () => {
    const lostMs = performance.now() - endMs;
    if (lostMs > lateMs) timer = setTimeout(expire, Math.min(lostMs, timeoutMs ?? 0));
    else expire();
  };
  let timer = timeoutMs === undefined ? undefined : setTimeout(look, timeoutMs);
  if (parent.aborted) follow();
  else parent.addEventListener("abort", follow, { once: true });
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    [Symbol.dispose]() {
      clearTimeout(timer);
      parent.removeEventListener("abort", follow);
    },
  };
}

/** Waits for `promise`, or rejects with the signal's reason. The promise itself goes on. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason as Error);
      promise.catch(() => undefined);
      return;
    }
    const onAbort = () => reject(signal.reason as Error);
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(
      (value) => {
        signal.removeEventListener("abort", onAbort);
        resolve(value);
      },
      (error: unknown) => {
        signal.removeEventListener("abort", onAbort);
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- passed on as it came
        reject(error);
      },
    );
  });
}
