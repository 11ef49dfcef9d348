import type { Environment } from "../core/config/environment-overrides.ts";
import { notifySystemd } from "./notify-systemd.ts";

/** Shortest time between two signs of life: each starts a program. */
const intervalMinMs = 1000;

/** Signs of life in the time after which a service counts as hung: some may be lost with a busy disk. */
const beatsPerTimeout = 6;

/**
 * Gives systemd signs of life, six in the time after which it takes the service for hung, when
 * its unit sets one (`WatchdogSec`). They come from the thread that answers all that is asked, so
 * that none is given while it hangs. Dispose of it to end them.
 *
 * @see sd_watchdog_enabled(3)
 */
export function watchBySystemd(environment: Environment): Disposable {
  const timeoutMs = Number(environment["WATCHDOG_USEC"] ?? 0) / 1000;
  if (!(timeoutMs > 0)) return { [Symbol.dispose]: () => undefined };
  const beat = (): void => void notifySystemd("alive", environment);
  const timer = setInterval(beat, Math.max(intervalMinMs, timeoutMs / beatsPerTimeout));
  beat();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
