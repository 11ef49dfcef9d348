import type { BlobReader } from "../../../core/ports/blob-store.ts";
import type { Clock } from "../../../core/ports/clock.ts";
import type { Logger } from "../../../core/ports/logger.ts";
import type { OriginRights } from "../../../core/ports/origin-rights.ts";
import type { ContentProxyConfig } from "../../config.ts";
import { type MirrorAccess, allowAll } from "../mirror-access.ts";
import { ChallengeAccess } from "./challenge-access.ts";
import { ImageMembers } from "./image-members.ts";

/** What decides who may see what, as the configuration wants it. */
export function connectAccess(
  { access, accessForMs, accessGraceMs, answerTimeoutMs }: ContentProxyConfig["mirror"],
  deps: {
    readonly rights: OriginRights;
    readonly store: Pick<BlobReader, "find" | "read">;
    readonly isTrusted: (registry: string) => boolean;
    readonly clock: Clock;
    readonly logger: Logger;
  },
): MirrorAccess {
  if (access === "open") return allowAll;
  const members = new ImageMembers(deps);
  // The answer itself needs its time, too.
  const outageAfterMs = answerTimeoutMs / 2;
  return new ChallengeAccess({ ...deps, members, accessForMs, accessGraceMs, outageAfterMs });
}
