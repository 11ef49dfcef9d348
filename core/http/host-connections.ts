import type { Server } from "node:http";

import { normalizePeerAddress } from "../peer-address.ts";

/**
 * Hangs up on connections of a host, by its whole address, beyond so many at once: one that opens
 * as many as a server takes must not keep all others out.
 */
export function boundHostConnections(server: Server, connectionsPerHostMax: number): void {
  const counts = new Map<string, number>();
  server.on("connection", (socket) => {
    // Who is gone already has no address, and takes nothing.
    const { host } = normalizePeerAddress({ host: socket.remoteAddress ?? "", port: 0 });
    const count = counts.get(host) ?? 0;
    if (count >= connectionsPerHostMax) {
      socket.destroy();
      return;
    }
    counts.set(host, count + 1);
    socket.once("close", () => {
      const left = (counts.get(host) ?? 0) - 1;
      if (left > 0) counts.set(host, left);
      else counts.delete(host);
    });
  });
}
