import { once } from "node:events";
import type { FileHandle } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";

import type { PieceLayout } from "../../core/piece-layout.ts";
import { partLengthOf, partRange, partsInFlight, requestLength } from "./plain-parts.ts";

export interface PlainServeOptions {
  readonly file: FileHandle;
  readonly layout: PieceLayout;
  readonly at: { readonly host: string; readonly port: number };
}

/** Answers requests for parts of a blob with their bytes, in order. */
export async function servePlainly({ file, layout, at }: PlainServeOptions): Promise<Server> {
  const server = createServer({ noDelay: true }, (socket) => {
    // One that goes away while it is written to has what it wanted.
    answerRequests(socket, { file, layout }).catch(() => socket.destroy());
  });
  server.listen(at.port, at.host);
  await once(server, "listening");
  return server;
}

async function answerRequests(
  socket: Socket,
  { file, layout }: Pick<PlainServeOptions, "file" | "layout">,
): Promise<void> {
  // The peer has no more requests on their way than that, so none is waited for.
  const buffers = Array.from({ length: 2 * partsInFlight }, () =>
    Buffer.allocUnsafeSlow(partLengthOf(layout)),
  );
  let rest = Buffer.alloc(0);
  let turn = 0;
  for await (const chunk of socket) {
    rest = Buffer.concat([rest, chunk as Buffer]);
    let position = 0;
    for (; position + requestLength <= rest.length; position += requestLength) {
      const { start, end } = partRange(layout, rest.readUInt32BE(position));
      const buffer = buffers[turn++ % buffers.length];
      if (buffer === undefined) return;
      const { bytesRead } = await file.read(buffer, 0, end - start, start);
      if (bytesRead !== end - start) throw new Error("The blob's file is too short");
      socket.write(buffer.subarray(0, bytesRead));
    }
    rest = rest.subarray(position);
  }
}
