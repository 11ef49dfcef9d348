import { DisposeStack } from "../../core/async/dispose-stack.ts";
import { listenHttp } from "../../core/http/listen-http.ts";
import type { PeerAddress } from "../../core/peer-address.ts";
import { malformedAnswer } from "../../core/oci-api/api-answer.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import { type MirrorHandlerDeps, mirrorHandler } from "./mirror-handler.ts";

/** Where the mirror listens. */
export interface MirrorPlaces {
  readonly listen: PeerAddress;
  readonly ports: readonly { readonly listen: PeerAddress; readonly registry: string }[];
  /** Connections at once to each of them. */
  readonly connectionsMax: number;
}

/** A mirror that is served. Dispose of it to stop it. */
export interface ServedMirror extends AsyncDisposable {
  readonly address: PeerAddress;
  /** Of the ports for one registry each, in their order. */
  readonly ports: readonly PeerAddress[];
}

/** Serves the mirror, at one place for all registries and at others for one each. */
export async function serveMirror(
  { listen, ports, connectionsMax }: MirrorPlaces,
  { deps, signal }: Cancellable & { readonly deps: MirrorHandlerDeps },
): Promise<ServedMirror> {
  const started = new DisposeStack();
  const open = async (place: PeerAddress, registryOfPort: string | undefined) => {
    const handle = mirrorHandler(deps, { registryOfPort });
    const options = { connectionsMax, handle, malformed: malformedAnswer, signal };
    return started.use(await listenHttp(place, options));
  };
  try {
    const { address } = await open(listen, undefined);
    const addresses: PeerAddress[] = [];
    for (const port of ports) addresses.push((await open(port.listen, port.registry)).address);
    const running = started.move();
    return {
      address,
      ports: addresses,
      [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
    };
  } catch (error) {
    return started.disposeAfter(error);
  }
}
