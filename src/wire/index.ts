/** Formats of what travels on the wire: Ethernet and its tags, IP, transport checksums, test frames, capture files. */
export { readCapture } from './capture.ts';
export { type Capture, CaptureError, type CaptureInterface, type CapturePacket } from './capture-types.ts';
export {
  internetChecksum,
  internetSum,
  isTransportChecksumValid,
  pseudoHeaderSum,
  transportChecksum,
} from './checksum.ts';
export { crc32, crc32c, isFcsValid, writeFcs } from './crc.ts';
export { Ecn, findIpHeader, isIpHeaderValid, readEcn, writeEcn } from './ecn.ts';
export {
  type EChannel,
  ETAG_BYTES,
  type ETag,
  eChannel,
  isEChannelGroup,
  MAX_E_CHANNEL,
  parseEChannel,
  parseETag,
  writeETag,
} from './etag.ts';
export {
  ETHERNET,
  ETHERNET_HEADER_BYTES,
  type EthernetHeader,
  EtherType,
  FCS_BYTES,
  INTER_FRAME_GAP_BYTES,
  MAX_FRAME_BYTES,
  MAX_TAGGED_FRAME_BYTES,
  MIN_FRAME_BYTES,
  macFrameBytes,
  PREAMBLE_BYTES,
  parseEthernet,
  readDestination,
  readEtherType,
  readSource,
  wireBytes,
  writeEthernet,
} from './ethernet.ts';
export {
  formatIpv4,
  IPV4,
  IPV4_HEADER_BYTES,
  IpProtocol,
  type Ipv4Fields,
  type Ipv4Header,
  ipv4HeaderBytes,
  isIpv4ChecksumValid,
  parseIpv4,
  writeIpv4,
  writeIpv4Checksum,
} from './ipv4.ts';
export { IPV6, IPV6_HEADER_BYTES, type Ipv6Header, parseIpv6, writeIpv6 } from './ipv6.ts';
export {
  BROADCAST,
  formatMac,
  isMulticast,
  MAC_BYTES,
  macHighWord,
  macLowWord,
  macOfWords,
  parseMac,
  readMac,
  writeMac,
} from './mac.ts';
export {
  isMacControl,
  MAC_CONTROL_ADDRESS,
  MAC_CONTROL_BYTES,
  MAX_PAUSE_QUANTA,
  type MacControl,
  MacControlOpcode,
  PAUSE_QUANTUM_BITS,
  type Pause,
  PRIORITIES,
  type PriorityPause,
  parseMacControl,
  writeMacControl,
} from './mac-control.ts';
export { PacketKind, PacketLayout, parsePacket, type TagTypes } from './packet-layout.ts';
export {
  type PcapngInterface,
  type PcapngPacket,
  type PcapngSection,
  PcapngWriter,
} from './pcapng-writer.ts';
export {
  isSctpChecksumValid,
  parseSctp,
  SCTP,
  SCTP_HEADER_BYTES,
  type SctpHeader,
  sctpChecksum,
  writeSctp,
  writeSctpChecksum,
} from './sctp.ts';
export {
  insertIpv4Checksum,
  insertTransportChecksum,
  type OffloadHeaders,
  TCP_FLAGS_MASK,
  updateSegmentHeaders,
} from './segmentation.ts';
export {
  MAX_TAG_BYTES,
  MAX_TAGGED_HEADER_BYTES,
  TagEdit,
  taggedBytes,
  virtualTagBytes,
  writeTagged,
  writeTaggedHeader,
} from './tag-edit.ts';
export { parseTagStack, type Tag, type TagStack } from './tag-stack.ts';
export {
  isTcpChecksumValid,
  parseTcp,
  TCP,
  TCP_HEADER_BYTES,
  type TcpFields,
  TcpFlag,
  type TcpHeader,
  writeTcp,
  writeTcpChecksum,
} from './tcp.ts';
export {
  buildTestFrame,
  findStamp,
  MAX_TEST_FRAME_BYTES,
  readStampEcn,
  readStampFlow,
  readStampSequence,
  stampOffset,
  type TestFrame,
  writeStampFlow,
  writeStampSequence,
} from './test-frame.ts';
export { TOEPLITZ_KEY_BYTES, toeplitzHash } from './toeplitz.ts';
export {
  isUdpChecksumValid,
  parseUdp,
  UDP,
  UDP_HEADER_BYTES,
  type UdpHeader,
  writeUdp,
  writeUdpChecksum,
} from './udp.ts';
export {
  isVlanEtherType,
  MAX_VLAN_ID,
  packTci,
  parseVlanTag,
  tciId,
  tciPriority,
  VLAN_TAG_BYTES,
  type VlanTag,
  writeVlanTag,
} from './vlan.ts';
export { parseVnTag, VNTAG_BYTES, type VnTag, writeVnTag } from './vntag.ts';
