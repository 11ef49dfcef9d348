import type { Reader, Writer } from "protobufjs/minimal.js";

/** A generated message that can be read. */
export interface Decoder<Message> {
  decode(wire: Reader | Uint8Array): Message;
}

/** A generated message that can be written. */
export interface Encoder<Message> {
  encode(message: Message): Writer;
}

/** Reads messages as grpc-js wants it. */
export function decode<Message>(message: Decoder<Message>): (wire: Buffer) => Message {
  return (wire) => message.decode(wire);
}

/** Writes messages as grpc-js wants it. protobufjs makes Buffers in Node, whatever its types say. */
export function encode<Message>(message: Encoder<Message>): (value: Message) => Buffer {
  return (value) => {
    const wire = message.encode(value).finish();
    return Buffer.from(wire.buffer, wire.byteOffset, wire.byteLength);
  };
}
