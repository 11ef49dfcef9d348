/**
 * Short names for the messages of containerd.services.content.v1: requests as they are
 * decoded, responses as they may be given to be encoded.
 */
import type { containerd, google } from "../../protos/gen/content.js";

export type InfoRequest = containerd.services.content.v1.InfoRequest;
export type InfoResponse = containerd.services.content.v1.InfoResponse.$Properties;
export type UpdateRequest = containerd.services.content.v1.UpdateRequest;
export type UpdateResponse = containerd.services.content.v1.UpdateResponse.$Properties;
export type ListContentRequest = containerd.services.content.v1.ListContentRequest;
export type ListContentResponse = containerd.services.content.v1.ListContentResponse.$Properties;
export type DeleteContentRequest = containerd.services.content.v1.DeleteContentRequest;
export type StatusRequest = containerd.services.content.v1.StatusRequest;
export type StatusResponse = containerd.services.content.v1.StatusResponse.$Properties;
export type ListStatusesRequest = containerd.services.content.v1.ListStatusesRequest;
export type ListStatusesResponse = containerd.services.content.v1.ListStatusesResponse.$Properties;
export type WriteContentRequest = containerd.services.content.v1.WriteContentRequest;
export type WriteContentResponse = containerd.services.content.v1.WriteContentResponse.$Properties;
export type AbortRequest = containerd.services.content.v1.AbortRequest;
export type Empty = google.protobuf.Empty.$Properties;
