import { once } from "node:events";
import { open } from "node:fs/promises";
import { type IncomingHttpHeaders, type IncomingMessage, request } from "node:http";
import type { TestContext } from "node:test";

import { DisposeStack } from "../../core/async/dispose-stack.ts";
import type { Digest } from "../../core/digest.ts";
import type { BlobRecord } from "../../core/ports/blob-store.ts";
import type { ColdSource } from "../../core/ports/cold-source.ts";
import { openRegistries } from "../../core/registry/open-registries.ts";
import { cleanUpOf } from "../../core/testing/clean-up.ts";
import { FakeRegistry } from "../../core/testing/fake-registry.ts";
import { ManualClock } from "../../core/testing/manual-clock.ts";
import type { ScriptedDownload } from "../../core/testing/scripted-swarm.ts";
import { ColdFetch } from "../cold-fetch.ts";
import { parseContentProxyConfig } from "../config.ts";
import { Node, logger, metainfoOf } from "../fetcher-node.test-support.ts";
import { LastUse } from "../last-use.ts";
import { Provenance } from "../provenance/provenance.ts";
import { connectTags } from "../tags/connect-tags.ts";
import { connectMirror } from "./connect-mirror.ts";
import type { MirrorAccess } from "./mirror-access.ts";

/** What mirrors are set to that have to answer: time enough on a busy machine. */
const patient = 'mirror: { enabled: true, listen: "127.0.0.1:0", answerTimeoutMs: 10000 }\n';

/** What a mirror is set to whose patience ends in a test. */
export const impatient = patient.replace("10000", "2000");

/** What a mirror answered. */
export interface MirrorAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The body has as many bytes as its head said. */
  readonly isComplete: boolean;
}

/** A mirror without its wires to the cluster: a real store and registry, a scripted swarm. */
export class MirrorNode {
  readonly node: Node;
  readonly registry: FakeRegistry;
  readonly provenance = new Provenance();
  /** What came from the registry into the store. */
  readonly stored: BlobRecord[] = [];
  /** What seeders say of a blob that nobody has. */
  cold: ColdSource["fetch"] = async () => undefined;
  access: MirrorAccess["authorize"] = async () => ({ isAllowed: true });
  readonly #stored = Promise.withResolvers<undefined>();
  #port = 0;
  #ports: readonly number[] = [];

  private constructor(node: Node, registry: FakeRegistry) {
    this.node = node;
    this.registry = registry;
  }

  static async open(t: TestContext, yaml = ""): Promise<MirrorNode> {
    const node = await Node.open(t);
    const registry = cleanUpOf(t).use(await FakeRegistry.open());
    const opened = new MirrorNode(node, registry);
    await opened.#serve(t, yaml.replaceAll("REGISTRY", registry.host));
    return opened;
  }

  /** Asks for a path of the fake registry, or of what the path itself says. */
  async get(path: string, options: AskOptions = {}): Promise<MirrorAnswer> {
    return readAnswer(await this.ask(path, options));
  }

  /** As {@link get}, to read the body as it comes. */
  async ask(path: string, options: AskOptions = {}): Promise<IncomingMessage> {
    const { method = "GET", headers = {}, port = this.#port } = options;
    const isNamed = path.includes("ns=") || !path.startsWith("/v2/") || options.bare === true;
    const named = isNamed
      ? path
      : `${path}${path.includes("?") ? "&" : "?"}ns=${this.registry.host}`;
    const asking = request({ host: "127.0.0.1", port, path: named, method, headers, agent: false });
    asking.end();
    const [response] = (await once(asking, "response")) as [IncomingMessage];
    return response;
  }

  /** Waits until something came from the registry into the store. */
  async storedOne(): Promise<void> {
    await this.#stored.promise;
  }

  /** Writes the first bytes of a blob that arrives. */
  async writeArriving({ wanted }: ScriptedDownload, bytes: Uint8Array): Promise<void> {
    const file = await open(wanted.path, "r+");
    await file.write(bytes, 0, bytes.byteLength, 0);
    await file.close();
  }

  get port(): number {
    return this.#port;
  }

  /** Ports for one registry each. */
  get ports(): readonly number[] {
    return this.#ports;
  }

  async #serve(t: TestContext, yaml: string): Promise<void> {
    const listed = `origin: { registries: [{ host: "${this.registry.host}" }] }\n`;
    const config = parseContentProxyConfig(
      yaml.includes("mirror:") ? `${listed}${yaml}` : `${listed}${patient}${yaml}`,
      "test.yaml",
    );
    const { store, arrivals, prefetch, recent, blobs } = this.node;
    const started = cleanUpOf(t).use(new DisposeStack());
    const registries = started.use(await openRegistries({ registries: [] }));
    const { provenance } = this;
    const lastUse = new LastUse({ clock: new ManualClock() });
    const lookup = async (digest: Digest) => {
      const bytes = blobs.get(digest);
      return bytes && { metainfo: metainfoOf(bytes), peers: [], webSeeds: [] };
    };
    const repositoriesOf = async (digest: Digest) => provenance.find(digest)?.repositories ?? [];
    const mirror = await connectMirror(
      config,
      {
        ...{
          store,
          arrivals,
          prefetch,
          recent,
          lastUse,
          provenance,
          logger,
          started,
          ...registries,
        },
        clock: new ManualClock(),
        directory: { lookup },
        resolver: connectTags(
          { seeders: [], tags: config.tags },
          { ...registries, clock: new ManualClock(), started },
        ),
        coldFetch: new ColdFetch({
          source: { fetch: (blob, options) => this.cold(blob, options) },
          repositories: { recall: repositoriesOf, find: repositoriesOf },
          ...{ provenance, logger },
        }),
        access: { authorize: (asked, options) => this.access(asked, options) },
        onStored: (record) => {
          this.stored.push(record);
          this.#stored.resolve(undefined);
        },
      },
      t,
    );
    this.#port = mirror.address.port;
    this.#ports = mirror.ports.map(({ port }) => port);
  }
}

interface AskOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly port?: number;
  /** No registry is named beside the path. */
  readonly bare?: boolean;
}

/** Reads a body to its end, whole or not. */
export async function readAnswer(response: IncomingMessage): Promise<MirrorAnswer> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  } catch {
    // It ends early.
  }
  const { statusCode: status = 0, headers, complete: isComplete } = response;
  return { status, headers, body: Buffer.concat(chunks), isComplete };
}
