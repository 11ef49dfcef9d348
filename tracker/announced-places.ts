import { InvalidArgumentError } from "../core/errors.ts";
import { type Place, parsePlace, placeLengthMax } from "../core/topology.ts";

/** Places that are shared, which are racks of a large installation; beyond that, those of late. */
const placesMax = 4096;

/** Reads where peers say that they are. Peers of one place share what is kept of it. */
export class AnnouncedPlaces {
  readonly #places = new Map<string, Place>();

  /**
   * What an announce has as a parameter `place` beside those of BEP 3. Who says something else
   * by that name says nothing.
   */
  placeIn(url: string): Place | undefined {
    const said = /[?&]place=([^&]*)/.exec(url)?.[1];
    if (said === undefined || said.length > placeLengthMax) return undefined;
    const known = this.#places.get(said);
    if (known) return known;
    try {
      // NOTE: A part of a string keeps all of it in memory, here the whole URL.
      const text = Buffer.from(said, "latin1").toString("latin1");
      const place = parsePlace(text);
      if (this.#places.size >= placesMax) this.#places.clear();
      this.#places.set(text, place);
      return place;
    } catch (error) {
      if (error instanceof InvalidArgumentError) return undefined;
      throw error;
    }
  }
}
