import { once } from "node:events";
import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";

import type { Descriptor } from "../descriptor.ts";
import { digestOf } from "../digest.ts";
import { mediaTypes } from "../media-type.ts";
import type { Platform } from "../platform.ts";

/** A request that a {@link FakeRegistry} got. */
export interface FakeRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly authorization: string | undefined;
  readonly range: string | undefined;
}

/** Answers a request in place of the registry, and then returns true. */
export type Fault = (request: IncomingMessage, response: ServerResponse) => boolean;

/** How a {@link FakeRegistry} wants to be logged in to; the token service is part of it. */
export interface FakeLogin {
  readonly scheme: "basic" | "bearer";
  /** Left out: the token service gives everybody a token. */
  readonly authorization?: string;
  /** What token requests are answered beside the token. */
  readonly tokenAnswer?: Readonly<Record<string, unknown>>;
}

/** An image that a {@link FakeRegistry} has. */
export interface FakeImage {
  readonly manifest: Descriptor;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

/** A registry on loopback with blobs in memory, which can be told to misbehave. */
export class FakeRegistry implements AsyncDisposable {
  readonly #server: Server;
  readonly #blobs = new Map<string, Buffer>();
  /** By `repository:tag` and by digest. */
  readonly #manifests = new Map<string, { readonly bytes: Buffer; readonly mediaType: string }>();
  /** Host and port. */
  readonly host: string;
  readonly requests: FakeRequest[] = [];
  /** Tokens that it takes, the newest last. */
  readonly tokens: string[] = [];
  login: FakeLogin | undefined;
  /** Looked at for each request but those for a token. */
  fault: Fault = () => false;

  private constructor(server: Server, host: string) {
    this.#server = server;
    this.host = host;
    server.on("request", (request: IncomingMessage, response: ServerResponse) =>
      this.#handle(request, response),
    );
  }

  static async open(): Promise<FakeRegistry> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new TypeError("Not a TCP server");
    return new FakeRegistry(server, `127.0.0.1:${address.port}`);
  }

  addBlob(bytes: Buffer, mediaType = "application/octet-stream"): Descriptor {
    const digest = digestOf(bytes);
    this.#blobs.set(digest, bytes);
    return { mediaType, digest, size: bytes.length };
  }

  addManifest(bytes: Buffer, mediaType: string, name?: string): Descriptor {
    const digest = digestOf(bytes);
    this.#manifests.set(digest, { bytes, mediaType });
    if (name !== undefined) this.#manifests.set(name, { bytes, mediaType });
    return { mediaType, digest, size: bytes.length };
  }

  /** @param name As `repository:tag`; left out for a manifest that an index names. */
  addImage(layers: readonly Buffer[], name?: string): FakeImage {
    const config = this.addBlob(
      Buffer.from(JSON.stringify({ layers: layers.map(digestOf) })),
      mediaTypes.ociConfig,
    );
    const layerType = "application/vnd.oci.image.layer.v1.tar";
    const descriptors = layers.map((layer) => this.addBlob(layer, layerType));
    const document = { schemaVersion: 2, config, layers: descriptors };
    const bytes = Buffer.from(JSON.stringify(document));
    return {
      manifest: this.addManifest(bytes, mediaTypes.ociManifest, name),
      config,
      layers: descriptors,
    };
  }

  /** @param name As `repository:tag`. */
  addIndex(
    entries: readonly { readonly descriptor: Descriptor; readonly platform?: Platform }[],
    name: string,
  ): Descriptor {
    const manifests = entries.map(({ descriptor, platform }) => ({ ...descriptor, platform }));
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests }));
    return this.addManifest(bytes, mediaTypes.ociIndex, name);
  }

  /** Requests whose path has `part` in it. */
  requestsFor(part: string): FakeRequest[] {
    return this.requests.filter(({ url }) => url.includes(part));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const { method = "", url = "", headers } = request;
    const { authorization, range } = headers;
    this.requests.push({ method, url, authorization, range });
    request.resume();
    if (url.startsWith("/token")) this.#giveToken(request, response);
    else if (this.fault(request, response)) return;
    else if (!this.#isAllowed(authorization)) this.#challenge(response);
    else this.#answer(request, response);
  }

  #isAllowed(authorization: string | undefined): boolean {
    if (!this.login) return true;
    if (this.login.scheme === "basic") return authorization === this.login.authorization;
    return this.tokens.some((token) => authorization === `Bearer ${token}`);
  }

  #challenge(response: ServerResponse): void {
    const challenge =
      this.login?.scheme === "basic"
        ? 'Basic realm="fake"'
        : `Bearer realm="http://${this.host}/token",service="fake"`;
    response.writeHead(401, { "www-authenticate": challenge });
    response.end('{"errors":[{"code":"UNAUTHORIZED"}]}');
  }

  #giveToken({ headers }: IncomingMessage, response: ServerResponse): void {
    const wanted = this.login?.authorization;
    if (wanted !== undefined && headers.authorization !== wanted) {
      response.writeHead(401).end();
      return;
    }
    const token = `token-${this.tokens.length}`;
    this.tokens.push(token);
    response.end(JSON.stringify({ token, ...this.login?.tokenAnswer }));
  }

  #answer({ method, url = "", headers }: IncomingMessage, response: ServerResponse): void {
    const [, repository = "", kind, name = ""] =
      /^\/v2\/(.+)\/(blobs|manifests)\/([^/]+)$/.exec(url) ?? [];
    const manifest = this.#manifests.get(name) ?? this.#manifests.get(`${repository}:${name}`);
    const bytes = kind === "manifests" ? manifest?.bytes : this.#blobs.get(name);
    if (!bytes) {
      response.writeHead(404).end();
      return;
    }
    response.setHeader("content-type", manifest?.mediaType ?? "application/octet-stream");
    response.setHeader("docker-content-digest", digestOf(bytes));
    const start = Number(/^bytes=(\d+)-$/.exec(headers.range ?? "")?.[1] ?? 0);
    if (start > 0) {
      response.setHeader("content-range", `bytes ${start}-${bytes.length - 1}/${bytes.length}`);
    }
    response.writeHead(start > 0 ? 206 : 200, { "content-length": bytes.length - start });
    response.end(method === "HEAD" ? undefined : bytes.subarray(start));
  }
}
