// WebTorrent asks this package for WebRTC, which Shoal does not use: its native
// part cannot be built everywhere, and it would open ports that nobody asked for.
export const RTCPeerConnection = undefined;
export const RTCSessionDescription = undefined;
export const RTCIceCandidate = undefined;
export default { RTCPeerConnection, RTCSessionDescription, RTCIceCandidate };
