import type { Descriptor } from "../descriptor.ts";

/** What a tag was last known to name. */
export interface KnownTag {
  readonly descriptor: Descriptor;
  /** The registry said so, or a push that the registry has not taken yet. */
  readonly source: "registry" | "pushed";
  /** Milliseconds since then. */
  readonly ageMs: number;
}

/** Remembers what tags named. */
export interface TagMemory {
  /** @param reference `registry/repository:tag`, perhaps with a digest. */
  find(reference: string): KnownTag | undefined;
  /** Keeps what somebody said so long ago. */
  keep(reference: string, tag: KnownTag): void;
  /** Forgets what the registry said; what was pushed stays until the registry has it. */
  forget(reference: string): void;
}
