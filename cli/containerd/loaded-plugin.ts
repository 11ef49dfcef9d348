import { status } from "@grpc/grpc-js";
import protobuf from "protobufjs/minimal.js";

import { UnavailableError } from "../../core/errors.ts";
import { callSocket } from "./call-socket.ts";

/** A plugin as a running containerd has it. */
export interface LoadedPlugin {
  /** Why it did not start; `undefined` when it did. */
  readonly problem: string | undefined;
}

/**
 * Asks a running containerd for one of its plugins; `undefined` when it has none of that name.
 *
 * @throws {UnavailableError} when it does not answer.
 */
export async function findLoadedPlugin(
  containerdSocket: string,
  { type, id }: { readonly type: string; readonly id: string },
): Promise<LoadedPlugin | undefined> {
  const method = "/containerd.services.introspection.v1.Introspection/Plugins";
  const filter = `type==${type},id==${id}`;
  const request = protobuf.Writer.create().uint32(tagOf(1)).string(filter).finish();
  const { code, details, response } = await callSocket(containerdSocket, { method, request });
  if (code !== status.OK) throw new UnavailableError(details);
  try {
    return firstPlugin(response);
  } catch (cause) {
    throw new UnavailableError("it is no containerd", { cause });
  }
}

function firstPlugin(response: Uint8Array): LoadedPlugin | undefined {
  const [plugin] = fieldsOf(response, 1);
  if (!plugin) return undefined;
  // `init_err` of a plugin is a google.rpc.Status, whose second field is its message.
  const [failure] = fieldsOf(plugin, 7);
  const message = failure && fieldsOf(failure, 2)[0];
  return { problem: failure && Buffer.from(message ?? []).toString() };
}

/** Tag of a field of bytes, text or a message. */
function tagOf(field: number): number {
  return (field << 3) | 2;
}

/** The values that a message has for a field of bytes, text or messages. @throws {RangeError} */
function fieldsOf(message: Uint8Array, field: number): Uint8Array[] {
  const reader = protobuf.Reader.create(message);
  const values: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag === tagOf(field)) values.push(reader.bytes());
    else reader.skipType(tag & 7);
  }
  return values;
}
