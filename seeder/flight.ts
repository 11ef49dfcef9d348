import { Credential } from "../core/credential.ts";
import type { BlobRecord } from "../core/ports/blob-store.ts";
import type { BlobArrival } from "./blob-arrival.ts";
import type { OnBytes, OriginBlob } from "./blob-fetch.ts";
import type { SecondHand } from "./second-hand.ts";

/** A fetch under way. It goes on while somebody holds its arrival. */
export interface Flight {
  readonly blob: OriginBlob;
  readonly arrival: BlobArrival;
  readonly result: Promise<BlobRecord>;
  readonly stop: AbortController;
  readonly watchers: Set<OnBytes>;
  /** Whether somebody waits for it who pulls. */
  readonly isUrgent: boolean;
  /** Whether somebody has joined it meanwhile who pulls. */
  isPulled: boolean;
  /** Whether it is one of those that are fetched now. */
  hasTurn: boolean;
  /** Bytes that are here; `undefined` before the fetch has its turn. */
  bytes: number | undefined;
  /** Whether some were here before. */
  isResumed: boolean;
  /** What of them came from another seeder. */
  readonly secondHand: SecondHand;
  /** Whether another seeder, or what was here before, made it a wrong blob: the next one may be right. */
  isDamaged: boolean;
}

/** Whether the one would fail where the other did: a refusal is for whom it was told. */
export function isSameRequest(one: OriginBlob, other: OriginBlob): boolean {
  return (
    one.registry === other.registry &&
    one.repository === other.repository &&
    one.descriptor.size === other.descriptor.size &&
    nameOf(one) === nameOf(other)
  );
}

function nameOf({ authorization }: OriginBlob): string | undefined {
  return authorization instanceof Credential ? authorization.fingerprint() : authorization;
}
