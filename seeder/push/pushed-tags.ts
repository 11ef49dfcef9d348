import type { Descriptor } from "../../core/descriptor.ts";
import type { ImageReference } from "../../core/image-reference.ts";

/** Tells nodes what tags name. Its methods settle when that is on disk, and never reject. */
export interface PushedTags {
  /**
   * Notes what a tag names: "pushed" stands above what the registry says, until the "registry"
   * has the same.
   */
  note(
    reference: ImageReference,
    descriptor: Descriptor,
    source: "pushed" | "registry",
  ): Promise<void>;

  /** Forgets a push that nobody writes to the registry any more. */
  withdraw(reference: ImageReference): Promise<void>;
}

/** Pushed tags that outlive the process, which may have ended without a word. */
export interface KeptPushedTags extends PushedTags {
  /** Forgets what was pushed, but for those that are still to be written. */
  withdrawOthers(references: readonly ImageReference[]): Promise<void>;
}
