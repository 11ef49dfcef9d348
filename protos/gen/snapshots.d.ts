import * as $protobuf from "protobufjs/minimal.js";
import Long = require("long");

/** Namespace containerd. */
export namespace containerd {

    /** Namespace services. */
    namespace services {

        /** Namespace snapshots. */
        namespace snapshots {

            /** Namespace v1. */
            namespace v1 {

                /**
                 * Properties of a Mount.
                 * @deprecated Use containerd.services.snapshots.v1.Mount.$Properties instead.
                 */
                interface IMount extends containerd.services.snapshots.v1.Mount.$Properties {
                }

                /** Represents a Mount. */
                class Mount {

                    /**
                     * Constructs a new Mount.
                     * @param [properties] Properties to set
                     */
                    constructor(properties?: containerd.services.snapshots.v1.Mount.$Properties);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];

                    /** Mount type. */
                    type: string;

                    /** Mount source. */
                    source: string;

                    /** Mount target. */
                    target: string;

                    /** Mount options. */
                    options: string[];

                    /**
                     * Creates a new Mount instance using the specified properties.
                     * @param [properties] Properties to set
                     * @returns Mount instance
                     */
                    static create(properties: containerd.services.snapshots.v1.Mount.$Shape): containerd.services.snapshots.v1.Mount & containerd.services.snapshots.v1.Mount.$Shape;
                    static create(properties?: containerd.services.snapshots.v1.Mount.$Properties): containerd.services.snapshots.v1.Mount;

                    /**
                     * Encodes the specified Mount message. Does not implicitly {@link containerd.services.snapshots.v1.Mount.verify|verify} messages.
                     * @param message Mount message or plain object to encode
                     * @param [writer] Writer to encode to
                     * @returns Writer
                     */
                    static encode(message: containerd.services.snapshots.v1.Mount.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                    /**
                     * Decodes a Mount message from the specified reader or buffer.
                     * @param reader Reader or buffer to decode from
                     * @param [length] Message length if known beforehand
                     * @returns {containerd.services.snapshots.v1.Mount & containerd.services.snapshots.v1.Mount.$Shape} Mount
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): containerd.services.snapshots.v1.Mount & containerd.services.snapshots.v1.Mount.$Shape;
                }

                namespace Mount {

                    /** Properties of a Mount. */
                    interface $Properties {

                        /** Mount type */
                        type?: (string|null);

                        /** Mount source */
                        source?: (string|null);

                        /** Mount target */
                        target?: (string|null);

                        /** Mount options */
                        options?: (string[]|null);

                        /** Unknown fields preserved while decoding when enabled */
                        $unknowns?: Uint8Array[];
                    }

                    /** Shape of a Mount. */
                    type $Shape = containerd.services.snapshots.v1.Mount.$Properties;
                }

                /** Kind enum. */
                enum Kind {

                    /** UNKNOWN value */
                    UNKNOWN = 0,

                    /** VIEW value */
                    VIEW = 1,

                    /** ACTIVE value */
                    ACTIVE = 2,

                    /** COMMITTED value */
                    COMMITTED = 3
                }

                /**
                 * Properties of an Info.
                 * @deprecated Use containerd.services.snapshots.v1.Info.$Properties instead.
                 */
                interface IInfo extends containerd.services.snapshots.v1.Info.$Properties {
                }

                /** Represents an Info. */
                class Info {

                    /**
                     * Constructs a new Info.
                     * @param [properties] Properties to set
                     */
                    constructor(properties?: containerd.services.snapshots.v1.Info.$Properties);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];

                    /** Info name. */
                    name: string;

                    /** Info parent. */
                    parent: string;

                    /** Info kind. */
                    kind: containerd.services.snapshots.v1.Kind;

                    /** Info createdAt. */
                    createdAt?: (google.protobuf.Timestamp.$Properties|null);

                    /** Info updatedAt. */
                    updatedAt?: (google.protobuf.Timestamp.$Properties|null);

                    /** Info labels. */
                    labels: { [k: string]: string };

                    /**
                     * Creates a new Info instance using the specified properties.
                     * @param [properties] Properties to set
                     * @returns Info instance
                     */
                    static create(properties: containerd.services.snapshots.v1.Info.$Shape): containerd.services.snapshots.v1.Info & containerd.services.snapshots.v1.Info.$Shape;
                    static create(properties?: containerd.services.snapshots.v1.Info.$Properties): containerd.services.snapshots.v1.Info;

                    /**
                     * Encodes the specified Info message. Does not implicitly {@link containerd.services.snapshots.v1.Info.verify|verify} messages.
                     * @param message Info message or plain object to encode
                     * @param [writer] Writer to encode to
                     * @returns Writer
                     */
                    static encode(message: containerd.services.snapshots.v1.Info.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                    /**
                     * Decodes an Info message from the specified reader or buffer.
                     * @param reader Reader or buffer to decode from
                     * @param [length] Message length if known beforehand
                     * @returns {containerd.services.snapshots.v1.Info & containerd.services.snapshots.v1.Info.$Shape} Info
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): containerd.services.snapshots.v1.Info & containerd.services.snapshots.v1.Info.$Shape;
                }

                namespace Info {

                    /** Properties of an Info. */
                    interface $Properties {

                        /** Info name */
                        name?: (string|null);

                        /** Info parent */
                        parent?: (string|null);

                        /** Info kind */
                        kind?: (containerd.services.snapshots.v1.Kind|null);

                        /** Info createdAt */
                        createdAt?: (google.protobuf.Timestamp.$Properties|null);

                        /** Info updatedAt */
                        updatedAt?: (google.protobuf.Timestamp.$Properties|null);

                        /** Info labels */
                        labels?: ({ [k: string]: string }|null);

                        /** Unknown fields preserved while decoding when enabled */
                        $unknowns?: Uint8Array[];
                    }

                    /** Shape of an Info. */
                    type $Shape = containerd.services.snapshots.v1.Info.$Properties;
                }

                /**
                 * Properties of a PrepareSnapshotRequest.
                 * @deprecated Use containerd.services.snapshots.v1.PrepareSnapshotRequest.$Properties instead.
                 */
                interface IPrepareSnapshotRequest extends containerd.services.snapshots.v1.PrepareSnapshotRequest.$Properties {
                }

                /** Represents a PrepareSnapshotRequest. */
                class PrepareSnapshotRequest {

                    /**
                     * Constructs a new PrepareSnapshotRequest.
                     * @param [properties] Properties to set
                     */
                    constructor(properties?: containerd.services.snapshots.v1.PrepareSnapshotRequest.$Properties);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];

                    /** PrepareSnapshotRequest snapshotter. */
                    snapshotter: string;

                    /** PrepareSnapshotRequest key. */
                    key: string;

                    /** PrepareSnapshotRequest parent. */
                    parent: string;

                    /** PrepareSnapshotRequest labels. */
                    labels: { [k: string]: string };

                    /**
                     * Creates a new PrepareSnapshotRequest instance using the specified properties.
                     * @param [properties] Properties to set
                     * @returns PrepareSnapshotRequest instance
                     */
                    static create(properties: containerd.services.snapshots.v1.PrepareSnapshotRequest.$Shape): containerd.services.snapshots.v1.PrepareSnapshotRequest & containerd.services.snapshots.v1.PrepareSnapshotRequest.$Shape;
                    static create(properties?: containerd.services.snapshots.v1.PrepareSnapshotRequest.$Properties): containerd.services.snapshots.v1.PrepareSnapshotRequest;

                    /**
                     * Encodes the specified PrepareSnapshotRequest message. Does not implicitly {@link containerd.services.snapshots.v1.PrepareSnapshotRequest.verify|verify} messages.
                     * @param message PrepareSnapshotRequest message or plain object to encode
                     * @param [writer] Writer to encode to
                     * @returns Writer
                     */
                    static encode(message: containerd.services.snapshots.v1.PrepareSnapshotRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                    /**
                     * Decodes a PrepareSnapshotRequest message from the specified reader or buffer.
                     * @param reader Reader or buffer to decode from
                     * @param [length] Message length if known beforehand
                     * @returns {containerd.services.snapshots.v1.PrepareSnapshotRequest & containerd.services.snapshots.v1.PrepareSnapshotRequest.$Shape} PrepareSnapshotRequest
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): containerd.services.snapshots.v1.PrepareSnapshotRequest & containerd.services.snapshots.v1.PrepareSnapshotRequest.$Shape;
                }

                namespace PrepareSnapshotRequest {

                    /** Properties of a PrepareSnapshotRequest. */
                    interface $Properties {

                        /** PrepareSnapshotRequest snapshotter */
                        snapshotter?: (string|null);

                        /** PrepareSnapshotRequest key */
                        key?: (string|null);

                        /** PrepareSnapshotRequest parent */
                        parent?: (string|null);

                        /** PrepareSnapshotRequest labels */
                        labels?: ({ [k: string]: string }|null);

                        /** Unknown fields preserved while decoding when enabled */
                        $unknowns?: Uint8Array[];
                    }

                    /** Shape of a PrepareSnapshotRequest. */
                    type $Shape = containerd.services.snapshots.v1.PrepareSnapshotRequest.$Properties;
                }

                /**
                 * Properties of a PrepareSnapshotResponse.
                 * @deprecated Use containerd.services.snapshots.v1.PrepareSnapshotResponse.$Properties instead.
                 */
                interface IPrepareSnapshotResponse extends containerd.services.snapshots.v1.PrepareSnapshotResponse.$Properties {
                }

                /** Represents a PrepareSnapshotResponse. */
                class PrepareSnapshotResponse {

                    /**
                     * Constructs a new PrepareSnapshotResponse.
                     * @param [properties] Properties to set
                     */
                    constructor(properties?: containerd.services.snapshots.v1.PrepareSnapshotResponse.$Properties);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];

                    /** PrepareSnapshotResponse mounts. */
                    mounts: containerd.services.snapshots.v1.Mount.$Properties[];

                    /**
                     * Creates a new PrepareSnapshotResponse instance using the specified properties.
                     * @param [properties] Properties to set
                     * @returns PrepareSnapshotResponse instance
                     */
                    static create(properties: containerd.services.snapshots.v1.PrepareSnapshotResponse.$Shape): containerd.services.snapshots.v1.PrepareSnapshotResponse & containerd.services.snapshots.v1.PrepareSnapshotResponse.$Shape;
                    static create(properties?: containerd.services.snapshots.v1.PrepareSnapshotResponse.$Properties): containerd.services.snapshots.v1.PrepareSnapshotResponse;

                    /**
                     * Encodes the specified PrepareSnapshotResponse message. Does not implicitly {@link containerd.services.snapshots.v1.PrepareSnapshotResponse.verify|verify} messages.
                     * @param message PrepareSnapshotResponse message or plain object to encode
                     * @param [writer] Writer to encode to
                     * @returns Writer
                     */
                    static encode(message: containerd.services.snapshots.v1.PrepareSnapshotResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                    /**
                     * Decodes a PrepareSnapshotResponse message from the specified reader or buffer.
                     * @param reader Reader or buffer to decode from
                     * @param [length] Message length if known beforehand
                     * @returns {containerd.services.snapshots.v1.PrepareSnapshotResponse & containerd.services.snapshots.v1.PrepareSnapshotResponse.$Shape} PrepareSnapshotResponse
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): containerd.services.snapshots.v1.PrepareSnapshotResponse & containerd.services.snapshots.v1.PrepareSnapshotResponse.$Shape;
                }

                namespace PrepareSnapshotResponse {

                    /** Properties of a PrepareSnapshotResponse. */
                    interface $Properties {

                        /** PrepareSnapshotResponse mounts */
                        mounts?: (containerd.services.snapshots.v1.Mount.$Properties[]|null);

                        /** Unknown fields preserved while decoding when enabled */
                        $unknowns?: Uint8Array[];
                    }

                    /** Shape of a PrepareSnapshotResponse. */
                    type $Shape = containerd.services.snapshots.v1.PrepareSnapshotResponse.$Properties;
                }

                /**
                 * Properties of a ViewSnapshotRequest.
                 * @deprecated Use containerd.services.snapshots.v1.ViewSnapshotRequest.$Properties instead.
                 */
                interface IViewSnapshotRequest extends containerd.services.snapshots.v1.ViewSnapshotRequest.$Properties {
                }

                /** Represents a ViewSnapshotRequest. */
                class ViewSnapshotRequest {

                    /**
                     * Constructs a new ViewSnapshotRequest.
                     * @param [properties] Properties to set
                     */
                    constructor(properties?: containerd.services.snapshots.v1.ViewSnapshotRequest.$Properties);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];

                    /** ViewSnapshotRequest snapshotter. */
                    snapshotter: string;

                    /** ViewSnapshotRequest key. */
                    key: string;

                    /** ViewSnapshotRequest parent. */
                    parent: string;

                    /** ViewSnapshotRequest labels. */
                    labels: { [k: string]: string };

                    /**
                     * Creates a new ViewSnapshotRequest instance using the specified properties.
                     * @param [properties] Properties to set
                     * @returns ViewSnapshotRequest instance
                     */
                    static create(properties: containerd.services.snapshots.v1.ViewSnapshotRequest.$Shape): containerd.services.snapshots.v1.ViewSnapshotRequest & containerd.services.snapshots.v1.ViewSnapshotRequest.$Shape;
                    static create(properties?: containerd.services.snapshots.v1.ViewSnapshotRequest.$Properties): containerd.services.snapshots.v1.ViewSnapshotRequest;

                    /**
                     * Encodes the specified ViewSnapshotRequest message. Does not implicitly {@link containerd.services.snapshots.v1.ViewSnapshotRequest.verify|verify} messages.
                     * @param message ViewSnapshotRequest message or plain object to encode
                     * @param [writer] Writer to encode to
                     * @returns Writer
                     */
                    static encode(message: containerd.services.snapshots.v1.ViewSnapshotRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                    /**
                     * Decodes a ViewSnapshotRequest message from the specified reader or buffer.
                     * @param reader Reader or buffer to decode from
                     * @param [length] Message length if known beforehand
                     * @returns {containerd.services.snapshots.v1.ViewSnapshotRequest & containerd.services.snapshots.v1.ViewSnapshotRequest.$Shape} ViewSnapshotRequest
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): containerd.services.snapshots.v1.ViewSnapshotRequest & containerd.services.snapshots.v1.ViewSnapshotRequest.$Shape;
                }

                namespace ViewSnapshotRequest {

                    /** Properties of a ViewSnapshotRequest. */
                    interface $Properties {

                        /** ViewSnapshotRequest snapshotter */
                        snapshotter?: (string|null);

                        /** ViewSnapshotRequest key */
                        key?: (string|null);

                        /** ViewSnapshotRequest parent */
                        parent?: (string|null);

                        /** ViewSnapshotRequest labels */
                        labels?: ({ [k: string]: string }|null);

                        /** Unknown fields preserved while decoding when enabled */
                        $unknowns?: Uint8Array[];
                    }

                    /** Shape of a ViewSnapshotRequest. */
                    type $Shape = containerd.services.snapshots.v1.ViewSnapshotRequest.$Properties;
                }

                /**
                 * Properties of a ViewSnapshotResponse.
                 * @deprecated Use containerd.services.snapshots.v1.ViewSnapshotResponse.$Properties instead.
                 */
                interface IViewSnapshotResponse extends containerd.services.snapshots.v1.ViewSnapshotResponse.$Properties {
                }

                /** Represents a ViewSnapshotResponse. */
                class ViewSnapshotResponse {

                    /**
                     * Constructs a new ViewSnapshotResponse.
                     * @param [properties] Properties to set
                     */
                    constructor(properties?: containerd.services.snapshots.v1.ViewSnapshotResponse.$Properties);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];

                    /** ViewSnapshotResponse mounts. */
                    mounts: containerd.services.snapshots.v1.Mount.$Properties[];

                    /**
                     * Creates a new ViewSnapshotResponse instance using the specified properties.
                     * @param [properties] Properties to set
                     * @returns ViewSnapshotResponse instance
                     */
                    static create(properties: containerd.services.snapshots.v1.ViewSnapshotResponse.$Shape): containerd.services.snapshots.v1.ViewSnapshotResponse & containerd.services.snapshots.v1.ViewSnapshotResponse.$Shape;
                    static create(properties?: containerd.services.snapshots.v1.ViewSnapshotResponse.$Properties): containerd.services.snapshots.v1.ViewSnapshotResponse;

                    /**
                     * Encodes the specified ViewSnapshotResponse message. Does not implicitly {@link containerd.services.snapshots.v1.ViewSnapshotResponse.verify|verify} messages.
                     * @param message ViewSnapshotResponse message or plain object to encode
                     * @param [writer] Writer to encode to
                     * @returns Writer
                     */
                    static encode(message: containerd.services.snapshots.v1.ViewSnapshotResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                    /**
                     * Decodes a ViewSnapshotResponse message from the specified reader or buffer.
                     * @param reader Reader or buffer to decode from
                     * @param [length] Message length if known beforehand
                     * @returns {containerd.services.snapshots.v1.ViewSnapshotResponse & containerd.services.snapshots.v1.ViewSnapshotResponse.$Shape} ViewSnapshotResponse
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): containerd.services.snapshots.v1.ViewSnapshotResponse & containerd.services.snapshots.v1.ViewSnapshotResponse.$Shape;
                }

                namespace ViewSnapshotResponse {

                    /** Properties of a ViewSnapshotResponse. */
                    interface $Properties {

                        /** ViewSnapshotResponse mounts */
                        mounts?: (containerd.services.snapshots.v1.Mount.$Properties[]|null);

                        /** Unknown fields preserved while decoding when enabled */
                        $unknowns?: Uint8Array[];
                    }

                    /** Shape of a ViewSnapshotResponse. */
                    type $Shape = containerd.services.snapshots.v1.ViewSnapshotResponse.$Properties;
                }

                /**
                 * Properties of a MountsRequest.
                 * @deprecated Use containerd.services.snapshots.v1.MountsRequest.$Properties instead.
                 */
                interface IMountsRequest extends containerd.services.snapshots.v1.MountsRequest.$Properties {
                }

                /** Represents a MountsRequest. */
                class MountsRequest {

                    /**
                     * Constructs a new MountsRequest.
                     * @param [properties] Properties to set
                     */
                    constructor(properties?: containerd.services.snapshots.v1.MountsRequest.$Properties);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];

                    /** MountsRequest snapshotter. */
                    snapshotter: string;

                    /** MountsRequest key. */
                    key: string;

                    /**
                     * Creates a new MountsRequest instance using the specified properties.
                     * @param [properties] Properties to set
                     * @returns MountsRequest instance
                     */
                    static create(properties: containerd.services.snapshots.v1.MountsRequest.$Shape): containerd.services.snapshots.v1.MountsRequest & containerd.services.snapshots.v1.MountsRequest.$Shape;
                    static create(properties?: containerd.services.snapshots.v1.MountsRequest.$Properties): containerd.services.snapshots.v1.MountsRequest;

                    /**
                     * Encodes the specified MountsRequest message. Does not implicitly {@link containerd.services.snapshots.v1.MountsRequest.verify|verify} messages.
                     * @param message MountsRequest message or plain object to encode
                     * @param [writer] Writer to encode to
                     * @returns Writer
                     */
                    static encode(message: containerd.services.snapshots.v1.MountsRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                    /**
                     * Decodes a MountsRequest message from the specified reader or buffer.
                     * @param reader Reader or buffer to decode from
                     * @param [length] Message length if known beforehand
                     * @returns {containerd.services.snapshots.v1.MountsRequest & containerd.services.snapshots.v1.MountsRequest.$Shape} MountsRequest
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): containerd.services.snapshots.v1.MountsRequest & containerd.services.snapshots.v1.MountsRequest.$Shape;
                }

                namespace MountsRequest {

                    /** Properties of a MountsRequest. */
                    interface $Properties {

                        /** MountsRequest snapshotter */
                        snapshotter?: (string|null);

                        /** MountsRequest key */
                        key?: (string|null);

                        /** Unknown fields preserved while decoding when enabled */
                        $unknowns?: Uint8Array[];
                    }

                    /** Shape of a MountsRequest. */
                    type $Shape = containerd.services.snapshots.v1.MountsRequest.$Properties;
                }

                /**
                 * Properties of a MountsResponse.
                 * @deprecated Use containerd.services.snapshots.v1.MountsResponse.$Properties instead.
                 */
                interface IMountsResponse extends containerd.services.snapshots.v1.MountsResponse.$Properties {
                }

                /** Represents a MountsResponse. */
                class MountsResponse {

                    /**
                     * Constructs a new MountsResponse.
                     * @param [properties] Properties to set
                     */
                    constructor(properties?: containerd.services.snapshots.v1.MountsResponse.$Properties);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];

                    /** MountsResponse mounts. */
                    mounts: containerd.services.snapshots.v1.Mount.$Properties[];

                    /**
                     * Creates a new MountsResponse instance using the specified properties.
                     * @param [properties] Properties to set
                     * @returns MountsResponse instance
                     */
                    static create(properties: containerd.services.snapshots.v1.MountsResponse.$Shape): containerd.services.snapshots.v1.MountsResponse & containerd.services.snapshots.v1.MountsResponse.$Shape;
                    static create(properties?: containerd.services.snapshots.v1.MountsResponse.$Properties): containerd.services.snapshots.v1.MountsResponse;

                    /**
                     * Encodes the specified MountsResponse message. Does not implicitly {@link containerd.services.snapshots.v1.MountsResponse.verify|verify} messages.
                     * @param message MountsResponse message or plain object to encode
                     * @param [writer] Writer to encode to
                     * @returns Writer
                     */
                    static encode(message: containerd.services.snapshots.v1.MountsResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                    /**
                     * Decodes a MountsResponse message from the specified reader or buffer.
                     * @param reader Reader or buffer to decode from
                     * @param [length] Message length if known beforehand
                     * @returns {containerd.services.snapshots.v1.MountsResponse & containerd.services.snapshots.v1.MountsResponse.$Shape} MountsResponse
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): containerd.services.snapshots.v1.MountsResponse & containerd.services.snapshots.v1.MountsResponse.$Shape;
                }

                namespace MountsResponse {

                    /** Properties of a MountsResponse. */
                    interface $Properties {

                        /** MountsResponse mounts */
                        mounts?: (containerd.services.snapshots.v1.Mount.$Properties[]|null);

                        /** Unknown fields preserved while decoding when enabled */
                        $unknowns?: Uint8Array[];
                    }

                    /** Shape of a MountsResponse. */
                    type $Shape = containerd.services.snapshots.v1.MountsResponse.$Properties;
                }

                /**
                 * Properties of a CommitSnapshotRequest.
                 * @deprecated Use containerd.services.snapshots.v1.CommitSnapshotRequest.$Properties instead.
                 */
                interface ICommitSnapshotRequest extends containerd.services.snapshots.v1.CommitSnapshotRequest.$Properties {
                }

                /** Represents a CommitSnapshotRequest. */
                class CommitSnapshotRequest {

                    /**
                     * Constructs a new CommitSnapshotRequest.
                     * @param [properties] Properties to set
                     */
                    constructor(properties?: containerd.services.snapshots.v1.CommitSnapshotRequest.$Properties);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];

                    /** CommitSnapshotRequest snapshotter. */
                    snapshotter: string;

                    /** CommitSnapshotRequest name. */
                    name: string;

                    /** CommitSnapshotRequest key. */
                    key: string;

                    /** CommitSnapshotRequest labels. */
                    labels: { [k: string]: string };

                    /** CommitSnapshotRequest parent. */
                    parent: string;

                    /**
                     * Creates a new CommitSnapshotRequest instance using the specified properties.
                     * @param [properties] Properties to set
                     * @returns CommitSnapshotRequest instance
                     */
                    static create(properties: containerd.services.snapshots.v1.CommitSnapshotRequest.$Shape): containerd.services.snapshots.v1.CommitSnapshotRequest & containerd.services.snapshots.v1.CommitSnapshotRequest.$Shape;
                    static create(properties?: containerd.services.snapshots.v1.CommitSnapshotRequest.$Properties): containerd.services.snapshots.v1.CommitSnapshotRequest;

                    /**
                     * Encodes the specified CommitSnapshotRequest message. Does not implicitly {@link containerd.services.snapshots.v1.CommitSnapshotRequest.verify|verify} messages.
                     * @param message CommitSnapshotRequest message or plain object to encode
                     * @param [writer] Writer to encode to
                     * @returns Writer
                     */
                    static encode(message: containerd.services.snapshots.v1.CommitSnapshotRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                    /**
                     * Decodes a CommitSnapshotRequest message from the specified reader or buffer.
                     * @param reader Reader or buffer to decode from
                     * @param [length] Message length if known beforehand
                     * @returns {containerd.services.snapshots.v1.CommitSnapshotRequest & containerd.services.snapshots.v1.CommitSnapshotRequest.$Shape} CommitSnapshotRequest
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): containerd.services.snapshots.v1.CommitSnapshotRequest & containerd.services.snapshots.v1.CommitSnapshotRequest.$Shape;
                }

                namespace CommitSnapshotRequest {

                    /** Properties of a CommitSnapshotRequest. */
                    interface $Properties {

                        /** CommitSnapshotRequest snapshotter */
                        snapshotter?: (string|null);

                        /** CommitSnapshotRequest name */
                        name?: (string|null);

                        /** CommitSnapshotRequest key */
                        key?: (string|null);

                        /** CommitSnapshotRequest labels */
                        labels?: ({ [k: string]: string }|null);

                        /** CommitSnapshotRequest parent */
                        parent?: (string|null);

                        /** Unknown fields preserved while decoding when enabled */
                        $unknowns?: Uint8Array[];
                    }

                    /** Shape of a CommitSnapshotRequest. */
                    type $Shape = containerd.services.snapshots.v1.CommitSnapshotRequest.$Properties;
                }

                /**
                 * Properties of a RemoveSnapshotRequest.
                 * @deprecated Use containerd.services.snapshots.v1.RemoveSnapshotRequest.$Properties instead.
                 */
                interface IRemoveSnapshotRequest extends containerd.services.snapshots.v1.RemoveSnapshotRequest.$Properties {
                }

                /** Represents a RemoveSnapshotRequest. */
                class RemoveSnapshotRequest {

                    /**
                     * Constructs a new RemoveSnapshotRequest.
                     * @param [properties] Properties to set
                     */
                    constructor(properties?: containerd.services.snapshots.v1.RemoveSnapshotRequest.$Properties);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];

                    /** RemoveSnapshotRequest snapshotter. */
                    snapshotter: string;

                    /** RemoveSnapshotRequest key. */
                    key: string;

                    /**
                     * Creates a new RemoveSnapshotRequest instance using the specified properties.
                     * @param [properties] Properties to set
                     * @returns RemoveSnapshotRequest instance
                     */
                    static create(properties: containerd.services.snapshots.v1.RemoveSnapshotRequest.$Shape): containerd.services.snapshots.v1.RemoveSnapshotRequest & containerd.services.snapshots.v1.RemoveSnapshotRequest.$Shape;
                    static create(properties?: containerd.services.snapshots.v1.RemoveSnapshotRequest.$Properties): containerd.services.snapshots.v1.RemoveSnapshotRequest;

                    /**
                     * Encodes the specified RemoveSnapshotRequest message. Does not implicitly {@link containerd.services.snapshots.v1.RemoveSnapshotRequest.verify|verify} messages.
                     * @param message RemoveSnapshotRequest message or plain object to encode
                     * @param [writer] Writer to encode to
                     * @returns Writer
                     */
                    static encode(message: containerd.services.snapshots.v1.RemoveSnapshotRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                    /**
                     * Decodes a RemoveSnapshotRequest message from the specified reader or buffer.
                     * @param reader Reader or buffer to decode from
                     * @param [length] Message length if known beforehand
                     * @returns {containerd.services.snapshots.v1.RemoveSnapshotRequest & containerd.services.snapshots.v1.RemoveSnapshotRequest.$Shape} RemoveSnapshotRequest
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): containerd.services.snapshots.v1.RemoveSnapshotRequest & containerd.services.snapshots.v1.RemoveSnapshotRequest.$Shape;
                }

                namespace RemoveSnapshotRequest {

                    /** Properties of a RemoveSnapshotRequest. */
                    interface $Properties {

                        /** RemoveSnapshotRequest snapshotter */
                        snapshotter?: (string|null);

                        /** RemoveSnapshotRequest key */
                        key?: (string|null);

                        /** Unknown fields preserved while decoding when enabled */
                        $unknowns?: Uint8Array[];
                    }

                    /** Shape of a RemoveSnapshotRequest. */
                    type $Shape = containerd.services.snapshots.v1.RemoveSnapshotRequest.$Properties;
                }

                /**
                 * Properties of a StatSnapshotRequest.
                 * @deprecated Use containerd.services.snapshots.v1.StatSnapshotRequest.$Properties instead.
                 */
                interface IStatSnapshotRequest extends containerd.services.snapshots.v1.StatSnapshotRequest.$Properties {
                }

                /** Represents a StatSnapshotRequest. */
                class StatSnapshotRequest {

                    /**
                     * Constructs a new StatSnapshotRequest.
                     * @param [properties] Properties to set
                     */
                    constructor(properties?: containerd.services.snapshots.v1.StatSnapshotRequest.$Properties);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];

                    /** StatSnapshotRequest snapshotter. */
                    snapshotter: string;

                    /** StatSnapshotRequest key. */
                    key: string;

                    /**
                     * Creates a new StatSnapshotRequest instance using the specified properties.
                     * @param [properties] Properties to set
                     * @returns StatSnapshotRequest instance
                     */
                    static create(properties: containerd.services.snapshots.v1.StatSnapshotRequest.$Shape): containerd.services.snapshots.v1.StatSnapshotRequest & containerd.services.snapshots.v1.StatSnapshotRequest.$Shape;
                    static create(properties?: containerd.services.snapshots.v1.StatSnapshotRequest.$Properties): containerd.services.snapshots.v1.StatSnapshotRequest;

                    /**
                     * Encodes the specified StatSnapshotRequest message. Does not implicitly {@link containerd.services.snapshots.v1.StatSnapshotRequest.verify|verify} messages.
                     * @param message StatSnapshotRequest message or plain object to encode
                     * @param [writer] Writer to encode to
                     * @returns Writer
                     */
                    static encode(message: containerd.services.snapshots.v1.StatSnapshotRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                    /**
                     * Decodes a StatSnapshotRequest message from the specified reader or buffer.
                     * @param reader Reader or buffer to decode from
                     * @param [length] Message length if known beforehand
                     * @returns {containerd.services.snapshots.v1.StatSnapshotRequest & containerd.services.snapshots.v1.StatSnapshotRequest.$Shape} StatSnapshotRequest
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): containerd.services.snapshots.v1.StatSnapshotRequest & containerd.services.snapshots.v1.StatSnapshotRequest.$Shape;
                }

                namespace StatSnapshotRequest {

                    /** Properties of a StatSnapshotRequest. */
                    interface $Properties {

                        /** StatSnapshotRequest snapshotter */
                        snapshotter?: (string|null);

                        /** StatSnapshotRequest key */
                        key?: (string|null);

                        /** Unknown fields preserved while decoding when enabled */
                        $unknowns?: Uint8Array[];
                    }

                    /** Shape of a StatSnapshotRequest. */
                    type $Shape = containerd.services.snapshots.v1.StatSnapshotRequest.$Properties;
                }

                /**
                 * Properties of a StatSnapshotResponse.
                 * @deprecated Use containerd.services.snapshots.v1.StatSnapshotResponse.$Properties instead.
                 */
                interface IStatSnapshotResponse extends containerd.services.snapshots.v1.StatSnapshotResponse.$Properties {
                }

                /** Represents a StatSnapshotResponse. */
                class StatSnapshotResponse {

                    /**
                     * Constructs a new StatSnapshotResponse.
                     * @param [properties] Properties to set
                     */
                    constructor(properties?: containerd.services.snapshots.v1.StatSnapshotResponse.$Properties);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];

                    /** StatSnapshotResponse info. */
                    info?: (containerd.services.snapshots.v1.Info.$Properties|null);

                    /**
                     * Creates a new StatSnapshotResponse instance using the specified properties.
                     * @param [properties] Properties to set
                     * @returns StatSnapshotResponse instance
                     */
                    static create(properties: containerd.services.snapshots.v1.StatSnapshotResponse.$Shape): containerd.services.snapshots.v1.StatSnapshotResponse & containerd.services.snapshots.v1.StatSnapshotResponse.$Shape;
                    static create(properties?: containerd.services.snapshots.v1.StatSnapshotResponse.$Properties): containerd.services.snapshots.v1.StatSnapshotResponse;

                    /**
                     * Encodes the specified StatSnapshotResponse message. Does not implicitly {@link containerd.services.snapshots.v1.StatSnapshotResponse.verify|verify} messages.
                     * @param message StatSnapshotResponse message or plain object to encode
                     * @param [writer] Writer to encode to
                     * @returns Writer
                     */
                    static encode(message: containerd.services.snapshots.v1.StatSnapshotResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                    /**
                     * Decodes a StatSnapshotResponse message from the specified reader or buffer.
                     * @param reader Reader or buffer to decode from
                     * @param [length] Message length if known beforehand
                     * @returns {containerd.services.snapshots.v1.StatSnapshotResponse & containerd.services.snapshots.v1.StatSnapshotResponse.$Shape} StatSnapshotResponse
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): containerd.services.snapshots.v1.StatSnapshotResponse & containerd.services.snapshots.v1.StatSnapshotResponse.$Shape;
                }

                namespace StatSnapshotResponse {

                    /** Properties of a StatSnapshotResponse. */
                    interface $Properties {

                        /** StatSnapshotResponse info */
                        info?: (containerd.services.snapshots.v1.Info.$Properties|null);

                        /** Unknown fields preserved while decoding when enabled */
                        $unknowns?: Uint8Array[];
                    }

                    /** Shape of a StatSnapshotResponse. */
                    type $Shape = containerd.services.snapshots.v1.StatSnapshotResponse.$Properties;
                }

                /**
                 * Properties of an UpdateSnapshotRequest.
                 * @deprecated Use containerd.services.snapshots.v1.UpdateSnapshotRequest.$Properties instead.
                 */
                interface IUpdateSnapshotRequest extends containerd.services.snapshots.v1.UpdateSnapshotRequest.$Properties {
                }

                /** Represents an UpdateSnapshotRequest. */
                class UpdateSnapshotRequest {

                    /**
                     * Constructs a new UpdateSnapshotRequest.
                     * @param [properties] Properties to set
                     */
                    constructor(properties?: containerd.services.snapshots.v1.UpdateSnapshotRequest.$Properties);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];

                    /** UpdateSnapshotRequest snapshotter. */
                    snapshotter: string;

                    /** UpdateSnapshotRequest info. */
                    info?: (containerd.services.snapshots.v1.Info.$Properties|null);

                    /** UpdateSnapshotRequest updateMask. */
                    updateMask?: (google.protobuf.FieldMask.$Properties|null);

                    /**
                     * Creates a new UpdateSnapshotRequest instance using the specified properties.
                     * @param [properties] Properties to set
                     * @returns UpdateSnapshotRequest instance
                     */
                    static create(properties: containerd.services.snapshots.v1.UpdateSnapshotRequest.$Shape): containerd.services.snapshots.v1.UpdateSnapshotRequest & containerd.services.snapshots.v1.UpdateSnapshotRequest.$Shape;
                    static create(properties?: containerd.services.snapshots.v1.UpdateSnapshotRequest.$Properties): containerd.services.snapshots.v1.UpdateSnapshotRequest;

                    /**
                     * Encodes the specified UpdateSnapshotRequest message. Does not implicitly {@link containerd.services.snapshots.v1.UpdateSnapshotRequest.verify|verify} messages.
                     * @param message UpdateSnapshotRequest message or plain object to encode
                     * @param [writer] Writer to encode to
                     * @returns Writer
                     */
                    static encode(message: containerd.services.snapshots.v1.UpdateSnapshotRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                    /**
                     * Decodes an UpdateSnapshotRequest message from the specified reader or buffer.
                     * @param reader Reader or buffer to decode from
                     * @param [length] Message length if known beforehand
                     * @returns {containerd.services.snapshots.v1.UpdateSnapshotRequest & containerd.services.snapshots.v1.UpdateSnapshotRequest.$Shape} UpdateSnapshotRequest
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): containerd.services.snapshots.v1.UpdateSnapshotRequest & containerd.services.snapshots.v1.UpdateSnapshotRequest.$Shape;
                }

                namespace UpdateSnapshotRequest {

                    /** Properties of an UpdateSnapshotRequest. */
                    interface $Properties {

                        /** UpdateSnapshotRequest snapshotter */
                        snapshotter?: (string|null);

                        /** UpdateSnapshotRequest info */
                        info?: (containerd.services.snapshots.v1.Info.$Properties|null);

                        /** UpdateSnapshotRequest updateMask */
                        updateMask?: (google.protobuf.FieldMask.$Properties|null);

                        /** Unknown fields preserved while decoding when enabled */
                        $unknowns?: Uint8Array[];
                    }

                    /** Shape of an UpdateSnapshotRequest. */
                    type $Shape = containerd.services.snapshots.v1.UpdateSnapshotRequest.$Properties;
                }

                /**
                 * Properties of an UpdateSnapshotResponse.
                 * @deprecated Use containerd.services.snapshots.v1.UpdateSnapshotResponse.$Properties instead.
                 */
                interface IUpdateSnapshotResponse extends containerd.services.snapshots.v1.UpdateSnapshotResponse.$Properties {
                }

                /** Represents an UpdateSnapshotResponse. */
                class UpdateSnapshotResponse {

                    /**
                     * Constructs a new UpdateSnapshotResponse.
                     * @param [properties] Properties to set
                     */
                    constructor(properties?: containerd.services.snapshots.v1.UpdateSnapshotResponse.$Properties);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];

                    /** UpdateSnapshotResponse info. */
                    info?: (containerd.services.snapshots.v1.Info.$Properties|null);

                    /**
                     * Creates a new UpdateSnapshotResponse instance using the specified properties.
                     * @param [properties] Properties to set
                     * @returns UpdateSnapshotResponse instance
                     */
                    static create(properties: containerd.services.snapshots.v1.UpdateSnapshotResponse.$Shape): containerd.services.snapshots.v1.UpdateSnapshotResponse & containerd.services.snapshots.v1.UpdateSnapshotResponse.$Shape;
                    static create(properties?: containerd.services.snapshots.v1.UpdateSnapshotResponse.$Properties): containerd.services.snapshots.v1.UpdateSnapshotResponse;

                    /**
                     * Encodes the specified UpdateSnapshotResponse message. Does not implicitly {@link containerd.services.snapshots.v1.UpdateSnapshotResponse.verify|verify} messages.
                     * @param message UpdateSnapshotResponse message or plain object to encode
                     * @param [writer] Writer to encode to
                     * @returns Writer
                     */
                    static encode(message: containerd.services.snapshots.v1.UpdateSnapshotResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                    /**
                     * Decodes an UpdateSnapshotResponse message from the specified reader or buffer.
                     * @param reader Reader or buffer to decode from
                     * @param [length] Message length if known beforehand
                     * @returns {containerd.services.snapshots.v1.UpdateSnapshotResponse & containerd.services.snapshots.v1.UpdateSnapshotResponse.$Shape} UpdateSnapshotResponse
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): containerd.services.snapshots.v1.UpdateSnapshotResponse & containerd.services.snapshots.v1.UpdateSnapshotResponse.$Shape;
                }

                namespace UpdateSnapshotResponse {

                    /** Properties of an UpdateSnapshotResponse. */
                    interface $Properties {

                        /** UpdateSnapshotResponse info */
                        info?: (containerd.services.snapshots.v1.Info.$Properties|null);

                        /** Unknown fields preserved while decoding when enabled */
                        $unknowns?: Uint8Array[];
                    }

                    /** Shape of an UpdateSnapshotResponse. */
                    type $Shape = containerd.services.snapshots.v1.UpdateSnapshotResponse.$Properties;
                }

                /**
                 * Properties of a ListSnapshotsRequest.
                 * @deprecated Use containerd.services.snapshots.v1.ListSnapshotsRequest.$Properties instead.
                 */
                interface IListSnapshotsRequest extends containerd.services.snapshots.v1.ListSnapshotsRequest.$Properties {
                }

                /** Represents a ListSnapshotsRequest. */
                class ListSnapshotsRequest {

                    /**
                     * Constructs a new ListSnapshotsRequest.
                     * @param [properties] Properties to set
                     */
                    constructor(properties?: containerd.services.snapshots.v1.ListSnapshotsRequest.$Properties);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];

                    /** ListSnapshotsRequest snapshotter. */
                    snapshotter: string;

                    /** ListSnapshotsRequest filters. */
                    filters: string[];

                    /**
                     * Creates a new ListSnapshotsRequest instance using the specified properties.
                     * @param [properties] Properties to set
                     * @returns ListSnapshotsRequest instance
                     */
                    static create(properties: containerd.services.snapshots.v1.ListSnapshotsRequest.$Shape): containerd.services.snapshots.v1.ListSnapshotsRequest & containerd.services.snapshots.v1.ListSnapshotsRequest.$Shape;
                    static create(properties?: containerd.services.snapshots.v1.ListSnapshotsRequest.$Properties): containerd.services.snapshots.v1.ListSnapshotsRequest;

                    /**
                     * Encodes the specified ListSnapshotsRequest message. Does not implicitly {@link containerd.services.snapshots.v1.ListSnapshotsRequest.verify|verify} messages.
                     * @param message ListSnapshotsRequest message or plain object to encode
                     * @param [writer] Writer to encode to
                     * @returns Writer
                     */
                    static encode(message: containerd.services.snapshots.v1.ListSnapshotsRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                    /**
                     * Decodes a ListSnapshotsRequest message from the specified reader or buffer.
                     * @param reader Reader or buffer to decode from
                     * @param [length] Message length if known beforehand
                     * @returns {containerd.services.snapshots.v1.ListSnapshotsRequest & containerd.services.snapshots.v1.ListSnapshotsRequest.$Shape} ListSnapshotsRequest
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): containerd.services.snapshots.v1.ListSnapshotsRequest & containerd.services.snapshots.v1.ListSnapshotsRequest.$Shape;
                }

                namespace ListSnapshotsRequest {

                    /** Properties of a ListSnapshotsRequest. */
                    interface $Properties {

                        /** ListSnapshotsRequest snapshotter */
                        snapshotter?: (string|null);

                        /** ListSnapshotsRequest filters */
                        filters?: (string[]|null);

                        /** Unknown fields preserved while decoding when enabled */
                        $unknowns?: Uint8Array[];
                    }

                    /** Shape of a ListSnapshotsRequest. */
                    type $Shape = containerd.services.snapshots.v1.ListSnapshotsRequest.$Properties;
                }

                /**
                 * Properties of a ListSnapshotsResponse.
                 * @deprecated Use containerd.services.snapshots.v1.ListSnapshotsResponse.$Properties instead.
                 */
                interface IListSnapshotsResponse extends containerd.services.snapshots.v1.ListSnapshotsResponse.$Properties {
                }

                /** Represents a ListSnapshotsResponse. */
                class ListSnapshotsResponse {

                    /**
                     * Constructs a new ListSnapshotsResponse.
                     * @param [properties] Properties to set
                     */
                    constructor(properties?: containerd.services.snapshots.v1.ListSnapshotsResponse.$Properties);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];

                    /** ListSnapshotsResponse info. */
                    info: containerd.services.snapshots.v1.Info.$Properties[];

                    /**
                     * Creates a new ListSnapshotsResponse instance using the specified properties.
                     * @param [properties] Properties to set
                     * @returns ListSnapshotsResponse instance
                     */
                    static create(properties: containerd.services.snapshots.v1.ListSnapshotsResponse.$Shape): containerd.services.snapshots.v1.ListSnapshotsResponse & containerd.services.snapshots.v1.ListSnapshotsResponse.$Shape;
                    static create(properties?: containerd.services.snapshots.v1.ListSnapshotsResponse.$Properties): containerd.services.snapshots.v1.ListSnapshotsResponse;

                    /**
                     * Encodes the specified ListSnapshotsResponse message. Does not implicitly {@link containerd.services.snapshots.v1.ListSnapshotsResponse.verify|verify} messages.
                     * @param message ListSnapshotsResponse message or plain object to encode
                     * @param [writer] Writer to encode to
                     * @returns Writer
                     */
                    static encode(message: containerd.services.snapshots.v1.ListSnapshotsResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                    /**
                     * Decodes a ListSnapshotsResponse message from the specified reader or buffer.
                     * @param reader Reader or buffer to decode from
                     * @param [length] Message length if known beforehand
                     * @returns {containerd.services.snapshots.v1.ListSnapshotsResponse & containerd.services.snapshots.v1.ListSnapshotsResponse.$Shape} ListSnapshotsResponse
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): containerd.services.snapshots.v1.ListSnapshotsResponse & containerd.services.snapshots.v1.ListSnapshotsResponse.$Shape;
                }

                namespace ListSnapshotsResponse {

                    /** Properties of a ListSnapshotsResponse. */
                    interface $Properties {

                        /** ListSnapshotsResponse info */
                        info?: (containerd.services.snapshots.v1.Info.$Properties[]|null);

                        /** Unknown fields preserved while decoding when enabled */
                        $unknowns?: Uint8Array[];
                    }

                    /** Shape of a ListSnapshotsResponse. */
                    type $Shape = containerd.services.snapshots.v1.ListSnapshotsResponse.$Properties;
                }

                /**
                 * Properties of a UsageRequest.
                 * @deprecated Use containerd.services.snapshots.v1.UsageRequest.$Properties instead.
                 */
                interface IUsageRequest extends containerd.services.snapshots.v1.UsageRequest.$Properties {
                }

                /** Represents a UsageRequest. */
                class UsageRequest {

                    /**
                     * Constructs a new UsageRequest.
                     * @param [properties] Properties to set
                     */
                    constructor(properties?: containerd.services.snapshots.v1.UsageRequest.$Properties);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];

                    /** UsageRequest snapshotter. */
                    snapshotter: string;

                    /** UsageRequest key. */
                    key: string;

                    /**
                     * Creates a new UsageRequest instance using the specified properties.
                     * @param [properties] Properties to set
                     * @returns UsageRequest instance
                     */
                    static create(properties: containerd.services.snapshots.v1.UsageRequest.$Shape): containerd.services.snapshots.v1.UsageRequest & containerd.services.snapshots.v1.UsageRequest.$Shape;
                    static create(properties?: containerd.services.snapshots.v1.UsageRequest.$Properties): containerd.services.snapshots.v1.UsageRequest;

                    /**
                     * Encodes the specified UsageRequest message. Does not implicitly {@link containerd.services.snapshots.v1.UsageRequest.verify|verify} messages.
                     * @param message UsageRequest message or plain object to encode
                     * @param [writer] Writer to encode to
                     * @returns Writer
                     */
                    static encode(message: containerd.services.snapshots.v1.UsageRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                    /**
                     * Decodes a UsageRequest message from the specified reader or buffer.
                     * @param reader Reader or buffer to decode from
                     * @param [length] Message length if known beforehand
                     * @returns {containerd.services.snapshots.v1.UsageRequest & containerd.services.snapshots.v1.UsageRequest.$Shape} UsageRequest
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): containerd.services.snapshots.v1.UsageRequest & containerd.services.snapshots.v1.UsageRequest.$Shape;
                }

                namespace UsageRequest {

                    /** Properties of a UsageRequest. */
                    interface $Properties {

                        /** UsageRequest snapshotter */
                        snapshotter?: (string|null);

                        /** UsageRequest key */
                        key?: (string|null);

                        /** Unknown fields preserved while decoding when enabled */
                        $unknowns?: Uint8Array[];
                    }

                    /** Shape of a UsageRequest. */
                    type $Shape = containerd.services.snapshots.v1.UsageRequest.$Properties;
                }

                /**
                 * Properties of a UsageResponse.
                 * @deprecated Use containerd.services.snapshots.v1.UsageResponse.$Properties instead.
                 */
                interface IUsageResponse extends containerd.services.snapshots.v1.UsageResponse.$Properties {
                }

                /** Represents a UsageResponse. */
                class UsageResponse {

                    /**
                     * Constructs a new UsageResponse.
                     * @param [properties] Properties to set
                     */
                    constructor(properties?: containerd.services.snapshots.v1.UsageResponse.$Properties);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];

                    /** UsageResponse size. */
                    size: (number|Long);

                    /** UsageResponse inodes. */
                    inodes: (number|Long);

                    /**
                     * Creates a new UsageResponse instance using the specified properties.
                     * @param [properties] Properties to set
                     * @returns UsageResponse instance
                     */
                    static create(properties: containerd.services.snapshots.v1.UsageResponse.$Shape): containerd.services.snapshots.v1.UsageResponse & containerd.services.snapshots.v1.UsageResponse.$Shape;
                    static create(properties?: containerd.services.snapshots.v1.UsageResponse.$Properties): containerd.services.snapshots.v1.UsageResponse;

                    /**
                     * Encodes the specified UsageResponse message. Does not implicitly {@link containerd.services.snapshots.v1.UsageResponse.verify|verify} messages.
                     * @param message UsageResponse message or plain object to encode
                     * @param [writer] Writer to encode to
                     * @returns Writer
                     */
                    static encode(message: containerd.services.snapshots.v1.UsageResponse.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                    /**
                     * Decodes a UsageResponse message from the specified reader or buffer.
                     * @param reader Reader or buffer to decode from
                     * @param [length] Message length if known beforehand
                     * @returns {containerd.services.snapshots.v1.UsageResponse & containerd.services.snapshots.v1.UsageResponse.$Shape} UsageResponse
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): containerd.services.snapshots.v1.UsageResponse & containerd.services.snapshots.v1.UsageResponse.$Shape;
                }

                namespace UsageResponse {

                    /** Properties of a UsageResponse. */
                    interface $Properties {

                        /** UsageResponse size */
                        size?: (number|Long|null);

                        /** UsageResponse inodes */
                        inodes?: (number|Long|null);

                        /** Unknown fields preserved while decoding when enabled */
                        $unknowns?: Uint8Array[];
                    }

                    /** Shape of a UsageResponse. */
                    type $Shape = containerd.services.snapshots.v1.UsageResponse.$Properties;
                }

                /**
                 * Properties of a CleanupRequest.
                 * @deprecated Use containerd.services.snapshots.v1.CleanupRequest.$Properties instead.
                 */
                interface ICleanupRequest extends containerd.services.snapshots.v1.CleanupRequest.$Properties {
                }

                /** Represents a CleanupRequest. */
                class CleanupRequest {

                    /**
                     * Constructs a new CleanupRequest.
                     * @param [properties] Properties to set
                     */
                    constructor(properties?: containerd.services.snapshots.v1.CleanupRequest.$Properties);

                    /** Unknown fields preserved while decoding when enabled */
                    $unknowns?: Uint8Array[];

                    /** CleanupRequest snapshotter. */
                    snapshotter: string;

                    /**
                     * Creates a new CleanupRequest instance using the specified properties.
                     * @param [properties] Properties to set
                     * @returns CleanupRequest instance
                     */
                    static create(properties: containerd.services.snapshots.v1.CleanupRequest.$Shape): containerd.services.snapshots.v1.CleanupRequest & containerd.services.snapshots.v1.CleanupRequest.$Shape;
                    static create(properties?: containerd.services.snapshots.v1.CleanupRequest.$Properties): containerd.services.snapshots.v1.CleanupRequest;

                    /**
                     * Encodes the specified CleanupRequest message. Does not implicitly {@link containerd.services.snapshots.v1.CleanupRequest.verify|verify} messages.
                     * @param message CleanupRequest message or plain object to encode
                     * @param [writer] Writer to encode to
                     * @returns Writer
                     */
                    static encode(message: containerd.services.snapshots.v1.CleanupRequest.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

                    /**
                     * Decodes a CleanupRequest message from the specified reader or buffer.
                     * @param reader Reader or buffer to decode from
                     * @param [length] Message length if known beforehand
                     * @returns {containerd.services.snapshots.v1.CleanupRequest & containerd.services.snapshots.v1.CleanupRequest.$Shape} CleanupRequest
                     * @throws {Error} If the payload is not a reader or valid buffer
                     * @throws {$protobuf.util.ProtocolError} If required fields are missing
                     */
                    static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): containerd.services.snapshots.v1.CleanupRequest & containerd.services.snapshots.v1.CleanupRequest.$Shape;
                }

                namespace CleanupRequest {

                    /** Properties of a CleanupRequest. */
                    interface $Properties {

                        /** CleanupRequest snapshotter */
                        snapshotter?: (string|null);

                        /** Unknown fields preserved while decoding when enabled */
                        $unknowns?: Uint8Array[];
                    }

                    /** Shape of a CleanupRequest. */
                    type $Shape = containerd.services.snapshots.v1.CleanupRequest.$Properties;
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

        /**
         * Properties of a FieldMask.
         * @deprecated Use google.protobuf.FieldMask.$Properties instead.
         */
        interface IFieldMask extends google.protobuf.FieldMask.$Properties {
        }

        /** Represents a FieldMask. */
        class FieldMask {

            /**
             * Constructs a new FieldMask.
             * @param [properties] Properties to set
             */
            constructor(properties?: google.protobuf.FieldMask.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** FieldMask paths. */
            paths: string[];

            /**
             * Creates a new FieldMask instance using the specified properties.
             * @param [properties] Properties to set
             * @returns FieldMask instance
             */
            static create(properties: google.protobuf.FieldMask.$Shape): google.protobuf.FieldMask & google.protobuf.FieldMask.$Shape;
            static create(properties?: google.protobuf.FieldMask.$Properties): google.protobuf.FieldMask;

            /**
             * Encodes the specified FieldMask message. Does not implicitly {@link google.protobuf.FieldMask.verify|verify} messages.
             * @param message FieldMask message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: google.protobuf.FieldMask.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a FieldMask message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {google.protobuf.FieldMask & google.protobuf.FieldMask.$Shape} FieldMask
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): google.protobuf.FieldMask & google.protobuf.FieldMask.$Shape;
        }

        namespace FieldMask {

            /** Properties of a FieldMask. */
            interface $Properties {

                /** FieldMask paths */
                paths?: (string[]|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a FieldMask. */
            type $Shape = google.protobuf.FieldMask.$Properties;
        }

        /**
         * Properties of a Timestamp.
         * @deprecated Use google.protobuf.Timestamp.$Properties instead.
         */
        interface ITimestamp extends google.protobuf.Timestamp.$Properties {
        }

        /** Represents a Timestamp. */
        class Timestamp {

            /**
             * Constructs a new Timestamp.
             * @param [properties] Properties to set
             */
            constructor(properties?: google.protobuf.Timestamp.$Properties);

            /** Unknown fields preserved while decoding when enabled */
            $unknowns?: Uint8Array[];

            /** Timestamp seconds. */
            seconds: (number|Long);

            /** Timestamp nanos. */
            nanos: number;

            /**
             * Creates a new Timestamp instance using the specified properties.
             * @param [properties] Properties to set
             * @returns Timestamp instance
             */
            static create(properties: google.protobuf.Timestamp.$Shape): google.protobuf.Timestamp & google.protobuf.Timestamp.$Shape;
            static create(properties?: google.protobuf.Timestamp.$Properties): google.protobuf.Timestamp;

            /**
             * Encodes the specified Timestamp message. Does not implicitly {@link google.protobuf.Timestamp.verify|verify} messages.
             * @param message Timestamp message or plain object to encode
             * @param [writer] Writer to encode to
             * @returns Writer
             */
            static encode(message: google.protobuf.Timestamp.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;

            /**
             * Decodes a Timestamp message from the specified reader or buffer.
             * @param reader Reader or buffer to decode from
             * @param [length] Message length if known beforehand
             * @returns {google.protobuf.Timestamp & google.protobuf.Timestamp.$Shape} Timestamp
             * @throws {Error} If the payload is not a reader or valid buffer
             * @throws {$protobuf.util.ProtocolError} If required fields are missing
             */
            static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): google.protobuf.Timestamp & google.protobuf.Timestamp.$Shape;
        }

        namespace Timestamp {

            /** Properties of a Timestamp. */
            interface $Properties {

                /** Timestamp seconds */
                seconds?: (number|Long|null);

                /** Timestamp nanos */
                nanos?: (number|null);

                /** Unknown fields preserved while decoding when enabled */
                $unknowns?: Uint8Array[];
            }

            /** Shape of a Timestamp. */
            type $Shape = google.protobuf.Timestamp.$Properties;
        }
    }
}
