import type { DisposeStack } from "../../core/async/dispose-stack.ts";
import { HttpClient } from "../../core/http/http-client.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Origin } from "../../core/ports/origin.ts";
import type { TagResolver } from "../../core/ports/tag-resolver.ts";
import type { ContentProxyConfig } from "../config.ts";
import { ClusterTagResolver } from "./cluster-tag-resolver.ts";
import { SeederTagService } from "./seeder-tag-service.ts";

/** Questions to one seeder at once: two for each image that is pulled. */
const connectionsMax = 16;

/** Longest answer: a descriptor, or an error. */
const answerLengthMax = 16 * 1024;

/**
 * Milliseconds for a connection: in a data centre it takes one, and the next seeder is as good.
 * Less than a seeder has to tell what it knows, so that one that is gone is told from a slow one.
 */
const connectTimeoutMs = 200;

/** Makes ready to resolve tags by the seeders and the registries; ends with `started`. */
export function connectTags(
  { seeders, tags }: Pick<ContentProxyConfig, "seeders" | "tags">,
  {
    origin,
    clock,
    started,
  }: { readonly origin: Origin; readonly clock: Clock; readonly started: DisposeStack },
): TagResolver {
  const client = new HttpClient({ connectionsMax, answerLengthMax, connectTimeoutMs });
  started.defer(() => client[Symbol.dispose]());
  const services = seeders.map(
    (url) => [url, new SeederTagService({ url, client, clock })] as const,
  );
  return new ClusterTagResolver({ ...tags, seeders: new Map(services), origin, clock });
}
