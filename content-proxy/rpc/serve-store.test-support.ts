import { DisposeStack } from "../../core/async/dispose-stack.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { Logger } from "../../core/ports/logger.ts";
import { DiskBlobStore } from "../../core/store/disk-blob-store.ts";
import { SystemClock } from "../../core/system/system-clock.ts";
import { registerContentService } from "./content-service.ts";
import { directWrite } from "./direct-write.ts";
import { NoFetcher } from "./no-fetcher.test-support.ts";
import { slowReader } from "./read.ts";
import { serveGrpc } from "./serve-grpc.ts";

/** Serves a store on disk to containerd, without a swarm, until the result is disposed of. */
export async function serveStore(
  { root, socketPath, logger }: { root: string; socketPath: string; logger: Logger },
  options: Cancellable,
): Promise<AsyncDisposable> {
  const serving = new DisposeStack();
  try {
    const clock = new SystemClock();
    const store = serving.use(await DiskBlobStore.open({ root, clock, logger }, options));
    const fetcher = new NoFetcher(store);
    const readSource = fetcher;
    const readSlow = slowReader({ fetcher });
    serving.use(
      await serveGrpc({
        socketPath,
        direct: directWrite({ store, fetcher, clock, logger }),
        register: (server) => registerContentService(server, { store, fetcher, clock, logger }),
        readSource,
        readSlow,
        logger,
      }),
    );
    return serving.move();
  } catch (error) {
    return serving.disposeAfter(error);
  }
}
