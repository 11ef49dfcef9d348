import { rm } from "node:fs/promises";
import type { TestContext } from "node:test";
import { promisify } from "node:util";

import { Server, ServerCredentials } from "@grpc/grpc-js";

import { cleanUpOf } from "../../core/testing/clean-up.ts";

/** A gRPC server that answers each method in one way; it takes over a socket that is served. */
export async function serveUnary(
  t: TestContext,
  socket: string,
  answers: Readonly<Record<string, { readonly code?: number; readonly response?: Buffer }>>,
): Promise<void> {
  const server = new Server();
  const bytes = { serialize: (value: Buffer) => value, deserialize: (value: Buffer) => value };
  for (const [path, { code, response }] of Object.entries(answers)) {
    const method = {
      ...{ path, requestStream: false, responseStream: false },
      ...{ requestSerialize: bytes.serialize, requestDeserialize: bytes.deserialize },
      ...{ responseSerialize: bytes.serialize, responseDeserialize: bytes.deserialize },
    };
    type Answer = (error: { code: number } | null, response?: Buffer) => void;
    const call = (_: unknown, answer: Answer) =>
      answer(code === undefined ? null : { code }, response);
    server.addService({ call: method }, { call });
  }
  await rm(socket, { force: true });
  const bind = promisify(server.bindAsync.bind(server));
  await bind(`unix://${socket}`, ServerCredentials.createInsecure());
  cleanUpOf(t).defer(() => server.forceShutdown());
}
