import { readFile } from "node:fs/promises";

import { DisposeStack } from "../async/dispose-stack.ts";
import { FailedPreconditionError } from "../errors.ts";
import { HostLimits } from "../limits/host-limits.ts";
import { LimitedOrigin } from "../limits/limited-origin.ts";
import type { DescribingOrigin } from "../ports/origin.ts";
import { canonicalRegistry } from "../registry-name.ts";
import { DockerCredentials } from "./docker-credentials.ts";
import { createRegistryAgent } from "./registry-agent.ts";
import { RegistryClient, type RegistryEndpoint } from "./registry-client.ts";
import { RegistryDiscovery } from "./registry-discovery.ts";
import { RegistryRights } from "./registry-rights.ts";
import { RegistryOrigin } from "./registry-origin.ts";
import { RegistryPush } from "./registry-push.ts";

/** How one registry is reached, where its name alone does not say it. */
export interface RegistrySettings {
  /** As image references name it. */
  readonly host: string;
  /** Where it is asked instead. */
  readonly url?: string | undefined;
  /** Whether it is asked by HTTP without TLS. */
  readonly plainHttp: boolean;
  /** File with certificates in PEM that are trusted for it beside those of Node. */
  readonly caFile?: string | undefined;
}

/** All registries, as one origin. Dispose of it to close their connections. */
export interface OpenRegistries extends AsyncDisposable {
  readonly origin: DescribingOrigin;
  readonly discovery: RegistryDiscovery;
  readonly rights: RegistryRights;
  readonly writer: RegistryPush;
}

/**
 * Makes ready to ask registries: those with settings by them, others by what follows from
 * their names. Asks none yet.
 *
 * @param settings.limits Those that hold for blobs; left out: none.
 * @param settings.credentialsFile A Docker `config.json`; left out: all are asked as anybody.
 * @throws {FailedPreconditionError} when a file cannot be read: a mistake in a path should
 *   be found now, not in the middle of the night.
 */
export async function openRegistries(settings: {
  readonly registries: readonly RegistrySettings[];
  readonly credentialsFile?: string | undefined;
  readonly limits?: HostLimits;
}): Promise<OpenRegistries> {
  const { registries, credentialsFile: file, limits = new HostLimits() } = settings;
  const opened = new DisposeStack();
  const openAgent = (ca?: string) => {
    const agent = createRegistryAgent(ca === undefined ? {} : { ca });
    opened.defer(() => agent.destroy());
    return agent;
  };
  try {
    const endpoints: Record<string, RegistryEndpoint> = {};
    for (const { host, plainHttp, caFile, ...rest } of registries) {
      const url = rest.url ?? (plainHttp ? `http://${host}` : undefined);
      endpoints[canonicalRegistry(host)] = {
        ...(url !== undefined && { url }),
        ...(caFile !== undefined && { dispatcher: openAgent(await readAtStart(caFile)) }),
      };
    }
    if (file !== undefined) await readAtStart(file);
    const credentials = file === undefined ? undefined : new DockerCredentials(file);
    const client = new RegistryClient({ dispatcher: openAgent(), credentials, endpoints });
    const owned = opened.move();
    return {
      origin: new LimitedOrigin(new RegistryOrigin(client), limits),
      discovery: new RegistryDiscovery(client),
      rights: new RegistryRights(client),
      writer: new RegistryPush(client, limits),
      [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
    };
  } catch (error) {
    return opened.disposeAfter(error);
  }
}

async function readAtStart(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
    throw new FailedPreconditionError(`Cannot read ${path}: ${code}`);
  }
}
