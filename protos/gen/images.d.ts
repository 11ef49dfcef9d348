import * as $protobuf from "protobufjs/minimal.js";
import Long = require("long");

/** Namespace containerd. */
export namespace containerd {

    /** Namespace services. */
    namespace services {

        /** Namespace images. */
        namespace images {

            /** Namespace v1. */
            namespace v1 {

                /**
                 * Properties of a Descriptor.
                 * @deprecated Use containerd.services.images.v1.Descriptor.$Properties instead.
                 */
                interface IDescriptor extends containerd.services.images.v1.Descriptor.$Properties {
                }

                /** Represents a Descriptor. */
                class Descriptor {

                    /**
                     * Constructs a new Descriptor.
                     * @param [properties] Properties to set
                     */
                    constructor(properties?: containerd.services.images.v1.Descriptor.$Properties);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];

                    /** Descriptor mediaType. */
                    mediaType: string;

                    /** Descriptor digest. */
                    digest: string;

                    /** Descriptor size. */
                    size: (number|Long);

                    /**
                     * Creates a new Descriptor instance using the specified properties.
                     * @param [properties] Properties to set
                     * @returns Descriptor instance
                     */
                    static create(properties: containerd.services.images.v1.Descriptor.$Shape): containerd.services.images.v1.Descriptor & containerd.services.images.v1.Descriptor.$Shape;
                    static create(properties?: containerd.services.images.v1.Descriptor.$Properties): containerd.services.images.v1.Descriptor;

                    /**
                     * Encodes the specified Descriptor message. Does not implicitly {@link containerd.services.images.v1.Descriptor.verify|verify} messages.
                     * @param message Descriptor message or plain object to encode
                     * @param [writer] Writer to encode to
                     * @returns Writer
                     */
                    static encode(message: containerd.services.images.v1.Descriptor.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                    /**
                     * Decodes a Descriptor message from the specified reader or buffer.
                     * @param reader Reader or buffer to decode from
                     * @param [length] Message length if known beforehand
                     * @returns {containerd.services.images.v1.Descriptor & containerd.services.images.v1.Descriptor.$Shape} Descriptor
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): containerd.services.images.v1.Descriptor & containerd.services.images.v1.Descriptor.$Shape;
                }

                namespace Descriptor {

                    /** Properties of a Descriptor. */
                    interface $Properties {

                        /** Descriptor mediaType */
                        mediaType?: (string|null);

                        /** Descriptor digest */
                        digest?: (string|null);

                        /** Descriptor size */
                        size?: (number|Long|null);

                        /** Unknown fields preserved while decoding when enabled */
                        $unknowns?: Uint8Array[];
                    }

                    /** Shape of a Descriptor. */
                    type $Shape = containerd.services.images.v1.Descriptor.$Properties;
                }

                /**
                 * Properties of an Image.
                 * @deprecated Use containerd.services.images.v1.Image.$Properties instead.
                 */
                interface IImage extends containerd.services.images.v1.Image.$Properties {
                }

                /** Represents an Image. */
                class Image {

                    /**
                     * Constructs a new Image.
                     * @param [properties] Properties to set
                     */
                    constructor(properties?: containerd.services.images.v1.Image.$Properties);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];

                    /** Image name. */
                    name: string;

                    /** Image target. */
                    target?: (containerd.services.images.v1.Descriptor.$Properties|null);

                    /**
                     * Creates a new Image instance using the specified properties.
                     * @param [properties] Properties to set
                     * @returns Image instance
                     */
                    static create(properties: containerd.services.images.v1.Image.$Shape): containerd.services.images.v1.Image & containerd.services.images.v1.Image.$Shape;
                    static create(properties?: containerd.services.images.v1.Image.$Properties): containerd.services.images.v1.Image;

                    /**
                     * Encodes the specified Image message. Does not implicitly {@link containerd.services.images.v1.Image.verify|verify} messages.
                     * @param message Image message or plain object to encode
                     * @param [writer] Writer to encode to
                     * @returns Writer
                     */
                    static encode(message: containerd.services.images.v1.Image.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                    /**
                     * Decodes an Image message from the specified reader or buffer.
                     * @param reader Reader or buffer to decode from
                     * @param [length] Message length if known beforehand
                     * @returns {containerd.services.images.v1.Image & containerd.services.images.v1.Image.$Shape} Image
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): containerd.services.images.v1.Image & containerd.services.images.v1.Image.$Shape;
                }

                namespace Image {

                    /** Properties of an Image. */
                    interface $Properties {

                        /** Image name */
                        name?: (string|null);

                        /** Image target */
                        target?: (containerd.services.images.v1.Descriptor.$Properties|null);

                        /** Unknown fields preserved while decoding when enabled */
                        $unknowns?: Uint8Array[];
                    }

                    /** Shape of an Image. */
                    type $Shape = containerd.services.images.v1.Image.$Properties;
                }

                /**
                 * Properties of a ListImagesRequest.
                 * @deprecated Use containerd.services.images.v1.ListImagesRequest.$Properties instead.
                 */
                interface IListImagesRequest extends containerd.services.images.v1.ListImagesRequest.$Properties {
                }

                /** Represents a ListImagesRequest. */
                class ListImagesRequest {

                    /**
                     * Constructs a new ListImagesRequest.
                     * @param [properties] Properties to set
                     */
                    constructor(properties?: containerd.services.images.v1.ListImagesRequest.$Properties);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];

                    /** ListImagesRequest filters. */
                    filters: string[];

                    /**
                     * Creates a new ListImagesRequest instance using the specified properties.
                     * @param [properties] Properties to set
                     * @returns ListImagesRequest instance
                     */
                    static create(properties: containerd.services.images.v1.ListImagesRequest.$Shape): containerd.services.images.v1.ListImagesRequest & containerd.services.images.v1.ListImagesRequest.$Shape;
                    static create(properties?: containerd.services.images.v1.ListImagesRequest.$Properties): containerd.services.images.v1.ListImagesRequest;

                    /**
                     * Encodes the specified ListImagesRequest message. Does not implicitly {@link containerd.services.images.v1.ListImagesRequest.verify|verify} messages.
                     * @param message ListImagesRequest message or plain object to encode
                     * @param [writer] Writer to encode to
                     * @returns Writer
                     */
                    static encode(message: containerd.services.images.v1.ListImagesRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                    /**
                     * Decodes a ListImagesRequest message from the specified reader or buffer.
                     * @param reader Reader or buffer to decode from
                     * @param [length] Message length if known beforehand
                     * @returns {containerd.services.images.v1.ListImagesRequest & containerd.services.images.v1.ListImagesRequest.$Shape} ListImagesRequest
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): containerd.services.images.v1.ListImagesRequest & containerd.services.images.v1.ListImagesRequest.$Shape;
                }

                namespace ListImagesRequest {

                    /** Properties of a ListImagesRequest. */
                    interface $Properties {

                        /** ListImagesRequest filters */
                        filters?: (string[]|null);

                        /** Unknown fields preserved while decoding when enabled */
                        $unknowns?: Uint8Array[];
                    }

                    /** Shape of a ListImagesRequest. */
                    type $Shape = containerd.services.images.v1.ListImagesRequest.$Properties;
                }

                /**
                 * Properties of a ListImagesResponse.
                 * @deprecated Use containerd.services.images.v1.ListImagesResponse.$Properties instead.
                 */
                interface IListImagesResponse extends containerd.services.images.v1.ListImagesResponse.$Properties {
                }

                /** Represents a ListImagesResponse. */
                class ListImagesResponse {

                    /**
                     * Constructs a new ListImagesResponse.
                     * @param [properties] Properties to set
                     */
                    constructor(properties?: containerd.services.images.v1.ListImagesResponse.$Properties);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];

                    /** ListImagesResponse images. */
                    images: containerd.services.images.v1.Image.$Properties[];

                    /**
                     * Creates a new ListImagesResponse instance using the specified properties.
                     * @param [properties] Properties to set
                     * @returns ListImagesResponse instance
                     */
                    static create(properties: containerd.services.images.v1.ListImagesResponse.$Shape): containerd.services.images.v1.ListImagesResponse & containerd.services.images.v1.ListImagesResponse.$Shape;
                    static create(properties?: containerd.services.images.v1.ListImagesResponse.$Properties): containerd.services.images.v1.ListImagesResponse;

                    /**
                     * Encodes the specified ListImagesResponse message. Does not implicitly {@link containerd.services.images.v1.ListImagesResponse.verify|verify} messages.
                     * @param message ListImagesResponse message or plain object to encode
                     * @param [writer] Writer to encode to
                     * @returns Writer
                     */
                    static encode(message: containerd.services.images.v1.ListImagesResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                    /**
                     * Decodes a ListImagesResponse message from the specified reader or buffer.
                     * @param reader Reader or buffer to decode from
                     * @param [length] Message length if known beforehand
                     * @returns {containerd.services.images.v1.ListImagesResponse & containerd.services.images.v1.ListImagesResponse.$Shape} ListImagesResponse
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): containerd.services.images.v1.ListImagesResponse & containerd.services.images.v1.ListImagesResponse.$Shape;
                }

                namespace ListImagesResponse {

                    /** Properties of a ListImagesResponse. */
                    interface $Properties {

                        /** ListImagesResponse images */
                        images?: (containerd.services.images.v1.Image.$Properties[]|null);

                        /** Unknown fields preserved while decoding when enabled */
                        $unknowns?: Uint8Array[];
                    }

                    /** Shape of a ListImagesResponse. */
                    type $Shape = containerd.services.images.v1.ListImagesResponse.$Properties;
                }
            }
        }
    }
}
