/** Longest wait that a server can ask of us; who wants more is told to come back himself. */
const waitMsMax = 30_000;

/** Waits when a server names none, doubled each time. */
const waitMsDefault = 500;

/**
 * Milliseconds to wait before the next try, from a `Retry-After` header in seconds or as
 * a date; without one it grows with the number of the attempt, from 1.
 *
 * @see RFC 9110 §10.2.3
 */
export function retryAfterMs(header: string | string[] | undefined, attempt: number): number {
  const text = Array.isArray(header) ? header[0] : header;
  const seconds = Number(text);
  const wanted =
    text === undefined
      ? waitMsDefault * 2 ** (attempt - 1)
      : Number.isFinite(seconds)
        ? seconds * 1000
        : Date.parse(text) - Date.now();
  return Math.min(waitMsMax, Math.max(0, Number.isNaN(wanted) ? waitMsDefault : wanted));
}
