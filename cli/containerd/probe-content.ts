import { Client, credentials, status } from "@grpc/grpc-js";

import { UnavailableError } from "../../core/errors.ts";

/** A content store answers this from memory. */
const timeoutMs = 3000;

/** `InfoRequest` with the digest "x": what no store has, and every one refuses. */
const impossibleRequest = Buffer.from([0x0a, 0x01, 0x78]);

/**
 * Asks a content store on a Unix socket for a blob that cannot be.
 *
 * @throws {UnavailableError} when nobody answers as a content store does.
 */
export async function probeContentStore(socket: string): Promise<void> {
  const client = new Client(`unix://${socket}`, credentials.createInsecure());
  try {
    await new Promise<void>((resolve, reject) => {
      client.makeUnaryRequest(
        "/containerd.services.content.v1.Content/Info",
        (request: Buffer) => request,
        (response) => response,
        impossibleRequest,
        { deadline: Date.now() + timeoutMs },
        (error) => {
          if (error?.code === status.INVALID_ARGUMENT || error?.code === status.NOT_FOUND)
            resolve();
          else reject(new UnavailableError(error ? error.details : "it is no content store"));
        },
      );
    });
  } finally {
    client.close();
  }
}
