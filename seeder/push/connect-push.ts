import type { DisposeStack } from "../../core/async/dispose-stack.ts";
import { KeyedLock } from "../../core/async/keyed-lock.ts";
import { Limiter } from "../../core/async/limiter.ts";
import type { RecordFolder } from "../../core/disk/record-folder.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Logger } from "../../core/ports/logger.ts";
import type { PushesReport } from "../../core/service-status.ts";
import type { SeederConfig } from "../config.ts";
import { PushAccess } from "./http/push-access.ts";
import { PushHandler, type PushHandlerDeps } from "./http/push-handler.ts";
import { PushesRoute } from "./http/pushes-route.ts";
import { PushQueue } from "./push-queue.ts";
import type { KeptPushedTags } from "./pushed-tags.ts";
import { reportPushes } from "./report-pushes.ts";
import { Uploads, type UploadsDeps } from "./uploads.ts";
import { WriteThrough, type WriteThroughDeps } from "./write-through.ts";

/** Manifests that are taken at once, of 4 MiB at most each; the others wait for their turn. */
const manifestsMax = 32;

/** What the seeder's other parts get of the push API. */
export interface Push {
  /** `undefined` when nobody may push. */
  readonly handler: PushHandler | undefined;
  /** What waits for its registry, for those who look after the seeder. */
  readonly route: PushesRoute;
  readonly report: () => PushesReport;
}

/** What {@link connectPush} works with. */
export type ConnectPushDeps = Omit<
  PushHandlerDeps["routes"],
  "uploads" | "tagLock" | "manifestLimiter" | "queue"
> &
  Pick<UploadsDeps, "store" | "room"> &
  Pick<WriteThroughDeps, "writer"> & {
    readonly tags: KeptPushedTags;
    readonly queue: PushQueue;
    readonly clock: Clock;
    readonly logger: Logger;
    readonly started: DisposeStack;
  };

/** Reads what waits for its registry: what it names must not leave from the start on. */
export async function openPushQueue(
  { push: { pushesMax } }: SeederConfig,
  deps: { readonly folder: RecordFolder; readonly clock: Clock; readonly logger: Logger },
): Promise<PushQueue> {
  return PushQueue.open({ ...deps, pushesMax });
}

/**
 * Joins what takes pushes and what writes them to their registries, which begins at once.
 *
 * @throws {ConfigError} when nobody could push, or the registry could not be asked.
 */
export async function connectPush(
  config: SeederConfig,
  { started, ...all }: ConnectPushDeps,
): Promise<Push> {
  const { enabled, uploadsMax, uploadIdleMs, writesMax, open, tokenFile } = config.push;
  const deps = { ...all, logger: all.logger.with({ part: "push" }) };
  const { queue, tags } = deps;
  const pushed = [...queue.all()].map(({ push }) => push).filter(({ kind }) => kind === "tag");
  // After a crash the tags may be older than the records: nothing would ever end such a push.
  await tags.withdrawOthers(pushed);
  // Together, for each writes the whole file of tags.
  await Promise.all(pushed.map(({ descriptor, ...push }) => tags.note(push, descriptor, "pushed")));
  const writeThrough = started.use(
    new WriteThrough({ ...deps, writesMax, random: () => Math.random() }),
  );
  // Uploads that an earlier configuration let begin are swept in any case.
  const uploads = started.use(new Uploads({ ...deps, uploadsMax, uploadIdleMs }));
  const access = new PushAccess({ open, tokenFile });
  let handler: PushHandler | undefined;
  if (enabled) {
    await access.checkFile();
    const tagLock = new KeyedLock<string>();
    const routes = { ...deps, uploads, tagLock, manifestLimiter: new Limiter(manifestsMax) };
    handler = new PushHandler({ ...deps, ...registriesOf(config), access, routes });
  }
  writeThrough.start();
  return {
    handler,
    route: new PushesRoute({ queue, tags, access, writeThrough }),
    report: () => reportPushes({ queue, uploads, writeThrough }),
  };
}

/** The registries that may be pushed to; that there is one, the configuration has made sure. */
function registriesOf({ push: { registry = "" }, origins }: SeederConfig) {
  const hosts = origins.filter(({ kind }) => kind === "registry").map(({ host }) => host);
  return { registry, registries: new Set(hosts) };
}
