import * as $protobuf from "protobufjs/minimal.js";
import Long = require("long");

/** Namespace containerd. */
export namespace containerd {

    /** Namespace services. */
    namespace services {

        /** Namespace namespaces. */
        namespace namespaces {

            /** Namespace v1. */
            namespace v1 {

                /**
                 * Properties of a Namespace.
                 * @deprecated Use containerd.services.namespaces.v1.Namespace.$Properties instead.
                 */
                interface INamespace extends containerd.services.namespaces.v1.Namespace.$Properties {
                }

                /** Represents a Namespace. */
                class Namespace {

                    /**
                     * Constructs a new Namespace.
                     * @param [properties] Properties to set
                     */
                    constructor(properties?: containerd.services.namespaces.v1.Namespace.$Properties);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];

                    /** Namespace name. */
                    name: string;

                    /**
                     * Creates a new Namespace instance using the specified properties.
                     * @param [properties] Properties to set
                     * @returns Namespace instance
                     */
                    static create(properties: containerd.services.namespaces.v1.Namespace.$Shape): containerd.services.namespaces.v1.Namespace & containerd.services.namespaces.v1.Namespace.$Shape;
                    static create(properties?: containerd.services.namespaces.v1.Namespace.$Properties): containerd.services.namespaces.v1.Namespace;

                    /**
                     * Encodes the specified Namespace message. Does not implicitly {@link containerd.services.namespaces.v1.Namespace.verify|verify} messages.
                     * @param message Namespace message or plain object to encode
                     * @param [writer] Writer to encode to
                     * @returns Writer
                     */
                    static encode(message: containerd.services.namespaces.v1.Namespace.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                    /**
                     * Decodes a Namespace message from the specified reader or buffer.
                     * @param reader Reader or buffer to decode from
                     * @param [length] Message length if known beforehand
                     * @returns {containerd.services.namespaces.v1.Namespace & containerd.services.namespaces.v1.Namespace.$Shape} Namespace
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): containerd.services.namespaces.v1.Namespace & containerd.services.namespaces.v1.Namespace.$Shape;
                }

                namespace Namespace {

                    /** Properties of a Namespace. */
                    interface $Properties {

                        /** Namespace name */
                        name?: (string|null);

                        /** Unknown fields preserved while decoding when enabled */
                        $unknowns?: Uint8Array[];
                    }

                    /** Shape of a Namespace. */
                    type $Shape = containerd.services.namespaces.v1.Namespace.$Properties;
                }

                /**
                 * Properties of a ListNamespacesRequest.
                 * @deprecated Use containerd.services.namespaces.v1.ListNamespacesRequest.$Properties instead.
                 */
                interface IListNamespacesRequest extends containerd.services.namespaces.v1.ListNamespacesRequest.$Properties {
                }

                /** Represents a ListNamespacesRequest. */
                class ListNamespacesRequest {

                    /**
                     * Constructs a new ListNamespacesRequest.
                     * @param [properties] Properties to set
                     */
                    constructor(properties?: containerd.services.namespaces.v1.ListNamespacesRequest.$Properties);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];

                    /** ListNamespacesRequest filter. */
                    filter: string;

                    /**
                     * Creates a new ListNamespacesRequest instance using the specified properties.
                     * @param [properties] Properties to set
                     * @returns ListNamespacesRequest instance
                     */
                    static create(properties: containerd.services.namespaces.v1.ListNamespacesRequest.$Shape): containerd.services.namespaces.v1.ListNamespacesRequest & containerd.services.namespaces.v1.ListNamespacesRequest.$Shape;
                    static create(properties?: containerd.services.namespaces.v1.ListNamespacesRequest.$Properties): containerd.services.namespaces.v1.ListNamespacesRequest;

                    /**
                     * Encodes the specified ListNamespacesRequest message. Does not implicitly {@link containerd.services.namespaces.v1.ListNamespacesRequest.verify|verify} messages.
                     * @param message ListNamespacesRequest message or plain object to encode
                     * @param [writer] Writer to encode to
                     * @returns Writer
                     */
                    static encode(message: containerd.services.namespaces.v1.ListNamespacesRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                    /**
                     * Decodes a ListNamespacesRequest message from the specified reader or buffer.
                     * @param reader Reader or buffer to decode from
                     * @param [length] Message length if known beforehand
                     * @returns {containerd.services.namespaces.v1.ListNamespacesRequest & containerd.services.namespaces.v1.ListNamespacesRequest.$Shape} ListNamespacesRequest
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): containerd.services.namespaces.v1.ListNamespacesRequest & containerd.services.namespaces.v1.ListNamespacesRequest.$Shape;
                }

                namespace ListNamespacesRequest {

                    /** Properties of a ListNamespacesRequest. */
                    interface $Properties {

                        /** ListNamespacesRequest filter */
                        filter?: (string|null);

                        /** Unknown fields preserved while decoding when enabled */
                        $unknowns?: Uint8Array[];
                    }

                    /** Shape of a ListNamespacesRequest. */
                    type $Shape = containerd.services.namespaces.v1.ListNamespacesRequest.$Properties;
                }

                /**
                 * Properties of a ListNamespacesResponse.
                 * @deprecated Use containerd.services.namespaces.v1.ListNamespacesResponse.$Properties instead.
                 */
                interface IListNamespacesResponse extends containerd.services.namespaces.v1.ListNamespacesResponse.$Properties {
                }

                /** Represents a ListNamespacesResponse. */
                class ListNamespacesResponse {

                    /**
                     * Constructs a new ListNamespacesResponse.
                     * @param [properties] Properties to set
                     */
                    constructor(properties?: containerd.services.namespaces.v1.ListNamespacesResponse.$Properties);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];

                    /** ListNamespacesResponse namespaces. */
                    namespaces: containerd.services.namespaces.v1.Namespace.$Properties[];

                    /**
                     * Creates a new ListNamespacesResponse instance using the specified properties.
                     * @param [properties] Properties to set
                     * @returns ListNamespacesResponse instance
                     */
                    static create(properties: containerd.services.namespaces.v1.ListNamespacesResponse.$Shape): containerd.services.namespaces.v1.ListNamespacesResponse & containerd.services.namespaces.v1.ListNamespacesResponse.$Shape;
                    static create(properties?: containerd.services.namespaces.v1.ListNamespacesResponse.$Properties): containerd.services.namespaces.v1.ListNamespacesResponse;

                    /**
                     * Encodes the specified ListNamespacesResponse message. Does not implicitly {@link containerd.services.namespaces.v1.ListNamespacesResponse.verify|verify} messages.
                     * @param message ListNamespacesResponse message or plain object to encode
                     * @param [writer] Writer to encode to
                     * @returns Writer
                     */
                    static encode(message: containerd.services.namespaces.v1.ListNamespacesResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                    /**
                     * Decodes a ListNamespacesResponse message from the specified reader or buffer.
                     * @param reader Reader or buffer to decode from
                     * @param [length] Message length if known beforehand
                     * @returns {containerd.services.namespaces.v1.ListNamespacesResponse & containerd.services.namespaces.v1.ListNamespacesResponse.$Shape} ListNamespacesResponse
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): containerd.services.namespaces.v1.ListNamespacesResponse & containerd.services.namespaces.v1.ListNamespacesResponse.$Shape;
                }

                namespace ListNamespacesResponse {

                    /** Properties of a ListNamespacesResponse. */
                    interface $Properties {

                        /** ListNamespacesResponse namespaces */
                        namespaces?: (containerd.services.namespaces.v1.Namespace.$Properties[]|null);

                        /** Unknown fields preserved while decoding when enabled */
                        $unknowns?: Uint8Array[];
                    }

                    /** Shape of a ListNamespacesResponse. */
                    type $Shape = containerd.services.namespaces.v1.ListNamespacesResponse.$Properties;
                }
            }
        }
    }
}
