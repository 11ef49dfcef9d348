import type { Duplex } from "node:stream";

/** How long a peer may take to read why it is thrown out. */
const farewellMs = 1000;

/** Ends a connection after what was written, and soon in any case. */
export function sayFarewell(socket: Duplex): void {
  if (socket.destroyed) return;
  socket.resume();
  socket.end();
  const timer = setTimeout(() => socket.destroy(), farewellMs);
  socket.once("close", () => clearTimeout(timer));
  socket.once("finish", () => socket.destroy());
}
