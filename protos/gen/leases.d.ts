import * as $protobuf from "protobufjs/minimal.js";
import Long = require("long");

/** Namespace containerd. */
export namespace containerd {

    /** Namespace services. */
    namespace services {

        /** Namespace leases. */
        namespace leases {

            /** Namespace v1. */
            namespace v1 {

                /**
                 * Properties of a Lease.
                 * @deprecated Use containerd.services.leases.v1.Lease.$Properties instead.
                 */
                interface ILease extends containerd.services.leases.v1.Lease.$Properties {
                }

                /** Represents a Lease. */
                class Lease {

                    /**
                     * Constructs a new Lease.
                     * @param [properties] Properties to set
                     */
                    constructor(properties?: containerd.services.leases.v1.Lease.$Properties);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];

                    /** Lease id. */
                    id: string;

                    /**
                     * Creates a new Lease instance using the specified properties.
                     * @param [properties] Properties to set
                     * @returns Lease instance
                     */
                    static create(properties: containerd.services.leases.v1.Lease.$Shape): containerd.services.leases.v1.Lease & containerd.services.leases.v1.Lease.$Shape;
                    static create(properties?: containerd.services.leases.v1.Lease.$Properties): containerd.services.leases.v1.Lease;

                    /**
                     * Encodes the specified Lease message. Does not implicitly {@link containerd.services.leases.v1.Lease.verify|verify} messages.
                     * @param message Lease message or plain object to encode
                     * @param [writer] Writer to encode to
                     * @returns Writer
                     */
                    static encode(message: containerd.services.leases.v1.Lease.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                    /**
                     * Decodes a Lease message from the specified reader or buffer.
                     * @param reader Reader or buffer to decode from
                     * @param [length] Message length if known beforehand
                     * @returns {containerd.services.leases.v1.Lease & containerd.services.leases.v1.Lease.$Shape} Lease
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): containerd.services.leases.v1.Lease & containerd.services.leases.v1.Lease.$Shape;
                }

                namespace Lease {

                    /** Properties of a Lease. */
                    interface $Properties {

                        /** Lease id */
                        id?: (string|null);

                        /** Unknown fields preserved while decoding when enabled */
                        $unknowns?: Uint8Array[];
                    }

                    /** Shape of a Lease. */
                    type $Shape = containerd.services.leases.v1.Lease.$Properties;
                }

                /**
                 * Properties of a CreateRequest.
                 * @deprecated Use containerd.services.leases.v1.CreateRequest.$Properties instead.
                 */
                interface ICreateRequest extends containerd.services.leases.v1.CreateRequest.$Properties {
                }

                /** Represents a CreateRequest. */
                class CreateRequest {

                    /**
                     * Constructs a new CreateRequest.
                     * @param [properties] Properties to set
                     */
                    constructor(properties?: containerd.services.leases.v1.CreateRequest.$Properties);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];

                    /** CreateRequest id. */
                    id: string;

                    /** CreateRequest labels. */
                    labels: { [k: string]: string };

                    /**
                     * Creates a new CreateRequest instance using the specified properties.
                     * @param [properties] Properties to set
                     * @returns CreateRequest instance
                     */
                    static create(properties: containerd.services.leases.v1.CreateRequest.$Shape): containerd.services.leases.v1.CreateRequest & containerd.services.leases.v1.CreateRequest.$Shape;
                    static create(properties?: containerd.services.leases.v1.CreateRequest.$Properties): containerd.services.leases.v1.CreateRequest;

                    /**
                     * Encodes the specified CreateRequest message. Does not implicitly {@link containerd.services.leases.v1.CreateRequest.verify|verify} messages.
                     * @param message CreateRequest message or plain object to encode
                     * @param [writer] Writer to encode to
                     * @returns Writer
                     */
                    static encode(message: containerd.services.leases.v1.CreateRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                    /**
                     * Decodes a CreateRequest message from the specified reader or buffer.
                     * @param reader Reader or buffer to decode from
                     * @param [length] Message length if known beforehand
                     * @returns {containerd.services.leases.v1.CreateRequest & containerd.services.leases.v1.CreateRequest.$Shape} CreateRequest
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): containerd.services.leases.v1.CreateRequest & containerd.services.leases.v1.CreateRequest.$Shape;
                }

                namespace CreateRequest {

                    /** Properties of a CreateRequest. */
                    interface $Properties {

                        /** CreateRequest id */
                        id?: (string|null);

                        /** CreateRequest labels */
                        labels?: ({ [k: string]: string }|null);

                        /** Unknown fields preserved while decoding when enabled */
                        $unknowns?: Uint8Array[];
                    }

                    /** Shape of a CreateRequest. */
                    type $Shape = containerd.services.leases.v1.CreateRequest.$Properties;
                }

                /**
                 * Properties of a CreateResponse.
                 * @deprecated Use containerd.services.leases.v1.CreateResponse.$Properties instead.
                 */
                interface ICreateResponse extends containerd.services.leases.v1.CreateResponse.$Properties {
                }

                /** Represents a CreateResponse. */
                class CreateResponse {

                    /**
                     * Constructs a new CreateResponse.
                     * @param [properties] Properties to set
                     */
                    constructor(properties?: containerd.services.leases.v1.CreateResponse.$Properties);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];

                    /** CreateResponse lease. */
                    lease?: (containerd.services.leases.v1.Lease.$Properties|null);

                    /**
                     * Creates a new CreateResponse instance using the specified properties.
                     * @param [properties] Properties to set
                     * @returns CreateResponse instance
                     */
                    static create(properties: containerd.services.leases.v1.CreateResponse.$Shape): containerd.services.leases.v1.CreateResponse & containerd.services.leases.v1.CreateResponse.$Shape;
                    static create(properties?: containerd.services.leases.v1.CreateResponse.$Properties): containerd.services.leases.v1.CreateResponse;

                    /**
                     * Encodes the specified CreateResponse message. Does not implicitly {@link containerd.services.leases.v1.CreateResponse.verify|verify} messages.
                     * @param message CreateResponse message or plain object to encode
                     * @param [writer] Writer to encode to
                     * @returns Writer
                     */
                    static encode(message: containerd.services.leases.v1.CreateResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                    /**
                     * Decodes a CreateResponse message from the specified reader or buffer.
                     * @param reader Reader or buffer to decode from
                     * @param [length] Message length if known beforehand
                     * @returns {containerd.services.leases.v1.CreateResponse & containerd.services.leases.v1.CreateResponse.$Shape} CreateResponse
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): containerd.services.leases.v1.CreateResponse & containerd.services.leases.v1.CreateResponse.$Shape;
                }

                namespace CreateResponse {

                    /** Properties of a CreateResponse. */
                    interface $Properties {

                        /** CreateResponse lease */
                        lease?: (containerd.services.leases.v1.Lease.$Properties|null);

                        /** Unknown fields preserved while decoding when enabled */
                        $unknowns?: Uint8Array[];
                    }

                    /** Shape of a CreateResponse. */
                    type $Shape = containerd.services.leases.v1.CreateResponse.$Properties;
                }

                /**
                 * Properties of a DeleteRequest.
                 * @deprecated Use containerd.services.leases.v1.DeleteRequest.$Properties instead.
                 */
                interface IDeleteRequest extends containerd.services.leases.v1.DeleteRequest.$Properties {
                }

                /** Represents a DeleteRequest. */
                class DeleteRequest {

                    /**
                     * Constructs a new DeleteRequest.
                     * @param [properties] Properties to set
                     */
                    constructor(properties?: containerd.services.leases.v1.DeleteRequest.$Properties);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];

                    /** DeleteRequest id. */
                    id: string;

                    /** DeleteRequest sync. */
                    sync: boolean;

                    /**
                     * Creates a new DeleteRequest instance using the specified properties.
                     * @param [properties] Properties to set
                     * @returns DeleteRequest instance
                     */
                    static create(properties: containerd.services.leases.v1.DeleteRequest.$Shape): containerd.services.leases.v1.DeleteRequest & containerd.services.leases.v1.DeleteRequest.$Shape;
                    static create(properties?: containerd.services.leases.v1.DeleteRequest.$Properties): containerd.services.leases.v1.DeleteRequest;

                    /**
                     * Encodes the specified DeleteRequest message. Does not implicitly {@link containerd.services.leases.v1.DeleteRequest.verify|verify} messages.
                     * @param message DeleteRequest message or plain object to encode
                     * @param [writer] Writer to encode to
                     * @returns Writer
                     */
                    static encode(message: containerd.services.leases.v1.DeleteRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                    /**
                     * Decodes a DeleteRequest message from the specified reader or buffer.
                     * @param reader Reader or buffer to decode from
                     * @param [length] Message length if known beforehand
                     * @returns {containerd.services.leases.v1.DeleteRequest & containerd.services.leases.v1.DeleteRequest.$Shape} DeleteRequest
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): containerd.services.leases.v1.DeleteRequest & containerd.services.leases.v1.DeleteRequest.$Shape;
                }

                namespace DeleteRequest {

                    /** Properties of a DeleteRequest. */
                    interface $Properties {

                        /** DeleteRequest id */
                        id?: (string|null);

                        /** DeleteRequest sync */
                        sync?: (boolean|null);

                        /** Unknown fields preserved while decoding when enabled */
                        $unknowns?: Uint8Array[];
                    }

                    /** Shape of a DeleteRequest. */
                    type $Shape = containerd.services.leases.v1.DeleteRequest.$Properties;
                }
            }
        }
    }
}

/** Namespace google. */
export namespace google {

    /** Namespace protobuf. */
    namespace protobuf {

        /**
         * Properties of an Empty.
         * @deprecated Use google.protobuf.Empty.$Properties instead.
         */
        interface IEmpty extends google.protobuf.Empty.$Properties {
        }

        /** Represents an Empty. */
        class Empty {

            /**
             * Constructs a new Empty.
             * @param [properties] Properties to set
             */
            constructor(properties?: google.protobuf.Empty.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /**
             * Creates a new Empty instance using the specified properties.
             * @param [properties] Properties to set
             * @returns Empty instance
             */
            static create(properties: google.protobuf.Empty.$Shape): google.protobuf.Empty & google.protobuf.Empty.$Shape;
            static create(properties?: google.protobuf.Empty.$Properties): google.protobuf.Empty;

            /**
             * Encodes the specified Empty message. Does not implicitly {@link google.protobuf.Empty.verify|verify} messages.
             * @param message Empty message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: google.protobuf.Empty.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes an Empty message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {google.protobuf.Empty & google.protobuf.Empty.$Shape} Empty
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): google.protobuf.Empty & google.protobuf.Empty.$Shape;
        }

        namespace Empty {

            /** Properties of an Empty. */
            interface $Properties {

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of an Empty. */
            type $Shape = google.protobuf.Empty.$Properties;
        }
    }
}
