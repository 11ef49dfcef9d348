import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";

import {
  type Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  status,
} from "@grpc/grpc-js";

import { digestOf } from "../../../core/digest.ts";
import { UnavailableError } from "../../../core/errors.ts";
import { cleanUpOf } from "../../../core/testing/clean-up.ts";
import { testFolder } from "../../../core/testing/test-folder.ts";
import { containerd as content } from "../../../protos/gen/content.js";
import { containerd as images } from "../../../protos/gen/images.js";
import { containerd as namespaces } from "../../../protos/gen/namespaces.js";
import { ContainerdClient } from "./containerd-client.ts";
import { ContainerdConnection } from "./containerd-connection.ts";

const { InfoRequest, InfoResponse, ListContentResponse } = content.services.content.v1;
const { ListImagesResponse } = images.services.images.v1;
const { ListNamespacesResponse } = namespaces.services.namespaces.v1;
const contentPath = "/containerd.services.content.v1.Content";
const digest = digestOf(Buffer.from("layer"));
const other = digestOf(Buffer.from("manifest"));

/** A containerd with two blobs in the namespace `k8s.io`; it notes what it was asked. */
async function openContainerd(t: TestContext) {
  const folder = testFolder(t, "containerd");
  const address = join(folder, "containerd.sock");
  const server = new Server();
  const asked: string[] = [];
  const namespaceOf = (metadata: Metadata) => String(metadata.get("containerd-namespace")[0]);
  const unary = (
    path: string,
    answer: (request: Buffer, namespace: string) => Uint8Array | undefined,
  ) => {
    const handle = (call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) => {
      const namespace = namespaceOf(call.metadata);
      asked.push(`${path.slice(path.lastIndexOf("/") + 1)} ${namespace}`);
      const bytes = answer(call.request, namespace);
      if (bytes) done(null, Buffer.from(bytes));
      else done({ code: status.NOT_FOUND, details: "no such blob" });
    };
    server.register(path, handle, passed, passed, "unary");
  };
  unary("/containerd.services.namespaces.v1.Namespaces/List", () =>
    ListNamespacesResponse.encode({
      namespaces: [{ name: "default" }, { name: "k8s.io" }],
    }).finish(),
  );
  unary("/containerd.services.images.v1.Images/List", () =>
    ListImagesResponse.encode({
      images: [
        { name: "docker.io/library/debian:12", target: { digest: other } },
        { name: "odd", target: { digest: "odd" } },
      ],
    }).finish(),
  );
  unary(`${contentPath}/Info`, (request, namespace) => {
    const known = InfoRequest.decode(request).digest === digest && namespace === "k8s.io";
    return known
      ? InfoResponse.encode({ info: { digest, size: 5, labels: { a: "b" } } }).finish()
      : undefined;
  });
  unary(`${contentPath}/Delete`, (_request, namespace) =>
    namespace === "k8s.io" ? new Uint8Array() : undefined,
  );
  const list = (call: ServerWritableStream<Buffer, Buffer>) => {
    for (const info of [{ digest, labels: { a: "b" } }, { digest: other }, { digest: "odd" }]) {
      call.write(Buffer.from(ListContentResponse.encode({ info: [info] }).finish()));
    }
    call.end();
  };
  server.register(`${contentPath}/List`, list, passed, passed, "serverStream");
  await promisify(server.bindAsync.bind(server))(
    `unix:${address}`,
    ServerCredentials.createInsecure(),
  );
  const connection = new ContainerdConnection({ address });
  const client = new ContainerdClient({ connection });
  cleanUpOf(t).defer(() => server.forceShutdown());
  cleanUpOf(t).use(connection);
  return { client, server, asked };
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

function passed(bytes: Buffer): Buffer {
  return bytes;
}

test("the client tells a blob's labels in a namespace, and whether there is such a blob", async (t) => {
  const { client, asked } = await openContainerd(t);
  const { signal } = t;
  assert.deepEqual(await client.namespaces({ signal }), ["default", "k8s.io"]);
  assert.deepEqual(await client.info(digest, { namespace: "k8s.io", signal }), {
    digest,
    labels: { a: "b" },
  });
  assert.equal(await client.info(digest, { namespace: "default", signal }), undefined);
  assert.deepEqual(await client.images({ namespace: "default", signal }), [
    { name: "docker.io/library/debian:12", target: other },
    { name: "odd" },
  ]);
  assert.deepEqual(asked, ["List undefined", "Info k8s.io", "Info default", "List default"]);
});

test("the client lists all blobs, and leaves out what is none", async (t) => {
  const { client } = await openContainerd(t);
  const found = await collect(client.list({ namespace: "k8s.io", signal: t.signal }));
  assert.deepEqual(found, [
    { digest, labels: { a: "b" } },
    { digest: other, labels: {} },
  ]);
  for await (const first of client.list({ namespace: "k8s.io", signal: t.signal })) {
    assert.equal(first.digest, digest);
    break;
  }
});

test("to delete what is not there is no failure", async (t) => {
  const { client, asked } = await openContainerd(t);
  await client.delete(digest, { namespace: "k8s.io", signal: t.signal });
  await client.delete(digest, { namespace: "default", signal: t.signal });
  assert.deepEqual(asked, ["Delete k8s.io", "Delete default"]);
});

test("a containerd that is not there is unavailable, and a call can be cancelled", async (t) => {
  const connection = cleanUpOf(t).use(
    new ContainerdConnection({ address: "/nowhere/containerd.sock" }),
  );
  const absent = new ContainerdClient({ connection });
  const { signal } = t;
  await assert.rejects(absent.namespaces({ signal }), UnavailableError);
  await assert.rejects(collect(absent.list({ namespace: "a", signal })), UnavailableError);
  const { client, server } = await openContainerd(t);
  const cancelled = { namespace: "a", signal: AbortSignal.abort(new Error("enough")) };
  await assert.rejects(client.info(digest, cancelled), /enough/);
  await assert.rejects(collect(client.list(cancelled)), /enough/);
  server.forceShutdown();
  await assert.rejects(client.info(digest, { namespace: "a", signal }), UnavailableError);
});
