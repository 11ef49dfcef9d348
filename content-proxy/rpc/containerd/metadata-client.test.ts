import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";

import {
  type Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type sendUnaryData,
  status,
} from "@grpc/grpc-js";

import { digestOf } from "../../../core/digest.ts";
import { UnavailableError } from "../../../core/errors.ts";
import { cleanUpOf } from "../../../core/testing/clean-up.ts";
import { testFolder } from "../../../core/testing/test-folder.ts";
import { containerd as content } from "../../../protos/gen/content.js";
import { containerd as images } from "../../../protos/gen/images.js";
import { containerd as leases } from "../../../protos/gen/leases.js";
import { ContainerdConnection } from "./containerd-connection.ts";
import { ContainerdMetadataClient } from "./metadata-client.ts";

const { ListImagesResponse } = images.services.images.v1;
const { CreateRequest, CreateResponse, DeleteRequest } = leases.services.leases.v1;
const { WriteContentRequest, WriteContentResponse, WriteAction } = content.services.content.v1;
const leasesPath = "/containerd.services.leases.v1.Leases";
const digest = digestOf(Buffer.from("layer"));
const blob = { digest, size: 5, labels: { "containerd.io/uncompressed": "sha256:1" } };

/** What a Write stream does with a request, after it was noted. */
type Answer = (stream: ServerDuplexStream<Buffer, Buffer>, offset: number) => void;

function say(stream: ServerDuplexStream<Buffer, Buffer>, offset: number): void {
  stream.write(Buffer.from(WriteContentResponse.encode({ offset, digest }).finish()));
}

function refuse(code: status): Answer {
  return (stream) => void stream.emit("error", { code, details: "refused" });
}

/** A containerd that notes what it was asked. */
async function openContainerd(t: TestContext, answers: readonly Answer[] = [say, say]) {
  const folder = testFolder(t, "containerd");
  const address = join(folder, "containerd.sock");
  const server = new Server();
  const asked: unknown[] = [];
  const scopeOf = (metadata: Metadata) => [
    ...metadata.get("containerd-namespace"),
    ...metadata.get("containerd-lease"),
  ];
  const unary = (path: string, answer: (request: Buffer) => Uint8Array | status) => {
    const handle = (call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) => {
      asked.push(...scopeOf(call.metadata));
      const bytes = answer(call.request);
      if (typeof bytes === "object") done(null, Buffer.from(bytes));
      else done({ code: bytes, details: "refused" });
    };
    server.register(path, handle, passed, passed, "unary");
  };
  unary("/containerd.services.images.v1.Images/List", () =>
    ListImagesResponse.encode({
      images: [{ name: "a", target: { digest } }, { name: "odd", target: { digest: "odd" } }, {}],
    }).finish(),
  );
  unary(`${leasesPath}/Create`, (request) => {
    const { id, labels } = CreateRequest.decode(request);
    asked.push(id, labels);
    return CreateResponse.encode({ lease: { id } }).finish();
  });
  unary(`${leasesPath}/Delete`, (request) => {
    const { id } = DeleteRequest.decode(request);
    return id === "gone" ? status.NOT_FOUND : id === "held" ? status.UNAVAILABLE : new Uint8Array();
  });
  const write = (stream: ServerDuplexStream<Buffer, Buffer>) => {
    asked.push(...scopeOf(stream.metadata));
    const left = [...answers];
    stream.on("data", (wire: Buffer) => {
      const { action, ref, total, offset, expected, labels } = WriteContentRequest.decode(wire);
      asked.push({ action, ref, total: Number(total), offset: Number(offset), expected, labels });
      left.shift()?.(stream, blob.size);
    });
    stream.on("end", () => stream.end());
  };
  server.register("/containerd.services.content.v1.Content/Write", write, passed, passed, "bidi");
  const bind = promisify(server.bindAsync.bind(server));
  await bind(`unix:${address}`, ServerCredentials.createInsecure());
  const connection = new ContainerdConnection({ address });
  cleanUpOf(t).defer(() => server.forceShutdown());
  cleanUpOf(t).use(connection);
  return { client: new ContainerdMetadataClient({ connection }), asked };
}

function passed(bytes: Buffer): Buffer {
  return bytes;
}

test("a blob is registered by STAT and COMMIT, in its namespace, under the lease", async (t) => {
  const { client, asked } = await openContainerd(t);
  const scope = { namespace: "k8s.io", lease: "lease-1", signal: t.signal };
  assert.equal(await client.register(blob, scope), true);
  const common = { total: 5, expected: digest };
  assert.deepEqual(asked, [
    "k8s.io",
    "lease-1",
    { ...common, action: WriteAction.STAT, ref: `layer-${digest}`, offset: 0, labels: {} },
    { ...common, action: WriteAction.COMMIT, ref: "", offset: 5, labels: blob.labels },
  ]);
});

test("a blob that the namespace knows is registered already", async (t) => {
  const scope = { namespace: "k8s.io", lease: "lease-1", signal: t.signal };
  for (const answers of [[refuse(status.ALREADY_EXISTS)], [say, refuse(status.ALREADY_EXISTS)]]) {
    const { client } = await openContainerd(t, answers);
    assert.equal(await client.register(blob, scope), true);
  }
});

test("a blob that our store cannot get is not registered, and no COMMIT is sent", async (t) => {
  const { client, asked } = await openContainerd(t, [(stream) => say(stream, 0)]);
  const scope = { namespace: "k8s.io", lease: "lease-1", signal: t.signal };
  assert.equal(await client.register(blob, scope), false);
  assert.equal(asked.length, 3);
});

test("a ref that a pull holds, or a call that is cut, is to be tried again", async (t) => {
  const scope = { namespace: "k8s.io", lease: "lease-1", signal: t.signal };
  const cut: Answer = (stream) => void stream.end();
  for (const answer of [refuse(status.UNAVAILABLE), refuse(status.NOT_FOUND), cut]) {
    const { client } = await openContainerd(t, [answer]);
    await assert.rejects(client.register(blob, scope), UnavailableError);
  }
});

test("what containerd will never take is not tried again", async (t) => {
  const { client } = await openContainerd(t, [say, refuse(status.FAILED_PRECONDITION)]);
  const scope = { namespace: "k8s.io", lease: "lease-1", signal: t.signal };
  assert.equal(await client.register(blob, scope), false);
});

test("a lease is made with its end, and ended; one that is gone is no failure", async (t) => {
  const { client, asked } = await openContainerd(t);
  const scope = { namespace: "k8s.io", signal: t.signal };
  const expiresAt = new Date(0);
  await client.createLease("lease-1", { ...scope, expiresAt });
  const labels = { "containerd.io/gc.expire": "1970-01-01T00:00:00.000Z" };
  assert.deepEqual(asked, ["k8s.io", "lease-1", labels]);
  await client.deleteLease("lease-1", scope);
  await client.deleteLease("gone", scope);
  await assert.rejects(client.deleteLease("held", scope), UnavailableError);
});

test("the targets of images are told, but for what is no digest", async (t) => {
  const { client } = await openContainerd(t);
  const options = { namespace: "k8s.io", signal: t.signal };
  assert.deepEqual(await client.imageTargets(options), [digest]);
});
