import { z } from "zod";

import { type Place, isPlaceLabel } from "../topology.ts";

/** A name such as `1.10` is a number in YAML, which has lost its end before we see it. */
const quotesWanted = ({ input }: { readonly input?: unknown }) =>
  typeof input === "number" ? `is the number ${input}, want text: put it in quotes` : undefined;

const label = () =>
  z
    .string({ error: quotesWanted })
    .refine((text) => text === "" || isPlaceLabel(text), {
      error: "is no name of a place, want at most 63 letters, digits, dots, dashes, underscores",
    })
    .default("");

/** Section `topology` of the configuration: where this host is. What is not known is empty. */
export const topologySchema = z.strictObject({
  region: label(),
  /** Bytes between zones are what is saved. */
  zone: label(),
  rack: label(),
});

/** The place that a configuration tells; `undefined` when it tells nothing. */
export function placeOf(topology: Readonly<z.output<typeof topologySchema>>): Place | undefined {
  const [region, zone, rack] = [topology.region, topology.zone, topology.rack].map((text) =>
    text === "" ? undefined : text,
  );
  return (region ?? zone ?? rack) ? { region, zone, rack } : undefined;
}
