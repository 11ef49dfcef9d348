// Run by startForwarder() inside a network namespace: passes the connections to one end, a
// Unix socket or an address, on to another.
import { chmodSync } from "node:fs";
import { connect, createServer } from "node:net";

const [from, to] = process.argv.slice(2);
if (from === undefined || to === undefined) throw new Error("Usage: tunnel-main.ts FROM TO");

const server = createServer({ allowHalfOpen: true }, (near) => {
  const far = connect({ ...endOf(to), allowHalfOpen: true });
  near.pipe(far).pipe(near);
  near.on("error", () => far.destroy());
  far.on("error", () => near.destroy());
});
server.listen(endOf(from), () => {
  if (from.startsWith("/")) chmodSync(from, 0o600);
  else console.log("listening");
});

function endOf(end: string) {
  if (end.startsWith("/")) return { path: end };
  const colon = end.lastIndexOf(":");
  return { host: end.slice(0, colon).replace(/^\[|\]$/g, ""), port: Number(end.slice(colon + 1)) };
}
