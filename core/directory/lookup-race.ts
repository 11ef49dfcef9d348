import type { DirectoryEntry } from "../ports/directory.ts";
import type { DirectoryService } from "./directory-service.ts";

/** How long a race goes on. */
export interface LookupBounds {
  /** For services that are up, in milliseconds. */
  readonly timeoutMs: number;
  /**
   * For services that failed the last time, and for a second answer when the first one
   * names neither peers nor web seeds, in milliseconds.
   */
  readonly shortTimeoutMs: number;
  /** For trackers that are silent when another service has answered, in milliseconds. */
  readonly graceMs: number;
}

/** A service in a race. */
export type Racer = Pick<DirectoryService, "kind" | "failing" | "answerMs" | "gaveUp">;

/** Asks one service. */
export type Ask<T extends Racer> = (service: T) => Promise<DirectoryEntry | undefined>;

/** A tracker that is known to be slow has so many times what its last answer took. */
const slownessFactor = 3;

/**
 * Asks all services at once and gives the first answer of a seeder, or the first that names
 * somebody to fetch from when no seeder that is up is still to answer.
 *
 * Other answers are kept for a moment, for another service may know more. A seeder has
 * checked the blob that it speaks of; anybody may have told a tracker. Who
 * failed the last time is asked, but not waited for. Nor is a tracker for long that is silent while
 * others answer, unless it was as slow before: it may be gone, and a pull waits. What is still under way at the end
 * is the caller's to abort.
 */
export async function raceLookups<T extends Racer>(
  services: readonly T[],
  ask: Ask<T>,
  bounds: LookupBounds,
): Promise<DirectoryEntry | undefined> {
  const timers: NodeJS.Timeout[] = [];
  try {
    return await new Promise((resolve, reject) => {
      const pending = new Set(services);
      const trusted = new Set(services.filter((service) => !service.failing));
      let held: DirectoryEntry | undefined;
      const overdue = new Set<T>();
      let hasWaited = false;
      let hasAnswer = false;

      const isAwaited = (service: T): boolean =>
        trusted.has(service) && !(hasAnswer && overdue.has(service));
      const judge = (): void => {
        const isSeederAwaited = [...pending].some(
          (service) => service.kind === "seeder" && trusted.has(service),
        );
        if (held && isVouchedFor(held)) resolve(held);
        else if (held && hasSources(held) && !isSeederAwaited) resolve(held);
        if (pending.size === 0) resolve(held);
        else if (hasWaited && (held || ![...pending].some(isAwaited))) {
          for (const service of pending) if (overdue.has(service)) service.gaveUp();
          resolve(held);
        }
      };
      const giveUp = (): void => {
        for (const service of pending) service.gaveUp();
        resolve(held);
      };

      for (const service of services) {
        ask(service)
          .then((entry) => {
            hasAnswer = true;
            return entry;
          })
          .catch(() => undefined)
          .then((entry) => {
            pending.delete(service);
            if (entry && (!held || isBetter(entry, held))) held = entry;
            judge();
          })
          .catch(reject);
      }
      const wait = (): void => {
        hasWaited = true;
        judge();
      };
      timers.push(setTimeout(wait, bounds.shortTimeoutMs));
      for (const service of trusted) {
        const lapse = (): void => {
          overdue.add(service);
          judge();
        };
        timers.push(setTimeout(lapse, patienceMs(service, bounds)));
      }
      timers.push(setTimeout(giveUp, bounds.timeoutMs));
      judge();
    });
  } finally {
    timers.forEach(clearTimeout);
  }
}

/** Seeders have all the time there is: no other service speaks for them. */
function patienceMs({ kind, answerMs = 0 }: Racer, { graceMs, timeoutMs }: LookupBounds): number {
  if (kind === "seeder") return timeoutMs;
  return Math.min(timeoutMs, Math.max(graceMs, answerMs * slownessFactor));
}

/** Only seeders name web seeds. */
function isVouchedFor(entry: DirectoryEntry): boolean {
  return entry.webSeeds.length > 0;
}

function isBetter(entry: DirectoryEntry, than: DirectoryEntry): boolean {
  if (isVouchedFor(entry) !== isVouchedFor(than)) return isVouchedFor(entry);
  return hasSources(entry) && !hasSources(than);
}

function hasSources(entry: DirectoryEntry): boolean {
  return entry.peers.length > 0 || entry.webSeeds.length > 0;
}
