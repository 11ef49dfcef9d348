import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { DisposeStack } from "../../core/async/dispose-stack.ts";
import { parseAccessLog, type RegistryRequest } from "./access-log.ts";
import { ensurePackages } from "./apt-packages.ts";
import { requestHttp, type HttpEndpoint } from "./http.ts";
import type { NetworkHost } from "./network.ts";
import { pollUntil } from "./poll.ts";
import { logsLine } from "./readiness.ts";
import { renderRegistryAuth, type RegistryAuth } from "./registry-auth.ts";
import { placeOf, ports } from "./shoal-config.ts";
import { startProcess } from "./supervised-process.ts";
import { openTunnel } from "./tunnel.ts";

export interface RegistryOptions {
  /** Takes its configuration, log and data, the latter in `data`. */
  readonly directory: string;
  /** Where it listens: a host of a network of ours, else on loopback. */
  readonly on?: NetworkHost;
  readonly auth?: RegistryAuth;
  /** More lines for the end of its configuration. */
  readonly extraYaml?: string;
}

/** Debian's docker-registry, running. Dispose of it to end it; its data stays. */
export interface Registry extends AsyncDisposable {
  /** Host and port, the first part of image references. */
  readonly host: string;
  /** How this process reaches it. */
  readonly endpoint: HttpEndpoint;
  /** Its data in the layout that Docker's registry has on disk. */
  readonly dataPath: string;
  /** What it was asked since it was started, or since the last `forgetRequests()`. */
  requests(): Promise<RegistryRequest[]>;
  forgetRequests(): Promise<void>;
}

/** Starts a registry on a free port. */
export async function startRegistry(options: RegistryOptions): Promise<Registry> {
  await ensurePackages(["docker-registry"]);
  const { directory, on } = options;
  const logPath = join(directory, "registry.log");
  const configPath = join(directory, "registry.yml");
  await mkdir(join(directory, "data"), { recursive: true });
  // The log tells where it listens: one of an earlier start must not.
  await rm(logPath, { force: true });
  await writeFile(configPath, await renderConfig(options));

  const started = new DisposeStack();
  try {
    const listens = logsLine(logPath, /listening on (\S+:\d+)[",]/);
    let host = "";
    started.use(
      await startProcess({
        name: "docker-registry",
        argv: ["docker-registry", "serve", configPath],
        logPath,
        ready: async ({ signal }) => (host = (await listens({ signal }))[1] ?? ""),
        netns: on?.netns,
      }),
    );
    const endpoint =
      on === undefined ? { host } : started.use(await openTunnel(on, ports.registry)).endpoint;
    return registryAt({ endpoint, directory, logPath, started });
  } catch (error) {
    return started.disposeAfter(error);
  }
}

async function renderConfig({ directory, on, auth, extraYaml }: RegistryOptions): Promise<string> {
  return `version: 0.1
log:
  level: info
  formatter: text
storage:
  filesystem:
    rootdirectory: ${join(directory, "data")}
  delete:
    enabled: true
http:
  addr: ${JSON.stringify(on === undefined ? "127.0.0.1:0" : placeOf(on, ports.registry))}
  # Who reaches it by a tunnel must not be sent elsewhere.
  relativeurls: true
  secret: the-same-for-all
${auth === undefined ? "" : await renderRegistryAuth(auth, directory)}${extraYaml ?? ""}`;
}

interface RegistryParts {
  readonly endpoint: HttpEndpoint;
  readonly directory: string;
  readonly logPath: string;
  readonly started: DisposeStack;
}

function registryAt({ endpoint, directory, logPath, started }: RegistryParts): Registry {
  let markersSent = 0;
  let requestsForgotten = 0;
  const allRequests = async () => {
    // A request is logged after it was answered. What comes before ours in the log has been.
    const marker = `/marker/${markersSent++}`;
    await requestHttp(endpoint, { path: marker });
    const withMarker = await pollUntil(
      async () => {
        const requests = parseAccessLog(await readFile(logPath, "utf8"));
        return requests.some(({ path }) => path === marker) && requests;
      },
      { what: "the registry's log", withinMs: 30_000 },
    );
    return withMarker.filter(({ path }) => !path.startsWith("/marker/"));
  };
  return {
    host: endpoint.host,
    endpoint,
    dataPath: join(directory, "data"),
    requests: async () => (await allRequests()).slice(requestsForgotten),
    forgetRequests: async () => {
      requestsForgotten = (await allRequests()).length;
    },
    [Symbol.asyncDispose]: () => started[Symbol.asyncDispose](),
  };
}
