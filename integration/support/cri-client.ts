import { join } from "node:path";

import { Client, credentials } from "@grpc/grpc-js";
import protobuf from "protobufjs";

/** An image as the CRI tells of it. */
export interface CriImage {
  /** Digest of the image's config. */
  readonly id: string;
  readonly repoTags: readonly string[];
  readonly repoDigests: readonly string[];
  readonly size: number;
}

export interface CriCredentials {
  readonly username: string;
  readonly password: string;
}

/** Bounds a pull; a test that hangs tells less than one that fails. */
const deadlineMs = 120_000;

/**
 * Does with images what a kubelet does: over the CRI of a containerd that was started
 * with `withCri`. Dispose of it to close its connection.
 */
export class CriClient implements AsyncDisposable {
  readonly #client: Client;
  readonly #service: protobuf.Service;

  private constructor(client: Client, service: protobuf.Service) {
    this.#client = client;
    this.#service = service;
  }

  static async open(socketPath: string): Promise<CriClient> {
    const root = await protobuf.load(join(import.meta.dirname, "cri.proto"));
    root.resolveAll();
    const service = root.lookupService("runtime.v1.ImageService");
    return new CriClient(new Client(`unix:${socketPath}`, credentials.createInsecure()), service);
  }

  /** Pulls an image and gives its id. */
  async pullImage(reference: string, auth?: CriCredentials): Promise<string> {
    const answer = await this.#call("PullImage", { image: { image: reference }, auth });
    return answer["imageRef"] as string;
  }

  /** What is known of an image, by name or id, if it is there. */
  async imageStatus(reference: string): Promise<CriImage | undefined> {
    const answer = await this.#call("ImageStatus", { image: { image: reference } });
    return (answer["image"] ?? undefined) as CriImage | undefined;
  }

  async listImages(): Promise<readonly CriImage[]> {
    return (await this.#call("ListImages", {}))["images"] as readonly CriImage[];
  }

  /** Removes an image with all its names; it need not be there. */
  async removeImage(reference: string): Promise<void> {
    await this.#call("RemoveImage", { image: { image: reference } });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close();
  }

  #call(name: string, request: object): Promise<Record<string, unknown>> {
    const method = this.#service.methods[name];
    const requestType = method?.resolvedRequestType;
    const responseType = method?.resolvedResponseType;
    if (!requestType || !responseType) throw new Error(`The CRI has no method ${name}`);
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        `/runtime.v1.ImageService/${name}`,
        (message: object) => Buffer.from(requestType.encode(message).finish()),
        (bytes) =>
          responseType.toObject(responseType.decode(bytes), { defaults: true, longs: Number }),
        requestType.fromObject(request),
        { deadline: Date.now() + deadlineMs },
        (error, response) => {
          if (error) reject(error);
          else resolve(response ?? {});
        },
      );
    });
  }
}
